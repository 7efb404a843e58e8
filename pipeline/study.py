"""What a configuration asks for, as the rules see it: files, rows and columns of tables, parameters of scripts.

Lists of result files over views, networks and methods are made here; the pattern of a single file stands in its rule. What
needs Snakemake itself (wildcards, the report, warnings) is in `rules/common.smk`.
"""

import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

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
PIN_DIGITS = 16  # of a revision or a sha256, in the name of a file
FIGURE_FORMATS = ("pdf", "svg", "png")
STANDARD_CROP, TEN_CROP = "standard_crop", "ten_crop"  # the views of the nulls of these names
# Keys of a data set's files, beside its classes.
SOURCE_FILES = ("images", "boxes", "table", "voc", "coco", "parquet", "webdataset")
# Keys of further files about its images, each joined with the index by a rule of its own: given later, they cost no map.
LISTS = ("acceptable_labels", "factors")
SHARDS = {"parquet": ".parquet", "webdataset": ".tar"}  # sources that are divided among files → how these end
PAPER_METHODS = ("likelihood", "gradcam", "max_logit", "igub", "dff")


@contextmanager
def explaining_data(dataset: str, key: str) -> Generator[None]:
    """Convert what cannot be read of a data set, under a key of its configuration, into a `ConfigurationError`."""
    try:
        yield
    except InputError as error:
        raise ConfigurationError(f"datasets.{dataset}.{key}: {error}") from error


def is_visible(path: str) -> bool:
    """Tell whether there is a file or folder of this name, and a right to see it."""
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises where a folder may not be entered)


@dataclass(frozen=True)
class Study:
    """The files, rows, columns and parameters that follow from the settings.

    A method is named after what it returns. `dataset`, `view`, `model` and `method` are names in the catalogues.
    """

    settings: Settings
    contents: Contents = field(default_factory=Contents)
    _class_sources: dict[str, dict[str, str]] = field(
        default_factory=dict
    )  # so that folders are looked at once
    _classes_in_parquet: dict[str, list[str]] = field(default_factory=dict)  # so that schemas are read once

    # Data sets.

    def unselected(self, given: dict, defaults: Iterable[dict]) -> dict[str, list[str]]:
        """List the entries that a user's configuration adds to the catalogues and that nothing selects.

        given: the configuration as the user wrote it. defaults: those over which it was laid.

        Returns the name of a list under `run` → names of the catalogue, for the lists of which some are not selected.
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
        """Return where the files of `SOURCE_FILES` and the classes lie: the user's own, or the generated scenes.

        A sample has those of the data set from which it is drawn.
        """
        entry, classes = self.settings.whole(dataset), self.classes_file(dataset)
        if entry.scenes is None:
            return {key: getattr(entry, key) for key in SOURCE_FILES} | {"classes": classes}
        scenes = Path(classes).parent
        made = {"images": f"{scenes}/images", "boxes": f"{scenes}/boxes.csv", "classes": classes}
        return dict.fromkeys(SOURCE_FILES) | made

    def is_generated(self, dataset: str) -> bool:
        """Tell whether a rule draws the data set's images, boxes and classes."""
        return self.settings.whole(dataset).scenes is not None

    def columns(self, dataset: str) -> dict[str, str | list[str]] | None:
        """Return the columns that the settings name of a data set's table."""
        columns = self.settings.whole(dataset).columns
        return None if columns is None else columns.named()

    def dataset_inputs(self, dataset: str) -> list[str]:
        """Return the data set's files that a rule makes."""
        if not self.is_generated(dataset):
            return self.classes_inputs(dataset)
        return [path for path in self.dataset_paths(dataset).values() if path is not None]

    def dataset_contents(self, dataset: str) -> dict[str, str]:
        """Name the contents of the data set's files that are the user's own (see `pipeline.contents`).

        Before its index is made they need not be there, so that a dry run shows the whole graph before the data have
        arrived; the script says what to do where they are not. Raises `ConfigurationError` if they are gone afterwards.
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
        """Return the user's file of one of `LISTS`; None where the data set, or that of which it is a sample, has none."""
        return getattr(self.settings.whole(dataset), key)

    def datasets_with(self, key: str) -> list[str]:
        """Return the data sets, samples among them, that have one of `LISTS`."""
        return [name for name in self.settings.datasets if self.list_source(name, key) is not None]

    def list_file(self, dataset: str, key: str) -> list[str]:
        """Return the table that is made of one of `LISTS`, alone in a list; no table where the data set has none."""
        return [f"{self.folder(dataset)}/{key}.parquet"] if self.list_source(dataset, key) else []

    def list_contents(self, dataset: str, key: str) -> dict[str, str]:
        """Name the content of the file of one of `LISTS`, as `dataset_contents` does those of others."""
        path = self.list_source(dataset, key)
        assert path is not None, f"{dataset} has no {key}"
        is_early = not is_visible(path) and not is_visible(self.index(dataset))
        return {key: ABSENT if is_early else self.contents.of_file(path)}

    def _voc_contents(
        self, dataset: str, path: str, subset: str, digests: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        """Name the contents of a VOC root's list, and of the annotations and the images that it names."""
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
        """Return the source that names the data set's classes itself: its key and its path; nothing where none does.

        Raises `ConfigurationError` for folders of which it cannot be told whether they are classes.
        """
        name = self.settings.whole_name(dataset)
        if name not in self._class_sources:
            self._class_sources[name] = self._find_class_source(name)
        return self._class_sources[name]

    def _find_class_source(self, dataset: str) -> dict[str, str]:
        """Find what `class_source` returns; dataset: no sample."""
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
        """List the classes that a parquet's schema names, where there are some and they are not ImageNet's."""
        if dataset not in self._classes_in_parquet:
            self._classes_in_parquet[dataset] = self._read_parquet_classes(path, dataset)
        return self._classes_in_parquet[dataset]

    def _read_parquet_classes(self, path: str, dataset: str) -> list[str]:
        """Return what `_parquet_classes` returns."""
        from labelmaps.data.formats.parquet import classes_of as named_in  # imports pandas

        imagenet = read_classes(IMAGENET_CLASSES)
        if not is_visible(path) and not is_pattern(path):
            return []
        with explaining_data(dataset, "parquet"):
            named = named_in(path, self.columns(dataset), imagenet)
        return [] if named is None or named == imagenet else [item.id for item in named]

    def class_contents(self, dataset: str) -> str:
        """Name what the data set's own classes follow from: the names of its folders, or its annotations."""
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
        """Tell whether a rule makes the list of classes."""
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
        """Tell whether the settings or the data set name its classes, "given", or nothing does, "assumed": ImageNet's."""
        is_given = self.has_made_classes(dataset) or self.settings.whole(dataset).classes is not None
        return "given" if is_given else "assumed"

    def classes_inputs(self, dataset: str) -> list[str]:
        """Return the list of classes if a rule makes it."""
        return [self.classes_file(dataset)] if self.has_made_classes(dataset) else []

    def classes_contents(self, dataset: str) -> dict[str, str]:
        """Name the content of the list of classes, unless a rule makes it."""
        if self.has_made_classes(dataset):
            return {}
        return {"classes": self.contents.of_file(self.classes_file(dataset))}

    def has_imagenet_classes(self, dataset: str) -> bool:
        """Tell whether a data set's classes are ImageNet's 1000, in their order; False where its file cannot be read."""
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
        """Return the names of the images that Figure 1 shows."""
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
        """Return the samples on which a run must be compared with the reference: those of views that share a trunk."""
        engines = {self.settings.views[view].engine for view in self.settings.run.views}
        return self.samples() if "shared" in engines else []

    def is_reference(self, dataset: str) -> bool:
        """Tell whether the data set is the reference for a sample."""
        return any(reference_of(name) == dataset for name in self.settings.datasets)

    # Of a network, a view and the machine, scripts are given what they use alone, so that a new key reruns nothing.

    def network(self, model: str) -> dict:
        """Return what loads a network and prepares its input."""
        entry = self.settings.models[model]
        keys = {"architecture", "size", "mean", "std"}
        weights = entry.tag or entry.weights
        return {"source": entry.source, "weights": weights, **entry.model_dump(include=keys)}

    def training(self, model: str) -> dict[str, int]:
        """Return what trains a network."""
        training = self.settings.models[model].train
        assert training is not None, f"{model} is not trained by a rule"
        return training.model_dump(include={"scenes", "epochs", "seed"})

    def weights_file(self, dataset: str, model: str) -> str:
        """Return the state dict of a network. One of random weights has as many classes as the data set."""
        entry = self.settings.models[model]
        if entry.checkpoint is not None:
            return entry.checkpoint
        if entry.shipped is not None:
            return str(SHIPPED_WEIGHTS)
        if entry.tag is not None:
            # Beginnings of digits: Snakemake would take 64 zeros for a rule that follows itself.
            pins = (entry.revision or "main", entry.sha256)
            pin = "-".join(digits[:PIN_DIGITS] for digits in pins if digits is not None)
            return f"resources/networks/timm/{entry.built_by.place.partition('.')[0]}-{entry.tag}-{pin}.safetensors"
        if entry.weights is not None:
            return f"resources/networks/torchvision/{entry.architecture}-{entry.weights}.pth"
        if entry.train is not None:
            return f"resources/networks/trained/{model}.pth"
        return f"resources/networks/random/{dataset}/{model}.pth"

    def timm_pins(self, architecture: str, tag: str, pin: str) -> dict[str, str | None]:
        """Return the revision and the sha256 of timm's weights, whose file has the architecture, tag and pin in its name.

        Raises `ConfigurationError` where networks differ in them behind the digits in the name.
        """
        file = f"resources/networks/timm/{architecture}-{tag}-{pin}.safetensors"
        models = self.settings.models
        named = [name for name, entry in models.items() if entry.tag and self.weights_file("", name) == file]
        pins = {(models[name].revision, models[name].sha256) for name in named}
        if len(pins) > 1:
            raise ConfigurationError(
                f"models.{named[0]} and models.{named[-1]}: revision or sha256 of the same weights begin alike and differ"
            )
        revision, sha256 = pins.pop()
        return {"revision": revision or "main", "sha256": sha256}

    def layer(self, model: str) -> str | None:
        """Return the module that gives a network's map of x₀, where it is not to be found."""
        return self.settings.models[model].layer

    def network_inputs(self, dataset: str, model: str) -> list[str]:
        """Return the weights and the list of classes of a network, those that a rule makes."""
        is_made = not self._has_weights(model)
        return [self.weights_file(dataset, model)] * is_made + self.classes_inputs(dataset)

    def network_contents(self, dataset: str, model: str) -> dict[str, str]:
        """Name the contents of what makes a network and that no rule makes: code, weights, and the list of classes."""
        weights = {}
        if self._has_weights(model):
            weights = {"weights": self.contents.of_file(self.weights_file(dataset, model))}
        return self.architecture_contents(model) | weights | self.classes_contents(dataset)

    def drawn_contents(self, dataset: str, model: str) -> dict[str, str]:
        """Name the contents of what gives a network of random weights its shape."""
        return self.architecture_contents(model) | self.classes_contents(dataset)

    def architecture_contents(self, model: str) -> dict[str, str]:
        """Name the content of the user's file that builds a network, or the version of the package that does.

        With the file go all that lie beside and below it and that it imports. Raises `ConfigurationError` for a file that
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
        """Tell whether a network's weights are there: the user's own, or shipped."""
        entry = self.settings.models[model]
        return entry.checkpoint is not None or entry.shipped is not None

    def view(self, view: str, model: str) -> dict:
        """Return the family of a view and its options.

        Options that are left to the network have the value that its entry gives, or are left to its library.
        """
        options, entry = self.settings.views[view].arguments, self.settings.models[model]
        given = {"share": entry.crop_share, "interpolation": entry.interpolation}
        own = {key: value or NETWORKS_OWN for key, value in given.items() if options.get(key) == NETWORKS_OWN}
        return options | own

    def view_of_maps(self, view: str, model: str) -> dict:
        """Return the family of a view and its options, for methods on x₀; see `view`.

        Raises `ConfigurationError` where the view has no places for the cells of a map.
        """
        if obstacle := self.settings.views[view].map_obstacle:
            raise ConfigurationError(
                f"views.{view}: maps of methods on x₀, such as Grad-CAM, cannot be read there: {obstacle}; name targets of "
                "other views or methods"
            )
        return self.view(view, model)

    def view_modules(self, views: Iterable[str]) -> list[str]:
        """Return the modules of views, dotted: scripts find them by name, so their rules name them as inputs."""
        return [f"labelmaps.views.{self.settings.views[view].family}" for view in views]

    def engine(self, dataset: str, view: str) -> str:
        """Return how label maps are computed: by the view's engine, or exactly for a reference."""
        return "exact" if self.is_reference(dataset) else self.settings.views[view].engine

    def compute(self, dataset: str) -> dict:
        """Return how networks are run; for a reference, in float32 and not compiled. No result depends on the threads."""
        plain = {"precision": "float32", "compile": "never"} if self.is_reference(dataset) else {}
        keys = {"device", "precision", "compile", "batch"}
        return self.settings.compute.model_dump(include=keys) | plain

    # Methods.

    def methods_on(self, given: str) -> list[str]:
        """Return the names of the methods whose input is this one: "label maps" or "glimpse"."""
        return [name for name, method in self.settings.methods.items() if method.input == given]

    def shown_methods(self, figure: Figure, model: str | None = None) -> list[str]:
        """Return the methods of a figure: those of its list that run, or all that run where none of them does; no baselines.

        Where an entry does not run, other entries of the method that it names stand for it. model: of which the figure is,
        if it is of one.
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
        """Return a network's uncued methods on its activations, whose scanpaths follow from x₀ alone: name → variant."""
        entries = {name: self.settings.methods[name] for name in self.settings.methods_of(model)}
        return {
            name: entry.variant
            for name, entry in entries.items()
            if (entry.input, entry.cue) == ("glimpse", "uncued")
        }

    def paper_method(self, method: str) -> str:
        """Return the name in the catalogue of one of the paper's methods with its default options.

        Raises `ConfigurationError` where there is no such entry.
        """
        for name, entry in self.settings.methods.items():
            if entry.variant == method:
                return name
        raise ConfigurationError(
            f"methods: an entry `{method}` with its default options is needed here, and there is none"
        )

    def paper_cues(self) -> dict[str, str]:
        """Return the cue of each of the paper's methods."""
        return {method: self.settings.methods[self.paper_method(method)].cue for method in PAPER_METHODS}

    def method_modules(self, methods: Iterable[str]) -> list[str]:
        """Return the modules of methods, dotted: scripts find them by name, so their rules name them as inputs."""
        return [f"labelmaps.methods.{self.settings.methods[method].method}" for method in methods]

    def scanpath_modules(self) -> list[str]:
        """Return the modules of the methods that choose fixations of scanpaths, dotted; see `method_modules`."""
        models = self.settings.run.models
        names = dict.fromkeys(name for model in models for name in self.predicting_variants(model))
        return [f"labelmaps.methods.{name}" for name in SCANPATH_CHOICES] + self.method_modules(names)

    # Files of results, and what is in them, as the first columns of their rows in tables.

    @staticmethod
    def folder(dataset: str, *inside: str) -> str:
        """Return the folder of a data set's results, or one inside it: a view's, then a network's."""
        return "/".join(("results", dataset, *inside))

    def index(self, dataset: str) -> str:
        """Return the index of a data set."""
        return f"{self.folder(dataset)}/index.parquet"

    def excluded(self, dataset: str) -> str:
        """Return the list of the images that a data set leaves out; of a sample, that of the whole data set."""
        return f"{self.folder(self.settings.whole_name(dataset))}/excluded.csv"

    def table_files(self, dataset: str, name: str) -> list[str]:
        """Return a table, and its page in the report."""
        return [f"{self.folder(dataset)}/{name}.csv", f"{self.folder(dataset)}/report/{name}.html"]

    def figure_files(self, dataset: str, name: str, sizes: Sequence[str] | None = None) -> list[str]:
        """Return a figure's files: each size in all formats.

        sizes: those of the settings unless given. The page has no folder of its own, all others have.
        """
        folders = ["" if size == "page" else f"{size}/" for size in sizes or self.settings.figures.sizes]
        return [
            f"{self.folder(dataset)}/figures/{folder}{name}.{suffix}"
            for folder in folders
            for suffix in FIGURE_FORMATS
        ]

    def label_map_parts(self, dataset: str, view: str, model: str) -> list[str]:
        """Return the files among which a network's label maps are divided: as they were begun, or else as planned.

        The maps are the same however they are divided, so another number of parts is no reason to compute them again.
        Raises `ConfigurationError` where the settings do not tell how many are planned.
        """
        folder = f"{self.folder(dataset, view, model)}/label_maps"
        planned = self.settings.n_parts(dataset, view, model)
        parts = n_parts_begun(folder) or planned
        return [f"{folder}/{part}of{parts}.h5" for part in range(1, parts + 1)]

    def network_columns(self, dataset: str, view: str, model: str) -> dict[str, str]:
        """Return what identifies a network that looks through a view."""
        entry = self.settings.models[model]
        return {
            "dataset": dataset,
            "view": view,
            "model": model,
            "architecture": entry.architecture,
            "weights": entry.source,
        }

    def network_rows(self, dataset: str) -> list[dict[str, str]]:
        """Return the columns of every network through every view of the run."""
        return [self.network_columns(dataset, view, model) for view, model in self._networks()]

    def network_files(self, dataset: str, file: str) -> list[str]:
        """Return a file of the results of each of `network_rows`."""
        return [f"{self.folder(dataset, view, model)}/{file}" for view, model in self._networks()]

    def ten_crop_files(self, dataset: str, model: str) -> list[str]:
        """Return the label maps of five- and ten-crop, if they are asked for."""
        return [f"{self.folder(dataset, TEN_CROP, model)}/label_maps.h5"] * self.settings.nulls.ten_crop

    def method_rows(self, dataset: str) -> list[dict[str, str]]:
        """Return the columns of every method of each of `network_rows`, method by method within a network."""
        methods = self.settings.methods
        return [
            columns | {"method": name, "variant": methods[name].variant, "cue": methods[name].cue}
            for columns in self.network_rows(dataset)
            for name in self.settings.methods_of(columns["model"])
        ]

    def method_files(self, dataset: str, kind: str, suffix: str) -> list[str]:
        """Return a file of each of `method_rows`; its `kind` is saliency, fixations or scores."""
        return [
            f"{self.folder(dataset, row['view'], row['model'])}/{kind}/{row['method']}.{suffix}"
            for row in self.method_rows(dataset)
        ]

    def methods_of_networks(self) -> list[list[str]]:
        """Return the methods of each of `network_rows`."""
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
        """Return a file of each method that Figure 1 shows of a network; its `kind` is as for `method_files`."""
        folder = self.folder(dataset, view, model, kind)
        return [f"{folder}/{name}.{suffix}" for name in self.shown_methods(self.settings.figure_1, model)]

    def predicting_files(self, dataset: str, view: str, model: str) -> list[str]:
        """Return the saliency maps of each of `predicting_variants`."""
        folder = self.folder(dataset, view, model, "saliency")
        return [f"{folder}/{name}.h5" for name in self.predicting_variants(model)]

    def _networks(self) -> Iterator[tuple[str, str]]:
        """Return each view with each network of the run."""
        return itertools.product(self.settings.run.views, self.settings.run.models)

    # The settings that must have made a file, which whatever shows its content compares with what the file says of itself.

    def look(self, dataset: str, view: str, model: str) -> dict:
        """Return the settings of label maps, as attributes of their file; a precision of `auto` is left open."""
        precision = self.compute(dataset)["precision"]
        settings = {
            "view": self.view(view, model),
            "network": self.network(model),
            "engine": self.engine(dataset, view),
        }
        return settings if precision == "auto" else settings | {"precision": precision}

    def looked(self, dataset: str) -> dict:
        """Return the settings of the label maps of each of `network_rows`, and of the run's methods."""
        networks = [self.look(dataset, view, model) for view, model in self._networks()]
        return {"networks": networks, "methods": self._method_settings(self.settings.run.methods)}

    def scored(self, dataset: str) -> dict:
        """Return the settings of all scores of the run: `looked`, of the Pointing Game, and of each network's nulls."""
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
        return self.looked(dataset) | {"tolerance": self.settings.pointing.tolerance, "nulls": nulls}

    def shown(self, dataset: str, view: str, model: str) -> dict:
        """Return the settings of the examples of Figure 1: of the label maps, of the methods shown, of the Pointing Game."""
        return {
            "look": self.look(dataset, view, model),
            "methods": self._method_settings(self.shown_methods(self.settings.figure_1, model)),
            "tolerance": self.settings.pointing.tolerance,
        }

    def shown_of_networks(self, dataset: str) -> list[dict]:
        """Return the settings of the examples of each of `network_rows`."""
        return [self.shown(dataset, view, model) for view, model in self._networks()]

    def scanned(self, dataset: str, view: str, model: str) -> dict:
        """Return the settings of a network's scanpaths: of the label maps, of the methods on x₀, and their own."""
        keys = {"fixations", "among", "draws", "seed", "thresholds"}  # of `labelmaps.scoring.scanpaths.Plan`
        return {
            "look": self.look(dataset, view, model),
            "methods": self._method_settings(self.predicting_variants(model)),
            "scanpaths": self.settings.scanpaths.model_dump(include=keys),
        }

    def scanned_by_all(self, dataset: str) -> dict[str, list[dict]]:
        """Return the settings of the scanpaths of each of `network_rows`."""
        return {"networks": [self.scanned(dataset, view, model) for view, model in self._networks()]}

    def staged(self, dataset: str) -> dict:
        """Return the settings of looks in two stages: of the label maps of each network of `staged_rows`, and of methods."""
        rows = self.staged_rows(dataset)
        networks = dict.fromkeys((row["view"], row["model"]) for row in rows)
        methods = dict.fromkeys(row["method"] for row in rows)
        return {
            "networks": [self.look(dataset, *network) for network in networks],
            "methods": self._method_settings(methods),
        }

    def _method_settings(self, methods: Iterable[str]) -> dict[str, dict]:
        """Return the settings of methods, by their names: the method, its options, and the arrival."""
        entries = {name: self.settings.methods[name] for name in methods}
        return {
            name: {"method": entry.method, "options": entry.options, "arrival": entry.arrival}
            for name, entry in entries.items()
        }

    def paper_settings(self) -> dict[str, dict]:
        """Return the settings of the saliency maps of the paper's methods that look once, by the paper's names."""
        names = {method: self.paper_method(method) for method in ("gradcam", "dff")}
        made = self._method_settings(names.values())
        return {
            method: {key: made[name][key] for key in ("method", "options")} for method, name in names.items()
        }

    def read(self, dataset: str, views: Sequence[str]) -> dict:
        """Return the settings of the outcomes of each of `reading_rows`."""
        rows = self.reading_rows(dataset, views)
        looks = [self.look(dataset, row["view"], row["model"]) for row in rows]
        return {"networks": looks, "methods": self.paper_settings()}

    def calibrated(self, dataset: str) -> dict:
        """Return the settings of a calibration."""
        calibration = self.settings.calibration
        bootstrap = {"resamples": calibration.resamples, "seed": calibration.seed}
        crops = [self.view(STANDARD_CROP, model) for model in self.settings.run.models]
        return self.read(dataset, calibration.views) | {"bootstrap": bootstrap, "standard_views": crops}

    def swept_by(self, dataset: str, option: str) -> dict:
        """Return the settings of a sweep."""
        return self.read(dataset, self.swept(option)) | {"option": option}

    def compared(self, dataset: str) -> dict:
        """Return the settings of the comparison of a sample's label maps with their reference."""
        views, reference = self.settings.run.views, reference_of(dataset)
        return self.read(dataset, views) | {"references": self.read(reference, views)["networks"]}

    def table_settings(self, dataset: str, table: str) -> dict:
        """Return the settings that must have made a table."""
        if table.startswith("sweep_"):
            return self.swept_by(dataset, table.removeprefix("sweep_"))
        of_table = {"pointing": self.looked, "who_gains": self.looked, "fidelity": self.compared}
        of_table |= {"scanpaths": self.scanned_by_all, "two_stages": self.staged}
        of_table |= dict.fromkeys(("calibration", "calibration_terms"), self.calibrated)
        return of_table.get(table, self.scored)(dataset)

    # Readings of the protocol, and sweeps over an option of the views.

    def paper_saliency(self, dataset: str, view: str, model: str, method: str) -> str:
        """Return the saliency maps of one of the paper's methods."""
        return f"{self.folder(dataset, view, model)}/saliency/{self.paper_method(method)}.h5"

    def reading_rows(self, dataset: str, views: Sequence[str]) -> list[dict[str, str]]:
        """Return the columns of each network of the run through each of the views.

        Raises `ConfigurationError` where there are no views, and for a view on which a map of x₀ cannot be read.
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
                    "it out of run.models for them"
                )
        return [self.network_columns(dataset, view, model) for model in models for view in views]

    def reading_files(self, dataset: str, views: Sequence[str]) -> list[str]:
        """Return the outcomes of each of `reading_rows`."""
        rows = self.reading_rows(dataset, views)
        return [f"{self.folder(dataset, row['view'], row['model'])}/reading.parquet" for row in rows]

    def standard_crop_files(self, dataset: str) -> list[str]:
        """Return the label maps of the standard crop of each network of the run."""
        folders = (self.folder(dataset, STANDARD_CROP, model) for model in self.settings.run.models)
        return [f"{folder}/label_maps.h5" for folder in folders]

    def family_examples(self) -> list[str]:
        """Return the first view of each family among the readings."""
        first = {}
        for name in self.settings.calibration.views:
            first.setdefault(self.settings.views[name].family, name)
        return list(first.values())

    def swept(self, option: str) -> list[str]:
        """Return the views of a sweep.

        Raises `ConfigurationError` unless they differ in the option, a number, alone.
        """
        names = self.settings.sweeps[option]
        options = [self.settings.views[name].model_dump() for name in names]
        for name, view in zip(names, options, strict=True):
            if type(view.get(option)) not in (int, float):
                raise ConfigurationError(f"sweeps.{option}: {name} has no such option that is a number")
            others = [key for key in view if key != option and view[key] != options[0].get(key)]
            if others:
                raise ConfigurationError(
                    f"sweeps.{option}: {name} differs from {names[0]} in {', '.join(others)}, too; name other views"
                )
        if len({view[option] for view in options}) < len(options):
            raise ConfigurationError(f"sweeps.{option}: the same {option} twice among {', '.join(names)}")
        return names

    def sweep_files(self, dataset: str, option: str) -> list[str]:
        """Return the outcomes of each of `sweep_rows`."""
        return self.reading_files(dataset, self.swept(option))

    def sweep_rows(self, dataset: str, option: str) -> list[dict]:
        """Return the columns of each network through each view of a sweep, with the option's value."""
        rows = self.reading_rows(dataset, self.swept(option))
        return [row | {"value": self.settings.views[row["view"]].options[option]} for row in rows]

    def sweep_grids(self, dataset: str, option: str) -> list[int]:
        """Return the number of fixations along each axis of the views of `sweep_rows`."""
        rows = self.reading_rows(dataset, self.swept(option))
        return [self.settings.views[row["view"]].options["grid"] for row in rows]

    def sweep_title(self, option: str) -> str:
        """Return what the views of a sweep have in common."""
        view = self.settings.views[self.settings.sweeps[option][0]]
        options = [f"{key}: {value}" for key, value in view.options.items() if key != option]
        return f"{view.family} ({', '.join(options)})"
