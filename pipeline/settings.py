"""The configuration, checked once before any job starts.

The schema is closed: unknown keys, wrong types, unknown names and impossible values are refused with the key's path and
what is allowed. Four catalogues (datasets, models, views, methods) say what there is; `run` selects from them, so an entry
that is not selected costs nothing.
"""

import difflib
import inspect
import math
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import pydantic
import yaml
from pydantic import Field
from pydantic_core import core_schema

from labelmaps import methods, views
from labelmaps.modules import load_module, module_names
from labelmaps.scoring.null_names import NULL_NAMES

RESOURCES = Path(__file__).parent.parent / "resources"
# Architecture → names of torchvision's weights for it; a list, because importing torchvision takes seconds.
WEIGHTS = {
    architecture: weights
    for architecture, *weights in map(
        str.split, (RESOURCES / "torchvision_classifiers.txt").read_text().splitlines()
    )
}
ARCHITECTURES = ["small_resnet", *WEIGHTS]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
# A path of the user's: some text, as files are named.
Location = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]+$")]
Positive = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]  # what every generator of random numbers takes
ThreeMeans = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=3, max_length=3)]
ThreeSpreads = Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=3, max_length=3)]
FIXATIONS = 7 * 7  # of a data set's `parts` and a network's `images_per_second`; other grids in proportion
MOST_PARTS = 900  # the joined file opens them all, and a process may usually open 1024 files
AUTOMATIC = (
    "gain",
    "agreement",
    "disagreement",
    "failure",
)  # examples that labelmaps.scoring.examples chooses

# Why a key may be there that the user did not write.
MERGED = "(an entry of an existing name is merged into it; choose a new name)"


class ConfigurationError(ValueError):
    """Every mistake in a configuration, one a line."""


def known(name: str, names: list[str], what: str) -> str:
    """Return the name, or raise `ValueError` with what is allowed."""
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise ValueError(f"{what} {name!r} is unknown; {hint}choose from {', '.join(names)}")
    return name


class Closed(pydantic.BaseModel):
    """Settings whose keys are all known; types are not converted."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, entry):
        for key in entry if isinstance(entry, dict) else ():
            known(str(key), list(cls.model_fields), "key")
        return entry


def exactly_one(settings: Closed, *keys: str) -> None:
    """Raise `ValueError` unless exactly one of the keys is set."""
    given = [key for key in keys if getattr(settings, key) is not None]
    if len(given) != 1:
        hint = f" {MERGED}" if len(given) > 1 else ""
        raise ValueError(f"give exactly one of {', '.join(keys)}; given: {', '.join(given) or 'none'}{hint}")


class Scenes(Closed):
    """Synthetic scenes, drawn by a rule."""

    images: Positive = Field(240, description="number of scenes")
    seed: Seed = Field(2, description="evaluation scenes and training scenes never share a random stream")


class Sample(Closed):
    """Some images of another data set, drawn at random; all of them where it has no more."""

    of: Name = Field(description="the other data set")
    images: Positive = Field(200, description="number of images")
    seed: Seed = 0


class Dataset(Closed):
    """A data set: its images, where their labels and boxes come from, and how strictly they are checked."""

    images: Location | None = Field(
        None, description="flat folder, folder with a subfolder per class, or official .tar"
    )
    boxes: Location | None = Field(None, description="Kaggle LOC .csv, folder of .xml, or .tgz of them")
    table: Location | None = Field(
        None, description="a .csv with path,label and maybe boxes; images is then its base"
    )
    scenes: Scenes | None = Field(None, description="instead: synthetic scenes")
    sample: Sample | None = Field(None, description="instead: some images of another data set")
    classes: Location | None = Field(
        None, description="lines `id name`, in the order of the logits; default: ImageNet's 1000 synsets"
    )
    verify: Literal["full", "header"] = Field(
        "full", description="decode every image once while indexing, or not"
    )
    expect_images: Positive | None = Field(None, description="fewer images are an error")
    max_excluded: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, description="share of images that may be unusable"
    )
    parts: Positive | None = Field(
        None, description="jobs among which a network's label maps are divided; default: by time, or 1"
    )
    examples: dict[Name, str] = Field({}, description="name → image id: images of your choice for Figure 1")

    @pydantic.model_validator(mode="after")
    def _one_source(self):
        if not (self.images or self.table or self.scenes or self.sample):
            raise ValueError("needs images, table, scenes or sample")
        given = {key for key in self.model_fields_set if getattr(self, key) is not None}
        own = given - {"sample", "parts", "examples"}
        if self.sample is not None and own:
            raise ValueError(f"{', '.join(sorted(own))}: settled by the data set of the sample {MERGED}")
        for name in self.examples:
            if name in AUTOMATIC:
                raise ValueError(f"examples: {name} is chosen automatically; name yours otherwise")
        files = ("images", "table", "boxes", "classes")
        for key, excluded in {"scenes": files, "table": ("boxes",)}.items():
            for other in excluded:
                if getattr(self, key) is not None and getattr(self, other) is not None:
                    raise ValueError(f"{key} and {other} exclude each other {MERGED}")
        return self


class Training(Closed):
    """Training on synthetic scenes, by a rule."""

    scenes: Positive = Field(2000, description="number of training scenes")
    epochs: Positive = Field(18, description="times that each is seen")
    seed: Seed = Field(1, description="of the scenes, the initial weights and the crops")


class Random(Closed):
    """Random weights, for benchmarks and tests only."""

    seed: Seed = 0


class Model(Closed):
    """A network: its architecture, the source of its weights, and what it expects of its input."""

    architecture: str = Field(description="a torchvision classifier, or small_resnet")
    weights: str | None = Field(
        None, description="torchvision's: V1, V2 or DEFAULT (downloaded, checked by hash)"
    )
    checkpoint: Location | None = Field(None, description="a state dict file of your own")
    random: Random | None = Field(None, description="random weights, for benchmarks and tests only")
    train: Training | None = Field(None, description="trained on synthetic scenes by a rule")
    size: Positive | None = Field(
        None, description="side of the input, pixels; default: torchvision's, or 224"
    )
    mean: ThreeMeans | None = Field(
        None, description="of RGB in [0, 1]; default: torchvision's, or ImageNet's"
    )
    std: ThreeSpreads | None = Field(
        None, description="of RGB in [0, 1]; default: torchvision's, or ImageNet's"
    )

    @pydantic.field_validator("architecture")
    @classmethod
    def _known(cls, name: str) -> str:
        return known(name, ARCHITECTURES, "architecture")

    @pydantic.model_validator(mode="after")
    def _one_source(self):
        exactly_one(self, "weights", "checkpoint", "random", "train")
        if self.weights is not None:
            choices = WEIGHTS.get(self.architecture)
            if choices is None:
                raise ValueError("torchvision has no weights for small_resnet; use train or checkpoint")
            known(self.weights.removeprefix("IMAGENET1K_"), choices, "weights")
        if self.train is not None and self.architecture != "small_resnet":
            raise ValueError(
                "train goes with small_resnet; train other networks elsewhere, and give a checkpoint"
            )
        return self

    @property
    def source(self) -> str:
        """Where the weights come from, as said in every output."""
        if self.weights is not None:
            return f"torchvision {self.weights.removeprefix('IMAGENET1K_')}"
        if self.random is not None:
            return "random (for tests only)"
        return "checkpoint" if self.checkpoint is not None else "trained on scenes"


class View(Closed):
    """A view family (the module in `labelmaps/views`) with its options."""

    family: str
    engine: Literal["exact", "shared"] = Field(
        "exact", description="how label maps are computed; shared: all views of a shift from one feature map"
    )

    @property
    def options(self) -> dict:
        """The arguments of the family's `View`."""
        return self.model_dump(exclude={"family", "engine"})

    @property
    def looks(self) -> dict:
        """The family and its options."""
        return self.model_dump(exclude={"engine"})

    @pydantic.model_validator(mode="after")
    def _possible(self):
        view = views.create(self.family, **self.options)
        if self.engine == "shared" and not hasattr(view, "sample_union"):
            raise ValueError(
                f"engine: shared needs views that are windows of one picture, as those of `shift`, not of `{self.family}`"
            )
        return self


class Method(Closed):
    """A saliency method (the module in `labelmaps/methods`) with its options."""

    method: str
    arrival: Literal["nearest", "index"] = Field(
        "nearest",
        description="the view after the saccade: nearest to the selected point, or of its cell's row and column",
    )

    @property
    def options(self) -> dict:
        """The keyword arguments of the method's `saliency`."""
        return self.model_dump(exclude={"method", "arrival"})

    @property
    def variant(self) -> str:
        """The method and those of its options that are not the default, as in "igub prior=mean"."""
        changed = self.model_dump(exclude={"method"}, exclude_defaults=True)
        return " ".join([self.method, *(f"{key}={value}" for key, value in changed.items())])

    @property
    def input(self) -> str:
        """What the method looks at: "label maps" or "glimpse"."""
        return load_module(methods, self.method).INPUT

    @property
    def cue(self) -> str:
        """cued, uncued or baseline."""
        return load_module(methods, self.method).CUE


class OneOf:
    """Annotation: an entry whose key `tag` names a module of a package, and whose other keys are its options.

    The options are the keyword-only parameters of the module's `function`, so a new module brings its own schema.
    """

    def __init__(self, package: ModuleType, tag: str, function: str):
        self.package, self.tag, self.function = package, tag, function

    def __get_pydantic_core_schema__(self, base, handler):
        names = module_names(self.package)
        choices = {name: handler.generate_schema(self.model(base, name)) for name in names}

        def tag_of(entry: object) -> str:
            if not isinstance(entry, dict) or self.tag not in entry:
                raise ValueError(f"needs the key `{self.tag}`: one of {', '.join(names)}")
            return known(str(entry[self.tag]), names, self.tag)

        return core_schema.no_info_before_validator_function(
            lambda entry: tag_of(entry) and entry,
            core_schema.tagged_union_schema(choices, discriminator=self.tag),
        )

    def model(self, base: type[Closed], name: str) -> type[Closed]:
        """The schema of one module's entry."""
        function = getattr(load_module(self.package, name), self.function)
        options = {
            p.name: (p.annotation, ... if p.default is p.empty else p.default)
            for p in inspect.signature(function).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        }
        return pydantic.create_model(name, __base__=base, **{self.tag: (Literal[name], ...)}, **options)


class Compute(Closed):
    """How networks are run. The same settings give the same bytes."""

    device: Literal["cpu", "cuda", "auto"] = Field("auto", description="auto: a GPU where the job finds one")
    precision: Literal["float32", "bfloat16", "float16", "auto"] = Field(
        "float32",
        description="auto: bfloat16 where the device has it; the last layer is always float32",
    )
    compile: Literal["auto", "always", "never"] = Field(
        "auto", description="the network, for label maps; auto: where it pays and there is a C++ compiler"
    )
    batch: Positive | None = Field(
        None, description="views that go through the network together; default: what suits the device"
    )
    threads: Positive = Field(2, description="CPU threads of each job that indexes, trains or runs a network")


class Parts(Closed):
    """How long a job looks at its part of the images: a network's label maps are divided accordingly."""

    minutes: Annotated[float, Field(gt=0)] | None = Field(None, description="that a part should take")
    images_per_second: dict[Name, Annotated[float, Field(gt=0)]] = Field(
        {}, description="network → images a second, with 7 × 7 views each, as the log of a part says"
    )


class Pointing(Closed):
    """The Pointing Game."""

    tolerance: Annotated[float, Field(ge=0)] = Field(0.0, description="original pixels around each box")


class Figure(Closed):
    """A figure that shows some methods: Figure 1, their maps on single images; Figure 2, their scores."""

    methods: list[Name] = Field([], description="shown where they run; empty: all that run but the baselines")


class Figures(Closed):
    """The sizes in which figures are drawn."""

    sizes: list[Literal["page", "column", "slide"]] = Field(
        ["page"],
        min_length=1,
        description="a paper's page or column, slides; the latter two have folders",
    )

    @pydantic.field_validator("sizes")
    @classmethod
    def _once_each(cls, sizes: list[str]) -> list[str]:
        if len(set(sizes)) < len(sizes):
            raise ValueError(f"{', '.join(sizes)}: name each size once")
        return sizes


class Explorer(Closed):
    """The page on which to look at single images."""

    images: Positive = Field(48, description="number of images, chosen to be telling; `examples` come first")


class Nulls(Closed):
    """What there is to gain without looking where a method says."""

    seed: Seed = Field(0, description="of the random fixation and the random decoy")


class Sampled(Closed):
    """The sample of each data set, named NAME_sample, on which readings of the protocol are compared."""

    images: Positive = 200
    seed: Seed = 0


class Calibration(Closed):
    """Which reading of the protocol fits the paper's numbers."""

    views: list[Name] = Field([], description="the readings")
    resamples: Annotated[int, Field(ge=100)] = Field(2000, description="bootstrap resamples of the images")
    seed: Seed = Field(0, description="of the resamples")


class Run(Closed):
    """Names selected from the catalogues."""

    datasets: list[Name] = Field(min_length=1)
    models: list[Name] = Field(min_length=1)
    views: list[Name] = Field(min_length=1)
    methods: list[Name] = Field(min_length=1)


def reference_of(sample: str) -> str:
    """The data set of a sample's images whose label maps are computed as plainly as can be, for comparison."""
    return f"{sample}_reference"


class Settings(Closed):
    """The whole configuration."""

    datasets: dict[Name, Dataset]
    models: dict[Name, Model]
    views: dict[Name, Annotated[View, OneOf(views, "family", "View")]]
    methods: dict[Name, Annotated[Method, OneOf(methods, "method", "saliency")]]
    compute: Compute = Compute()
    parts: Parts = Parts()
    pointing: Pointing = Pointing()
    nulls: Nulls = Nulls()
    figures: Figures = Figures()
    figure_1: Figure = Figure()
    figure_2: Figure = Figure()
    explorer: Explorer = Explorer()
    sample: Sampled = Sampled()
    calibration: Calibration = Calibration()
    sweeps: dict[Name, Annotated[list[Name], Field(min_length=2)]] = Field(
        {}, description="option of a view → views that differ in it alone"
    )
    run: Run

    @pydantic.model_validator(mode="after")
    def _samples(self):
        for name, dataset in list(self.datasets.items()):
            if dataset.sample is not None:
                known(dataset.sample.of, list(self.datasets), f"datasets.{name}.sample.of")
                if self.datasets[dataset.sample.of].sample is not None:
                    raise ValueError(f"datasets.{name}: a sample of a sample; give the whole data set")
            elif f"{name}_sample" in self.datasets:
                raise ValueError(
                    f"datasets: {name}_sample is the name of the sample of {name}; choose another"
                )
            else:
                sample = Sample(of=name, images=self.sample.images, seed=self.sample.seed)
                self.datasets[f"{name}_sample"] = Dataset(sample=sample)
        return self

    @pydantic.model_validator(mode="after")
    def _references(self):
        for name, dataset in list(self.datasets.items()):
            if dataset.sample is not None:
                if reference_of(name) in self.datasets:
                    raise ValueError(
                        f"datasets: {reference_of(name)} is the name of the reference for {name}; choose another"
                    )
                self.datasets[reference_of(name)] = dataset
        return self

    @pydantic.model_validator(mode="after")
    def _readings(self):
        for name in self.calibration.views:
            known(name, list(self.views), "calibration.views")
        for option, names in self.sweeps.items():
            for name in names:
                known(name, list(self.views), f"sweeps.{option}")
        return self

    @pydantic.model_validator(mode="after")
    def _nulls(self):
        known("standard_crop", list(self.views), "view")
        usual = views.create("shift", base="crop", grid=1)
        if views.create(**self.views["standard_crop"].looks) != usual:
            raise ValueError(
                "views.standard_crop: is what classifiers usually see; name a view of yours otherwise"
            )
        for name in self.methods:
            if name in (*NULL_NAMES, "ceiling"):
                raise ValueError(f"methods.{name}: a baseline has this name; choose another")
        return self

    @pydantic.model_validator(mode="after")
    def _selected(self):
        for figure in ("figure_1", "figure_2"):
            for name in getattr(self, figure).methods:
                known(name, list(self.methods), f"{figure}.methods")
        for kind, names in self.run:
            for name in names:
                known(name, list(getattr(self, kind)), f"run.{kind}")
            if len(set(names)) < len(names):
                raise ValueError(f"run.{kind}: a name is given twice")
        if all(self.methods[name].cue == "baseline" for name in self.run.methods):
            raise ValueError(
                "run.methods: without a cued or uncued method there is no saccade; add likelihood, say"
            )
        on_glimpses = [name for name in self.run.methods if self.methods[name].input == "glimpse"]
        for model in self.run.models:
            if on_glimpses and self.models[model].architecture.startswith("vit_"):
                raise ValueError(
                    f"run: {model} is a vision transformer, whose last block gives no map; leave {', '.join(on_glimpses)} "
                    "out of run.methods"
                )
            for dataset in self.run.datasets:
                if self.models[model].train is not None and self.whole(dataset).scenes is None:
                    raise ValueError(
                        f"run: {model} is trained on synthetic scenes and knows nothing of {dataset}; "
                        "name your networks in run.models"
                    )
        return self

    @pydantic.model_validator(mode="after")
    def _divided(self):
        for name in self.parts.images_per_second:
            known(name, list(self.models), "parts.images_per_second")
        for dataset in self.run.datasets:
            if self.parts.minutes is not None and self.datasets[dataset].parts is not None:
                raise ValueError(
                    f"parts.minutes and datasets.{dataset}.parts both divide the label maps; set one of them to null"
                )
            for model in self.run.models:
                for view in self.run.views:
                    self.n_parts(dataset, view, model)
        return self

    def n_parts(self, dataset: str, view: str, model: str) -> int:
        """The number of jobs among which a network's label maps are divided.

        Raises `ConfigurationError` where there would be too many, and where their number follows from a time, and the number
        of images or the network's speed is not known.
        """
        share = self.views[view].grid ** 2 / FIXATIONS
        parts = self.datasets[dataset].parts or 1
        key = f"datasets.{dataset}.parts"
        if self.datasets[dataset].parts is None and self.parts.minutes is not None:
            key = "parts.minutes"
            images, speed = self.n_images(dataset), self.parts.images_per_second.get(model)
            if images is None:
                raise ConfigurationError(
                    f"datasets.{dataset}.expect_images: {key} needs it, for the parts must be known before there is an index"
                )
            if speed is None:
                raise ConfigurationError(
                    f"parts.images_per_second.{model}: {key} needs it; the log of a part ends with it "
                    "(logs/compute_label_maps/…)"
                )
            parts = images / (speed * 60 * self.parts.minutes)
        parts = math.ceil(parts * share)
        if parts > MOST_PARTS:
            raise ConfigurationError(
                f"{key}: {parts} parts for {model} through {view}; more than {MOST_PARTS} cannot be joined"
            )
        return parts

    def n_images(self, dataset: str) -> int | None:
        """How many images a data set has, as far as the settings tell."""
        whole, sample = self.whole(dataset), self.datasets[dataset].sample
        n = whole.expect_images if whole.scenes is None else whole.scenes.images
        return n if sample is None else min(sample.images, n or sample.images)

    def is_reference(self, dataset: str) -> bool:
        """Whether the data set is there for comparison with others' ways to compute label maps."""
        return any(reference_of(name) == dataset for name in self.datasets)

    def swept(self, option: str) -> list[str]:
        """The views of a sweep; raises `ConfigurationError` unless they differ in the option, a number, alone."""
        names = self.sweeps[option]
        options = [self.views[name].model_dump() for name in names]
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

    def whole(self, dataset: str) -> Dataset:
        """The data set of this name, or that of which it is a sample."""
        sample = self.datasets[dataset].sample
        return self.datasets[dataset if sample is None else sample.of]

    def shown_methods(self, figure: Figure) -> list[str]:
        """The methods of a figure: those asked for that run, or all that run where none of them does; no baselines.

        Where an entry does not run, other entries of the method that it names stand for it.
        """
        running = [name for name in self.run.methods if self.methods[name].cue != "baseline"]
        asked = []
        for wanted in figure.methods:
            others = [name for name in running if self.methods[name].method == wanted]
            asked += [wanted] if wanted in running else others
        return list(dict.fromkeys(asked)) or running


def read_settings(config: dict) -> Settings:
    """Check a configuration; raises `ConfigurationError` listing each mistake with the key's path."""
    try:
        return Settings.model_validate(config)
    except pydantic.ValidationError as error:
        mistakes = [describe(mistake) for mistake in error.errors()]
        raise ConfigurationError("the configuration cannot be used:\n  " + "\n  ".join(mistakes)) from None


class _Unrepeating(yaml.SafeLoader):
    """Reads YAML in which no key stands twice in one mapping."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        first = {}
        for key, _ in node.value:
            name = str(key.value)
            if first.setdefault(name, key) is not key:
                line, before = (node.start_mark.line + 1 for node in (key, first[name]))
                raise ConfigurationError(
                    f"line {line}: the key '{name}' stands on line {before} already; make them one"
                )
        return node


def refuse_repeated_keys(path: str | Path) -> None:
    """Raise `ConfigurationError` for a key that stands twice in a mapping of a configuration file.

    Readers of YAML keep the last, and drop the first without a word.
    """
    try:
        yaml.compose(Path(path).read_text(encoding="utf-8"), _Unrepeating)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}, {error}") from None
    except yaml.YAMLError:
        return  # JSON may have tabs


def describe(mistake: dict) -> str:
    """One line for one of pydantic's errors: the key's path, what is wrong, what was given."""
    keys = [str(key) for key in mistake["loc"]]
    if keys[:1] in (["views"], ["methods"]):
        del keys[2:3]  # the module's name, which the path in the file does not have
    message = mistake["msg"].removeprefix("Value error, ")
    given = "" if isinstance(mistake["input"], dict | Closed) else f" (given: {mistake['input']!r})"
    return f"{'.'.join(keys)}: {message}{given}" if keys else message
