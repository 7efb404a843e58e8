"""An image that shows several classes is as many cases in the index, and one image to all that reads pixels."""

import pandas as pd
import pytest
from PIL import Image

from helpers.study import index_of, noise
from labelmaps.data.batches import first_images, part_of
from labelmaps.data.index import (
    are_imagenet_validation,
    draw_sample,
    find_cases,
    images_of,
    labels_where_needed,
    name_cases,
    read_index,
    write_index,
)
from labelmaps.data.indexing import index_dataset

CLASSES = ["cat", "dog", "fox"]
OBJECTS = {  # image -> its objects, of three, one and two classes
    "a": [("dog", (0, 0, 9, 9)), ("fox", (1, 1, 5, 5)), ("dog", (2, 2, 4, 4)), ("cat", (3, 3, 8, 8))],
    "b": [("dog", (0, 0, 5, 5))],
    "c": [("fox", (0, 0, 3, 3)), ("cat", (4, 4, 9, 9))],
}
CASES = [
    ("a", 0, [[3, 3, 8, 8]]),
    ("a", 1, [[0, 0, 9, 9], [2, 2, 4, 4]]),
    ("a", 2, [[1, 1, 5, 5]]),
    ("b", 1, [[0, 0, 5, 5]]),
    ("c", 0, [[4, 4, 9, 9]]),
    ("c", 2, [[0, 0, 3, 3]]),
]
NAMES = ["a · cat", "a · dog", "a · fox", "b", "c · cat", "c · fox"]


def write_xml(path, image, objects):
    boxes = [
        f"<object><name>{name}</name><bndbox>"
        + "".join(
            f"<{key}>{value}</{key}>"
            for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        )
        + "</bndbox></object>"
        for name, box in objects
    ]
    path.write_text(f"<annotation><filename>{image}.png</filename>{''.join(boxes)}</annotation>")


@pytest.fixture
def folder(tmp_path):
    """Images, their boxes as VOC's XML, as Kaggle's CSV and as two tables: with one row per image and class, and per box."""
    (tmp_path / "classes.txt").write_text("".join(f"{name} {name}\n" for name in CLASSES))
    for name in ("images", "xml"):
        (tmp_path / name).mkdir()
    text, rows = {}, []
    for image, (picture, objects) in zip(
        OBJECTS, zip(noise(*[(12, 10)] * 3), OBJECTS.values(), strict=True), strict=True
    ):
        Image.fromarray(picture).save(tmp_path / "images" / f"{image}.png")
        write_xml(tmp_path / "xml" / f"{image}.xml", image, objects)
        text[image] = " ".join(f"{name} {' '.join(map(str, box))}" for name, box in objects)
        rows += [(f"{image}.png", name, " ".join(map(str, box))) for name, box in objects]
    pd.DataFrame(text.items(), columns=["ImageId", "PredictionString"]).to_csv(
        tmp_path / "boxes.csv", index=False
    )
    pd.DataFrame(rows, columns=["path", "label", "boxes"]).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def index_folder(folder, boxes="xml", images="images", **options):
    return index_dataset(
        folder / "classes.txt", folder / images, boxes and folder / boxes, check_boxes=False, **options
    )


def cases_of(index):
    return [(row.image, row.label, row.boxes.tolist()) for row in index.itertuples()]


@pytest.mark.parametrize("source", ["xml", "boxes.csv", "table.csv"])
def test_every_source_gives_a_case_per_image_and_class(folder, source):
    options = {"boxes": None, "table": folder / source} if source == "table.csv" else {"boxes": source}
    index, excluded = index_folder(folder, **options)
    assert excluded.empty
    assert cases_of(index) == CASES
    assert index.groupby("image")["digest"].nunique().tolist() == [1, 1, 1]
    write_index(folder / "index.parquet", index)
    assert cases_of(read_index(folder / "index.parquet")) == CASES


def test_an_image_with_one_unusable_box_or_class_is_left_out_as_a_whole(folder):
    write_xml(folder / "xml" / "a.xml", "a", [("dog", (0, 0, 9, 9)), ("cat", (0, 0, 90, 9))])
    write_xml(folder / "xml" / "c.xml", "c", [("dog", (0, 0, 9, 9)), ("owl", (0, 0, 9, 9))])
    index, excluded = index_folder(folder, max_excluded=0.7)
    assert cases_of(index) == CASES[3:4]
    assert [reason.partition(":")[0] for reason in excluded["reason"]] == [
        "box outside the image, probably a resized copy",
        "class not in the classes file",
    ]
    assert excluded["image"].tolist() == ["a", "c"]


def test_the_class_of_a_folder_is_one_of_the_boxes_or_they_disagree(folder):
    for image, name in {"a": "fox", "b": "dog", "c": "dog"}.items():
        (folder / "classes" / name).mkdir(parents=True, exist_ok=True)
        (folder / "images" / f"{image}.png").rename(folder / "classes" / name / f"{image}.png")
    index, excluded = index_folder(folder, images="classes", max_excluded=0.5)
    assert cases_of(index) == CASES[:4]
    assert excluded["reason"].tolist() == ["labels disagree: 1 by the folder, 0 2 by the boxes"]


@pytest.fixture
def index(folder):
    return index_folder(folder)[0]


def test_what_reads_pixels_has_each_image_once(index):
    assert images_of(index)["image"].tolist() == ["a", "b", "c"]
    assert len(first_images(index, 2)) == 2
    assert [part_of(index, part, 2)["image"].tolist() for part in (1, 2)] == [["a", "b"], ["c"]]


def test_a_sample_is_of_images_with_all_of_their_cases(index):
    for seed in range(5):
        sample = draw_sample(index, 2, seed)
        assert sample["image"].nunique() == 2
        assert sample.equals(index[index["image"].isin(sample["image"])])


def test_cases_have_names_and_are_found(index):
    assert name_cases(index, CLASSES) == NAMES
    assert find_cases(index, index.iloc[[4, 1]]) == [4, 1]
    assert labels_where_needed(index)["label"].tolist() == [0, 1, 2, 1, 0, 2]
    with pytest.raises(KeyError, match="'b', 2"):
        find_cases(index, pd.DataFrame({"image": ["b"], "label": [2]}))
    one_each = index.iloc[[1, 3, 5]]
    assert name_cases(one_each, CLASSES) == ["a", "b", "c"]
    assert find_cases(one_each, pd.DataFrame({"image": ["c"]})) == [2]
    assert labels_where_needed(one_each) == {}


@pytest.mark.parametrize(
    ("rows", "changes"),
    [
        ([1, 0, 2], {}),
        ([0, 0, 1], {}),
        ([3, 0], {}),
        ([0, 1], {"width": [12, 13]}),
        ([0, 1], {"digest": ["", "x"]}),
    ],
)
def test_an_index_whose_cases_are_unsorted_twice_or_of_other_pixels_is_not_written(
    tmp_path, index, rows, changes
):
    with pytest.raises(ValueError, match="the rows of an"):
        write_index(tmp_path / "index.parquet", index.iloc[rows].assign(**changes))
    assert not list(tmp_path.glob("index.parquet"))


def test_images_of_several_classes_are_not_those_of_imagenet():
    ids = [f"ILSVRC2012_val_0000000{i}" for i in (1, 2)]
    one = index_of(["x", "y"], [(5, 6), (7, 8)], image=ids)
    assert are_imagenet_validation(one, has_imagenet_classes=True)
    assert not are_imagenet_validation(one.iloc[[0, 1, 1]], has_imagenet_classes=True)
