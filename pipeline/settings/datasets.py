"""Data sets: images of the user's, synthetic scenes, and samples of either."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipeline.settings.base import MERGED, Closed, Location, Name, Positive, Seed

# Examples that labelmaps.scoring.examples chooses.
AUTOMATIC = ("gain", "agreement", "disagreement", "failure")


class Scenes(Closed):
    """Synthetic scenes, which a rule draws."""

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


class Sampled(Closed):
    """The sample of each data set, named NAME_sample, on which readings of the protocol are compared."""

    images: Positive = 200
    seed: Seed = 0


def reference_of(sample: str) -> str:
    """Name the reference for a sample: its images again, with label maps of the exact engine in float32."""
    return f"{sample}_reference"
