"""The explorer: one page that shows some images through every network, view and method."""

from labelmaps.explorer.page import PAGE


rule build_explorer:
    """Build the page, one file that needs neither the internet nor the images when it is opened."""
    input:
        index="results/{dataset}/index.parquet",
        made=per_job(study.classes_inputs),
        summary="results/{dataset}/summary.parquet",
        measures=of_networks("measures.parquet"),
        label_maps=of_networks("label_maps.h5"),
        saliency=of_methods("saliency", "h5"),
        fixations=of_methods("fixations", "parquet"),
        scores=of_methods("scores", "parquet"),
        scanpaths=of_networks("scanpaths.parquet"),
    output:
        explorer=report(
            "results/{dataset}/explorer.html",
            category="Explorer: image by image",
            labels={"data set": "{dataset}", **MODELS_AND_METHODS},
            caption="../workflow/report/explorer.rst",
        ),
    log:
        "logs/build_explorer/{dataset}.log",
    priority: 1  # as for Figure 1
    conda:
        "../envs/networks.yaml"
    params:
        code=code_of(
            "build_explorer.py",
            "networks",
            *study.view_modules(settings.run.views),
            *study.method_modules(settings.run.methods),
            *study.scanpath_modules(),
            files=PAGE,
        ),
        contents=per_job(study.classes_contents),
        classes=as_path(study.classes_file),
        dataset="{dataset}",
        networks=[[view, model] for view in settings.run.views for model in settings.run.models],
        methods={
            name: dict(
                variant=settings.methods[name].variant,
                cue=settings.methods[name].cue,
            )
            for name in settings.run.methods
        },
        done=per_job(study.methods_of_networks),
        chosen=lambda wc: settings.datasets[wc.dataset].examples,
        n_images=settings.explorer.images,
        made_by=per_job(study.score_settings),
        shown=per_job(study.example_settings_of_networks),
        scanned=per_job(study.scanpath_settings_of_networks),
    message:
        "Building the explorer of {wildcards.dataset}"
    script:
        "../workflow/scripts/build_explorer.py"
