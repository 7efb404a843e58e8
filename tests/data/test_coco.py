"""COCO's instances become an index; what the JSON lacks is told with its place, what an image lacks costs the image."""

import json
import logging

import pytest

from helpers.pictures import HEIGHT, WIDTH, png
from labelmaps.data.formats.coco import classes_of
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError

CLASSES = "person person\ntraffic_light traffic light\ncat house cat\n"


def instances():
    """The content of an instances_….json as COCO's: ids with gaps, a crowd, an image without an object."""
    return {
        "info": {"year": 2017},
        "licenses": [],
        "images": [
            {"id": 139, "file_name": "000000000139.png", "width": WIDTH, "height": HEIGHT, "license": 2},
            {"id": 285, "file_name": "000000000285.png", "width": WIDTH, "height": HEIGHT},
            {"id": 632, "file_name": "000000000632.png", "width": WIDTH, "height": HEIGHT},
            {"id": 724, "file_name": "000000000724.png", "width": WIDTH, "height": HEIGHT},
        ],
        "annotations": [
            {"id": 1, "image_id": 139, "category_id": 10, "bbox": [1, 2, 3.5, 4], "iscrowd": 0, "area": 14},
            {
                "id": 2,
                "image_id": 139,
                "category_id": 10,
                "bbox": [11, 3, 9, 9],
                "iscrowd": 0,
                "segmentation": [],
            },
            {"id": 3, "image_id": 285, "category_id": 17, "bbox": [0, 0, 20, 12], "iscrowd": 0},
            {"id": 4, "image_id": 285, "category_id": 1, "bbox": [0, 0, 5, 5], "iscrowd": 1},
            {"id": 5, "image_id": 724, "category_id": 1, "bbox": [0, 0, 5, 5], "iscrowd": 1},
        ],
        "categories": [
            {"id": 17, "name": "cat", "supercategory": "animal"},
            {"id": 1, "name": "person"},
            {"id": 10, "name": "traffic light"},
        ],
    }


@pytest.fixture
def data(tmp_path):
    (tmp_path / "val2017").mkdir()
    for seed, item in enumerate(instances()["images"]):
        (tmp_path / "val2017" / item["file_name"]).write_bytes(png(seed))
    (tmp_path / "classes.txt").write_text(CLASSES)
    return tmp_path


def index_of(data, content, **options):
    text = content if isinstance(content, str) else json.dumps(content)
    (data / "instances.json").write_text(text)
    options = {"box_format": "size", "check_boxes": False} | options
    return index_dataset(data / "classes.txt", data / "val2017", coco=data / "instances.json", **options)


def test_objects_are_read_as_coco_has_them(data, caplog):
    with caplog.at_level(logging.INFO):
        index, excluded = index_of(data, instances())
    assert list(index["image"]) == ["000000000139", "000000000285"]
    assert list(index["label"]) == [1, 2]
    assert [boxes.tolist() for boxes in index["boxes"]] == [
        [[1, 2, 4.5, 6], [11, 3, 20, 12]],
        [[0, 0, 20, 12]],
    ]
    assert list(excluded["reason"]) == ["without an object: no annotation", "without an object: crowds alone"]
    assert "2 annotations of crowds are not used, in 2 images" in caplog.text


def test_images_without_an_object_are_listed_and_are_no_fault(data):
    content = instances()
    _, excluded = index_of(data, content, max_excluded=0.0)
    assert len(excluded) == 2
    content["annotations"] = []
    with pytest.raises(InputError, match=r"4 of 4 images are unusable"):
        index_of(data, content, max_excluded=1.0)


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        ("17 cat\n10 light\n1 person\n", [1, 0]),  # ids of categories
        ("n1 cat\nn2 traffic light\nn3 person\n", [1, 0]),  # names in plain words
        ("dog dog\ncat cat\ntraffic_light x\n", [2, 1]),  # a part of the categories, names as ids
    ],
)
def test_categories_are_classes_by_name_or_by_id(data, classes, labels):
    (data / "classes.txt").write_text(classes)
    index, _ = index_of(data, instances(), max_excluded=0.5)
    assert list(index["label"]) == labels


def test_ids_of_images_may_be_texts_in_one_list_and_numbers_in_the_other(data):
    content = instances()
    for item in content["images"]:
        item["id"] = str(item["id"])
    assert len(index_of(data, content)[0]) == 2


def test_boxes_may_be_said_to_be_in_another_format(data):
    content = instances()
    content["annotations"] = [{"image_id": 139, "category_id": 1, "bbox": [0.25, 0.5, 0.5, 0.5]}]
    index, _ = index_of(data, content, box_format="size_fractions")
    assert index["boxes"][0].tolist() == [[5, 6, 15, 12]]


def test_boxes_of_another_format_are_suspected(data):
    content = instances()
    content["images"] = [content["images"][0] | {"id": i, "file_name": f"{i}.png"} for i in range(5)]
    for i in range(5):
        (data / "val2017" / f"{i}.png").write_bytes(png(i))
    content["annotations"] = [{"image_id": i, "category_id": 1, "bbox": [10, 6, 20, 12]} for i in range(5)]
    with pytest.raises(InputError, match=r"hardly x y width height .*x0 y0 x1 y1"):
        index_of(data, content, check_boxes=True, max_excluded=1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"category_id": 99}, "category that the file does not list: 99"),
        ({"category_id": None}, "category that the file does not list: None"),
        ({"bbox": [1, 2, 3]}, "box not of four numbers: 1 2 3"),
        ({"bbox": None}, "box not of four numbers: None"),
        ({"bbox": "1 2 3 4"}, "box not of four numbers: 1 2 3 4"),
        ({"bbox": [1, 2, 3, "wide"]}, "box not in numbers: 1 2 3 wide"),
        ({"bbox": [1, 2, 3, float("nan")]}, "box not in numbers"),
        ({"bbox": [1, 2, 0, 4]}, "box without area"),
        ({"bbox": [1, 2, 30, 4]}, "box outside the image"),
    ],
    ids=str,
)
def test_what_is_wrong_with_an_object_costs_its_image(data, change, reason):
    content = instances()
    content["annotations"][0] |= change
    index, excluded = index_of(data, content, max_excluded=0.5)
    assert list(index["image"]) == ["000000000285"]
    assert reason in excluded["reason"][0]


def test_a_category_that_is_no_class_costs_its_images(data, caplog):
    (data / "classes.txt").write_text("person person\ncat cat\n")
    index, excluded = index_of(data, instances(), max_excluded=0.5)
    assert list(index["image"]) == ["000000000285"]
    assert excluded["reason"][0] == "class not in the classes file: traffic light"
    assert "1 of 3 categories are no classes: traffic light" in caplog.text


def test_a_file_that_is_missing_or_damaged_is_listed(data):
    (data / "val2017" / "000000000139.png").unlink()
    (data / "val2017" / "000000000285.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"4 of 4 .*2 x unreadable image.*000000000139\.png: .*No such file"):
        index_of(data, instances(), max_excluded=1)


def test_files_of_one_name_in_two_folders_have_the_path_as_id(data):
    content = instances()
    for folder, item in zip("ab", content["images"], strict=False):
        (data / "val2017" / folder).mkdir()
        item["file_name"] = f"{folder}/1.png"
        (data / "val2017" / item["file_name"]).write_bytes(png(0))
    assert list(index_of(data, content)[0]["image"]) == ["a/1", "b/1"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", r"cannot read .*instances\.json as JSON: .*line 1 column 2"),
        ("\x00", "cannot read .* as JSON"),
        ("[" * 100_000, "cannot read .* as JSON"),
        ("[]", "a JSON of another kind, list"),
        ("{}", "no list `images`"),
        (instances() | {"categories": None}, "no list `categories`"),
        ({key: value for key, value in instances().items() if key != "categories"}, "no list `categories`"),
        ({key: value for key, value in instances().items() if key != "annotations"}, "no list `annotations`"),
        (instances() | {"images": []}, "its list `images` is empty"),
        (instances() | {"images": [{"id": 1, "coco_url": "http://"}]}, r"images\[0\]: no file_name"),
        (instances() | {"images": [{"file_name": "a.png"}]}, r"images\[0\]: no id"),
        (instances() | {"images": [{"id": 1, "file_name": 7}]}, r"images\[0\]: no file_name"),
        (instances() | {"images": [{"id": 1, "file_name": "a"}] * 2}, "images: the id 1 occurs 2 times"),
        (
            instances() | {"images": [{"id": i, "file_name": "a.png"} for i in (1, 2)]},
            "images: the file 'a.png' occurs twice",
        ),
        (instances() | {"categories": [{"id": 1, "name": "a"}] * 2}, "categories: the id 1 occurs 2 times"),
        (instances() | {"categories": [{"id": 1.5, "name": "a"}]}, r"categories\[0\]: id is '1.5'"),
        (instances() | {"annotations": ["x"]}, r"annotations\[0\]: 'x' is no object with image_id"),
        (instances() | {"annotations": [{"bbox": [1, 2, 3, 4]}]}, r"annotations\[0\]: no image_id"),
        (
            instances() | {"categories": [{"id": 5, "name": "zebra"}]},
            r"none of its 1 categories \(first 'zebra'\) is among the classes \(first 'person'\)",
        ),
    ],
)
def test_what_is_no_such_json_is_told_with_its_place(data, content, reason):
    with pytest.raises(InputError, match=reason):
        index_of(data, content)


def test_the_classes_of_a_json_are_its_categories_by_id(data):
    (data / "a.json").write_text(json.dumps(instances()))
    assert classes_of(data / "a.json") == [
        ("person", "person"),
        ("traffic light", "traffic light"),
        ("cat", "cat"),
    ]
    twice = instances() | {"categories": [{"id": 1, "name": "a b"}, {"id": 2, "name": "a  b"}]}
    (data / "a.json").write_text(json.dumps(twice))
    with pytest.raises(InputError, match="two classes named 'a b'"):
        classes_of(data / "a.json")
