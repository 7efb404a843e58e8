"""Data set → results/{dataset}/index.parquet, one row per image and class in it, and excluded.csv, the images left out and why."""


rule generate_scenes:
    """Draw the synthetic scenes of the embedded default."""
    output:
        images=directory("resources/scenes/{dataset}/images"),
        boxes="resources/scenes/{dataset}/boxes.csv",
        classes="resources/scenes/{dataset}/classes.txt",
    log:
        "logs/generate_scenes/{dataset}.log",
    benchmark:
        "logs/generate_scenes/{dataset}.tsv"
    conda:
        "../envs/dataset.yaml"
    threads: 4  # nothing else can run before there are images; Snakemake takes fewer where --cores are fewer
    params:
        code=code_of("generate_scenes.py", "dataset"),
        by_name=lambda wc: dict(
            n=settings.datasets[wc.dataset].scenes.images, seed=settings.datasets[wc.dataset].scenes.seed
        ),
    message:
        "Drawing the scenes of {wildcards.dataset}"
    script:
        "../workflow/scripts/generate_scenes.py"


rule list_classes:
    """List the classes that the data set's folders or annotations name, where the configuration gives none."""
    output:
        classes="results/{dataset}/classes.txt",
    log:
        "logs/list_classes/{dataset}.log",
    benchmark:
        "logs/list_classes/{dataset}.tsv"
    wildcard_constraints:
        dataset=match_any(study.dataset_names(is_sample=False)),
    conda:
        "../envs/dataset.yaml"
    params:
        code=code_of("list_classes.py", "dataset"),
        source=per_job(study.class_source),
        contents=per_job(study.class_contents),
        columns=per_job(study.columns),
    message:
        "Listing the classes of {wildcards.dataset}"
    script:
        "../workflow/scripts/list_classes.py"


rule index_dataset:
    """List the images that can be used, with labels, sizes and boxes; and those that cannot, with the reason."""
    input:
        made=per_job(study.dataset_inputs),
    output:
        index="results/{dataset}/index.parquet",
        excluded="results/{dataset}/excluded.csv",
    log:
        "logs/index_dataset/{dataset}.log",
    benchmark:
        "logs/index_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=match_any(study.dataset_names(is_sample=False)),
    conda:
        "../envs/dataset.yaml"
    threads: settings.compute.threads
    params:
        code=code_of("index_dataset.py", "dataset"),
        images=lambda wc: study.dataset_paths(wc.dataset)["images"],
        contents=per_job(study.dataset_contents),
        boxes=lambda wc: study.dataset_paths(wc.dataset)["boxes"],
        table=lambda wc: study.dataset_paths(wc.dataset)["table"],
        acceptable_labels=lambda wc: study.dataset_paths(wc.dataset)["acceptable_labels"],
        voc=lambda wc: study.dataset_paths(wc.dataset)["voc"],
        subset=lambda wc: settings.datasets[wc.dataset].subset,
        coco=lambda wc: study.dataset_paths(wc.dataset)["coco"],
        parquet=lambda wc: study.dataset_paths(wc.dataset)["parquet"],
        webdataset=lambda wc: study.dataset_paths(wc.dataset)["webdataset"],
        columns=per_job(study.columns),
        classes=as_path(study.classes_file),
        origin_of_classes=per_job(study.origin_of_classes),
        verify=lambda wc: settings.datasets[wc.dataset].verify,
        expect_images=lambda wc: settings.datasets[wc.dataset].expect_images,
        max_excluded=lambda wc: settings.datasets[wc.dataset].max_excluded,
        box_format=lambda wc: settings.datasets[wc.dataset].box_format,
        check_boxes=lambda wc: settings.datasets[wc.dataset].check_boxes,
        min_matched=lambda wc: settings.datasets[wc.dataset].min_matched,
    message:
        "Indexing {wildcards.dataset}"
    script:
        "../workflow/scripts/index_dataset.py"


rule sample_images:
    """Draw the images of a sample from the index of the whole data set."""
    input:
        whole_index=lambda wc: study.index(settings.whole_name(wc.dataset)),
    output:
        index="results/{dataset}/index.parquet",
    log:
        "logs/sample_images/{dataset}.log",
    benchmark:
        "logs/sample_images/{dataset}.tsv"
    wildcard_constraints:
        dataset=match_any(study.dataset_names(is_sample=True)),
    conda:
        "../envs/dataset.yaml"
    params:
        code=code_of("sample_images.py", "dataset"),
        by_name=lambda wc: dict(
            n_images=settings.datasets[wc.dataset].sample.images,
            seed=settings.datasets[wc.dataset].sample.seed,
        ),
    message:
        "Sampling {params.by_name[n_images]} images for {wildcards.dataset}"
    script:
        "../workflow/scripts/sample_images.py"
