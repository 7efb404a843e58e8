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
        str.split,
        (ROOT / "resources" / "torchvision_classifiers.txt").read_text(encoding="utf-8").splitlines(),
    )
}
ARCHITECTURES = ["small_resnet", *WEIGHTS]
SOURCES = ("weights", "checkpoint", "shipped", "train", "random")  # keys of a network, one of which it has


class Training(Closed):
    """Training on synthetic scenes, which a rule does."""

    scenes: Positive = Field(3000, description="number of training scenes")
    epochs: Positive = Field(16, description="times that each scene is seen")
    seed: Seed = Field(1, description="of the scenes, the initial weights and the crops")


class Random(Closed):
    """Random weights, for benchmarks and tests only."""

    seed: Seed = Field(0, description="of the weights")


class Model(Closed):
    """A network: its architecture, the source of its weights, and what it expects of its input."""

    architecture: str = Field(description="a classifier of torchvision by its name, or `small_resnet`")
    weights: str | None = Field(
        None,
        description="torchvision's, downloaded and checked by hash: `V1`, `V2` or `DEFAULT`. Every network needs "
        "`weights`, `checkpoint`, `shipped`, `train` or `random`",
    )
    checkpoint: Location | None = Field(
        None,
        description="instead: a file of yours with a state dict (float16 will do), loaded without running code from it",
    )
    shipped: Literal["scenes"] | None = Field(
        None,
        description="instead: the weights of `small_resnet` that come with this repository, `scenes`: trained on synthetic "
        "scenes, as [`resources/small_resnet.txt`](../resources/small_resnet.txt) says",
    )
    train: Training | None = Field(
        None, description="instead: `small_resnet` trained on synthetic scenes, by a rule"
    )
    random: Random | None = Field(
        None, description="instead: random weights, for benchmarks and tests only; every output says so"
    )
    size: Positive | None = Field(
        None,
        description="side of the network's input, in pixels. Left out: what torchvision's `weights` were trained with, or "
        "224",
    )
    mean: ThreeMeans | None = Field(
        None, description="of RGB in [0, 1], three numbers. Left out: torchvision's, or ImageNet's"
    )
    std: ThreeSpreads | None = Field(
        None, description="of RGB in [0, 1], three numbers. Left out: torchvision's, or ImageNet's"
    )

    @pydantic.field_validator("architecture")
    @classmethod
    def _known(cls, name: str) -> str:
        return check_known(name, ARCHITECTURES, "architecture")

    @pydantic.model_validator(mode="after")
    def _one_source(self):
        check_exactly_one(self, *SOURCES)
        if self.weights is not None:
            choices = WEIGHTS.get(self.architecture)
            if choices is None:
                raise ValueError(
                    "torchvision has no weights for small_resnet; use shipped, train or checkpoint"
                )
            check_known(self.weights.removeprefix("IMAGENET1K_"), choices, "weights")
        for key in ("shipped", "train"):
            if getattr(self, key) is not None and self.architecture != "small_resnet":
                raise ValueError(
                    f"{key} goes with small_resnet; train other networks elsewhere, and give a checkpoint"
                )
        return self

    @property
    def knows_scenes(self) -> bool:
        """Whether the network was, or will be, trained on synthetic scenes, and so knows no other classes."""
        return self.shipped is not None or self.train is not None

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
        return "trained on scenes" if self.knows_scenes else "checkpoint"


class Compute(Closed):
    """The way networks are run; the same settings give the same bytes."""

    device: Literal["cpu", "cuda", "auto"] = Field(
        "auto",
        description="`cpu`; `cuda` (none there is an error, and the jobs ask for the resource `gpu`); `auto` (a GPU where "
        "the job finds one). Each job has [a GPU of its own](../docs/cluster.md)",
    )
    precision: Literal["float32", "bfloat16", "float16", "auto"] = Field(
        "float32",
        description="of the network; `auto` is bfloat16 where the device has it in hardware. The last layer is always "
        "float32, TF32 is off",
    )
    compile: Literal["auto", "always", "never"] = Field(
        "auto",
        description="compile the network for label maps; `auto`: where the precision is reduced or the device is a GPU, a "
        "part has 20,000 views or more (200,000 on a GPU; with `engine: shared` an image counts as 3), and "
        "there is a C++ compiler. Parts and later runs share what was compiled (`resources/compiled`)",
    )
    batch: Positive | None = Field(
        None,
        description="views that go through the network together, rounded to whole images or to equal numbers of rows of "
        "the grid. Left out: 8 on a CPU, 1024 on a GPU. Where memory runs out it is halved, and the part "
        "starts again; the file says with which",
    )
    threads: Positive = Field(
        2,
        description="CPU threads of each job that indexes, trains or runs a network. A CPU works on as many batches at a "
        "time, each in one thread, and memory grows with their number; but for training, no result depends on "
        "it. With many cores, several parts of few threads each go faster than one of many",
    )


class Parts(Closed):
    """The time that a part of a network's label maps should take."""

    minutes: Annotated[float, Field(gt=0)] | None = Field(
        None, description="that a job should take for its part"
    )
    images_per_second: dict[Name, Annotated[float, Field(gt=0)]] = Field(
        {},
        description="network → speed, with 7 × 7 views of each image, as the log of a part says. "
        "[docs/cluster.md](../docs/cluster.md) measures it",
    )
