"""Figures from tables and a few maps, and the report's tables."""


rule plot_contact_sheet:
    """Plot some images with their boxes and labels, and the data set's counts, to be checked before a network runs."""
    input:
        index="results/{dataset}/index.parquet",
        excluded=per_job(study.excluded),
        made=per_job(study.classes_inputs),
    output:
        figures=drawn(
            "contact_sheet",
            ["page"],
            category="Contact sheet: images, boxes and labels",
            labels={"data set": "{dataset}"},
            caption="../workflow/report/contact_sheet.rst",
        ),
    log:
        "logs/plot_contact_sheet/{dataset}.log",
    priority: 3  # before all rules that run a network
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_contact_sheet.py", "figures"),
        contents=per_job(study.classes_contents),
        classes=as_path(study.classes_file),
        by_name=lambda wc: dict(dataset=wc.dataset, whole=settings.whole_name(wc.dataset)),
    message:
        "Plotting the contact sheet of {wildcards.dataset}"
    script:
        "../workflow/scripts/plot_contact_sheet.py"


# One job draws all examples of a network: they are chosen together, from the same files. A rule has fixed outputs, so there is one
# rule for all data sets whose examples have the same names; that of the run's first data set has the plain name.
SHOWING: dict[tuple[str, ...], list[str]] = {}
for dataset in dict.fromkeys([*settings.run.datasets, *settings.datasets]):
    SHOWING.setdefault(tuple(study.examples(dataset)), []).append(dataset)

for examples, datasets in SHOWING.items():

    rule:
        """Plot the paper's Figure 1 for each example: each method's map and fixation, and the view there."""
        name:
            "plot_figure_1" if settings.run.datasets[0] in datasets else f"plot_figure_1_of_{datasets[0]}"
        input:
            examples="results/{dataset}/{view}/{model}/examples.parquet",
            index="results/{dataset}/index.parquet",
            made=per_job(study.classes_inputs),
            label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
            saliency=per_job(study.shown_files, kind="saliency", suffix="h5"),
            fixations=per_job(study.shown_files, kind="fixations", suffix="parquet"),
            scanpaths="results/{dataset}/{view}/{model}/scanpaths.parquet",
        output:
            figures=[
                file
                for example in examples
                for file in drawn(
                    f"figure_1/{{view}}/{{model}}/{example}",
                    category="Figure 1: what each method looks at",
                    labels={
                        "data set": "{dataset}",
                        "model": "{model}",
                        "view": "{view}",
                        "image": example,
                        "methods": ", ".join(study.shown_methods(settings.figure_1)),
                    },
                    caption="../workflow/report/figure_1.rst",
                )
            ],
        log:
            "logs/plot_figure_1/{dataset}/{view}/{model}.log",
        wildcard_constraints:
            dataset=match_any(datasets),
        priority: 1  # the longest job after the scores: it starts first, and others fill the gaps
        conda:
            "../envs/networks.yaml"
        params:
            code=lambda wc: code_of(
                "plot_figure_1.py",
                "networks",
                *study.view_modules([wc.view]),
                *study.method_modules(study.shown_methods(settings.figure_1)),
                *study.scanpath_modules(),
            ),
            contents=per_job(study.classes_contents),
            classes=as_path(study.classes_file),
            names=per_job(study.examples),
            sizes=settings.figures.sizes,
            methods=lambda wc: [
                dict(variant=settings.methods[name].variant, cue=settings.methods[name].cue)
                for name in study.shown_methods(settings.figure_1, wc.model)
            ],
            made_by=per_job(study.example_settings),
            scanned=per_job(study.scanpath_settings),
            variants=per_job(study.predicting_variants),
            chosen=lambda wc: settings.datasets[wc.dataset].examples,
        message:
            "Plotting Figure 1: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
        script:
            "../workflow/scripts/plot_figure_1.py"


rule plot_figure_2:
    """Plot the paper's Figure 2: accuracy before and after the saccade and the Pointing Game, by method and network."""
    input:
        summary="results/{dataset}/summary.parquet",
        index="results/{dataset}/index.parquet",
    output:
        figures=drawn(
            "figure_2_{view}",
            category="Figure 2: accuracy and localisation",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/figure_2.rst",
        ),
    log:
        "logs/plot_figure_2/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of(
            "plot_figure_2.py", "figures", *study.method_modules(settings.run.methods), files=[PAPER]
        ),
        paper=PAPER,
        view="{view}",
        has_imagenet_classes=per_job(study.has_imagenet_classes),
        sizes=settings.figures.sizes,
        methods=study.shown_methods(settings.figure_2),
        made_by=per_job(study.score_settings),
    message:
        "Plotting Figure 2 of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_figure_2.py"


rule plot_trade_off:
    """Plot localisation against categorisation: one point per method and network."""
    input:
        summary="results/{dataset}/summary.parquet",
    output:
        figures=drawn(
            "trade_off_{view}",
            category="Trade-off: localisation against accuracy",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/trade_off.rst",
        ),
    log:
        "logs/plot_trade_off/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_trade_off.py", "figures", *study.method_modules(settings.run.methods)),
        view="{view}",
        sizes=settings.figures.sizes,
        made_by=per_job(study.score_settings),
    message:
        "Plotting the trade-off of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_trade_off.py"


rule plot_nulls:
    """Plot the accuracy after the saccade of methods beside nulls."""
    input:
        summary="results/{dataset}/summary.parquet",
    output:
        figures=drawn(
            "nulls_{view}",
            category="Nulls: what a method adds",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/nulls.rst",
        ),
    log:
        "logs/plot_nulls/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_nulls.py", "figures", *study.method_modules(settings.run.methods)),
        view="{view}",
        sizes=settings.figures.sizes,
        made_by=per_job(study.score_settings),
    message:
        "Plotting the nulls of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_nulls.py"


rule plot_who_gains:
    """Plot each method's gain in groups of images."""
    input:
        who_gains="results/{dataset}/who_gains.parquet",
    output:
        figures=drawn(
            "who_gains_{view}",
            category="Who gains: gains by what the images are like",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/who_gains.rst",
        ),
    log:
        "logs/plot_who_gains/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_who_gains.py", "figures", *study.method_modules(settings.run.methods)),
        view="{view}",
        sizes=settings.figures.sizes,
        methods=study.shown_methods(settings.figure_2),
        made_by=per_job(study.run_settings),
    message:
        "Plotting who gains on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_who_gains.py"


rule plot_label_noise:
    """Plot how much of each gain is label noise, if the data set has acceptable labels."""
    input:
        summary="results/{dataset}/summary.parquet",
    output:
        figures=drawn(
            "label_noise_{view}",
            category="Label noise: gains by all acceptable labels",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/label_noise.rst",
        ),
    log:
        "logs/plot_label_noise/{dataset}/{view}.log",
    wildcard_constraints:
        dataset=match_any(study.datasets_with("acceptable_labels")),
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_label_noise.py", "figures", *study.method_modules(settings.run.methods)),
        view="{view}",
        sizes=settings.figures.sizes,
        made_by=per_job(study.score_settings),
    message:
        "Plotting the noise of the labels of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_label_noise.py"


rule plot_best_of_n:
    """Plot accuracy against the number n of views from which the best is chosen with the label known."""
    input:
        best_of_n="results/{dataset}/best_of_n.parquet",
    output:
        figures=drawn(
            "best_of_n_{view}",
            category="Best of n: what n views are worth",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/best_of_n.rst",
        ),
    log:
        "logs/plot_best_of_n/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_best_of_n.py", "figures"),
        view="{view}",
        sizes=settings.figures.sizes,
        made_by=per_job(study.score_settings),
    message:
        "Plotting the best of n views of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_best_of_n.py"


rule plot_scanpaths:
    """Plot the accuracy of scanpaths against the number of saccades and of the network's passes."""
    input:
        scanpaths="results/{dataset}/scanpaths.parquet",
    output:
        figures=drawn(
            "scanpaths_{view}",
            category="Scanpaths: several fixations one after another",
            labels={"data set": "{dataset}", "view": "{view}", **MODELS_AND_METHODS},
            caption="../workflow/report/scanpaths.rst",
        ),
    log:
        "logs/plot_scanpaths/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        code=code_of("plot_scanpaths.py", "figures", *study.scanpath_modules()),
        view="{view}",
        sizes=settings.figures.sizes,
        made_by=per_job(study.scanpath_settings_of_networks),
    message:
        "Plotting the scanpaths of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_scanpaths.py"


rule plot_views:
    """Plot the fixations and extents of a family's views on one image, and the views that the network receives."""
    input:
        index="results/{dataset}/index.parquet",
    output:
        figures=drawn(
            "views_{view}",
            ["page"],
            category="Views: what the network receives",
            labels={"data set": "{dataset}", "view": "{view}", "model": settings.run.models[0]},
            caption="../workflow/report/views.rst",
        ),
    log:
        "logs/plot_views/{dataset}/{view}.log",
    conda:
        "../envs/networks.yaml"
    params:
        code=lambda wc: code_of("plot_views.py", "networks", *study.view_modules([wc.view])),
        name="{view}",
        view_config=per_job(study.view, model=settings.run.models[0]),
        network_config=study.network(settings.run.models[0]),
        image=lambda wc: next(iter(settings.datasets[wc.dataset].examples.values()), None),
    message:
        "Plotting the views of {wildcards.view} on an image of {wildcards.dataset}"
    script:
        "../workflow/scripts/plot_views.py"
