"""Scores: one row per image and method; then the summary, the comparison with the paper, and telling examples."""


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
        scores=lambda wc: list(all_scores(wc)),
        code=sources("summarise_scores.py"),
        env=environment("analysis"),
    output:
        summary="results/{dataset}/summary.csv",
    log:
        "logs/summarise_scores/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        rows=lambda wc: list(all_scores(wc).values()),
    message:
        "Summarising {wildcards.dataset}"
    script:
        "../workflow/scripts/summarise_scores.py"


rule compare_with_paper:
    """Every number and every order that the paper states, beside ours."""
    input:
        summary="results/{dataset}/summary.csv",
        index="results/{dataset}/index.parquet",
        scores=lambda wc: list(all_scores(wc)),
        paper=shown(ROOT / "resources" / "paper.csv"),
        paper_orders=shown(ROOT / "resources" / "paper_orders.csv"),
        code=sources("compare_with_paper.py"),
        env=environment("analysis"),
    output:
        numbers="results/{dataset}/paper.csv",
        orders="results/{dataset}/paper_orders.csv",
    log:
        "logs/compare_with_paper/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        rows=lambda wc: list(all_scores(wc).values()),
    message:
        "Comparing {wildcards.dataset} with the paper"
    script:
        "../workflow/scripts/compare_with_paper.py"


rule choose_examples:
    """The most telling images for Figure 1, and those of the user's choice."""
    input:
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        index="results/{dataset}/index.parquet",
        fixations=expand(
            "results/{{dataset}}/{{view}}/{{model}}/fixations/{method}.parquet",
            method=settings.shown_methods,
        ),
        scores=expand(
            "results/{{dataset}}/{{view}}/{{model}}/scores/{method}.parquet", method=settings.shown_methods
        ),
        code=sources("choose_examples.py"),
        env=environment("analysis"),
    output:
        examples="results/{dataset}/{view}/{model}/examples.csv",
    log:
        "logs/choose_examples/{dataset}/{view}/{model}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        chosen=lambda wc: settings.datasets[wc.dataset].examples,
    message:
        "Choosing examples: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/choose_examples.py"
