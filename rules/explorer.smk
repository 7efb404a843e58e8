"""The explorer: one page on which to look at telling images through every network, view and method."""

EXPLORER = [
    shown(ROOT / "labelmaps" / "explorer" / file) for file in ("page.html", "page.css", "views.js", "page.js")
]


rule build_explorer:
    """Build the page; it needs no network, nor the images."""
    input:
        index="results/{dataset}/index.parquet",
        classes=per_job(study.classes_file),
        summary="results/{dataset}/summary.parquet",
        measures=of_networks("measures.parquet"),
        label_maps=of_networks("label_maps.h5"),
        saliency=of_methods("saliency", "h5"),
        fixations=of_methods("fixations", "parquet"),
        scores=of_methods("scores", "parquet"),
        page=EXPLORER,
        code=sources(
            "build_explorer.py",
            *study.view_modules(settings.run.views),
            *study.method_modules(settings.run.methods),
        ),
        env=environment("networks"),
    output:
        explorer=report(
            "results/{dataset}/explorer.html",
            category="Explorer: image by image",
            labels={"data set": "{dataset}", **MODELS_AND_METHODS},
            caption="../workflow/report/explorer.rst",
        ),
    log:
        "logs/build_explorer/{dataset}.log",
    benchmark:
        "logs/build_explorer/{dataset}.tsv"
    conda:
        "../envs/networks.yaml"
    params:
        dataset="{dataset}",
        networks=[[view, model] for view in settings.run.views for model in settings.run.models],
        methods={
            name: dict(
                variant=settings.methods[name].variant,
                cue=settings.methods[name].cue,
            )
            for name in settings.run.methods
        },
        chosen=lambda wc: settings.datasets[wc.dataset].examples,
        n_images=settings.explorer.images,
        made_by=per_job(study.scored),
        shown=per_job(study.shown_of_networks),
    message:
        "Building the explorer of {wildcards.dataset}"
    script:
        "../workflow/scripts/build_explorer.py"
