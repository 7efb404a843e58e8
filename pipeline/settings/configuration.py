"""The whole configuration: its blocks, and the checks across them."""

import math
from typing import Annotated

import pydantic
from pydantic import Field

from labelmaps import methods, views
from labelmaps.scoring.null_names import LIKELIHOOD_SET, NULL_NAMES, SCANPATH_BASELINES, SCANPATH_CHOICES
from pipeline.settings.base import Closed, ConfigurationError, Name, check_known
from pipeline.settings.datasets import Dataset, Sample, Sampled, reference_of
from pipeline.settings.networks import Compute, Model, Parts
from pipeline.settings.outputs import Calibration, Explorer, Figure, Figures, Nulls, Pointing, Scanpaths
from pipeline.settings.views_and_methods import Method, OneOf, View

# The number of fixations for which `parts` and `images_per_second` are given; other grids count in proportion.
FIXATIONS = 7 * 7
MOST_PARTS = 900  # the joined file opens all parts, and a process may usually open 1024 files

VIEWS, METHODS = OneOf(views, "family", "View"), OneOf(methods, "method", "saliency")


class Run(Closed):
    """The names that are selected from the catalogues."""

    datasets: list[Name] = Field(min_length=1, description="names from `datasets`")
    models: list[Name] = Field(min_length=1, description="names from `models`")
    views: list[Name] = Field(min_length=1, description="names from `views`")
    methods: list[Name] = Field(min_length=1, description="names from `methods`")


class Settings(Closed):
    """The whole configuration."""

    datasets: dict[Name, Dataset]
    models: dict[Name, Model]
    views: dict[Name, Annotated[View, VIEWS]]
    methods: dict[Name, Annotated[Method, METHODS]]
    compute: Compute = Compute()
    parts: Parts = Parts()
    pointing: Pointing = Pointing()
    nulls: Nulls = Nulls()
    scanpaths: Scanpaths = Scanpaths()
    figures: Figures = Figures()
    figure_1: Figure = Figure()
    figure_2: Figure = Figure()
    explorer: Explorer = Explorer()
    sample: Sampled = Sampled()
    calibration: Calibration = Calibration()
    sweeps: dict[Name, Annotated[list[Name], Field(min_length=2)]] = Field(
        {}, description="option of a view → names of views that differ only in it"
    )
    run: Run

    @pydantic.model_validator(mode="after")
    def _samples(self):
        for name, dataset in list(self.datasets.items()):
            if dataset.sample is not None:
                check_known(dataset.sample.of, self.datasets, f"datasets.{name}.sample.of")
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
            self._check_map(name, "calibration.views")
        for option, names in self.sweeps.items():
            for name in names:
                self._check_map(name, f"sweeps.{option}")
        return self

    def _check_map(self, view: str, key: str) -> None:
        """Raise `ValueError` for an unknown view, or one on which maps of Grad-CAM and DFF have no place.

        key: the key that names the view, for the message.
        """
        check_known(view, self.views, key)
        if obstacle := self.views[view].map_obstacle:
            raise ValueError(
                f"{key}: Grad-CAM and DFF, which are compared there, cannot be read on {view}: {obstacle}; leave it out"
            )

    @pydantic.model_validator(mode="after")
    def _nulls(self):
        check_known("standard_crop", self.views, "view")
        own = views.NETWORKS_OWN
        usual = views.create_view("shift", base="crop", grid=1, share=own, interpolation=own)
        if views.create_view(**self.views["standard_crop"].arguments) != usual:
            raise ValueError(
                "views.standard_crop: this name is for the standard crop of classifiers; give your view another name, "
                "or give a network its own crop_share and interpolation"
            )
        if self.nulls.ten_crop:
            check_known("ten_crop", self.views, "view")
            usual = views.create_view("ten_crop", share=own, interpolation=own)
            if views.create_view(**self.views["ten_crop"].arguments) != usual:
                raise ValueError(
                    "views.ten_crop: this name is for the crops that nulls.ten_crop averages; give your view another "
                    "name, or give a network its own crop_share and interpolation"
                )
        for name in self.methods:
            if name in (*NULL_NAMES, LIKELIHOOD_SET, "ceiling", *SCANPATH_BASELINES):
                raise ValueError(f"methods.{name}: a baseline has this name; choose another")
        for name in SCANPATH_CHOICES:
            entry = self.methods.get(name)
            if entry is not None and (entry.input, entry.cue) == ("glimpse", "uncued"):
                raise ValueError(
                    f"methods.{name}: scanpaths of this name are chosen from all views, but those of {entry.method} "
                    "from x₀; choose another name"
                )
        return self

    @pydantic.model_validator(mode="after")
    def _selected(self):
        for figure in ("figure_1", "figure_2"):
            for name in getattr(self, figure).methods:
                check_known(name, self.methods, f"{figure}.methods")
        for kind, names in self.run:
            for name in names:
                check_known(name, getattr(self, kind), f"run.{kind}")
            if len(set(names)) < len(names):
                raise ValueError(f"run.{kind}: a name is given twice; remove one")
        if all(self.methods[name].cue == "baseline" for name in self.run.methods):
            raise ValueError(
                "run.methods: without a cued or uncued method there is no saccade; add one, such as likelihood"
            )
        known = {*self.methods, *(method.method for method in self.methods.values())}
        for model, entry in self.models.items():
            for name in entry.without:
                check_known(name, known, f"models.{model}.without")
        for model in self.run.models:
            if all(self.methods[name].cue == "baseline" for name in self.methods_of(model)):
                raise ValueError(
                    f"models.{model}.without: leaves no cued and no uncued method of run.methods; shorten one of the two"
                )
        on_glimpses = [name for name in self.run.methods if self.methods[name].input == "glimpse"]
        for view in self.run.views:
            if on_glimpses and (obstacle := self.views[view].map_obstacle):
                raise ValueError(
                    f"run: maps of x₀ cannot be read on {view}: {obstacle}; leave {', '.join(on_glimpses)} out of "
                    "run.methods"
                )
        for model in self.run.models:
            for dataset in self.run.datasets:
                if self.models[model].knows_scenes and self.whole(dataset).scenes is None:
                    raise ValueError(
                        f"run: {model} is trained on synthetic scenes and knows nothing of {dataset}; "
                        "name your networks in run.models"
                    )
        return self

    @pydantic.model_validator(mode="after")
    def _divided(self):
        for name in self.parts.images_per_second:
            check_known(name, self.models, "parts.images_per_second")
        for dataset in self.run.datasets:
            if self.parts.minutes is not None and self.datasets[dataset].parts is not None:
                raise ValueError(
                    f"parts.minutes and datasets.{dataset}.parts both divide the label maps; set one of them to null"
                )
            for model in self.run.models:
                for view in self.run.views:
                    self.n_parts(dataset, view, model)
        return self

    def methods_of(self, model: str) -> list[str]:
        """Return the methods of the run for a network, without those that its key `without` names."""
        return [name for name in self.run.methods if not self.does_without(model, name)]

    def does_without(self, model: str, method: str) -> bool:
        """Return whether a network does without a method, by its name in the catalogue or by its module's."""
        return not {method, self.methods[method].method}.isdisjoint(self.models[model].without)

    def n_parts(self, dataset: str, view: str, model: str) -> int:
        """Compute the number of parts into which a network's label maps are to be divided.

        Raises `ConfigurationError` if there are too many, or if the number follows from `parts.minutes` but the number of
        images or the network's speed is not known.
        """
        share = self.views[view].options["grid"] ** 2 / FIXATIONS
        parts = self.datasets[dataset].parts or 1
        key = f"datasets.{dataset}.parts"
        if self.datasets[dataset].parts is None and self.parts.minutes is not None:
            key = "parts.minutes"
            images, speed = self.n_images(dataset), self.parts.images_per_second.get(model)
            if images is None:
                raise ConfigurationError(
                    f"datasets.{dataset}.expect_images: set it, since {key} needs the number of images before there "
                    "is an index"
                )
            if speed is None:
                raise ConfigurationError(
                    f"parts.images_per_second.{model}: set it, since {key} needs it; the log of a part ends with it "
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
        """Return the number of images of a data set by the settings; None if they do not state it."""
        whole, sample = self.whole(dataset), self.datasets[dataset].sample
        n = whole.expect_images if whole.scenes is None else whole.scenes.images
        return n if sample is None else min(sample.images, n or sample.images)

    def whole_name(self, dataset: str) -> str:
        """Return the name of the data set of which this one is a sample, or its own."""
        sample = self.datasets[dataset].sample
        return dataset if sample is None else sample.of

    def whole(self, dataset: str) -> Dataset:
        """Return the data set of which this one is a sample, or itself."""
        return self.datasets[self.whole_name(dataset)]
