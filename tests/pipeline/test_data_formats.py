"""What the rules ask of data sets of each format: their lists of classes, and the contents by which they are known again."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.configurations import study_of
from labelmaps.data.classes import read_classes
from labelmaps.data.formats.named_classes import named_classes
from pipeline.contents import Contents
from pipeline.settings.base import ConfigurationError
from pipeline.sources import ROOT
from pipeline.study import Study

IMAGENET = str(ROOT / "resources/imagenet_classes.txt")


def write(path, content="image"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("val/cat/1", "val/dog/1", "train/cat/2"):
        write(tmp_path / "pets" / f"{name}.jpg")
    for name in ("n01440764/a", "n01443537/b"):
        write(tmp_path / "synsets" / f"{name}.jpg")
    write(tmp_path / "numbers/7/a.jpg")
    write(tmp_path / "flat/a.jpg")
    write(tmp_path / "table.csv", "filename,class\npets/val/cat/1.jpg,cat\nflat/a,dog\n")
    write(tmp_path / "other.csv", "photo,file,label\nflat/a.jpg,x,0\n")
    write(tmp_path / "classes.txt", "cat cat\ndog dog\n")
    for number in (1, 2):
        write(tmp_path / f"VOC/JPEGImages/{number}.jpg")
        write(tmp_path / f"VOC/Annotations/{number}.xml", "<annotation/>")
    write(tmp_path / "VOC/ImageSets/Main/val.txt", "1\n")
    return tmp_path


DATASETS = {
    "pets": {"images": "pets"},
    "known": {"images": "pets", "classes": "classes.txt"},
    "synsets": {"images": "synsets"},
    "numbers": {"images": "numbers"},
    "flat": {"images": "flat"},
    "later": {"images": "nowhere"},
    "table": {"table": "table.csv", "images": "."},
    "other_table": {"table": "other.csv", "columns": {"image": "photo"}},
    "voc": {"voc": "VOC"},
    "known_voc": {"voc": "VOC", "classes": "classes.txt"},
    "few": {"sample": {"of": "pets", "images": 1}},
}


def study_here(datasets=DATASETS):
    """A study that looks at the files anew."""
    return Study(study_of({"datasets": datasets}).settings, Contents(Path("record.json")))


def test_classes_that_the_source_names_are_listed_by_a_rule(folder):
    study = study_here()
    classes = {name: study.classes_file(name) for name in DATASETS}
    own = {
        "pets": "results/pets/classes.txt",
        "few": "results/pets/classes.txt",
        "voc": "results/voc/classes.txt",
    }
    given = dict.fromkeys(["known", "known_voc"], "classes.txt")
    assert classes == dict.fromkeys(DATASETS, IMAGENET) | own | given
    for name in DATASETS:
        made = [own[name]] if name in own else []
        assert study.classes_inputs(name) == study.dataset_inputs(name) == made
        assert (
            ("classes" in study.dataset_contents(name))
            == ("classes" in study.classes_contents(name))
            == (not made)
        )
        assert study.has_imagenet_classes(name) == (classes[name] == IMAGENET)
    assert study.class_source("few") == {"images": "pets"}
    assert study.class_source("voc") == {"voc": "VOC"}


def write_parquet(path, names):
    """Write a shard of no rows, whose schema names classes as Hugging Face's `datasets` does."""
    features = {"label": {"names": names, "_type": "ClassLabel"}}
    schema = pa.schema({"image": pa.binary(), "label": pa.int64()})
    named = schema.with_metadata({b"huggingface": json.dumps({"info": {"features": features}}).encode()})
    pq.write_table(named.empty_table(), path)


def test_categories_and_class_labels_are_the_classes_unless_the_configuration_lists_them(folder):
    categories = [{"id": 7, "name": "dog"}, {"id": 2, "name": "cat"}]
    write(
        folder / "c.json",
        json.dumps(
            {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": categories}
        ),
    )
    write_parquet(folder / "p.parquet", ["goat", "cat"])
    write_parquet(folder / "imagenet.parquet", [item.name for item in read_classes(IMAGENET)])
    datasets = {
        "coco": {"coco": "c.json", "images": "flat"},
        "parquet": {"parquet": "p.parquet"},
        "of_imagenet": {"parquet": "imagenet.parquet"},
        "absent": {"parquet": "none.parquet"},
        "known": {"parquet": "p.parquet", "classes": "classes.txt"},
    }
    study = study_here(datasets)
    assert {name: study.class_source(name) for name in datasets} == {
        "coco": {"coco": "c.json"},
        "parquet": {"parquet": "p.parquet"},
        "of_imagenet": {},
        "absent": {},
        "known": {},
    }
    assert [item.id for item in named_classes({"coco": "c.json"})] == ["cat", "dog"]
    assert [item.id for item in named_classes({"parquet": "p.parquet"})] == ["goat", "cat"]
    before = {name: study.class_contents(name) for name in ("coco", "parquet")}
    write(folder / "c.json", "{}")
    write_parquet(folder / "p.parquet", ["cat", "goat"])
    study = study_here(datasets)
    assert all(study.class_contents(name) != content for name, content in before.items())


def test_the_schema_of_a_parquet_is_read_once_while_planning(folder, monkeypatch):
    write_parquet(folder / "p.parquet", ["goat", "cat"])
    study, read = study_here({"mine": {"parquet": "p.parquet"}}), []
    monkeypatch.setattr(
        "labelmaps.data.formats.parquet.list_shards", lambda *place: read.append(place) or ["p.parquet"]
    )
    assert study.class_source("mine")
    assert study.class_contents("mine")
    assert study.classes_file("mine")
    assert len(read) == 1


def test_classes_are_assumed_where_neither_the_settings_nor_the_source_names_them(folder):
    write_parquet(folder / "p.parquet", ["goat", "cat"])
    datasets = {
        "flat": {"images": "flat", "boxes": "boxes.csv"},
        "listed": {"images": "flat", "boxes": "boxes.csv", "classes": "classes.txt"},
        "named": {"parquet": "p.parquet"},
        "shards": {"webdataset": "none.tar"},
    }
    study = study_here(datasets)
    assert {name: study.origin_of_classes(name) for name in datasets} == {
        "flat": "assumed",
        "listed": "given",
        "named": "given",
        "shards": "assumed",
    }


def changes(change, name):
    """Tell which contents of a data set change with files; contents of its classes as `named`."""
    seen = []
    for act in (lambda: None, change):
        act()
        study = study_here()
        named = {"named": study.class_contents(name)} if study.class_source(name) else {}
        seen.append(study.dataset_contents(name) | named)
    return {key for key in seen[0].keys() | seen[1].keys() if seen[0].get(key) != seen[1].get(key)}


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [
        ("pets", "pets/val/cat/1.jpg", {"images"}),
        ("pets", "pets/val/dog/2.jpg", {"images"}),
        ("pets", "pets/val/cow/1.jpg", {"images", "named"}),
        ("pets", "pets/train/cow/1.jpg", set()),
        ("table", "table.csv", {"table", "images"}),
        ("table", "pets/val/cat/1.jpg", {"images"}),
        ("table", "flat/a.jpg", {"images"}),  # its ending does not stand in the table
        ("table", "pets/val/dog/1.jpg", set()),
        ("other_table", "flat/a.jpg", {"images"}),  # of the column that the configuration names
        ("voc", "VOC/JPEGImages/1.jpg", {"images"}),
        ("voc", "VOC/Annotations/1.xml", {"voc", "named"}),
        ("voc", "VOC/Annotations/2.xml", {"named"}),  # in another list, of the same classes
        ("voc", "VOC/JPEGImages/2.jpg", set()),
        ("voc", "VOC/ImageSets/Main/val.txt", {"voc", "images"}),
        ("known_voc", "VOC/Annotations/2.xml", set()),
        ("voc", "VOC/ImageSets/Main/train.txt", set()),
    ],
)
def test_a_changed_file_of_a_data_set_is_noticed(folder, name, file, expected):
    content = {"table.csv": "filename,class\nflat/a,dog\n", "VOC/ImageSets/Main/val.txt": "2\n"}
    assert changes(lambda: write(folder / file, content.get(file, "other")), name) == expected


def test_before_the_data_arrive_the_graph_is_planned(folder):
    study = study_here({"voc": {"voc": "nowhere"}, "table": {"table": "none.csv", "columns": {"image": "x"}}})
    assert study.dataset_contents("voc") == {"voc": "absent"}
    assert study.class_contents("voc") == "absent"
    assert study.dataset_contents("table")["table"] == "absent"


def test_columns_are_those_that_are_named(folder):
    study = study_here(
        {"a": {"table": "t", "columns": {"image": "x", "boxes": list("abcd")}}, "b": {"table": "t"}}
    )
    assert study.columns("a") == {"image": "x", "boxes": list("abcd")}
    assert study.columns("b") is None


@pytest.mark.parametrize(
    ("dataset", "files", "message"),
    [
        (
            {"voc": "VOC", "subset": "test"},
            [],
            "datasets.own.voc: VOC: no list 'test' in ImageSets; .* one of: val$",
        ),
        ({"voc": "pets"}, [], "datasets.own.voc: pets: no such folder; `voc` names the root"),
        (
            {"images": "own"},
            ["own/train/a.jpg", "own/test/a.jpg"],
            "datasets.own.images: own: divided into test, train",
        ),
        (
            {"images": "VOC"},
            [],
            "datasets.own.images: VOC: the root of a Pascal VOC data set; name it as `voc`",
        ),
        (
            {"images": "own"},
            ["own/cat/a.jpg", "own/dog/in/a.jpg"],
            r"own: no image in 1 folders, first \['dog'\]",
        ),
    ],
)
def test_what_is_no_such_data_set_is_refused_before_any_job(folder, dataset, files, message):
    for file in files:
        write(folder / file)
    study = study_here({"own": dataset})
    with pytest.raises(ConfigurationError, match=message):
        study.dataset_contents("own") and study.class_contents("own")


def test_the_folders_are_looked_at_once(folder, monkeypatch):
    study = study_here()
    study.classes_file("pets")
    monkeypatch.setattr(os, "scandir", lambda path: pytest.fail(f"{path} is listed again"))
    for name in ("pets", "few"):
        assert study.classes_file(name) == "results/pets/classes.txt"
