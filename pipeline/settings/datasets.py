"""Data sets: images of the user's, synthetic scenes, and samples of either."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipeline.settings.base import MERGED, Closed, Location, Name, Positive, Seed

ColumnName = Annotated[str, Field(min_length=1)]
# The keys of which a data set has exactly one, to say what it is made of; `images` stands beside `table` and `coco`, too.
SOURCES = ("images", "table", "voc", "parquet", "webdataset", "scenes", "sample")
# What keys belong to.
NEEDED = {"subset": ("voc",), "columns": ("table", "parquet", "webdataset"), "coco": ("images",)}
# Keys that exclude each other: what a source that holds images and labels leaves no room for.
EXCLUDING = {
    "scenes": (
        "images",
        "table",
        "boxes",
        "classes",
        "voc",
        "coco",
        "parquet",
        "webdataset",
        "acceptable_labels",
        "factors",
    ),
    "table": ("boxes", "coco"),
    "coco": ("boxes",),
    "voc": ("images", "table", "boxes", "coco", "parquet", "webdataset"),
    "parquet": ("images", "table", "coco", "webdataset"),
    "webdataset": ("images", "table", "coco"),
}
WITH_BOXES = ("boxes", "table", "coco", "parquet", "webdataset")

# Examples that labelmaps.scoring.examples chooses.
AUTOMATIC = ("gain", "agreement", "disagreement", "failure")


class Scenes(Closed):
    """Synthetic scenes, which a rule draws."""

    images: Positive = Field(200, description="number of scenes")
    seed: Seed = Field(
        2, description="of the scenes; evaluation scenes and training scenes never share a random stream"
    )


class Sample(Closed):
    """Some images of another data set, drawn at random; all of them where it has no more."""

    of: Name = Field(description="the other data set")
    images: Positive = Field(200, description="number of images; all where there are no more")
    seed: Seed = Field(0, description="of the draw")


class Columns(Closed):
    """The columns of a table, or keys in JSON, where their names do not say which they are."""

    image: ColumnName | None = Field(
        None,
        description="that of the image's file; of `parquet`, of the images themselves, bytes or a struct of them (left out: "
        "`image`)",
    )
    label: ColumnName | None = Field(
        None,
        description="that of its class; of `parquet`, and of the JSON in `webdataset`, also of a list of labels, one for "
        "each box; nested names are joined by dots, `objects.category` (left out: `label`; in `webdataset`, `.cls` first)",
    )
    boxes: ColumnName | Annotated[list[ColumnName], Field(min_length=4, max_length=4)] | None = Field(
        None,
        description="that of its boxes, lists of four numbers; or four, of one number each, in the order of `box_format`. "
        "Left out: the usual name, where there is one",
    )

    @pydantic.model_validator(mode="after")
    def _each_once(self):
        names = [
            name for value in self.named().values() for name in ([value] if isinstance(value, str) else value)
        ]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{', '.join(sorted(twice))}: named twice {MERGED}")
        return self

    def named(self) -> dict[str, str | list[str]]:
        """Return the columns that are named, by their keys."""
        return self.model_dump(exclude_none=True)


class Dataset(Closed):
    """A data set: its images, where their labels and boxes come from, and how strictly they are checked."""

    images: Location | None = Field(
        None,
        description="a flat folder; a folder with one folder per class, named by its id, or all by labels; a root that "
        "holds one of these as `val`; or the official `.tar`, read in place. Every data set needs `images`, `table`, "
        "`voc`, `parquet`, `webdataset`, `scenes` or `sample`",
    )
    boxes: Location | None = Field(
        None,
        description="Kaggle's `LOC_val_solution.csv`, a folder of the official `.xml`, or their `.tgz`, read in place. In "
        "a flat folder and in a tar they give the labels, too",
    )
    table: Location | None = Field(
        None,
        description="a `.csv` of images with their labels and maybe boxes, a row per image or per box, under the usual "
        "names of columns; `images` is then the folder from which its paths start",
    )
    columns: Columns | None = Field(
        None,
        description="the columns of a table, parquet or JSON, where several could be meant or none is found",
    )
    voc: Location | None = Field(
        None,
        description="the root of a Pascal VOC data set, with `Annotations`, `JPEGImages` and `ImageSets`",
    )
    subset: Annotated[str, Field(pattern=r"^[^/.\x00][^\x00]*$")] = Field(
        "val", description="of `voc`: the list in `ImageSets/Main` whose images are used (`val`, `test`)"
    )
    acceptable_labels: Location | None = Field(
        None,
        description="all labels that are right of each image: ImageNet's `real.json` as published, a `.json` "
        "of image → list of labels, or a `.csv` with `image` and `labels`, separated by blanks; labels are class ids or "
        "indices. Given later, they cost neither label maps nor saliency",
    )
    factors: Location | None = Field(
        None,
        description="what images are like, for `who_gains.csv`: ImageNet-X's `imagenet_x_val_multi_factor.jsonl`, or a "
        "`.jsonl` or `.csv` of one's own with `file_name` or `image` and a column of 0 and 1 for each factor. Given later, "
        "they cost neither label maps nor saliency",
    )
    coco: Location | None = Field(
        None,
        description="an `instances_….json` of COCO's format; `images` is then the folder of its images. Annotations of "
        "crowds are no objects",
    )
    parquet: Location | None = Field(
        None,
        description="tables with a column of images, read in place: a file, a folder or a pattern (`data/validation-*`)",
    )
    webdataset: Location | None = Field(
        None,
        description="tars of samples (`.jpg`, `.cls`, `.json`), read in place: a file, a folder or a pattern",
    )
    scenes: Scenes | None = Field(None, description="instead of files: synthetic scenes, drawn by a rule")
    sample: Sample | None = Field(
        None, description="instead of files: some images of another data set, drawn at random"
    )
    classes: Location | None = Field(
        None,
        description="lines `id name`, in the order of the logits: the line's number is the label's index. Left out: "
        "the folders' names, in the order of torchvision's ImageFolder, where none is of ImageNet; Pascal VOC's twenty, or "
        "those of its objects, sorted; COCO's categories by id; a `ClassLabel` of parquet, unless it is ImageNet's; "
        "otherwise ImageNet's 1000 synsets, of which labels that are numbers must then reach 500, or the run stops",
    )
    verify: Literal["full", "header"] = Field(
        "full",
        description="`full` decodes every image once while indexing, and looks for all damage that the file tells of; "
        "`header` reads sizes only",
    )
    expect_images: Positive | None = Field(None, description="fewer images are an error")
    max_excluded: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01,
        description="the share of images that may be unusable; they are listed with the reason in `excluded.csv`. More "
        "stop the run",
    )
    box_format: Literal["corners", "size", "corner_fractions", "size_fractions"] = Field(
        "corners",
        description="what the four numbers of a box are, in `table`, Kaggle's CSV, `parquet` and `webdataset`: `corners` "
        "(x0 y0 x1 y1 in pixels), `size` (x y width height in pixels), or either as fractions of the image, from 0 to 1. "
        "XML names its corners; left out for `coco`: `size`",
    )
    check_boxes: bool = Field(
        True,
        description="whether to stop where all boxes together are hardly what `box_format` says, or of other copies of the "
        "images: a tenth of the images have boxes within the first pixel, without area or outside; or, from 10 "
        "images, nearly all boxes lie in the upper left. `false`: the boxes are so",
    )
    min_matched: Annotated[float, Field(ge=0, le=1)] = Field(
        0.5,
        description="the share of the images that must find an entry in `boxes`, in `acceptable_labels` and in `factors`; "
        "of the entries, where these are fewer. Fewer stop the run: the names differ",
    )
    parts: Positive | None = Field(
        None,
        description="jobs among which the label maps of a network are divided (with 7 × 7 fixations; other grids in "
        "proportion); a killed run loses the parts in progress only. Left out: 1, or by time (see `parts` "
        "below). For ImageNet 50: parts of 1,000 images, 100 MB. Label maps that were begun stay divided as "
        "they are, whatever the settings say now, and the run says so: the maps are the same. To divide them "
        "anew, delete their folder `label_maps`",
    )
    examples: dict[Name, str] = Field(
        {},
        description="images of your choice for Figure 1 and the explorer: a name of yours → the image's id (as in "
        "`index.parquet`; the file's name without its ending, and without a synset that Hugging Face added). Of "
        "an image of several classes its first is shown, or the one that is named: `id · class`, as figures write "
        "it",
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _boxes_of_coco(cls, entry):
        # Beside these keys, coco is a mistake, which is to be told, and not the format.
        if (
            isinstance(entry, dict)
            and entry.get("coco") is not None
            and not {"boxes", "sample"} & entry.keys()
        ):
            return {"box_format": "size"} | entry
        return entry

    @pydantic.model_validator(mode="after")
    def _one_source(self):
        if self.coco is None and not any(getattr(self, key) for key in SOURCES):
            raise ValueError(f"needs {', '.join(SOURCES[:-1])} or {SOURCES[-1]}")
        given = {key for key in self.model_fields_set if getattr(self, key) is not None}
        own = given - {"sample", "parts", "examples"}
        if self.sample is not None and own:
            raise ValueError(f"{', '.join(sorted(own))}: settled by the data set of the sample {MERGED}")
        for key, needed in NEEDED.items():
            if key in given and not given.intersection(needed):
                raise ValueError(f"{key}: needs {' or '.join(needed)} {MERGED}")
        for name in self.examples:
            if name in AUTOMATIC:
                raise ValueError(f"examples: {name} is chosen automatically; name yours otherwise")
        if (
            self.box_format != "corners"
            and self.boxes is not None
            and not self.boxes.lower().endswith(".csv")
        ):
            raise ValueError(
                f"box_format: {self.box_format} is for CSV; XML names the corners of its boxes {MERGED}"
            )
        if self.box_format != "corners" and not given.intersection(WITH_BOXES):
            raise ValueError(f"box_format: {self.box_format} needs one of {', '.join(WITH_BOXES)} {MERGED}")
        for key, excluded in EXCLUDING.items():
            for other in excluded:
                if getattr(self, key) is not None and getattr(self, other) is not None:
                    raise ValueError(f"{key} and {other} exclude each other {MERGED}")
        return self


class Sampled(Closed):
    """The sample of each data set, named NAME_sample, on which readings of the protocol are compared."""

    images: Positive = Field(
        200, description="number of images drawn from each data set; all where it has no more"
    )
    seed: Seed = Field(0, description="of the draw")


def reference_of(sample: str) -> str:
    """Name the reference for a sample: its images again, with label maps of the exact engine in float32."""
    return f"{sample}_reference"
