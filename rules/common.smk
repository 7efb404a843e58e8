"""Shared by all rules: the checked settings, and which files, code and environment a rule depends on.

A rule names files, a script connects them, the package computes. Settings travel config → params → argument; a script never
reads the configuration.
"""

import os
import shlex
import sys
from pathlib import Path

from snakemake.io import contains_wildcard
from snakemake.logging import logger

from pipeline.parts import n_parts_begun
from pipeline.settings import (
    AUTOMATIC,
    ConfigurationError,
    read_settings,
    reference_of,
    refuse_repeated_keys,
)
from pipeline.sources import ROOT, shown, sources

try:
    for path in workflow.overwrite_configfiles:
        refuse_repeated_keys(path)
    settings = read_settings(config)
except ConfigurationError as error:
    raise WorkflowError(str(error))

FIGURE_FORMATS = ["pdf", "svg", "png"]
FIDELITY = ["fidelity.csv", "report/fidelity.html"]
PAPER_METHODS = ["likelihood", "gradcam", "max_logit", "igub", "dff"]


wildcard_constraints:
    dataset="|".join(map(re.escape, settings.datasets)),
    view="|".join(map(re.escape, settings.views)),
    model="|".join(map(re.escape, settings.models)),
    method="|".join(map(re.escape, settings.methods)),


# Labels by which the report finds what is about all networks and methods of a run.
MODELS_AND_METHODS = {"models": ", ".join(settings.run.models), "methods": ", ".join(settings.run.methods)}


def datasets(is_sample):
    """Names of the samples, or of all other data sets, as a constraint on the wildcard."""
    names = [name for name, dataset in settings.datasets.items() if (dataset.sample is not None) == is_sample]
    return "|".join(map(re.escape, names)) or "(?!)"  # matches nothing


def environment(name):
    """The pinned environment of a group of rules, as an input: new versions mean new results."""
    return shown(ROOT / "envs" / f"{name}.yaml")


def dataset_paths(wildcards):
    """Where a data set's images, boxes, table and classes lie: the user's own, or the generated scenes."""
    sample = settings.datasets[wildcards.dataset].sample
    name = wildcards.dataset if sample is None else sample.of
    dataset = settings.datasets[name]
    if dataset.scenes is not None:
        scenes = f"resources/scenes/{name}"
        return dict(
            images=f"{scenes}/images",
            boxes=f"{scenes}/boxes.csv",
            table=None,
            classes=f"{scenes}/classes.txt",
        )
    classes = dataset.classes or shown(ROOT / "resources" / "imagenet_classes.txt")
    return dict(images=dataset.images, boxes=dataset.boxes, table=dataset.table, classes=classes)


def dataset_inputs(wildcards):
    """The data set's files. Before its index is made, the user's own need not be there yet, so that a dry run shows the whole
    graph before the data have arrived; the script says what to do where they are not."""
    paths = [path for path in dataset_paths(wildcards).values() if path is not None]
    is_generated = settings.datasets[wildcards.dataset].scenes is not None
    # Path.exists raises where a folder may not be entered.
    return [path for path in paths if is_generated or os.path.exists(path)]


def classes_file(wildcards):
    return dataset_paths(wildcards)["classes"]


def weights_file(wildcards):
    """The state dict of a network."""
    model = settings.models[wildcards.model]
    if model.weights is not None:
        return f"resources/networks/torchvision/{model.architecture}-{model.weights}.pth"
    if model.train is not None:
        return f"resources/networks/trained/{wildcards.model}.pth"
    if model.random is not None:
        return f"resources/networks/random/{wildcards.dataset}/{wildcards.model}.pth"
    return model.checkpoint


def engine_of(wildcards):
    """How label maps are computed."""
    return "exact" if settings.is_reference(wildcards.dataset) else settings.views[wildcards.view].engine


def compute_of(wildcards):
    """How networks are run; on how many threads, no result depends."""
    plain = dict(precision="float32", compile="never") if settings.is_reference(wildcards.dataset) else {}
    return settings.compute.model_dump(exclude={"threads"}) | plain


def methods_on(looks_at):
    """Names of the methods that look at this input, as a constraint on the wildcard."""
    names = [re.escape(name) for name, method in settings.methods.items() if method.input == looks_at]
    return "|".join(names) or "(?!)"  # matches nothing


def network_columns(dataset, view, model):
    """What a network looking through a view is, as the first columns of its rows in tables."""
    return dict(
        dataset=dataset,
        view=view,
        model=model,
        architecture=settings.models[model].architecture,
        weights=settings.models[model].source,
    )


def networks_of(dataset):
    """What is in each folder of a network's results on a data set; folder → columns."""
    return {
        f"results/{dataset}/{view}/{model}": network_columns(dataset, view, model)
        for view in settings.run.views
        for model in settings.run.models
    }


def of_networks(file):
    """A file of every network's results on a data set, as an input."""
    return lambda wildcards: [f"{folder}/{file}" for folder in networks_of(wildcards.dataset)]


def of_methods(kind, suffix):
    """A file of every network's and method's results on a data set, as an input; method by method within a network."""
    return lambda wildcards: [
        f"{folder}/{kind}/{method}.{suffix}"
        for folder in networks_of(wildcards.dataset)
        for method in settings.run.methods
    ]


def rows_of_methods(wildcards):
    """What each file of `of_methods` is, in its order, as the first columns of its row in the summary."""
    return [
        columns
        | dict(method=method, variant=settings.methods[method].variant, cue=settings.methods[method].cue)
        for columns in networks_of(wildcards.dataset).values()
        for method in settings.run.methods
    ]


def examples_of(dataset):
    """Names of the images that Figure 1 shows."""
    return [*settings.datasets[dataset].examples, *AUTOMATIC]


def figure_files(dataset, name, sizes=settings.figures.sizes):
    """A figure's files: each size, the page's beside the others' folders, in all formats."""
    folders = ["" if size == "page" else f"{size}/" for size in sizes]
    return [
        f"results/{dataset}/figures/{folder}{name}.{format}"
        for folder in folders
        for format in FIGURE_FORMATS
    ]


def drawn(name, sizes=settings.figures.sizes, **report_options):
    """A figure's files; the report shows the PNG of the first size."""
    files = figure_files("{dataset}", name, sizes)
    first = next(file for file in files if file.endswith(".png"))
    return [report(file, **report_options) if file == first else file for file in files]


def label_map_parts(wildcards):
    """The files among which a network's label maps are divided: as they were begun, or else as the settings say.

    The maps are the same however they are divided, so another number of parts is no reason to compute them again.
    """
    folder = f"results/{wildcards.dataset}/{wildcards.view}/{wildcards.model}/label_maps"
    try:
        asked = settings.n_parts(wildcards.dataset, wildcards.view, wildcards.model)
    except ConfigurationError as error:
        raise WorkflowError(str(error))
    parts = n_parts_begun(folder) or asked
    if parts != asked and workflow.is_main_process:
        logger.warning(
            f"{folder} stays divided into {parts} parts, as begun, not {asked}; delete it to begin anew"
        )
    return [f"{folder}/{part}of{parts}.h5" for part in range(1, parts + 1)]


def samples():
    """The samples of the run's data sets, on which readings are compared."""
    names = (name if settings.datasets[name].sample else f"{name}_sample" for name in settings.run.datasets)
    return list(dict.fromkeys(names))


def watched_samples():
    """The samples on which a run must be compared with the reference: those of views that share a trunk."""
    return samples() if any(settings.views[view].engine == "shared" for view in settings.run.views) else []


def paper_method(method):
    """The name in the catalogue of one of the paper's methods with its default options."""
    for name, entry in settings.methods.items():
        if entry.variant == method:
            return name
    raise WorkflowError(
        f"methods: an entry `{method}` with its default options is needed here, and there is none"
    )


def readings(dataset, views):
    """The outcomes of each network through each view, and what they are; path → columns."""
    if not views:
        raise WorkflowError("calibration.views: name the views to be compared")
    for model in settings.run.models:
        if settings.models[model].architecture.startswith("vit_"):
            raise WorkflowError(
                f"run.models: {model} is a vision transformer, whose last block gives no map for Grad-CAM and DFF; leave it out "
                "of calibration and sweeps"
            )
    return {
        f"results/{dataset}/{view}/{model}/reading.parquet": network_columns(dataset, view, model)
        for model in settings.run.models
        for view in views
    }


def swept(wildcards):
    """The outcomes of each network through the views of a sweep, and what they are."""
    try:
        return readings(wildcards.dataset, settings.swept(wildcards.option))
    except ConfigurationError as error:
        raise WorkflowError(str(error))


def family_examples():
    """The first view of each family among the readings."""
    first = {}
    for name in settings.calibration.views:
        first.setdefault(settings.views[name].family, name)
    return list(first.values())


def sweep_title(wildcards):
    """What the views of a sweep have in common."""
    view = settings.views[settings.sweeps[wildcards.option][0]]
    options = [f"{key}: {value}" for key, value in view.options.items() if key != wildcards.option]
    return f"{view.family} ({', '.join(options)})"


def is_exchanged(path):
    """Whether Snakemake would put something else for `{name}` or `<name>` in a path."""
    return contains_wildcard(path) or re.search(r"<[a-z][a-z0-9_]*>", path)


def refuse_names():
    """Stop where a place has a name that Snakemake would take for something else."""
    if set(str(ROOT)) & set("{}") or is_exchanged(str(ROOT)):
        raise WorkflowError(
            f"{ROOT}: Snakemake takes {{name}} and <name> for variables; rename the repository's folder"
        )
    if shlex.quote(sys.executable) != sys.executable:
        raise WorkflowError(
            f"{sys.executable}: Snakemake cannot start Python from a folder with such a name (blanks, quotes and the like). "
            "Rename the folder, or keep Python's environment elsewhere: UV_PROJECT_ENVIRONMENT=~/labelmaps-env uv run …"
        )


def selected_files():
    """The user's own files of the data sets and networks that are selected; key → path, and whether it must be there.

    Before a data set's index is made, its images and boxes need not be: a dry run shows the graph before they arrive.
    """
    for name in settings.run.models:
        yield f"models.{name}.checkpoint", settings.models[name].checkpoint, True
    for name in settings.run.datasets:
        dataset = settings.whole(name)
        name = settings.datasets[name].sample.of if settings.datasets[name].sample else name
        is_indexed = Path(f"results/{name}/index.parquet").exists()
        for key in ("classes", "images", "boxes", "table"):
            yield f"datasets.{name}.{key}", getattr(dataset, key), is_indexed or key == "classes"


def refuse_files():
    """Stop where a selected file of the user's is not there, or has a name that cannot be.

    Snakemake takes a finished output whose input is missing for up to date, and reruns it where the list of inputs changed:
    a misspelt checkpoint would leave another network's results standing, an unmounted disk would cost the index.
    """
    for key, path, is_needed in selected_files():
        if path is None:
            continue
        if is_exchanged(path):
            raise WorkflowError(
                f"{key}: {path}: Snakemake takes {{name}} and <name> for variables; rename it, or give a symbolic link to it"
            )
        if is_needed and not os.path.exists(path):
            raise WorkflowError(
                f"{key}: no such file or folder: {path} (relative paths start from {Path.cwd()}), or no right to see it"
            )


refuse_names()
refuse_files()
