"""Scores: one row per image and method; then the summary, one row per (model, view, method)."""


rule score_fixations:
    """Accuracy before and after the saccade, and the Pointing Game."""
    input:
        fixations="results/{dataset}/{view}/{model}/fixations/{method}.parquet",
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        index="results/{dataset}/index.parquet",
        code=sources("score_fixations.py"),
        env=environment("analysis"),
    output:
        scores="results/{dataset}/{view}/{model}/scores/{method}.parquet",
    log:
        "logs/score_fixations/{dataset}/{view}/{model}/{method}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        tolerance=settings.pointing.tolerance,
    message:
        "Scores of {wildcards.method}: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/score_fixations.py"


rule summarise_scores:
    """Means over images with 95 % intervals, one row per (model, view, method)."""
    input:
        scores=lambda wc: expand(
            "results/{dataset}/{view}/{model}/scores/{method}.parquet",
            dataset=wc.dataset,
            view=settings.run.views,
            model=settings.run.models,
            method=settings.run.methods,
        ),
        code=sources("summarise_scores.py"),
        env=environment("analysis"),
    output:
        summary="results/{dataset}/summary.csv",
    log:
        "logs/summarise_scores/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        # In the order of input.scores: what each file is, as the first columns of its row.
        rows=lambda wc: [
            dict(
                dataset=wc.dataset,
                view=view,
                model=model,
                method=method,
                variant=settings.methods[method].variant,
                cue=settings.methods[method].cue,
                architecture=settings.models[model].architecture,
                weights=settings.models[model].source,
            )
            for view in settings.run.views
            for model in settings.run.models
            for method in settings.run.methods
        ],
    message:
        "Summarising {wildcards.dataset}"
    script:
        "../workflow/scripts/summarise_scores.py"
