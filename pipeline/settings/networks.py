"""Networks, and how they are run."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipeline.settings.base import (
    Closed,
    Location,
    Name,
    Positive,
    Seed,
    ThreeMeans,
    ThreeSpreads,
    check_exactly_one,
    check_known,
)
from pipeline.sources import ROOT

# Architecture → names of torchvision's weights for it; a list, because importing torchvision takes seconds.
WEIGHTS = {
    architecture: weights
    for architecture, *weights in map(
        str.split, (ROOT / "resources" / "torchvision_classifiers.txt").read_text().splitlines()
    )
}
ARCHITECTURES = ["small_resnet", *WEIGHTS]


class Training(Closed):
    """Training on synthetic scenes, which a rule does."""

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
        return check_known(name, ARCHITECTURES, "architecture")

    @pydantic.model_validator(mode="after")
    def _one_source(self):
        check_exactly_one(self, "weights", "checkpoint", "random", "train")
        if self.weights is not None:
            choices = WEIGHTS.get(self.architecture)
            if choices is None:
                raise ValueError("torchvision has no weights for small_resnet; use train or checkpoint")
            check_known(self.weights.removeprefix("IMAGENET1K_"), choices, "weights")
        if self.train is not None and self.architecture != "small_resnet":
            raise ValueError(
                "train goes with small_resnet; train other networks elsewhere, and give a checkpoint"
            )
        return self

    @property
    def is_transformer(self) -> bool:
        """Whether the network is a vision transformer, whose last block gives no map."""
        return self.architecture.startswith("vit_")

    @property
    def source(self) -> str:
        """The source of the weights, as every output names it."""
        if self.weights is not None:
            return f"torchvision {self.weights.removeprefix('IMAGENET1K_')}"
        if self.random is not None:
            return "random (for tests only)"
        return "checkpoint" if self.checkpoint is not None else "trained on scenes"


class Compute(Closed):
    """The way networks are run; the same settings give the same bytes."""

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
    """The time that a part of a network's label maps should take."""

    minutes: Annotated[float, Field(gt=0)] | None = Field(None, description="that a part should take")
    images_per_second: dict[Name, Annotated[float, Field(gt=0)]] = Field(
        {}, description="network → images a second, with 7 × 7 views each, as the log of a part says"
    )
