"""The study that a configuration describes, as rules need it: files, rows and columns of tables, parameters of scripts.

Lists of result files over views, networks and methods are made here; the pattern of a single file stands in its rule. Code
that needs Snakemake itself (wildcards, the report, warnings) is in `rules/common.smk`.
"""

import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from labelmaps.data.classes import read_classes
from labelmaps.data.file_names import xml_files
from labelmaps.data.formats.folders import classes_of, has_own_classes, images_folder
from labelmaps.data.formats.shards import is_pattern, list_shards
from labelmaps.data.formats.voc_files import annotation_files, list_file, listed_images, voc_root
from labelmaps.errors import InputError
from labelmaps.scoring.null_names import SCANPATH_CHOICES
from labelmaps.views import NETWORKS_OWN
from pipeline.contents import ABSENT, Contents, digests_in, images_in, images_of, name_names
from pipeline.parts import n_parts_begun
from pipeline.settings.base import ConfigurationError
from pipeline.settings.configuration import Settings
from pipeline.settings.datasets import AUTOMATIC, reference_of
from pipeline.settings.outputs import Figure
from pipeline.sources import ROOT, find_module, local_files

IMAGENET_CLASSES = ROOT / "resources" / "imagenet_classes.txt"
SHIPPED_WEIGHTS = ROOT / "resources" / "small_resnet.pth"
PIN_DIGITS = 16  # digits of a revision or a sha256 in the name of a file
FIGURE_FORMATS = ("pdf", "svg", "png")
STANDARD_CROP, TEN_CROP = "standard_crop", "ten_crop"  # the views of the nulls of these names
# Keys of a data set's files, beside its classes.
SOURCE_FILES = ("images", "boxes", "table", "voc", "coco", "parquet", "webdataset")
# Keys of further files about its images. A rule of its own joins each with the index, so that no map is computed again if
# one is given later.
LISTS = ("acceptable_labels", "factors")
SHARDS = {
    "parquet": ".parquet",
    "webdataset": ".tar",
}  # sources that may be several files → the ending of their names
PAPER_METHODS = ("likelihood", "gradcam", "max_logit", "igub", "dff")


@contextmanager
def explaining_data(dataset: str, key: str) -> Generator[None]:
    """Convert an `InputError` in the block into a `ConfigurationError` that names the data set and the key."""
    try:
        yield
    except InputError as error:
        raise ConfigurationError(f"datasets.{dataset}.{key}: {error}") from error


def is_visible(path: str) -> bool:
    """Return whether a file or folder exists at a path, and may be accessed."""
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises where a folder may not be entered)


@dataclass(frozen=True)
class Study:
    """The files, rows, columns and parameters that follow from the settings.

    A method is named after what it returns. `dataset`, `view`, `model` and `method` are names in the catalogues.
    """

    settings: Settings
    contents: Contents = field(default_factory=Contents)
    # Caches, so that folders are listed, and schemas read, only once.
    _class_sources: dict[str, dict[str, str]] = field(default_factory=dict)
    _classes_in_parquet: dict[str, list[str]] = field(default_factory=dict)

    # Data sets.

    def unselected(self, given: dict, defaults: Iterable[dict]) -> dict[str, list[str]]:
        """List the entries that a user's configuration adds to the catalogues but does not select.

        given: the configuration as the user wrote it. defaults: the configurations into which it was merged.

        Returns the name of a catalogue → names of such entries, without catalogues that have none.
        """
        run = self.settings.run
        of_readings = itertools.chain(self.settings.calibration.views, *self.settings.sweeps.values())
        selected = {
            "datasets": {*run.datasets, *map(self.settings.whole_name, run.datasets)},
            "models": set(run.models),
            "views": {*run.views, *of_readings, STANDARD_CROP, TEN_CROP},
            "methods": {*run.methods, *PAPER_METHODS},
        }
        left = {}
        for key, names in selected.items():
            known = names.union(*(default.get(key, {}) for default in defaults))
            left[key] = [name for name in given.get(key) or {} if name not in known]
        return {key: names for key, names in left.items() if names}

    def dataset_names(self, is_sample: bool) -> list[str]:
        """Return the names of the samples, or of all other data sets."""
        datasets = self.settings.datasets.items()
        return [name for name, entry in datasets if (entry.sample is not None) == is_sample]

    def dataset_paths(self, dataset: str) -> dict[str, str | None]:
        """Return the paths of the files of `SOURCE_FILES` and of the classes: the user's own, or those of generated scenes.

        A sample has those of the data set from which it is drawn.
        """
        entry, classes = self.settings.whole(dataset), self.classes_file(dataset)
        if entry.scenes is None:
            return {key: getattr(entry, key) for key in SOURCE_FILES} | {"classes": classes}
        scenes = Path(classes).parent
        made = {"images": f"{scenes}/images", "boxes": f"{scenes}/boxes.csv", "classes": classes}
        return dict.fromkeys(SOURCE_FILES) | made

    def is_generated(self, dataset: str) -> bool:
        """Return whether a rule draws the data set's images, boxes and classes."""
        return self.settings.whole(dataset).scenes is not None

    def columns(self, dataset: str) -> dict[str, str | list[str]] | None:
        """Return the columns of a data set's table that the settings name; None if they name none."""
        columns = self.settings.whole(dataset).columns
        return None if columns is None else columns.named()

    def dataset_inputs(self, dataset: str) -> list[str]:
        """Return those of the data set's files that a rule makes."""
        if not self.is_generated(dataset):
            return self.classes_inputs(dataset)
        return [path for path in self.dataset_paths(dataset).values() if path is not None]

    def dataset_contents(self, dataset: str) -> dict[str, str]:
        """Return key → name of the contents of the data set's files that are the user's own (see `pipeline.contents`).

        They need not exist before the data set's index is made, so that a dry run shows the whole graph before the data have
        arrived; the script reports files that are missing. Raises `ConfigurationError` if they are missing afterwards.
        """
        if self.is_generated(dataset):
            return {}
        index, paths = self.index(dataset), self.dataset_paths(dataset)
        own = {key: path for key, path in paths.items() if path is not None}
        if self.has_made_classes(dataset):
            del own["classes"]
        digests = partial(digests_in, index)
        contents = {}
        for key, path in own.items():
            is_there = is_visible(path) or (key in SHARDS and is_pattern(path))
            if not is_there and not is_visible(index):
                contents[key] = ABSENT
            elif key in SHARDS:
                with explaining_data(dataset, key):
                    shards = list_shards(path, SHARDS[key])
                contents[key] = self.contents.of_files(path, shards)
            elif key == "table":
                contents[key] = self.contents.of_file(path)
                folder = own.get("images", str(Path(path).parent))
                listed = images_of(path, folder, self.columns(dataset))
                contents["images"] = self.contents.of_files(path, listed, digests)
            elif not Path(path).is_dir():
                contents[key] = self.contents.of_file(path)
            elif key == "boxes":
                contents[key] = self.contents.of_files(path, map(str, xml_files(path)))
            elif key == "voc":
                subset = self.settings.whole(dataset).subset
                contents |= self._voc_contents(dataset, path, subset, digests)
            elif "table" not in own:
                with explaining_data(dataset, key):
                    folder = str(images_folder(Path(path)))
                contents[key] = self.contents.of_files(folder, images_in(folder), digests)
        return contents

    def list_source(self, dataset: str, key: str) -> str | None:
        """Return the user's file of one of `LISTS`, for a sample that of its data set; None if there is none."""
        return getattr(self.settings.whole(dataset), key)

    def datasets_with(self, key: str) -> list[str]:
        """Return the names of the data sets and samples that have one of `LISTS`."""
        return [name for name in self.settings.datasets if self.list_source(name, key) is not None]

    def list_file(self, dataset: str, key: str) -> list[str]:
        """Return the table that is made from one of `LISTS`, as a list of one path; an empty list if there is none."""
        return [f"{self.folder(dataset)}/{key}.parquet"] if self.list_source(dataset, key) else []

    def list_contents(self, dataset: str, key: str) -> dict[str, str]:
        """Return key → name of the content of the file of one of `LISTS`, as `dataset_contents` does for other files."""
        path = self.list_source(dataset, key)
        assert path is not None, f"{dataset} has no {key}"
        is_early = not is_visible(path) and not is_visible(self.index(dataset))
        return {key: ABSENT if is_early else self.contents.of_file(path)}

    def _voc_contents(
        self, dataset: str, path: str, subset: str, digests: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        """Return the names of the contents of a VOC root's list, and of the annotations and the images that it names.

        path: the root. subset: the list's name. digests: as for `Contents.of_files`.
        """
        with explaining_data(dataset, "voc"):
            root = voc_root(Path(path))
            listed = listed_images(root, subset)
            texts = [list_file(root, subset), *(item.xml for item in listed if item.xml is not None)]
        images = (str(item.image) for item in listed if item.image is not None)
        return {
            "voc": self.contents.of_files(f"{root} {subset}", map(str, texts)),
            "images": self.contents.of_files(f"{root} {subset} images", images, digests),
        }

    def class_source(self, dataset: str) -> dict[str, str]:
        """Return the source that itself names the data set's classes, as key → path; an empty dictionary if there is none.

        Raises `ConfigurationError` if it is unclear whether folders are classes.
        """
        name = self.settings.whole_name(dataset)
        if name not in self._class_sources:
            self._class_sources[name] = self._find_class_source(name)
        return self._class_sources[name]

    def _find_class_source(self, dataset: str) -> dict[str, str]:
        """Find the result of `class_source`; dataset: not a sample."""
        entry = self.settings.datasets[dataset]
        if entry.classes is not None:
            return {}
        for key in ("voc", "coco"):
            if path := getattr(entry, key):
                return {key: path}
        if entry.parquet is not None:
            return {"parquet": entry.parquet} if self._parquet_classes(entry.parquet, dataset) else {}
        if entry.images is None or entry.table is not None or not os.path.isdir(entry.images):  # noqa: PTH112 (as `is_visible`)
            return {}
        with explaining_data(dataset, "images"):
            is_own = has_own_classes(Path(entry.images), read_classes(IMAGENET_CLASSES))
        return {"images": entry.images} if is_own else {}

    def _parquet_classes(self, path: str, dataset: str) -> list[str]:
        """Return the classes that the schema of a parquet file names; an empty list if it names none, or ImageNet's."""
        if dataset not in self._classes_in_parquet:
            self._classes_in_parquet[dataset] = self._read_parquet_classes(path, dataset)
        return self._classes_in_parquet[dataset]

    def _read_parquet_classes(self, path: str, dataset: str) -> list[str]:
        """Read the result of `_parquet_classes` from the file."""
        from labelmaps.data.formats.parquet import classes_of as named_in  # imports pandas

        imagenet = read_classes(IMAGENET_CLASSES)
        if not is_visible(path) and not is_pattern(path):
            return []
        with explaining_data(dataset, "parquet"):
            named = named_in(path, self.columns(dataset), imagenet)
        return [] if named is None or named == imagenet else [item.id for item in named]

    def class_contents(self, dataset: str) -> str:
        """Return the name of the contents that determine the data set's own classes: folders' names, or annotations."""
        ((key, path),) = self.class_source(dataset).items()
        if key == "parquet":
            return name_names(self._parquet_classes(path, dataset))
        if not is_visible(path):
            return ABSENT
        if key == "coco":
            return self.contents.of_file(path)
        with explaining_data(dataset, key):
            if key == "images":
                return name_names(item.id for item in classes_of(Path(path)))
            files = annotation_files(Path(path))
        return self.contents.of_files(f"{path} classes", map(str, files))

    def has_made_classes(self, dataset: str) -> bool:
        """Return whether a rule makes the list of classes."""
        return self.is_generated(dataset) or bool(self.class_source(dataset))

    def classes_file(self, dataset: str) -> str:
        """Return the file that lists a data set's classes."""
        whole = self.settings.whole_name(dataset)
        if self.is_generated(dataset):
            return f"resources/scenes/{whole}/classes.txt"
        if self.class_source(dataset):
            return f"{self.folder(whole)}/classes.txt"
        return self.settings.whole(dataset).classes or str(IMAGENET_CLASSES)

    def origin_of_classes(self, dataset: str) -> str:
        """Return "given" if the settings or the data set name its classes, else "assumed": then they are ImageNet's."""
        is_given = self.has_made_classes(dataset) or self.settings.whole(dataset).classes is not None
        return "given" if is_given else "assumed"

    def classes_inputs(self, dataset: str) -> list[str]:
        """Return the list of classes, as a list of one path, if a rule makes it; else an empty list."""
        return [self.classes_file(dataset)] if self.has_made_classes(dataset) else []

    def classes_contents(self, dataset: str) -> dict[str, str]:
        """Return the name of the content of the list of classes; an empty dictionary if a rule makes it."""
        if self.has_made_classes(dataset):
            return {}
        return {"classes": self.contents.of_file(self.classes_file(dataset))}

    def has_imagenet_classes(self, dataset: str) -> bool:
        """Return whether a data set's classes are ImageNet's 1000, in their order; False if the file cannot be read."""
        if self.has_made_classes(dataset):
            return False
        try:
            ours, theirs = (
                [known.id for known in read_classes(path)]
                for path in (self.classes_file(dataset), IMAGENET_CLASSES)
            )
        except InputError:
            return False
        return ours == theirs

    def examples(self, dataset: str) -> list[str]:
        """Return the names of the examples that Figure 1 shows."""
        return [*self.settings.datasets[dataset].examples, *AUTOMATIC]

    def samples(self) -> list[str]:
        """Return the samples of the run's data sets, on which readings are compared."""
        datasets = self.settings.datasets
        names = (name if datasets[name].sample else f"{name}_sample" for name in self.settings.run.datasets)
        return list(dict.fromkeys(names))

    def calibrated_datasets(self) -> list[str]:
        """Return the data sets on which the target `calibration` ranks readings: those of the run, or their samples."""
        return (
            self.samples()
            if self.settings.calibration.images == "sample"
            else list(self.settings.run.datasets)
        )

    def watched_samples(self) -> list[str]:
        """Return the samples on which a run must be compared with the reference: all if a view has the engine "shared"."""
        engines = {self.settings.views[view].engine for view in self.settings.run.views}
        return self.samples() if "shared" in engines else []

    def is_reference(self, dataset: str) -> bool:
        """Return whether the data set is the reference for a sample."""
        return any(reference_of(name) == dataset for name in self.settings.datasets)

    # Scripts are given only those settings of a network, a view and the machine that they use, so that a new key reruns
    # nothing.

    def network(self, model: str) -> dict:
        """Return the settings with which a network is loaded and its input prepared, as for `NetworkConfig`."""
        entry = self.settings.models[model]
        keys = {"architecture", "size", "mean", "std"}
        weights = entry.tag or entry.weights
        return {"source": entry.source, "weights": weights, **entry.model_dump(include=keys)}

    def training(self, model: str) -> dict[str, int]:
        """Return the settings with which a network is trained: scenes, epochs and seed."""
        training = self.settings.models[model].train
        assert training is not None, f"{model} is not trained by a rule"
        return training.model_dump(include={"scenes", "epochs", "seed"})

    def weights_file(self, dataset: str, model: str) -> str:
        """Return the path of a network's weights. Random weights depend on the number of classes, and so on the data set."""
        entry = self.settings.models[model]
        if entry.checkpoint is not None:
            return entry.checkpoint
        if entry.shipped is not None:
            return str(SHIPPED_WEIGHTS)
        if entry.tag is not None:
            # Only the first digits: Snakemake would take 64 zeros in a path for a rule that depends on itself.
            pins = (entry.revision or "main", entry.sha256)
            pin = "-".join(digits[:PIN_DIGITS] for digits in pins if digits is not None)
            return f"resources/networks/timm/{entry.built_by.place.partition('.')[0]}-{entry.tag}-{pin}.safetensors"
        if entry.weights is not None:
            return f"resources/networks/torchvision/{entry.architecture}-{entry.weights}.pth"
        if entry.train is not None:
            return f"resources/networks/trained/{model}.pth"
        return f"resources/networks/random/{dataset}/{model}.pth"

    def timm_pins(self, architecture: str, tag: str, pin: str) -> dict[str, str | None]:
        """Return the revision and the sha256 of timm's weights whose file has architecture, tag and pin in its name.

        Raises `ConfigurationError` if networks differ in the digits that are not in the name.
        """
        file = f"resources/networks/timm/{architecture}-{tag}-{pin}.safetensors"
        models = self.settings.models
        named = [name for name, entry in models.items() if entry.tag and self.weights_file("", name) == file]
        pins = {(models[name].revision, models[name].sha256) for name in named}
        if len(pins) > 1:
            raise ConfigurationError(
                f"models.{named[0]} and models.{named[-1]}: revision or sha256 of the same weights begin alike and "
                "differ; give both the same"
            )
        revision, sha256 = pins.pop()
        return {"revision": revision or "main", "sha256": sha256}

    def layer(self, model: str) -> str | None:
        """Return the name of the module that computes a network's map of x₀; None if it is to be found automatically."""
        return self.settings.models[model].layer

    def network_inputs(self, dataset: str, model: str) -> list[str]:
        """Return the files of a network that a rule makes: weights, and the list of classes."""
        is_made = not self._has_weights(model)
        return [self.weights_file(dataset, model)] * is_made + self.classes_inputs(dataset)

    def network_contents(self, dataset: str, model: str) -> dict[str, str]:
        """Return the names of the contents of a network's files that no rule makes: code, weights, list of classes."""
        weights = {}
        if self._has_weights(model):
            weights = {"weights": self.contents.of_file(self.weights_file(dataset, model))}
        return self.architecture_contents(model) | weights | self.classes_contents(dataset)

    def drawn_contents(self, dataset: str, model: str) -> dict[str, str]:
        """Return the names of the contents that determine the shape of a network of random weights: code, and classes."""
        return self.architecture_contents(model) | self.classes_contents(dataset)

    def architecture_contents(self, model: str) -> dict[str, str]:
        """Return the name of the content of the user's file that builds a network, or the version of the package that does.

        The content includes all files beside and below it that the file imports. Raises `ConfigurationError` for a file that
        cannot be read, and for a package that is not installed.
        """
        library, place, _ = self.settings.models[model].built_by
        key = f"models.{model}.architecture"
        if library in ("torchvision", "timm"):  # their versions are in the environment's file
            return {}
        top = None
        if library == "module":
            found = find_module(place)
            if found is None:
                raise ConfigurationError(
                    f"{key}: there is no module {place}; install its package, or name a file, path/to/file.py:build"
                )
            if isinstance(found, str):
                return {"architecture": found}
            place, top = str(found[0]), found[1]
        try:
            files = local_files(Path(place), top)
        except SyntaxError as error:
            raise ConfigurationError(
                f"{key}: {error.filename}, line {error.lineno or 1}: {error.msg}"
            ) from error
        except OSError as error:
            raise ConfigurationError(f"{key}: cannot read {place}: {error}") from error
        return {"architecture": self.contents.of_files(place, map(str, files))}

    def _has_weights(self, model: str) -> bool:
        """Return whether a network's weights need no rule: they are the user's own, or shipped."""
        entry = self.settings.models[model]
        return entry.checkpoint is not None or entry.shipped is not None

    def view(self, view: str, model: str) -> dict:
        """Return the family of a view and its options, as for `labelmaps.views.create_view`.

        Options that are left to the network have the value of its entry, or are left to its library.
        """
        options, entry = self.settings.views[view].arguments, self.settings.models[model]
        given = {"share": entry.crop_share, "interpolation": entry.interpolation}
        own = {key: value or NETWORKS_OWN for key, value in given.items() if options.get(key) == NETWORKS_OWN}
        return options | own

    def view_of_maps(self, view: str, model: str) -> dict:
        """Return the family of a view and its options for methods on x₀, as `view` does.

        Raises `ConfigurationError` if the cells of a map have no place on the view.
        """
        if obstacle := self.settings.views[view].map_obstacle:
            raise ConfigurationError(
                f"views.{view}: maps of methods on x₀, such as Grad-CAM, cannot be read there: {obstacle}; name targets of "
                "other views or methods"
            )
        return self.view(view, model)

    def view_modules(self, views: Iterable[str]) -> list[str]:
        """Return the dotted names of the modules of views, which are part of a rule's code: scripts load them by name."""
        return [f"labelmaps.views.{self.settings.views[view].family}" for view in views]

    def engine(self, dataset: str, view: str) -> Literal["exact", "shared"]:
        """Return the name of the engine that computes label maps: the view's, or "exact" for a reference."""
        return "exact" if self.is_reference(dataset) else self.settings.views[view].engine

    def compute(self, dataset: str) -> dict:
        """Return the settings with which networks run; a reference runs in float32 and is not compiled.

        The number of threads is not among them, since no result depends on it.
        """
        plain = {"precision": "float32", "compile": "never"} if self.is_reference(dataset) else {}
        keys = {"device", "precision", "compile", "batch"}
        return self.settings.compute.model_dump(include=keys) | plain

    # Methods.

    def methods_on(self, given: str) -> list[str]:
        """Return the names of the methods with this input: "label maps" or "glimpse"."""
        return [name for name, method in self.settings.methods.items() if method.input == given]

    def shown_methods(self, figure: Figure, model: str | None = None) -> list[str]:
        """Return the methods of a figure, without baselines: those of its list that run, or, if none does, all that run.

        A name in the list that does not run is replaced by the running entries of the method with this name. model: the
        network of the figure, if it shows a single one.
        """
        methods = self.settings.methods
        names = self.settings.run.methods if model is None else self.settings.methods_of(model)
        running = [name for name in names if methods[name].cue != "baseline"]
        found = []
        for wanted in figure.methods:
            others = [name for name in running if methods[name].method == wanted]
            found += [wanted] if wanted in running else others
        return list(dict.fromkeys(found)) or running

    def predicting_variants(self, model: str) -> dict[str, str]:
        """Return name → variant of a network's uncued methods on its activations, whose scanpaths need only x₀."""
        entries = {name: self.settings.methods[name] for name in self.settings.methods_of(model)}
        return {
            name: entry.variant
            for name, entry in entries.items()
            if (entry.input, entry.cue) == ("glimpse", "uncued")
        }

    def paper_method(self, method: str) -> str:
        """Return the name in the catalogue of one of the paper's methods with its default options.

        Raises `ConfigurationError` if there is no such entry.
        """
        for name, entry in self.settings.methods.items():
            if entry.variant == method:
                return name
        raise ConfigurationError(
            f"methods: an entry `{method}` with its default options is needed here, but there is none; add it"
        )

    def paper_cues(self) -> dict[str, str]:
        """Return the cue of each of the paper's methods."""
        return {method: self.settings.methods[self.paper_method(method)].cue for method in PAPER_METHODS}

    def method_modules(self, methods: Iterable[str]) -> list[str]:
        """Return the dotted names of the modules of methods, which are part of a rule's code: scripts load them by name."""
        return [f"labelmaps.methods.{self.settings.methods[method].method}" for method in methods]

    def scanpath_modules(self) -> list[str]:
        """Return the dotted names of the modules of the methods that choose fixations of scanpaths; see `method_modules`."""
        models = self.settings.run.models
        names = dict.fromkeys(name for model in models for name in self.predicting_variants(model))
        return [f"labelmaps.methods.{name}" for name in SCANPATH_CHOICES] + self.method_modules(names)

    # Files of results, and the columns that identify their rows in tables.

    @staticmethod
    def folder(dataset: str, *inside: str) -> str:
        """Return the folder of a data set's results, or one inside it: a view's, then a network's."""
        return "/".join(("results", dataset, *inside))

    def index(self, dataset: str) -> str:
        """Return the index of a data set."""
        return f"{self.folder(dataset)}/index.parquet"

    def excluded(self, dataset: str) -> str:
        """Return the list of the images that a data set excludes; for a sample, that of the whole data set."""
        return f"{self.folder(self.settings.whole_name(dataset))}/excluded.csv"

    def table_files(self, dataset: str, name: str) -> list[str]:
        """Return the path of a table, and of its page in the report."""
        return [f"{self.folder(dataset)}/{name}.csv", f"{self.folder(dataset)}/report/{name}.html"]

    def figure_files(self, dataset: str, name: str, sizes: Sequence[str] | None = None) -> list[str]:
        """Return the paths of a figure's files: each size in all formats.

        sizes: the settings' unless given. Figures of the size "page" have no folder of their own.
        """
        folders = ["" if size == "page" else f"{size}/" for size in sizes or self.settings.figures.sizes]
        return [
            f"{self.folder(dataset)}/figures/{folder}{name}.{suffix}"
            for folder in folders
            for suffix in FIGURE_FORMATS
        ]

    def label_map_parts(self, dataset: str, view: str, model: str) -> list[str]:
        """Return the files of the parts of a network's label maps: as already begun, or else as planned.

        The maps do not depend on the number of parts, so another number in the settings is no reason to compute them again.
        Raises `ConfigurationError` if the settings do not determine the number.
        """
        folder = f"{self.folder(dataset, view, model)}/label_maps"
        planned = self.settings.n_parts(dataset, view, model)
        parts = n_parts_begun(folder) or planned
        return [f"{folder}/{part}of{parts}.h5" for part in range(1, parts + 1)]

    def network_columns(self, dataset: str, view: str, model: str) -> dict[str, str]:
        """Return the columns of a table that identify a network and a view."""
        entry = self.settings.models[model]
        return {
            "dataset": dataset,
            "view": view,
            "model": model,
            "architecture": entry.architecture,
            "weights": entry.source,
        }

    def network_rows(self, dataset: str) -> list[dict[str, str]]:
        """Return the columns of every network with every view of the run, view by view."""
        return [self.network_columns(dataset, view, model) for view, model in self._networks()]

    def network_files(self, dataset: str, file: str) -> list[str]:
        """Return one file of the results for each of `network_rows`."""
        return [f"{self.folder(dataset, view, model)}/{file}" for view, model in self._networks()]

    def ten_crop_files(self, dataset: str, model: str) -> list[str]:
        """Return the label maps of five-crop and ten-crop, if the settings ask for these nulls; else an empty list."""
        return [f"{self.folder(dataset, TEN_CROP, model)}/label_maps.h5"] * self.settings.nulls.ten_crop

    def method_rows(self, dataset: str) -> list[dict[str, str]]:
        """Return the columns of every method for each of `network_rows`, method by method within a network."""
        methods = self.settings.methods
        return [
            columns | {"method": name, "variant": methods[name].variant, "cue": methods[name].cue}
            for columns in self.network_rows(dataset)
            for name in self.settings.methods_of(columns["model"])
        ]

    def method_files(self, dataset: str, kind: str, suffix: str) -> list[str]:
        """Return one file for each of `method_rows`; `kind` is saliency, fixations or scores."""
        return [
            f"{self.folder(dataset, row['view'], row['model'])}/{kind}/{row['method']}.{suffix}"
            for row in self.method_rows(dataset)
        ]

    def methods_of_networks(self) -> list[list[str]]:
        """Return the methods for each of `network_rows`."""
        return [self.settings.methods_of(model) for _, model in self._networks()]

    def staged_rows(self, dataset: str) -> list[dict[str, str]]:
        """Return those of `method_rows` whose methods look at all views, which two stages may spare them.

        Raises `ConfigurationError` where there are none, and for a view whose grid has no outer ring.
        """
        on_maps = self.methods_on("label maps")
        rows = [
            row for row in self.method_rows(dataset) if row["method"] in on_maps and row["cue"] != "baseline"
        ]
        if not rows:
            raise ConfigurationError(
                "run.methods: none looks at all views; name one for the target two_stages, such as igub"
            )
        for view in self.settings.run.views:
            if self.settings.views[view].options["grid"] < 3:
                raise ConfigurationError(
                    f"views.{view}: its grid has no outer ring to leave for a second stage; leave it out of run.views for "
                    "the target two_stages"
                )
        return rows

    def staged_files(self, dataset: str) -> dict[str, list[str]]:
        """Return the saliency maps of each of `staged_rows`, and the label maps of the networks among them."""
        folders = [
            (self.folder(dataset, row["view"], row["model"]), row["method"])
            for row in self.staged_rows(dataset)
        ]
        return {
            "label_maps": [
                f"{folder}/label_maps.h5" for folder in dict.fromkeys(folder for folder, _ in folders)
            ],
            "saliency": [f"{folder}/saliency/{method}.h5" for folder, method in folders],
        }

    def staged_modules(self) -> list[str]:
        """Return the modules of the methods of `staged_rows`, dotted; see `method_modules`."""
        on_maps = self.methods_on("label maps")
        return self.method_modules(name for name in self.settings.run.methods if name in on_maps)

    def shown_files(self, dataset: str, view: str, model: str, kind: str, suffix: str) -> list[str]:
        """Return one file for each of a network's methods in Figure 1; `kind` is as for `method_files`."""
        folder = self.folder(dataset, view, model, kind)
        return [f"{folder}/{name}.{suffix}" for name in self.shown_methods(self.settings.figure_1, model)]

    def predicting_files(self, dataset: str, view: str, model: str) -> list[str]:
        """Return the saliency maps for each of `predicting_variants`."""
        folder = self.folder(dataset, view, model, "saliency")
        return [f"{folder}/{name}.h5" for name in self.predicting_variants(model)]

    def _networks(self) -> Iterator[tuple[str, str]]:
        """Return each view with each network of the run, view by view."""
        return itertools.product(self.settings.run.views, self.settings.run.models)

    # The settings with which a file must have been made. Scripts that read the file compare them with its attributes.

    def label_map_settings(self, dataset: str, view: str, model: str) -> dict:
        """Return the settings of label maps, as attributes of their file; the precision `auto` is left out."""
        precision = self.compute(dataset)["precision"]
        settings = {
            "view": self.view(view, model),
            "network": self.network(model),
            "engine": self.engine(dataset, view),
        }
        return settings if precision == "auto" else settings | {"precision": precision}

    def run_settings(self, dataset: str) -> dict:
        """Return the settings of the label maps for each of `network_rows`, and of the run's methods."""
        networks = [self.label_map_settings(dataset, view, model) for view, model in self._networks()]
        return {"networks": networks, "methods": self._method_settings(self.settings.run.methods)}

    def score_settings(self, dataset: str) -> dict:
        """Return the settings of all scores of the run: `run_settings`, the Pointing Game's, and each network's nulls'."""
        chosen = self.settings.nulls
        nulls = [
            {
                "seed": chosen.seed,
                "folds": chosen.folds,
                "standard_view": self.view(STANDARD_CROP, model),
                "ten_crop_view": self.view(TEN_CROP, model) if chosen.ten_crop else None,
            }
            for _, model in self._networks()
        ]
        return self.run_settings(dataset) | {"tolerance": self.settings.pointing.tolerance, "nulls": nulls}

    def example_settings(self, dataset: str, view: str, model: str) -> dict:
        """Return the settings of the examples of Figure 1: of the label maps, of the methods in it, of the Pointing Game."""
        return {
            "look": self.label_map_settings(dataset, view, model),
            "methods": self._method_settings(self.shown_methods(self.settings.figure_1, model)),
            "tolerance": self.settings.pointing.tolerance,
        }

    def example_settings_of_networks(self, dataset: str) -> list[dict]:
        """Return the settings of the examples for each of `network_rows`."""
        return [self.example_settings(dataset, view, model) for view, model in self._networks()]

    def scanpath_settings(self, dataset: str, view: str, model: str) -> dict:
        """Return the settings of a network's scanpaths: of the label maps, of the methods on x₀, and their own."""
        keys = {
            "fixations",
            "among",
            "draws",
            "seed",
            "thresholds",
        }  # as in `labelmaps.scoring.scanpaths.Plan`
        return {
            "look": self.label_map_settings(dataset, view, model),
            "methods": self._method_settings(self.predicting_variants(model)),
            "scanpaths": self.settings.scanpaths.model_dump(include=keys),
        }

    def scanpath_settings_of_networks(self, dataset: str) -> dict[str, list[dict]]:
        """Return the settings of the scanpaths for each of `network_rows`."""
        return {
            "networks": [self.scanpath_settings(dataset, view, model) for view, model in self._networks()]
        }

    def staged_settings(self, dataset: str) -> dict:
        """Return the settings of looks in two stages: of the label maps of each network of `staged_rows`, and of methods."""
        rows = self.staged_rows(dataset)
        networks = dict.fromkeys((row["view"], row["model"]) for row in rows)
        methods = dict.fromkeys(row["method"] for row in rows)
        return {
            "networks": [self.label_map_settings(dataset, *network) for network in networks],
            "methods": self._method_settings(methods),
        }

    def _method_settings(self, methods: Iterable[str]) -> dict[str, dict]:
        """Return name → settings of methods: the method, its options, and the arrival."""
        entries = {name: self.settings.methods[name] for name in methods}
        return {
            name: {"method": entry.method, "options": entry.options, "arrival": entry.arrival}
            for name, entry in entries.items()
        }

    def paper_settings(self) -> dict[str, dict]:
        """Return the settings of the saliency maps of the paper's methods on x₀, by the paper's names."""
        names = {method: self.paper_method(method) for method in ("gradcam", "dff")}
        made = self._method_settings(names.values())
        return {
            method: {key: made[name][key] for key in ("method", "options")} for method, name in names.items()
        }

    def reading_settings(self, dataset: str, views: Sequence[str]) -> dict:
        """Return the settings of the outcomes for each of `reading_rows`."""
        rows = self.reading_rows(dataset, views)
        networks = [self.label_map_settings(dataset, row["view"], row["model"]) for row in rows]
        return {"networks": networks, "methods": self.paper_settings()}

    def calibration_settings(self, dataset: str) -> dict:
        """Return the settings of a calibration: of the outcomes, of the bootstrap, and of each network's standard crop."""
        calibration = self.settings.calibration
        bootstrap = {"resamples": calibration.resamples, "seed": calibration.seed}
        crops = [self.view(STANDARD_CROP, model) for model in self.settings.run.models]
        return self.reading_settings(dataset, calibration.views) | {
            "bootstrap": bootstrap,
            "standard_views": crops,
        }

    def sweep_settings(self, dataset: str, option: str) -> dict:
        """Return the settings of a sweep."""
        return self.reading_settings(dataset, self.sweep_views(option)) | {"option": option}

    def fidelity_settings(self, dataset: str) -> dict:
        """Return the settings of the comparison of a sample's label maps with their reference."""
        views, reference = self.settings.run.views, reference_of(dataset)
        return self.reading_settings(dataset, views) | {
            "references": self.reading_settings(reference, views)["networks"]
        }

    def table_settings(self, dataset: str, table: str) -> dict:
        """Return the settings with which a table must have been made; table: its name, such as "summary"."""
        if table.startswith("sweep_"):
            return self.sweep_settings(dataset, table.removeprefix("sweep_"))
        of_table = {
            "pointing": self.run_settings,
            "who_gains": self.run_settings,
            "fidelity": self.fidelity_settings,
        }
        of_table |= {"scanpaths": self.scanpath_settings_of_networks, "two_stages": self.staged_settings}
        of_table |= dict.fromkeys(("calibration", "calibration_terms"), self.calibration_settings)
        return of_table.get(table, self.score_settings)(dataset)

    # Readings of the protocol, and sweeps over an option of the views.

    def paper_saliency(self, dataset: str, view: str, model: str, method: str) -> str:
        """Return the saliency maps of one of the paper's methods."""
        return f"{self.folder(dataset, view, model)}/saliency/{self.paper_method(method)}.h5"

    def reading_rows(self, dataset: str, views: Sequence[str]) -> list[dict[str, str]]:
        """Return the columns of each network of the run with each of the views, network by network.

        Raises `ConfigurationError` if there are no views, for a view on which a map of x₀ has no place, and for a network
        that does without one of the paper's methods.
        """
        if not views:
            raise ConfigurationError("calibration.views: name the views to be compared")
        for view in views:
            if obstacle := self.settings.views[view].map_obstacle:
                raise ConfigurationError(
                    f"views.{view}: Grad-CAM and DFF cannot be read there: {obstacle}; leave it out of fidelity, "
                    "calibration and sweeps"
                )
        models = self.settings.run.models
        names = [self.paper_method(method) for method in PAPER_METHODS]
        for model in models:
            if left := [name for name in names if self.settings.does_without(model, name)]:
                raise ConfigurationError(
                    f"models.{model}: does without {', '.join(left)}, which fidelity, calibration and sweeps compare; leave "
                    "the network out of run.models for them"
                )
        return [self.network_columns(dataset, view, model) for model in models for view in views]

    def reading_files(self, dataset: str, views: Sequence[str]) -> list[str]:
        """Return the outcomes for each of `reading_rows`."""
        rows = self.reading_rows(dataset, views)
        return [f"{self.folder(dataset, row['view'], row['model'])}/reading.parquet" for row in rows]

    def standard_crop_files(self, dataset: str) -> list[str]:
        """Return the label maps of the standard crop of each network of the run."""
        folders = (self.folder(dataset, STANDARD_CROP, model) for model in self.settings.run.models)
        return [f"{folder}/label_maps.h5" for folder in folders]

    def family_examples(self) -> list[str]:
        """Return the first view of each family among the views of the calibration."""
        first = {}
        for name in self.settings.calibration.views:
            first.setdefault(self.settings.views[name].family, name)
        return list(first.values())

    def sweep_views(self, option: str) -> list[str]:
        """Return the views of a sweep.

        Raises `ConfigurationError` unless they differ only in the option, and this is a number.
        """
        names = self.settings.sweeps[option]
        options = [self.settings.views[name].model_dump() for name in names]
        for name, view in zip(names, options, strict=True):
            if type(view.get(option)) not in (int, float):
                raise ConfigurationError(
                    f"sweeps.{option}: {name} has no option {option} that is a number; name other views"
                )
            others = [key for key in view if key != option and view[key] != options[0].get(key)]
            if others:
                raise ConfigurationError(
                    f"sweeps.{option}: {name} differs from {names[0]} in {', '.join(others)}, too; name other views"
                )
        if len({view[option] for view in options}) < len(options):
            raise ConfigurationError(
                f"sweeps.{option}: the same {option} twice among {', '.join(names)}; name one of them"
            )
        return names

    def sweep_files(self, dataset: str, option: str) -> list[str]:
        """Return the outcomes for each of `sweep_rows`."""
        return self.reading_files(dataset, self.sweep_views(option))

    def sweep_rows(self, dataset: str, option: str) -> list[dict]:
        """Return the columns of each network with each view of a sweep, and the option's value."""
        rows = self.reading_rows(dataset, self.sweep_views(option))
        return [row | {"value": self.settings.views[row["view"]].options[option]} for row in rows]

    def sweep_grids(self, dataset: str, option: str) -> list[int]:
        """Return the number of fixations along each axis for each of `sweep_rows`."""
        rows = self.reading_rows(dataset, self.sweep_views(option))
        return [self.settings.views[row["view"]].options["grid"] for row in rows]

    def sweep_title(self, option: str) -> str:
        """Return the options that the views of a sweep have in common, as a title."""
        view = self.settings.views[self.settings.sweeps[option][0]]
        options = [f"{key}: {value}" for key, value in view.options.items() if key != option]
        return f"{view.family} ({', '.join(options)})"
