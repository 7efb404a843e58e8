"""Readings of the protocol on a sample of the images: which fits the paper, and what the grid and the zoom's floor change."""

# What figures call the paper's methods, and in which colours.
PAPER_MODULES = [f"labelmaps.methods.{method}" for method in PAPER_METHODS]


rule score_reading:
    """Is the network right before and after the saccade of each of the paper's methods, through this view?"""
    input:
        index="results/{dataset}/index.parquet",
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        gradcam=per_job(study.paper_saliency, method="gradcam"),
        dff=per_job(study.paper_saliency, method="dff"),
        code=sources("score_reading.py"),
        env=environment("analysis"),
    output:
        outcomes="results/{dataset}/{view}/{model}/reading.parquet",
    log:
        "logs/score_reading/{dataset}/{view}/{model}.log",
    benchmark:
        "logs/score_reading/{dataset}/{view}/{model}.tsv"
    conda:
        "../envs/analysis.yaml"
    message:
        "The paper's methods through {wildcards.view}: {wildcards.model} on {wildcards.dataset}"
    script:
        "../workflow/scripts/score_reading.py"


rule measure_fidelity:
    """What the run's precision, engine and compiler change, beside the exact engine in plain float32."""
    input:
        outcomes=per_job(study.reading_files, views=settings.run.views),
        label_maps=of_networks("label_maps.h5"),
        reference_outcomes=per_job(
            lambda dataset: study.reading_files(reference_of(dataset), settings.run.views)
        ),
        reference_label_maps=per_job(
            lambda dataset: study.network_files(reference_of(dataset), "label_maps.h5")
        ),
        code=sources("measure_fidelity.py"),
        env=environment("analysis"),
    output:
        fidelity="results/{dataset}/fidelity.csv",
    log:
        "logs/measure_fidelity/{dataset}.log",
    benchmark:
        "logs/measure_fidelity/{dataset}.tsv"
    wildcard_constraints:
        dataset=match_any(study.dataset_names(is_sample=True)),
    conda:
        "../envs/analysis.yaml"
    params:
        rows=per_job(study.reading_rows, views=settings.run.views),
    message:
        "Comparing the label maps of {wildcards.dataset} with the reference"
    script:
        "../workflow/scripts/measure_fidelity.py"


rule calibrate:
    """Rank the readings by their misfit to the paper's numbers."""
    input:
        outcomes=per_job(study.reading_files, views=settings.calibration.views),
        index="results/{dataset}/index.parquet",
        paper=shown(ROOT / "resources" / "paper.csv"),
        code=sources("calibrate.py"),
        env=environment("analysis"),
    output:
        ranking="results/{dataset}/calibration.csv",
        terms="results/{dataset}/calibration_terms.csv",
    log:
        "logs/calibrate/{dataset}.log",
    benchmark:
        "logs/calibrate/{dataset}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        has_imagenet_classes=per_job(study.has_imagenet_classes),
        rows=per_job(study.reading_rows, views=settings.calibration.views),
        resamples=settings.calibration.resamples,
        seed=settings.calibration.seed,
    message:
        "Ranking the readings on {wildcards.dataset}"
    script:
        "../workflow/scripts/calibrate.py"


rule plot_calibration:
    """Every reading's misfit, and how far each of its numbers is from the paper's."""
    input:
        ranking="results/{dataset}/calibration.csv",
        terms="results/{dataset}/calibration_terms.csv",
        code=sources("plot_calibration.py", *PAPER_MODULES),
        env=environment("figures"),
    output:
        figures=drawn(
            "calibration_{model}",
            ["page"],
            category="Calibration: which reading fits the paper",
            labels={"data set": "{dataset}", "model": "{model}"},
            caption="../workflow/report/calibration.rst",
        ),
    log:
        "logs/plot_calibration/{dataset}/{model}.log",
    benchmark:
        "logs/plot_calibration/{dataset}/{model}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        model="{model}",
    message:
        "Plotting the calibration of {wildcards.model} on {wildcards.dataset}"
    script:
        "../workflow/scripts/plot_calibration.py"


rule summarise_sweep:
    """Accuracy after the saccade against one option of the view, with what it costs."""
    input:
        outcomes=per_job(study.sweep_files),
        code=sources("summarise_sweep.py"),
        env=environment("analysis"),
    output:
        sweep="results/{dataset}/sweep_{option}.csv",
    log:
        "logs/summarise_sweep/{dataset}/{option}.log",
    benchmark:
        "logs/summarise_sweep/{dataset}/{option}.tsv"
    wildcard_constraints:
        option=match_any(settings.sweeps),
    conda:
        "../envs/analysis.yaml"
    params:
        option="{option}",
        rows=per_job(study.sweep_rows),
        grids=per_job(study.sweep_grids),
        methods=per_job(study.paper_cues),
    message:
        "Summarising the sweep of {wildcards.option} on {wildcards.dataset}"
    script:
        "../workflow/scripts/summarise_sweep.py"


rule plot_sweep:
    """Accuracy after the saccade against one option of the view."""
    input:
        sweep="results/{dataset}/sweep_{option}.csv",
        code=sources("plot_sweep.py", *PAPER_MODULES),
        env=environment("figures"),
    output:
        figures=drawn(
            "sweep_{option}",
            category="Sweeps: accuracy against the grid and the floor",
            labels={"data set": "{dataset}", "option": "{option}", "models": MODELS_AND_METHODS["models"]},
            caption="../workflow/report/sweep.rst",
        ),
    log:
        "logs/plot_sweep/{dataset}/{option}.log",
    benchmark:
        "logs/plot_sweep/{dataset}/{option}.tsv"
    wildcard_constraints:
        option=match_any(settings.sweeps),
    conda:
        "../envs/figures.yaml"
    params:
        title=per_job(study.sweep_title),
        sizes=settings.figures.sizes,
    message:
        "Plotting the sweep of {wildcards.option} on {wildcards.dataset}"
    script:
        "../workflow/scripts/plot_sweep.py"


rule fidelity:
    """Target: what the run's precision, engine and compiler change."""
    input:
        [table for sample in study.samples() for table in study.table_files(sample, "fidelity")],


rule calibration:
    """Target: which reading of the protocol fits the paper."""
    input:
        tables=[
            table
            for dataset in study.samples()
            for name in ("calibration", "calibration_terms")
            for table in study.table_files(dataset, name)
        ],
        figures=[
            file
            for dataset in study.samples()
            for model in settings.run.models
            for file in study.figure_files(dataset, f"calibration_{model}", ["page"])
        ],
        views=[
            file
            for dataset in study.samples()
            for view in study.family_examples()
            for file in study.figure_files(dataset, f"views_{view}", ["page"])
        ],


rule sweeps:
    """Target: accuracy against the number of views, and against the zoom's floor."""
    input:
        tables=[
            table
            for dataset in study.samples()
            for option in settings.sweeps
            for table in study.table_files(dataset, f"sweep_{option}")
        ],
        figures=[
            file
            for dataset in study.samples()
            for option in settings.sweeps
            for file in study.figure_files(dataset, f"sweep_{option}")
        ],
