"""Readings of the protocol, their fit to the paper, and sweeps over the grid and the zoom's floor on a sample."""

# The modules of the paper's methods, from which figures take names and colours.
PAPER_MODULES = [f"labelmaps.methods.{method}" for method in PAPER_METHODS]


rule score_reading:
    """Compute whether the network is right before and after the saccade of each of the paper's methods, for one view."""
    input:
        index="results/{dataset}/index.parquet",
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        gradcam=per_job(study.paper_saliency, method="gradcam"),
        dff=per_job(study.paper_saliency, method="dff"),
    output:
        outcomes="results/{dataset}/{view}/{model}/reading.parquet",
    log:
        "logs/score_reading/{dataset}/{view}/{model}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("score_reading.py", "analysis"),
        methods=per_job(study.paper_settings),
    message:
        "The paper's methods through {wildcards.view}: {wildcards.model} on {wildcards.dataset}"
    script:
        "../workflow/scripts/score_reading.py"


rule measure_fidelity:
    """Compare label maps and accuracies with those of the exact engine in float32, not compiled."""
    input:
        outcomes=per_job(study.reading_files, views=settings.run.views),
        label_maps=of_networks("label_maps.h5"),
        reference_outcomes=per_job(
            lambda dataset: study.reading_files(reference_of(dataset), settings.run.views)
        ),
        reference_label_maps=per_job(
            lambda dataset: study.network_files(reference_of(dataset), "label_maps.h5")
        ),
    output:
        fidelity=multiext("results/{dataset}/fidelity", ".csv", ".parquet"),
    log:
        "logs/measure_fidelity/{dataset}.log",
    wildcard_constraints:
        dataset=match_any(study.dataset_names(is_sample=True)),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("measure_fidelity.py", "analysis"),
        rows=per_job(study.reading_rows, views=settings.run.views),
        settings=per_job(study.fidelity_settings),
    message:
        "Comparing the label maps of {wildcards.dataset} with the reference"
    script:
        "../workflow/scripts/measure_fidelity.py"


rule calibrate:
    """Rank the readings by their misfit to the paper's numbers."""
    input:
        outcomes=per_job(study.reading_files, views=settings.calibration.views),
        standard=per_job(study.standard_crop_files),
        index="results/{dataset}/index.parquet",
    output:
        ranking=multiext("results/{dataset}/calibration", ".csv", ".parquet"),
        terms=multiext("results/{dataset}/calibration_terms", ".csv", ".parquet"),
    log:
        "logs/calibrate/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("calibrate.py", "analysis", files=[PAPER]),
        paper=PAPER,
        has_imagenet_classes=per_job(study.has_imagenet_classes),
        rows=per_job(study.reading_rows, views=settings.calibration.views),
        by_name=dict(resamples=settings.calibration.resamples, seed=settings.calibration.seed),
        made_by=per_job(study.calibration_settings),
    message:
        "Ranking the readings on {wildcards.dataset}"
    script:
        "../workflow/scripts/calibrate.py"


rule plot_calibration:
    """Plot every reading's misfit, and each of its numbers beside the paper's."""
    input:
        ranking="results/{dataset}/calibration.parquet",
        terms="results/{dataset}/calibration_terms.parquet",
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
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_calibration.py", "figures", *PAPER_MODULES),
        model="{model}",
        made_by=per_job(study.calibration_settings),
    message:
        "Plotting the calibration of {wildcards.model} on {wildcards.dataset}"
    script:
        "../workflow/scripts/plot_calibration.py"


rule summarise_sweep:
    """Summarise the accuracy after the saccade for values of one option of the view, and the operations."""
    input:
        outcomes=per_job(study.sweep_files),
    output:
        sweep=multiext("results/{dataset}/sweep_{option}", ".csv", ".parquet"),
    log:
        "logs/summarise_sweep/{dataset}/{option}.log",
    wildcard_constraints:
        option=match_any(settings.sweeps),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("summarise_sweep.py", "analysis"),
        option="{option}",
        rows=per_job(study.sweep_rows),
        grids=per_job(study.sweep_grids),
        methods=per_job(study.paper_cues),
        made_by=per_job(study.sweep_settings),
    message:
        "Summarising the sweep of {wildcards.option} on {wildcards.dataset}"
    script:
        "../workflow/scripts/summarise_sweep.py"


rule plot_sweep:
    """Plot the accuracy after the saccade against one option of the view."""
    input:
        sweep="results/{dataset}/sweep_{option}.parquet",
    output:
        figures=drawn(
            "sweep_{option}",
            category="Sweeps: accuracy against the grid and the floor",
            labels={"data set": "{dataset}", "option": "{option}", "models": MODELS_AND_METHODS["models"]},
            caption="../workflow/report/sweep.rst",
        ),
    log:
        "logs/plot_sweep/{dataset}/{option}.log",
    wildcard_constraints:
        option=match_any(settings.sweeps),
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_sweep.py", "figures", *PAPER_MODULES),
        title=per_job(study.sweep_title),
        sizes=settings.figures.sizes,
        made_by=per_job(study.sweep_settings),
    message:
        "Plotting the sweep of {wildcards.option} on {wildcards.dataset}"
    script:
        "../workflow/scripts/plot_sweep.py"


rule fidelity:
    """Target: compare the run with the exact engine in float32, not compiled."""
    input:
        [table for sample in study.samples() for table in study.table_files(sample, "fidelity")],


rule summarise_two_stages:
    """What a look at the inner views first, and at the outer ring only where a bound asks for it, saves and changes."""
    input:
        unpack(per_job(study.staged_files)),
        index="results/{dataset}/index.parquet",
    output:
        two_stages=multiext("results/{dataset}/two_stages", ".csv", ".parquet"),
    log:
        "logs/summarise_two_stages/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("summarise_two_stages.py", "analysis", *study.staged_modules()),
        rows=per_job(study.staged_rows),
        made_by=per_job(study.staged_settings),
    message:
        "Comparing looks in two stages on {wildcards.dataset}"
    script:
        "../workflow/scripts/summarise_two_stages.py"


rule plot_two_stages:
    """Accuracy against the network's passes: looks in two stages, beside the scanpaths."""
    input:
        two_stages="results/{dataset}/two_stages.parquet",
        scanpaths="results/{dataset}/scanpaths.parquet",
    output:
        figures=drawn(
            "two_stages_{view}",
            category="Two stages: passes saved by leaving the outer ring for later",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/two_stages.rst",
        ),
    log:
        "logs/plot_two_stages/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_two_stages.py", "figures", *study.staged_modules(), *study.scanpath_modules()),
        view="{view}",
        sizes=settings.figures.sizes,
        made_by=per_job(study.staged_settings),
        scanned=per_job(study.scanned_by_all),
    message:
        "Plotting looks in two stages on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_two_stages.py"


rule calibration:
    """Target: rank the readings of the protocol by their fit to the paper."""
    input:
        tables=[
            table
            for dataset in study.calibrated_datasets()
            for name in ("calibration", "calibration_terms")
            for table in study.table_files(dataset, name)
        ],
        figures=[
            file
            for dataset in study.calibrated_datasets()
            for model in settings.run.models
            for file in study.figure_files(dataset, f"calibration_{model}", ["page"])
        ],
        views=[
            file
            for dataset in study.calibrated_datasets()
            for view in study.family_examples()
            for file in study.figure_files(dataset, f"views_{view}", ["page"])
        ],


rule sweeps:
    """Target: plot accuracy against the number of views, and against the zoom's floor."""
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


rule two_stages:
    """Target: what is saved by looking at the outer ring of the grid only where it may matter."""
    input:
        tables=[
            table for dataset in settings.run.datasets for table in study.table_files(dataset, "two_stages")
        ],
        figures=[
            file
            for dataset in settings.run.datasets
            for view in settings.run.views
            for file in study.figure_files(dataset, f"two_stages_{view}")
        ],
