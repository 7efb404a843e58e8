"""The results made from label maps: scores, figures, the explorer, the calibration."""

import itertools
from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipeline.settings.base import Closed, Name, Positive, Seed


class Pointing(Closed):
    """The Pointing Game."""

    tolerance: Annotated[float, Field(ge=0)] = Field(
        0.0, description="number of pixels of the original image by which boxes are extended on each side"
    )


class Figure(Closed):
    """A figure that shows some methods: Figure 1 their maps on single images, Figure 2 their scores."""

    methods: list[Name] = Field(
        [],
        description="names of entries that run; an entry that does not is replaced by other entries of the method of "
        "its name. With `[]`, or if none of them runs: all that run, without the baselines",
    )


class Figures(Closed):
    """The sizes in which figures are drawn."""

    sizes: list[Literal["page", "column", "slide"]] = Field(
        ["page"],
        min_length=1,
        description="any of `page` (7.2 inches wide), `column` (3.5) and `slide` (6.4; on a slide of 13.3 inches "
        "letters are twice as large). Figures of the size `page` are in `figures/`, others in `figures/column/` and "
        "`figures/slide/`",
    )

    @pydantic.field_validator("sizes")
    @classmethod
    def _once_each(cls, sizes: list[str]) -> list[str]:
        if len(set(sizes)) < len(sizes):
            raise ValueError(f"{', '.join(sizes)}: name each size once")
        return sizes


class Explorer(Closed):
    """The page on which single images can be explored."""

    images: Positive = Field(
        48,
        description="number of images in the explorer: those of `datasets.….examples` first, then in turn the next "
        "largest gain, agreement, disagreement and failure (of each network, by the methods of Figure 1) and the next "
        "small object",
    )


class Nulls(Closed):
    """The nulls: accuracies that are reached without looking where a method says."""

    seed: Seed = Field(0, description="seed of the random fixation, the random decoy and the folds")
    folds: Annotated[int, Field(ge=2)] = Field(
        10,
        description="number of folds into which images are divided at random, to choose temperature and ring weights by "
        "cross-validation",
    )
    ten_crop: bool = Field(
        False,
        description="whether five- and ten-crop are among the nulls (torchvision's `FiveCrop` and `TenCrop`, the mean "
        "of the probabilities): nine more views of each image for each network, the view `ten_crop`",
    )


class Scanpaths(Closed):
    """Scanpaths: several fixations one after another, and when they end."""

    fixations: Annotated[int, Field(ge=1, le=100)] = Field(
        8, description="length of the longest path, with x₀; paths are shorter in a grid with fewer views"
    )
    among: Literal["all", "inner"] = Field(
        "all", description="the views that can be chosen: `all`, or `inner`, without the grid's outer ring"
    )
    draws: Annotated[int, Field(ge=1, le=1000)] = Field(20, description="number of random paths per image")
    seed: Seed = Field(0, description="seed of the random paths")
    thresholds: list[Annotated[float, Field(ge=0)]] = Field(
        [0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0],
        description="entropies of the accumulated posterior, in nats; for each, paths end at the first fixation after "
        "which the entropy is below it. `[]`: no path ends early",
    )

    @pydantic.field_validator("thresholds")
    @classmethod
    def _increase(cls, thresholds: list[float]) -> list[float]:
        if any(second <= first for first, second in itertools.pairwise(thresholds)):
            raise ValueError(f"{', '.join(map(str, thresholds))}: name each once, the lowest first")
        return thresholds


class Calibration(Closed):
    """The calibration: which reading of the protocol fits the paper's numbers."""

    views: list[Name] = Field(
        [],
        description="names of the views to compare; your list replaces this one (29 views in `readings.yaml`)",
    )
    images: Literal["all", "sample"] = Field(
        "all",
        description="the images on which the target `calibration` ranks readings: `all` of each data set, or, to save "
        "time, its `sample`",
    )
    resamples: Annotated[int, Field(ge=100)] = Field(2000, description="number of bootstrap resamples")
    seed: Seed = Field(0, description="seed of the resamples")
