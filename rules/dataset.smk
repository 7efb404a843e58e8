"""Data sets: results/{dataset}/index.parquet, one row per image and class in it, and excluded.csv, the images left out."""


rule generate_scenes:
    """Draw the synthetic scenes of the embedded default."""
    output:
        images=directory("resources/scenes/{dataset}/images"),
        boxes="resources/scenes/{dataset}/boxes.csv",
        classes="resources/scenes/{dataset}/classes.txt",
    log:
        "logs/generate_scenes/{dataset}.log",
    conda:
        "../envs/dataset.yaml"
    threads: 4  # nothing else can run before there are images; Snakemake takes fewer if --cores are fewer
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
    """List the classes that the data set's folders or annotations name, if the configuration gives none."""
    output:
        classes="results/{dataset}/classes.txt",
    log:
        "logs/list_classes/{dataset}.log",
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


rule list_acceptable_labels:
    """List all labels that are right for each image, from the user's file; label maps do not depend on them."""
    input:
        index="results/{dataset}/index.parquet",
        made=per_job(study.classes_inputs),
    output:
        acceptable_labels="results/{dataset}/acceptable_labels.parquet",
    log:
        "logs/list_acceptable_labels/{dataset}.log",
    wildcard_constraints:
        dataset=match_any(study.datasets_with("acceptable_labels")),
    priority: 3  # a file that does not fit is reported before a network runs
    conda:
        "../envs/dataset.yaml"
    params:
        code=code_of("list_acceptable_labels.py", "dataset"),
        contents=per_job(study.list_contents, key="acceptable_labels"),
        classes_contents=per_job(study.classes_contents),
        source=lambda wc: Path(study.list_source(wc.dataset, "acceptable_labels")),
        classes=as_path(study.classes_file),
        min_matched=lambda wc: settings.whole(wc.dataset).min_matched,
    message:
        "Listing the acceptable labels of {wildcards.dataset}"
    script:
        "../workflow/scripts/list_acceptable_labels.py"


rule list_factors:
    """List the factors of each image, from the user's file."""
    input:
        index="results/{dataset}/index.parquet",
    output:
        factors="results/{dataset}/factors.parquet",
    log:
        "logs/list_factors/{dataset}.log",
    wildcard_constraints:
        dataset=match_any(study.datasets_with("factors")),
    priority: 3  # a file that does not fit is reported before a network runs
    conda:
        "../envs/dataset.yaml"
    params:
        code=code_of("list_factors.py", "dataset"),
        contents=per_job(study.list_contents, key="factors"),
        source=lambda wc: Path(study.list_source(wc.dataset, "factors")),
        min_matched=lambda wc: settings.whole(wc.dataset).min_matched,
    message:
        "Listing the factors of {wildcards.dataset}"
    script:
        "../workflow/scripts/list_factors.py"


rule sample_images:
    """Draw the images of a sample from the index of the whole data set."""
    input:
        whole_index=lambda wc: study.index(settings.whole_name(wc.dataset)),
    output:
        index="results/{dataset}/index.parquet",
    log:
        "logs/sample_images/{dataset}.log",
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
