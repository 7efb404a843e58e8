"""Data set → results/{dataset}/index.parquet, one row per image, and excluded.csv, the images left out and why."""


rule generate_scenes:
    """Draw the synthetic scenes of the embedded default."""
    input:
        code=sources("generate_scenes.py"),
        env=environment("dataset"),
    output:
        images=directory("resources/scenes/{dataset}/images"),
        boxes="resources/scenes/{dataset}/boxes.csv",
        classes="resources/scenes/{dataset}/classes.txt",
    params:
        n=lambda wc: settings.datasets[wc.dataset].scenes.images,
        seed=lambda wc: settings.datasets[wc.dataset].scenes.seed,
    log:
        "logs/generate_scenes/{dataset}.log",
    conda:
        "../envs/dataset.yaml"
    script:
        "../workflow/scripts/generate_scenes.py"


def dataset_paths(wildcards):
    """Where a data set's images, boxes, table and classes lie: the user's own, or the generated scenes."""
    dataset = settings.datasets[wildcards.dataset]
    if dataset.scenes is not None:
        scenes = f"resources/scenes/{wildcards.dataset}"
        return dict(images=f"{scenes}/images", boxes=f"{scenes}/boxes.csv", table=None, classes=f"{scenes}/classes.txt")
    classes = dataset.classes or shown(ROOT / "resources" / "imagenet_classes.txt")
    return dict(images=dataset.images, boxes=dataset.boxes, table=dataset.table, classes=classes)


def dataset_inputs(wildcards):
    """The data set's files. The user's own are inputs where they are there, so that a dry run shows the whole graph before the
    data have arrived; the script says what to do where they are not."""
    paths = [path for path in dataset_paths(wildcards).values() if path is not None]
    is_generated = settings.datasets[wildcards.dataset].scenes is not None
    return [path for path in paths if is_generated or Path(path).exists()]


def classes_file(wildcards):
    return dataset_paths(wildcards)["classes"]


rule index_dataset:
    """List the images that can be used, with labels, sizes and boxes; and those that cannot, with the reason."""
    input:
        data=dataset_inputs,
        code=sources("index_dataset.py"),
        env=environment("dataset"),
    output:
        index="results/{dataset}/index.parquet",
        excluded="results/{dataset}/excluded.csv",
    params:
        images=lambda wc: dataset_paths(wc)["images"],
        boxes=lambda wc: dataset_paths(wc)["boxes"],
        table=lambda wc: dataset_paths(wc)["table"],
        classes=classes_file,
        verify=lambda wc: settings.datasets[wc.dataset].verify,
        expect_images=lambda wc: settings.datasets[wc.dataset].expect_images,
        max_excluded=lambda wc: settings.datasets[wc.dataset].max_excluded,
    threads: settings.compute.threads
    log:
        "logs/index_dataset/{dataset}.log",
    conda:
        "../envs/dataset.yaml"
    script:
        "../workflow/scripts/index_dataset.py"
