"""Networks, and how they run."""

import re
from functools import cache, partial
from typing import Annotated, Literal

import pydantic
from pydantic import Field

from labelmaps.networks.architectures import Architecture, read_architecture
from labelmaps.resampling.taps import Interpolation
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
    spell,
)
from pipeline.sources import ROOT


def read_list(file: str) -> dict[str, list[str]]:
    """Read architecture → names of its weights from a list of a library's classifiers, since importing it takes seconds."""
    lines = (ROOT / "resources" / file).read_text(encoding="utf-8").splitlines()
    return {architecture: weights for architecture, *weights in map(str.split, lines)}


WEIGHTS = read_list("torchvision_classifiers.txt")
ARCHITECTURES = {"small_resnet": [], **WEIGHTS}
TIMM = cache(lambda: read_list("timm_classifiers.txt"))  # the tag of the default weights comes first
# The sources of weights, exactly one of which a network has.
SOURCES = ("weights", "checkpoint", "shipped", "train", "random")


def read_digits(n: int, what: str, text: str) -> str:
    """Return hexadecimal digits in lower case; raise `ValueError` unless there are n. what: their meaning, for messages."""
    if not re.fullmatch(rf"[0-9a-fA-F]{{{n}}}", text):
        raise ValueError(f"give all {n} hexadecimal digits {what}")
    return text.lower()


class Training(Closed):
    """The training of a network on synthetic scenes, which a rule does."""

    scenes: Positive = Field(3000, description="number of training scenes")
    epochs: Positive = Field(16, description="number of times that each scene is used")
    seed: Seed = Field(1, description="seed of the scenes, the initial weights and the crops")


class Random(Closed):
    """Random weights, for benchmarks and tests only."""

    seed: Seed = Field(0, description="seed of the weights")


class Model(Closed):
    """A network: its architecture, the source of its weights, and the input that it expects."""

    architecture: str = Field(
        description="a classifier of torchvision by its name (`resnet18`) or of timm (`timm:resnet18`); a function of "
        "yours that returns a network, `path/to/file.py:build` or `package.module:build`; or `small_resnet`"
    )
    weights: str | None = Field(
        None,
        description="torchvision's weights, downloaded and checked by hash: `V1`, `V2` or `DEFAULT`; or timm's, by "
        "their tag (`a1_in1k`) or `DEFAULT`, pinned by `revision`, `sha256` or both. Every network needs "
        "`weights`, `checkpoint`, `shipped`, `train` or `random`",
    )
    revision: (
        Annotated[str, pydantic.AfterValidator(partial(read_digits, 40, "of a commit of the hub"))] | None
    ) = Field(
        None,
        description="for timm's `weights`: the commit of their repository on the hub of Hugging Face, 40 hexadecimal "
        "digits. The file is compared with the sha256 that the hub states",
    )
    sha256: (
        Annotated[str, pydantic.AfterValidator(partial(read_digits, 64, "of the sha256 of a file"))] | None
    ) = Field(
        None,
        description="for timm's `weights`: the SHA-256 of their file on the hub, `model.safetensors`, 64 hexadecimal "
        "digits",
    )
    checkpoint: Location | None = Field(
        None,
        description="instead of `weights`: your file with a state dict (float16 is possible), in safetensors or as "
        "torch saves it, alone or in a training checkpoint (`state_dict`, `model`, Lightning's, …; `model_ema` is "
        "preferred to `model`), under any prefix. It is loaded without running code from it. The log states what was "
        "unwrapped and ignored",
    )
    shipped: Literal["scenes"] | None = Field(
        None,
        description="instead of `weights`: those of `small_resnet` that come with this repository, `scenes`: trained on "
        "synthetic scenes, as [`resources/small_resnet.txt`](../resources/small_resnet.txt) describes",
    )
    train: Training | None = Field(
        None, description="instead of `weights`: a rule trains `small_resnet` on synthetic scenes"
    )
    random: Random | None = Field(
        None,
        description="instead of `weights`: random weights, for benchmarks and tests only; every output states that",
    )
    size: Positive | None = Field(
        None,
        description="side of the network's input, in pixels. By default the size with which torchvision's `weights` "
        "were trained, the one that timm states, or 224",
    )
    mean: ThreeMeans | None = Field(
        None,
        description="mean of RGB in [0, 1], three numbers. By default torchvision's, timm's, or ImageNet's",
    )
    std: ThreeSpreads | None = Field(
        None,
        description="standard deviation of RGB in [0, 1], three numbers. By default torchvision's, timm's, or "
        "ImageNet's",
    )
    crop_share: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None,
        description="for views that leave it to the network (`standard_crop`): the side of the crop as a share of the "
        "image's shorter side. By default torchvision's for its `weights`, timm's `crop_pct`, or 224/256",
    )
    interpolation: Interpolation | None = Field(
        None,
        description="for the same views: `bilinear` or `bicubic`, antialiased. By default torchvision's for its "
        "`weights`, timm's, or `bilinear`",
    )
    layer: str | None = Field(
        None,
        min_length=1,
        description="the module, by its name in the network, whose output is the map of x₀ for Grad-CAM, DFF and the "
        "like. By default the last module whose output alone determines the logits; each file of maps states it",
    )

    without: list[Name] = Field(
        [],
        description="entries of `methods` that are left out for this network, or methods of which all entries are: "
        "`[gradcam, dff]` if it has no map of x₀. Tables and figures then have a gap",
    )

    @pydantic.field_validator("architecture")
    @classmethod
    def _known(cls, name: str) -> str:
        read = read_architecture(name)
        if read.library == "torchvision":
            check_known(name, ARCHITECTURES, "architecture")
        elif read.library == "timm":
            architecture, _, tag = read.place.partition(".")
            check_known(architecture, TIMM(), "architecture timm:")
            if tag:
                check_known(tag, TIMM()[architecture], f"weights of timm:{architecture}:")
        elif read.library == "file":
            return f"{spell(read.place)}:{read.function}"
        return name

    @pydantic.model_validator(mode="after")
    def _one_source(self):
        check_exactly_one(self, *SOURCES)
        is_timms = self.built_by.library == "timm" and self.weights is not None
        if is_timms:
            self._check_tag(self.weights)
        elif self.revision is not None or self.sha256 is not None:
            raise ValueError(
                "revision and sha256 go with timm's weights: architecture: timm:NAME and weights: TAG"
            )
        elif self.weights is not None:
            choices = WEIGHTS.get(self.architecture)
            if choices is None:
                raise ValueError(
                    f"weights: are torchvision's or timm's, and there are none for {self.architecture}; use checkpoint"
                )
            check_known(self.weights.removeprefix("IMAGENET1K_"), choices, "weights")
        for key in ("shipped", "train"):
            if getattr(self, key) is not None and self.architecture != "small_resnet":
                raise ValueError(
                    f"{key} goes with small_resnet; train other networks elsewhere, and give a checkpoint"
                )
        return self

    def _check_tag(self, weights: str) -> None:
        """Raise `ValueError` unless timm has weights with this tag, and revision or sha256 pins them."""
        name, _, own_tag = self.built_by.place.partition(".")
        tags = TIMM()[name]
        if not tags:
            raise ValueError(f"weights: timm has none for {name}; use checkpoint")
        if weights != "DEFAULT":
            check_known(weights, [*tags, "DEFAULT"], f"weights of timm:{name}:")
        if own_tag and weights not in ("DEFAULT", own_tag):
            raise ValueError(f"weights: {weights} are not those of {self.architecture}; name one tag")
        if self.revision is None and self.sha256 is None:
            raise ValueError(
                f"weights of timm are downloaded from the hub, where they may change: give revision, sha256 or both. "
                f"The history of https://huggingface.co/timm/{name}.{self.tag} (or where timm's documentation says that "
                "they lie) states the revision, a commit's 40 digits, and the page of model.safetensors there the sha256"
            )

    @property
    def tag(self) -> str | None:
        """The tag of timm's weights; None if the weights are not timm's."""
        if self.weights is None or self.built_by.library != "timm":
            return None
        name, _, own_tag = self.built_by.place.partition(".")
        return self.weights if self.weights != "DEFAULT" else own_tag or TIMM()[name][0]

    @property
    def built_by(self) -> Architecture:
        """The library, file or module that builds the network."""
        return read_architecture(self.architecture)

    @property
    def knows_scenes(self) -> bool:
        """Whether the network is trained on synthetic scenes, so that it knows no other classes."""
        return self.shipped is not None or self.train is not None

    @property
    def source(self) -> str:
        """The source of the weights, as all outputs name it."""
        if self.tag is not None:
            pin = f"revision {self.revision[:12]}" if self.revision else f"sha256 {str(self.sha256)[:12]}"
            return f"timm {self.tag} ({pin})"
        if self.weights is not None:
            return f"torchvision {self.weights.removeprefix('IMAGENET1K_')}"
        if self.random is not None:
            return "random (for tests only)"
        return "trained on scenes" if self.knows_scenes else "checkpoint"


class Compute(Closed):
    """How networks run; the same settings give the same bytes."""

    device: Literal["cpu", "cuda", "auto"] = Field(
        "auto",
        description="`cpu`; `cuda` (it is an error if there is none, and jobs request the resource `gpu`); `auto` (a "
        "GPU if the job finds one). Each job has [a GPU of its own](../docs/cluster.md)",
    )
    precision: Literal["float32", "bfloat16", "float16", "auto"] = Field(
        "float32",
        description="precision of the network; `auto` is bfloat16 if the device has it in hardware. The last layer is "
        "always float32, and TF32 is off",
    )
    compile: Literal["auto", "always", "never"] = Field(
        "auto",
        description="whether to compile the network for label maps; `auto`: if the precision is reduced or the device "
        "is a GPU, if a part has 20,000 views or more (200,000 on a GPU; with `engine: shared` an image counts as 3), "
        "and if there is a C++ compiler. Parts and later runs share the compiled code (`resources/compiled`)",
    )
    batch: Positive | None = Field(
        None,
        description="number of views that go through the network together, rounded to whole images or to equal numbers "
        "of rows of the grid. By default 8 on a CPU, 1024 on a GPU. If memory runs out it is halved, and the part "
        "starts again; the file states the number that was used",
    )
    images_mib: Positive = Field(
        192,
        description="MiB of decoded images that each job holds ahead of the network, and as many in its batches, however "
        "large the images are; one is always taken, and one more than there are threads keeps these busy. No result "
        "depends on it",
    )
    threads: Positive = Field(
        1,
        description="number of CPU threads of each job that indexes images, or trains or runs a network. A CPU works on "
        "that many batches at a time, each in one thread, and memory grows with their number. Only training depends on "
        "it. With many cores, several parts of few threads each are faster than one of many",
    )


class Parts(Closed):
    """The time that a part of a network's label maps should take."""

    minutes: Annotated[float, Field(gt=0)] | None = Field(
        None, description="minutes that a job should take for its part"
    )
    images_per_second: dict[Name, Annotated[float, Field(gt=0)]] = Field(
        {},
        description="network → its speed, with 7 × 7 views of each image, as stated in the log of a part. "
        "[docs/cluster.md](../docs/cluster.md) shows how to measure it",
    )
