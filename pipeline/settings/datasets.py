"""Data sets: the user's images, synthetic scenes, and samples of either."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipeline.settings.base import MERGED, Closed, Location, Name, Positive, Seed

ColumnName = Annotated[str, Field(min_length=1)]
# The sources of a data set, which has exactly one of these keys; `images` may also stand beside `table` and `coco`.
SOURCES = ("images", "table", "voc", "parquet", "webdataset", "scenes", "sample")
# Key → the keys of which it needs one.
NEEDED = {"subset": ("voc",), "columns": ("table", "parquet", "webdataset"), "coco": ("images",)}
# Key → the keys that it excludes, since its source already holds what they would give.
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
        2,
        description="seed of the scenes; scenes for evaluation and for training never share a random stream",
    )


class Sample(Closed):
    """Some images of another data set, drawn at random; all of them if it has no more."""

    of: Name = Field(description="name of the other data set")
    images: Positive = Field(200, description="number of images; all if there are no more")
    seed: Seed = Field(0, description="seed of the draw")


class Columns(Closed):
    """The columns of a table, or keys in JSON, whose names do not tell their meaning."""

    image: ColumnName | None = Field(
        None,
        description="name of the column with the image's file; for `parquet`, with the images themselves, bytes or a "
        "struct with them (by default `image`)",
    )
    label: ColumnName | None = Field(
        None,
        description="name of the column with its class; for `parquet`, and for the JSON in `webdataset`, also with a "
        "list of labels, one for each box; nested names are joined by dots, `objects.category` (by default `label`; in "
        "`webdataset`, `.cls` comes first)",
    )
    boxes: ColumnName | Annotated[list[ColumnName], Field(min_length=4, max_length=4)] | None = Field(
        None,
        description="name of the column with its boxes, lists of four numbers; or four names of columns with one number "
        "each, in the order of `box_format`. By default the usual names, if there are such columns",
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
        """Return key → the columns that are named."""
        return self.model_dump(exclude_none=True)


class Dataset(Closed):
    """A data set: its images, the sources of their labels and boxes, and the strictness of the checks."""

    images: Location | None = Field(
        None,
        description="a flat folder; a folder with one folder per class, each named by its id, or all by labels; a root "
        "that holds one of these as `val`; or the official `.tar`, which is not unpacked. Every data set needs "
        "`images`, `table`, `voc`, `parquet`, `webdataset`, `scenes` or `sample`",
    )
    boxes: Location | None = Field(
        None,
        description="Kaggle's `LOC_val_solution.csv`, a folder of the official `.xml`, or their `.tgz`, which is not "
        "unpacked. For a flat folder or a tar of images they also give the labels",
    )
    table: Location | None = Field(
        None,
        description="a `.csv` of images with their labels and optionally boxes, a row per image or per box, with the "
        "usual names of columns; its paths are relative to the folder `images`, if that is given",
    )
    columns: Columns | None = Field(
        None,
        description="the columns of a table, parquet or JSON, if several are possible or none is found",
    )
    voc: Location | None = Field(
        None,
        description="the root of a Pascal VOC data set, with `Annotations`, `JPEGImages` and `ImageSets`",
    )
    subset: Annotated[str, Field(pattern=r"^[^/.\x00][^\x00]*$")] = Field(
        "val", description="for `voc`: the list in `ImageSets/Main` whose images are used (`val`, `test`)"
    )
    acceptable_labels: Location | None = Field(
        None,
        description="all labels that are right for each image: ImageNet's `real.json` as published, a `.json` "
        "of image → list of labels, or a `.csv` with `image` and `labels`, separated by blanks; labels are class ids or "
        "indices. If they are added later, no label map or saliency map is computed again",
    )
    factors: Location | None = Field(
        None,
        description="properties of images, for `who_gains.csv`: ImageNet-X's `imagenet_x_val_multi_factor.jsonl`, or "
        "your own `.jsonl` or `.csv` with `file_name` or `image` and a column of 0 and 1 for each factor. If they are "
        "added later, no label map or saliency map is computed again",
    )
    coco: Location | None = Field(
        None,
        description="an `instances_….json` in COCO's format; `images` is then the folder of its images. Annotations of "
        "crowds are not used",
    )
    parquet: Location | None = Field(
        None,
        description="tables with a column of images, which are not copied: a file, a folder or a pattern "
        "(`data/validation-*`)",
    )
    webdataset: Location | None = Field(
        None,
        description="tars of samples (`.jpg`, `.cls`, `.json`), which are not unpacked: a file, a folder or a pattern",
    )
    scenes: Scenes | None = Field(None, description="instead of files: synthetic scenes, drawn by a rule")
    sample: Sample | None = Field(
        None, description="instead of files: some images of another data set, drawn at random"
    )
    classes: Location | None = Field(
        None,
        description="a file of lines `id name`, in the order of the logits: the line's number is the label. By default "
        "the folders' names, in the order of torchvision's ImageFolder, if none is one of ImageNet's; Pascal VOC's "
        "twenty, or the classes of its objects, sorted; COCO's categories by id; a `ClassLabel` of parquet, unless it "
        "is ImageNet's; otherwise ImageNet's 1000 synsets: if labels are then numbers below 500 throughout, the run "
        "stops",
    )
    verify: Literal["full", "header"] = Field(
        "full",
        description="`full` decodes every image once while indexing, and checks it for damage; `header` reads only its "
        "size",
    )
    expect_images: Positive | None = Field(None, description="fewer images are an error")
    max_excluded: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01,
        description="largest share of images that may be unusable; they are listed with the reason in `excluded.csv`. "
        "If there are more, the run stops",
    )
    box_format: Literal["corners", "size", "corner_fractions", "size_fractions"] = Field(
        "corners",
        description="meaning of the four numbers of a box, in `table`, Kaggle's CSV, `parquet` and `webdataset`: "
        "`corners` (x0 y0 x1 y1 in pixels), `size` (x y width height in pixels), or either as fractions of the image, "
        "from 0 to 1. XML names its corners; the default for `coco` is `size`",
    )
    check_boxes: bool = Field(
        True,
        description="whether to stop if all boxes together suggest that `box_format` is wrong, or that they belong to "
        "other copies of the images: a tenth of the images have boxes within the first pixel, without area or outside; "
        "or, with 10 images or more, nearly all boxes lie in the upper left. `false`: the boxes are right as they are",
    )
    min_matched: Annotated[float, Field(ge=0, le=1)] = Field(
        0.5,
        description="smallest share of the images (of the entries, if these are fewer) that must have an entry in "
        "`boxes`, in `acceptable_labels` and in `factors`. If fewer have one, their names probably differ, and the run "
        "stops",
    )
    parts: Positive | None = Field(
        None,
        description="number of jobs among which the label maps of a network are divided (with 7 × 7 fixations; other "
        "grids in proportion); a run that is killed loses only the parts in progress. By default 1, or by time (see "
        "`parts` below). For ImageNet 50: parts of 1,000 images, 100 MB. Label maps that were begun stay divided as "
        "they are, even if the number changes, since the maps are the same; the run reports that. To divide them "
        "anew, delete their folder `label_maps`",
    )
    examples: dict[Name, str] = Field(
        {},
        description="images of your choice for Figure 1 and the explorer: your name for it → the image's id (as in "
        "`index.parquet`: the file's name without its ending, and without a synset that Hugging Face added). If "
        "an image shows several classes, its first is used, or the one that you name: `id · class`, as in figures",
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _boxes_of_coco(cls, entry):
        # Beside these keys, coco is a mistake, which should be reported, and not the format.
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
            raise ValueError(
                f"{', '.join(sorted(own))}: given by the data set of the sample; remove it here {MERGED}"
            )
        for key, needed in NEEDED.items():
            if key in given and not given.intersection(needed):
                raise ValueError(f"{key}: needs {' or '.join(needed)} {MERGED}")
        for name in self.examples:
            if name in AUTOMATIC:
                raise ValueError(f"examples: {name} is chosen automatically; give yours another name")
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
        200, description="number of images drawn from each data set; all if it has no more"
    )
    seed: Seed = Field(0, description="seed of the draw")


def reference_of(sample: str) -> str:
    """Return the name of the reference for a sample: the same images, with label maps of the exact engine in float32."""
    return f"{sample}_reference"
