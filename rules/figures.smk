"""Figures from tables and a few maps, and the report's tables."""


rule plot_figure_1:
    """The paper's Figure 1 for one image: each method's map and fixation, and what the network saw there."""
    input:
        examples="results/{dataset}/{view}/{model}/examples.csv",
        index="results/{dataset}/index.parquet",
        classes=classes_file,
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        saliency=expand(
            "results/{{dataset}}/{{view}}/{{model}}/saliency/{method}.h5", method=settings.shown_methods
        ),
        fixations=expand(
            "results/{{dataset}}/{{view}}/{{model}}/fixations/{method}.parquet",
            method=settings.shown_methods,
        ),
        code=lambda wc: sources("plot_figure_1.py", f"labelmaps.views.{settings.views[wc.view].family}"),
        env=environment("networks"),
    output:
        figures=drawn(
            "results/{dataset}/figures/figure_1/{view}/{model}/{example}",
            category="Figure 1: what each method looks at",
            labels={
                "data set": "{dataset}",
                "model": "{model}",
                "view": "{view}",
                "image": "{example}",
                "methods": ", ".join(settings.shown_methods),
            },
            caption="../workflow/report/figure_1.rst",
        ),
    log:
        "logs/plot_figure_1/{dataset}/{view}/{model}/{example}.log",
    wildcard_constraints:
        example="|".join(re.escape(name) for dataset in settings.datasets for name in examples_of(dataset)),
    conda:
        "../envs/networks.yaml"
    params:
        example="{example}",
        view=lambda wc: settings.views[wc.view].model_dump(),
        model=lambda wc: settings.models[wc.model].model_dump(),
        methods=[
            dict(variant=settings.methods[name].variant, cue=settings.methods[name].cue)
            for name in settings.shown_methods
        ],
    message:
        "Plotting Figure 1, {wildcards.example}: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_figure_1.py"


rule plot_figure_2:
    """The paper's Figure 2: accuracy before and after the saccade and the Pointing Game, per method and network."""
    input:
        summary="results/{dataset}/summary.csv",
        index="results/{dataset}/index.parquet",
        paper=shown(ROOT / "resources" / "paper.csv"),
        code=sources("plot_figure_2.py"),
        env=environment("figures"),
    output:
        figures=drawn(
            "results/{dataset}/figures/figure_2_{view}",
            category="Figure 2: accuracy and localisation",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/figure_2.rst",
        ),
    log:
        "logs/plot_figure_2/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        view="{view}",
    message:
        "Plotting Figure 2 of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_figure_2.py"


rule plot_trade_off:
    """Localisation against categorisation: one point per method and network."""
    input:
        summary="results/{dataset}/summary.csv",
        code=sources("plot_trade_off.py"),
        env=environment("figures"),
    output:
        figures=drawn(
            "results/{dataset}/figures/trade_off_{view}",
            category="Trade-off: localisation against accuracy",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/trade_off.rst",
        ),
    log:
        "logs/plot_trade_off/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        view="{view}",
    message:
        "Plotting the trade-off of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_trade_off.py"
