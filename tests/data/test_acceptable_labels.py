"""Acceptable labels are read as they are published and as people write them; what is wrong is named with its place."""

import json
import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from labelmaps.data.acceptable_labels import (
    find_acceptable_labels,
    labels_of_images,
    read_acceptable_labels,
)
from labelmaps.data.classes import Class, read_classes
from labelmaps.data.index import N_VALIDATION_IMAGES, write_index
from labelmaps.data.indexing import index_dataset
from labelmaps.data.listed import read_labels
from labelmaps.errors import InputError
from pipeline.sources import ROOT
from workflow.scripts.list_acceptable_labels import list_acceptable_labels

DATA = os.environ.get("LABELMAPS_TEST_DATA")
CLASSES = [Class("cat", "cat"), Class("dog", "dog"), Class("7", "fox"), Class("cow", "cow")]
IMAGENET = [Class(f"n{i:08}", "name") for i in range(1000)]


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


READ = {
    "indices": ("a.json", {"x": [1, 0], "y": [], "z": [3, 3]}),
    "class ids": ("a.json", {"x": ["dog", "cat"], "y": [], "z": ["cow"]}),
    "indices as texts": ("a.JSON", {"x": ["1", "0"], "y": [], "z": ["3"]}),
    "names of files": ("a.json", {"x.JPEG": [0, 1], "y.png": [], "z.jpg": [3]}),
    "a mark of the encoding": ("a.json", "\ufeff" + json.dumps({"x": [0, 1], "y": [], "z": [3]})),
    "CSV of ids": ("a.csv", "image,labels\nx,cat dog\ny,\nz,cow cow\n"),
    "CSV of indices": ("a.csv", "labels,image\r\n1  0,x.JPEG\r\n,y\r\n3,z\r\n"),
}


@pytest.mark.parametrize(("name", "content"), READ.values(), ids=READ)
def test_each_form_is_read(tmp_path, name, content):
    read = read_acceptable_labels(write(tmp_path / name, content), CLASSES)
    assert read == {"x": [0, 1], "y": [], "z": [3]}


def test_the_published_list_is_in_the_order_of_imagenets_images(tmp_path):
    published = [[]] * N_VALIDATION_IMAGES
    published[0], published[-1] = [999, 3], [0]
    read = read_acceptable_labels(write(tmp_path / "real.json", published), IMAGENET)
    assert len(read) == N_VALIDATION_IMAGES
    assert read["ILSVRC2012_val_00000001"] == [3, 999]
    assert read["ILSVRC2012_val_00000002"] == []
    assert read["ILSVRC2012_val_00050000"] == [0]


REFUSED = {
    "another ending": ("a.txt", "", r"a\.txt: give a \.json or a \.csv"),
    "no JSON": ("a.json", "[[1], ", r"cannot read .*a\.json as JSON: .*\. Give a JSON file"),
    "deep JSON": ("a.json", "[" * 100_000, r"cannot read .*a\.json as JSON: .*\. Give a JSON file"),
    "a number of too many digits": ("a.json", f'{{"x": [{"9" * 5000}]}}', r"a\.json"),
    "another thing": ("a.json", "3", r"a\.json: neither a list nor an object"),
    "empty": ("a.json", {}, r"a\.json has no image"),
    "empty CSV": ("a.csv", "image,labels\n", r"a\.csv has no image"),
    "other columns": ("a.csv", "image,label\nx,1\n", r"a\.csv: no column labels"),
    "no list": ("a.json", {"x": 3}, r"a\.json, image 'x': 3 is no list of labels"),
    "a text": ("a.json", {"x": "cat dog"}, r"a\.json, image 'x': \"cat dog\" is no list of labels"),
    "null": ("a.json", {"x": None}, r"a\.json, image 'x': null is no list of labels"),
    "a truth": ("a.json", {"x": [True]}, r"a\.json, image 'x': true is no label"),
    "a fraction": ("a.json", {"x": [1.0]}, r"a\.json, image 'x': 1\.0 is no label"),
    "NaN": ("a.json", '{"x": [NaN]}', r"a\.json, image 'x': NaN is no label"),
    "a list in the list": ("a.json", {"x": [[1]]}, r"a\.json, image 'x': \[1\] is no label"),
    "too large": ("a.json", {"y": [1], "x": [4]}, r"image 'x': label 4 stands for no class; .* from 0 to 3"),
    "negative": ("a.json", {"x": [-1]}, r"image 'x': label -1 stands for no class"),
    "unknown ids": (
        "a.json",
        {"x": ["cat", "elk"]},
        r"1 labels stand for no class, first .*'x': 'elk'; give ids",
    ),
    "ids and indices": ("a.csv", "image,labels\nx,cat dog\ny,3\n", r"first .*image 'y': '3'; give ids"),
    "twice": ("a.json", '{"x": [1], "x": [2]}', r"a\.json: 'x' occurs twice"),
    "twice by its file": ("a.json", {"x.jpg": [1], "x": [1]}, r"the image 'x' occurs twice; join its labels"),
    "two rows": ("a.csv", "image,labels\nx,1\nx,2\n", r"a\.csv, image 'x': the image 'x' occurs twice"),
    "a short list": ("a.json", [[1], [2]], r"a list of 2 entries, where ImageNet's has 50000"),
    "a list of other classes": ("a.json", [[1]] * N_VALIDATION_IMAGES, r"ImageNet's 1000 classes, .* has 4"),
}


@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_such_file_is_refused_with_its_place(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as error:
        read_acceptable_labels(write(tmp_path / name, content), CLASSES)
    assert len(str(error.value)) < 600


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*none\.json"):
        read_acceptable_labels(tmp_path / "none.json", CLASSES)
    (tmp_path / "bytes.json").write_bytes(b'{"\xff": [1]}')
    with pytest.raises(InputError, match=r"cannot read .*bytes\.json"):
        read_acceptable_labels(tmp_path / "bytes.json", CLASSES)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match=r"pipe\.json"):
        read_acceptable_labels(tmp_path / "pipe.json", CLASSES)


@pytest.mark.parametrize(("labels", "level"), [([0, 1, 1, 2], logging.INFO), ([2, 2, 2, 2], logging.WARNING)])
def test_labels_that_are_not_among_the_acceptable_ones_are_counted(caplog, labels, level):
    caplog.set_level(logging.INFO)
    index = pd.DataFrame({"image": list("abcd"), "label": labels})
    of_images = labels_of_images(index, {"a": [0, 1], "b": [1], "c": [], "e": [3]})
    assert [None if known is None else known.tolist() for known in of_images] == [[0, 1], [1], [], None]
    assert of_images[0].dtype == np.int16
    (record,) = caplog.records
    n_other = 0 if level == logging.INFO else 2
    assert record.getMessage().startswith(
        f"acceptable labels of 3 of 4 images; 1 have none; of the other 2, {n_other} have a label"
    )
    assert record.levelno == level
    assert ("are they of these classes" in record.getMessage()) == (level == logging.WARNING)


@pytest.fixture
def data(tmp_path):
    """Three images of two classes in folders, and the classes."""
    write(tmp_path / "classes.txt", "cat house cat\ndog dog\n")
    for name in ("cat/a", "cat/b", "dog/c"):
        path = tmp_path / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10)).save(path)
    return tmp_path


def listed(data, content, min_matched=0.5):
    """Index the images, list their labels as the rule does, and read them as its readers do."""
    write_index(data / "index.parquet", index_dataset(data / "classes.txt", data / "images")[0])
    names = {"index": data / "index.parquet", "classes": data / "classes.txt"}
    names |= {"source": write(data / "labels.json", content), "acceptable_labels": data / "labels.parquet"}
    list_acceptable_labels(**names, min_matched=min_matched)
    image, labels = read_labels(data / "labels.parquet")
    assert image == [*"abc"]
    return [None if known is None else known.tolist() for known in labels]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"a": [0, 1], "c": []}, [[0, 1], None, []]),
        ({"a": [0], "b": ["cat"], "c": [1, 0], "d": [1]}, [[0], [0], [0, 1]]),
    ],
)
def test_they_are_listed_in_the_order_of_the_index_and_come_back(data, content, expected):
    assert listed(data, content) == expected
    first = (data / "labels.parquet").read_bytes()
    assert listed(data, content) == expected
    assert (data / "labels.parquet").read_bytes() == first


def test_a_list_that_is_damaged_or_no_list_is_refused(data):
    listed(data, {"a": [0], "b": [0], "c": [1]})
    path = data / "labels.parquet"
    with pytest.raises(InputError, match=r"index\.parquet: no table of acceptable labels"):
        read_labels(data / "index.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"labels\.parquet"):
        read_labels(path)


def test_each_class_of_an_image_has_its_images_labels(tmp_path):
    index = pd.DataFrame({"image": ["a", "a", "b"], "label": [0, 2, 1]})
    path = write(tmp_path / "labels.json", {"a": [0, 1]})
    rows = find_acceptable_labels(index, path, CLASSES, 0.5)
    assert [None if known is None else known.tolist() for known in rows] == [[0, 1], [0, 1], None]


def test_a_file_of_other_images_is_refused_and_one_of_more_or_fewer_is_counted(data, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(InputError, match=r"0 of 3 images find their acceptable labels .*without image: 'x'"):
        listed(data, {"x": [0], "y": [1], "z": []})
    assert not (data / "labels.parquet").exists()
    assert listed(data, {"x": [0], "y": [1], "z": []}, min_matched=0) == [None] * 3
    caplog.clear()
    listed(data, {"a": [0], "b": [0], "x": [0]})
    assert "1 entries of" in caplog.text
    assert "1 of 3 images have no entry in" in caplog.text


@pytest.mark.skipif(not DATA or not Path(DATA, "real.json").exists(), reason="no LABELMAPS_TEST_DATA")
def test_imagenets_own_file_is_read():
    classes = read_classes(ROOT / "resources/imagenet_classes.txt")
    read = read_acceptable_labels(Path(DATA, "real.json"), classes)
    assert len(read) == N_VALIDATION_IMAGES
    assert 40_000 < sum(map(bool, read.values())) < 50_000
    assert read["ILSVRC2012_val_00000002"] == [795, 970]
