"""What is made of the label maps: scores, figures, the explorer, the calibration."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipeline.settings.base import Closed, Name, Positive, Seed


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


class Calibration(Closed):
    """Which reading of the protocol fits the paper's numbers."""

    views: list[Name] = Field([], description="the readings")
    resamples: Annotated[int, Field(ge=100)] = Field(2000, description="bootstrap resamples of the images")
    seed: Seed = Field(0, description="of the resamples")
