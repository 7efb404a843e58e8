"""Scores: one row per image (and class in it) and method; then summaries, comparisons with the paper, and examples."""


rule score_fixations:
    """Score a method's fixations: accuracy before and after the saccade, and the Pointing Game."""
    input:
        fixations="results/{dataset}/{view}/{model}/fixations/{method}.parquet",
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        index="results/{dataset}/index.parquet",
    output:
        scores="results/{dataset}/{view}/{model}/scores/{method}.parquet",
    log:
        "logs/score_fixations/{dataset}/{view}/{model}/{method}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("score_fixations.py", "analysis"),
        tolerance=settings.pointing.tolerance,
    message:
        "Scores of {wildcards.method}: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/score_fixations.py"


rule score_nulls:
    """Score the nulls: the accuracy that is reached without knowing where to look."""
    input:
        index="results/{dataset}/index.parquet",
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        standard="results/{dataset}/standard_crop/{model}/label_maps.h5",
        acceptable_labels=per_job(study.list_file, key="acceptable_labels"),
        ten_crop=per_job(study.ten_crop_files),
    output:
        scores="results/{dataset}/{view}/{model}/nulls.parquet",
        best_of_n="results/{dataset}/{view}/{model}/best_of_n.parquet",
    log:
        "logs/score_nulls/{dataset}/{view}/{model}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("score_nulls.py", "analysis"),
        tolerance=settings.pointing.tolerance,
        by_name=dict(seed=settings.nulls.seed, folds=settings.nulls.folds),
    message:
        "Scores of nulls: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/score_nulls.py"


rule summarise_scores:
    """Summarise scores: means over images with 95 % intervals by model, view, and method or null; and the best of n."""
    input:
        scores=of_methods("scores", "parquet"),
        nulls=of_networks("nulls.parquet"),
        curves=of_networks("best_of_n.parquet"),
        acceptable_labels=per_job(study.list_file, key="acceptable_labels"),
    output:
        summary=multiext("results/{dataset}/summary", ".csv", ".parquet"),
        best_of_n=multiext("results/{dataset}/best_of_n", ".csv", ".parquet"),
    log:
        "logs/summarise_scores/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("summarise_scores.py", "analysis"),
        rows=per_job(study.method_rows),
        networks=per_job(study.network_rows),
        made_by=per_job(study.score_settings),
    message:
        "Summarising {wildcards.dataset}"
    script:
        "../workflow/scripts/summarise_scores.py"


rule compare_methods:
    """Compare every pair of methods over the same images by McNemar's exact test, and nulls that choose no fixation."""
    input:
        scores=of_methods("scores", "parquet"),
        nulls=of_networks("nulls.parquet"),
        acceptable_labels=per_job(study.list_file, key="acceptable_labels"),
    output:
        comparisons=multiext("results/{dataset}/comparisons", ".csv", ".parquet"),
    log:
        "logs/compare_methods/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("compare_methods.py", "analysis"),
        networks=per_job(study.network_rows),
        methods=per_job(study.methods_of_networks),
        made_by=per_job(study.score_settings),
    message:
        "Comparing the methods on {wildcards.dataset}, two by two"
    script:
        "../workflow/scripts/compare_methods.py"


rule play_pointing_game:
    """Play the Pointing Game by rule, tolerance and object size, with its baselines and the grid's ceiling."""
    input:
        index="results/{dataset}/index.parquet",
        label_maps=of_networks("label_maps.h5"),
        fixations=of_methods("fixations", "parquet"),
    output:
        pointing=multiext("results/{dataset}/pointing", ".csv", ".parquet"),
    log:
        "logs/play_pointing_game/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("play_pointing_game.py", "analysis"),
        networks=per_job(study.network_rows),
        methods=per_job(study.methods_of_networks),
        made_by=per_job(study.run_settings),
    message:
        "The Pointing Game's variants on {wildcards.dataset}"
    script:
        "../workflow/scripts/play_pointing_game.py"


rule find_who_gains:
    """Compute accuracy before and after the saccade, and the gain, in groups of images."""
    input:
        index="results/{dataset}/index.parquet",
        scores=of_methods("scores", "parquet"),
        factors=per_job(study.list_file, key="factors"),
    output:
        who_gains=multiext("results/{dataset}/who_gains", ".csv", ".parquet"),
    log:
        "logs/find_who_gains/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("find_who_gains.py", "analysis"),
        rows=per_job(study.method_rows),
        made_by=per_job(study.run_settings),
    message:
        "Finding who gains on {wildcards.dataset}"
    script:
        "../workflow/scripts/find_who_gains.py"


rule compare_with_paper:
    """Compare every number and every order that the paper states with ours."""
    input:
        summary="results/{dataset}/summary.parquet",
        index="results/{dataset}/index.parquet",
        scores=of_methods("scores", "parquet"),
        acceptable_labels=per_job(study.list_file, key="acceptable_labels"),
    output:
        numbers=multiext("results/{dataset}/paper", ".csv", ".parquet"),
        orders=multiext("results/{dataset}/paper_orders", ".csv", ".parquet"),
    log:
        "logs/compare_with_paper/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("compare_with_paper.py", "analysis", files=[PAPER, PAPER_ORDERS]),
        paper=PAPER,
        paper_orders=PAPER_ORDERS,
        has_imagenet_classes=per_job(study.has_imagenet_classes),
        rows=per_job(study.method_rows),
        made_by=per_job(study.score_settings),
    message:
        "Comparing {wildcards.dataset} with the paper"
    script:
        "../workflow/scripts/compare_with_paper.py"


rule score_scanpaths:
    """Score scanpaths: several fixations one after another, chosen in each way, and the evidence that they accumulate."""
    input:
        index="results/{dataset}/index.parquet",
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        saliency=per_job(study.predicting_files),
    output:
        paths="results/{dataset}/{view}/{model}/scanpaths.parquet",
        curves="results/{dataset}/{view}/{model}/scanpath_curves.parquet",
    log:
        "logs/score_scanpaths/{dataset}/{view}/{model}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("score_scanpaths.py", "analysis"),
        variants=per_job(study.predicting_variants),
        made_by=per_job(study.scanpath_settings),
    message:
        "Scanpaths: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/score_scanpaths.py"


rule summarise_scanpaths:
    """Join the scanpaths' curves of all networks: accuracy by saccades, passes and thresholds of the entropy."""
    input:
        curves=of_networks("scanpath_curves.parquet"),
    output:
        scanpaths=multiext("results/{dataset}/scanpaths", ".csv", ".parquet"),
    log:
        "logs/summarise_scanpaths/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("summarise_scanpaths.py", "analysis"),
        networks=per_job(study.network_rows),
        made_by=per_job(study.scanpath_settings_of_networks),
    message:
        "Summarising the scanpaths of {wildcards.dataset}"
    script:
        "../workflow/scripts/summarise_scanpaths.py"


rule choose_examples:
    """Choose the images for Figure 1, the user's own among them, and write the measures of every image."""
    input:
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        index="results/{dataset}/index.parquet",
        made=per_job(study.classes_inputs),
        fixations=per_job(study.shown_files, kind="fixations", suffix="parquet"),
        scores=per_job(study.shown_files, kind="scores", suffix="parquet"),
    output:
        examples=multiext("results/{dataset}/{view}/{model}/examples", ".csv", ".parquet"),
        measures="results/{dataset}/{view}/{model}/measures.parquet",
    log:
        "logs/choose_examples/{dataset}/{view}/{model}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("choose_examples.py", "analysis"),
        contents=per_job(study.classes_contents),
        classes=as_path(study.classes_file),
        chosen=lambda wc: settings.datasets[wc.dataset].examples,
        made_by=per_job(study.example_settings),
    message:
        "Choosing examples: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/choose_examples.py"
