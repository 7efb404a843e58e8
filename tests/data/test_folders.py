"""Folders as people keep data sets in them: torchvision's ImageFolder, roots with `val/`, ImageNet's relatives."""

import logging
import tarfile

import numpy as np
import pytest
from PIL import Image

from labelmaps.data.classes import Class, read_classes, write_classes
from labelmaps.data.formats.folders import classes_of, has_own_classes, images_folder
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError
from pipeline.sources import ROOT

IMAGENET = ROOT / "resources/imagenet_classes.txt"
KNOWN = read_classes(IMAGENET)


def save(folder, *names):
    """Save images of noise in a folder; return the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(len(name)).integers(0, 256, (12, 20, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return folder


def labels_of(images, classes=IMAGENET, boxes=None):
    index, excluded = index_dataset(classes, images, boxes)
    assert excluded.empty
    return dict(zip(index["image"], index["label"], strict=True))


def own_labels_of(images):
    """Index a data set by the classes that its folders name."""
    write_classes(images.parent / "classes.txt", classes_of(images))
    return labels_of(images, images.parent / "classes.txt")


def test_folders_name_the_classes_in_the_order_of_torchvision(tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    names = ["zebra/a.png", "Ant/a.png", "golden retriever/b.png", "été/c.png", "ant/d.png"]
    images = save(tmp_path / "images", *names)
    assert has_own_classes(images, KNOWN)
    theirs = datasets.ImageFolder(str(images))
    assert [item.id for item in classes_of(images)] == theirs.classes
    assert own_labels_of(images) == {
        f"{name.removesuffix('.png')}": theirs.class_to_idx[name.partition("/")[0]] for name in names
    }


def test_names_that_are_unique_in_the_data_set_stay_ids(tmp_path):
    images = save(tmp_path / "images", "cat/1.png", "dog/2.png")
    assert own_labels_of(images) == {"1": 0, "2": 1}
    save(images, "dog/1.png")
    assert own_labels_of(images) == {"cat/1": 0, "dog/1": 1, "dog/2": 1}


@pytest.mark.parametrize("archive", [False, True])
def test_boxes_of_names_that_are_unique_within_a_class_lie_in_its_folder(tmp_path, archive):
    images = save(tmp_path / "images", "cat/1.png", "dog/1.png")
    boxes = tmp_path / "boxes"
    for number, name in enumerate(["cat", "dog"]):
        (boxes / "val" / name).mkdir(parents=True)
        corners = "".join(f"<{key}>{number + 1}</{key}>" for key in ("xmin", "ymin"))
        corners += "".join(f"<{key}>{number + 9}</{key}>" for key in ("xmax", "ymax"))
        (boxes / "val" / name / "1.xml").write_text(
            f"<annotation><filename>1.png</filename><object><name>{name}</name><bndbox>{corners}</bndbox></object>"
            "</annotation>"
        )
    if archive:
        with tarfile.open(tmp_path / "boxes.tgz", "w:gz") as file:
            file.add(boxes, "Annotations")
        boxes = tmp_path / "boxes.tgz"
    write_classes(tmp_path / "classes.txt", classes_of(images))
    index, excluded = index_dataset(tmp_path / "classes.txt", images, boxes)
    assert excluded.empty
    assert [found.tolist() for found in index["boxes"]] == [[[1, 1, 9, 9]], [[2, 2, 10, 10]]]


def test_files_that_are_not_read_may_have_one_name_in_several_classes(tmp_path):
    images = save(tmp_path / "images", "cat/1.png", "dog/2.png", "cat/x.gif", "dog/x.gif")
    write_classes(tmp_path / "classes.txt", classes_of(images))
    _, excluded = index_dataset(tmp_path / "classes.txt", images, max_excluded=0.5)
    assert list(excluded["image"]) == ["cat/x.gif", "dog/x.gif"]


ROOTS = {  # what lies in a root → the folder of the images
    ("val/cat/a.png", "val/dog/a.png", "train/cat/b.png"): "val",
    ("val/cat/a.png", "val/dog/a.png"): "val",
    ("val/a.png", "train/cat/a.png", "test/b.png"): "val",
    ("validation/cat/a.png", "test/cat/a.png"): "validation",
    ("Valid/cat/a.png", "TRAIN/cat/a.png"): "Valid",
    ("val2017/a.png", "train2017/a.png", "annotations/instances.png"): "val2017",
    ("val/cat/a.png", "train/cat/a.png", "meta/a.png"): "val",
    ("val/cat/a.png", "devkit/a.png"): "val",
    ("valid/a.png", "invalid/b.png"): "",  # two classes
    ("train/a.png", "bus/b.png"): "",
    ("cat/a.png", "dog/val/a.png"): "",
    ("a.png", "val/b.png", "train/b.png"): "",
}


@pytest.mark.parametrize("names", ROOTS)
def test_of_a_divided_data_set_val_is_read(tmp_path, names):
    assert images_folder(save(tmp_path / "root", *names)) == tmp_path / "root" / ROOTS[names]


def test_a_root_is_indexed_as_its_val_and_the_log_says_so(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    root = save(tmp_path / "root", "val/cat/1.png", "val/dog/1.png", "train/cat/2.png", "train/cow/2.png")
    assert own_labels_of(root) == own_labels_of(root / "val") == {"cat/1": 0, "dog/1": 1}
    assert f"{root}: the images are those of val; the folders beside it are not used" in caplog.text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/cat/a.png", "test/cat/a.png"], r"divided into test, train: which .* Give the path of one"),
        (["train/a.png"], "divided into train: which are the images"),
        (["val/cat/a.png", "valid/cat/a.png"], "divided into val, valid: which are the images"),
        (["val2014/a.png", "val2017/a.png", "labels/a.png"], "divided into val2014, val2017: which"),
        (["train/a.png", "test/a.png", "labels/a.png"], "divided into test, train: which"),
        (["JPEGImages/a.png", "Annotations/a.png"], "the root of a Pascal VOC data set; name it as `voc`"),
        (["cat/a.png"], "1 folders of classes; give two or more"),
        (
            ["cat/a.png", "dog/in/a.png", "labels/in/a.png"],
            r"no image in 2 folders, first \['dog', 'labels'\]",
        ),
    ],
)
def test_folders_that_are_no_classes_are_not_taken_for_some(tmp_path, names, message):
    with pytest.raises(InputError, match=message):
        classes_of(save(tmp_path / "images", *names))


OF_IMAGENET = {  # ImageNet's relatives: their files → id and label, a line of the 1000 classes
    "V2": {"0/0af.png": ("0af", 0), "17/1bc.png": ("1bc", 17), "999/2de.png": ("2de", 999)},
    "V2, names that occur twice": {"0/a.png": ("0/a", 0), "17/a.png": ("17/a", 17)},
    "A": {"n01498041/0.04_digital clock.png": ("0.04_digital clock", 6)},
    "R": {"n01443537/art_0.png": ("n01443537/art_0", 1), "n01484850/art_0.png": ("n01484850/art_0", 2)},
}


@pytest.mark.parametrize("name", OF_IMAGENET)
@pytest.mark.parametrize("packed", [False, True])
def test_relatives_of_imagenet_have_its_labels(tmp_path, name, packed):
    images = save(tmp_path / "images", *OF_IMAGENET[name])
    (images / "README.txt").write_text("who made it")
    assert not has_own_classes(images, KNOWN)
    if packed:
        with tarfile.open(tmp_path / "all.tar", "w") as file:
            file.add(images, "imagenet-r")
        images = tmp_path / "all.tar"
    assert labels_of(images) == dict(OF_IMAGENET[name].values())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["0/a.png", "1000/b.png"],
            "named by numbers, of which 1000 is the largest, and are no labels from 0 to 999",
        ),
        (["7/a.png", "07/b.png"], "no labels from 0 to 999, each once"),
        (["0/a.png", "n01440764/b.png"], r"1 folders are not named by a class's id, first \['0'\]"),
        (["n01440764/a.png", "n01440765/b.png"], r"first \['n01440765'\]"),
        (["n01440764/a.png", "cat/b.png"], r"first \['cat'\]"),
    ],
)
def test_folders_that_are_partly_imagenets_are_refused(tmp_path, names, message):
    images = save(tmp_path / "images", *names)
    assert not has_own_classes(images, KNOWN)
    with pytest.raises(InputError, match=message):
        index_dataset(IMAGENET, images)


def test_numbers_that_are_ids_of_ones_own_classes_are_ids(tmp_path):
    write_classes(tmp_path / "classes.txt", [Class("1", "one"), Class("0", "none")])
    assert labels_of(save(tmp_path / "images", "0/a.png", "1/b.png"), tmp_path / "classes.txt") == {
        "a": 1,
        "b": 0,
    }
