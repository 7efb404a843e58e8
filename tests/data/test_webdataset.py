"""WebDataset's shards become an index and stay as they are; what a sample lacks costs the sample."""

import io
import json
import tarfile

import numpy as np
import pytest

from helpers.pictures import png
from labelmaps.data.formats.shards import list_shards
from labelmaps.data.images import read_image
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError

CLASSES = "n01 tench\nn02 goldfish\nn03 crane\n"


def write(path, members):
    """Write a tar of members, name → content; JSON of what is neither text nor bytes."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            if not isinstance(content, bytes):
                content = (content if isinstance(content, str) else json.dumps(content)).encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def data(tmp_path):
    (tmp_path / "classes.txt").write_text(CLASSES)
    first = {"0001.jpg": png(0), "0001.cls": "2", "0001.json": {"filename": "x", "label": 0}}
    first |= {"0000.jpeg": png(1), "0000.cls": "0\n"}
    write(tmp_path / "shards/val-000000.tar", first)
    write(
        tmp_path / "shards/val-000001.tar",
        {"0003.json": {"label": 1, "boxes": [[1, 2, 3, 4]]}, "0003.png": png(2)},
    )
    return tmp_path


def index_of(data, place="shards", **options):
    return index_dataset(data / "classes.txt", webdataset=str(data / place), **options)


def index_of_one(data, members, **options):
    write(data / "one.tar", members)
    return index_of(data, "one.tar", max_excluded=1, **options)


@pytest.mark.parametrize("verify", ["full", "header"])
@pytest.mark.parametrize("place", ["shards", "shards/val-*.tar"])
def test_shards_are_read_in_place(data, place, verify):
    before = {path: path.read_bytes() for path in (data / "shards").iterdir()}
    index, excluded = index_of(data, place, verify=verify)
    assert excluded.empty
    assert list(index["image"]) == ["0000", "0001", "0003"]
    assert list(index["label"]) == [0, 2, 1]
    assert [boxes.tolist() for boxes in index["boxes"]] == [[], [], [[1, 2, 3, 4]]]
    for seed, row in zip([1, 0, 2], index.itertuples(), strict=True):
        (data / "a.png").write_bytes(png(seed))
        np.testing.assert_array_equal(
            read_image(row.path, row.offset, row.length), read_image(data / "a.png")
        )
    assert {path: path.read_bytes() for path in (data / "shards").iterdir()} == before


def test_members_of_a_sample_need_not_be_side_by_side(data):
    members = {
        "./b.jpg": png(0),
        "a.jpg": png(1),
        "a.cls": "n02",
        "./b.cls": "n03",
        "a.txt": "x",
        "._a.jpg": b"x",
    }
    index, excluded = index_of_one(data, members)
    assert excluded.empty
    assert list(zip(index["image"], index["label"], strict=True)) == [("a", 1), ("b", 2)]


def test_keys_that_repeat_have_their_folder_or_their_shard_before_them(data):
    index, _ = index_of_one(data, {"x/1.jpg": png(0), "x/1.cls": "0", "y/1.jpg": png(1), "y/1.cls": "1"})
    assert list(index["image"]) == ["x/1", "y/1"]
    for shard in ("s-0", "s-1"):
        write(data / f"again/{shard}.tar", {"1.jpg": png(0), "1.cls": "0"})
    assert list(index_of(data, "again")[0]["image"]) == ["s-0/1", "s-1/1"]


def test_keys_of_the_json_are_named_by_columns(data):
    content = {"annotation": {"kind": ["n02", "n02"], "bbox": [1, 2, 3, 4, 5, 6, 7, 8]}}
    columns = {"label": "annotation.kind", "boxes": "annotation.bbox"}
    index, _ = index_of_one(data, {"a.jpg": png(0), "a.json": content, "a.cls": "0"}, columns=columns)
    assert list(index["label"]) == [1]
    assert index["boxes"][0].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    index, _ = index_of_one(
        data,
        {"a.jpg": png(0), "a.json": {"objects": [{"c": 2, "b": [1, 2, 3, 4]}]}},
        columns={"label": "objects.c", "boxes": "objects.b"},
        box_format="size",
    )
    assert list(index["label"]) == [2]
    assert index["boxes"][0].tolist() == [[1, 2, 4, 6]]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"b.cls": "0", "b.json": {}}, "no image in the sample: b has .cls, .json"),
        (
            {"b.photo.jpg": png(0), "b.cls": "0"},
            "no image in the sample: b has .photo.jpg, .cls; a key ends at its",
        ),
        (
            {"b.jpg": png(0), "b.png": png(1), "b.cls": "0"},
            "several images in the sample: b has .jpg, .png, .cls",
        ),
        (
            [("b.jpg", png(0)), ("b.cls", "0"), ("b.cls", "1")],
            "several labels in the sample: 2 members .cls (sample b)",
        ),
        ({"b.jpg": png(0)}, "no label in the sample: no .cls, no JSON with it (sample b)"),
        ({"b.jpg": png(0), "b.cls": ""}, "no label: it is empty (sample b)"),
        ({"b.jpg": png(0), "b.cls": "-1"}, "no label: −1, as rows of test splits have (sample b)"),
        ({"b.jpg": png(0), "b.cls": "7"}, "class not in the classes file: 7 (sample b)"),
        ({"b.jpg": png(0), "b.cls": b"\xff\x00"}, "class not in the classes file: "),
        ({"b.jpg": png(0), "b.json": "{"}, "unreadable JSON: "),
        ({"b.jpg": png(0), "b.json": "[1]"}, "unreadable JSON: list, no object with keys (sample b)"),
        ({"b.jpg": png(0), "b.json": {"label": {"a": 1}}}, "label of another kind: "),
        (
            {"b.jpg": png(0), "b.json": {"label": [1, 1], "boxes": [[1, 2, 3, 4]]}},
            "labels and boxes differ in number: 2 and",
        ),
        ({"b.jpg": png(0), "b.json": {"label": 1, "boxes": {"x": 1}}}, "boxes of another kind: "),
        (
            {"b.jpg": png(0), "b.json": {"label": 1, "boxes": [[1, 2]]}},
            "boxes not of four numbers: [1, 2] (sample b)",
        ),
        ({"b.jpg": b"", "b.cls": "0"}, "unreadable image: "),
    ],
)
def test_a_sample_that_cannot_be_used_is_listed_with_its_key(data, members, reason):
    whole = [("a.jpg", png(0)), ("a.cls", "1"), *(members.items() if isinstance(members, dict) else members)]
    index, excluded = index_of_one(data, whole)
    assert list(index["image"]) == ["a"]
    assert list(excluded["image"]) == ["b"]
    assert list(excluded["path"]) == [str(data / "one.tar")]
    assert excluded["reason"][0].startswith(reason)


def test_a_link_in_place_of_an_image_is_no_image(data):
    write(data / "one.tar", {"a.jpg": png(0), "a.cls": "1", "b.cls": "1"})
    with tarfile.open(data / "one.tar", "a") as archive:
        link = tarfile.TarInfo("b.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "a.jpg"
        archive.addfile(link)
    index, excluded = index_of(data, "one.tar", max_excluded=1)
    assert list(index["image"]) == ["a"]
    assert excluded["reason"][0].startswith("no image in the sample: b has .cls")


def test_a_broken_shard_is_told_by_its_name(data):
    path = data / "shards/val-000001.tar"
    whole = path.read_bytes()
    for content in (
        b"",
        b"no tar",
        whole[:700],
        whole.replace(b"0003.png", b"0003.pmg"),
        b"\x1f\x8b" + whole,
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"cannot read .*val-000001\.tar as a tar"):
            index_of(data)


def test_shards_without_samples_and_places_without_shards_are_told(data):
    write(data / "none.tar", {})
    with pytest.raises(InputError, match=r"none\.tar: no sample in 1 tars"):
        index_of(data, "none.tar")
    (data / "packed").mkdir()
    (data / "packed/a.tar.gz").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"no \.tar file in the folder: .*are not read in place: unpack them"
    ):
        index_of(data, "packed")


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.tar.zst"])
def test_a_packed_shard_that_is_named_is_said_to_be_packed(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(
        InputError, match=r"no \.tar by its name; packed, and files are read in place: unpack it"
    ):
        list_shards(str(tmp_path / name), ".tar")
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(InputError, match="rename it if it is one"):
        list_shards(str(tmp_path / "a.bin"), ".tar")
