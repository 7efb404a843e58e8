"""What is no regular file (a pipe, a socket, a device, a folder, a link to one) is refused wherever it is named."""

import os
import socket

import pytest
from PIL import Image

from helpers.hang import stopped_after
from labelmaps.data.annotations import LARGEST_XML, read_annotations
from labelmaps.data.classes import Class, read_classes
from labelmaps.data.images import read_digest, read_image, read_size
from labelmaps.data.indexing import find_images, index_dataset
from labelmaps.data.own_table import read_table
from labelmaps.errors import InputError

CLASSES = [Class("n01", "tench"), Class("n02", "goldfish")]
KINDS = {
    "pipe": "a pipe",
    "link to a pipe": "a pipe",
    "socket": "a socket",
    "/dev/zero": "a device",
    "link to /dev/zero": "a device",
    "/dev/null": "a device",
    "folder": "a folder",
}


def make(path, kind):
    """Make what is no regular file at a path."""
    path.parent.mkdir(exist_ok=True)
    target = path.with_name(f"{path.name} target") if "link" in kind else path
    if "pipe" in kind:
        os.mkfifo(target)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(target))
    elif kind == "folder":
        target.mkdir()
    elif kind.startswith("/dev"):
        path.symlink_to(kind)
        return path
    else:
        path.symlink_to(kind.rpartition(" ")[2])
        return path
    if target != path:
        path.symlink_to(target.name)
    return path


@pytest.fixture(autouse=True)
def _no_hang():
    """Whatever waits is stopped, and fails."""
    with stopped_after(20):
        yield


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An address of a socket is short, so it is relative."""
    monkeypatch.chdir(tmp_path)
    return tmp_path.relative_to(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_as_an_image(folder, kind):
    path = make(folder / "a.jpg", kind)
    for read in (read_image, read_size, read_digest):
        for place in ((), (0, 10)):
            with pytest.raises(
                InputError, match=rf"unreadable image: a\.jpg.*: {KINDS[kind]}, not a regular file"
            ):
                read(path, *place)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verify", ["full", "header"])
def test_in_a_table(folder, kind, verify):
    Image.new("RGB", (9, 9)).save("good.png")
    make(folder / "bad.png", kind)
    (folder / "table.csv").write_text("path,label\ngood.png,0\nbad.png,1\n")
    (folder / "classes.txt").write_text("n01 tench\nn02 goldfish\n")
    index, excluded = index_dataset("classes.txt", table="table.csv", verify=verify, max_excluded=0.5)
    assert list(index["image"]) == ["good"]
    assert f"{KINDS[kind]}, not a regular file" in excluded["reason"][0]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("classes.txt", lambda path: read_classes(path)),
        ("table.csv", lambda path: read_table(path, CLASSES)),
        ("boxes.csv", lambda path: read_annotations(path, CLASSES)),
        ("boxes.tgz", lambda path: read_annotations(path, CLASSES)),
        ("boxes/a.xml", lambda path: read_annotations(path.parent, CLASSES)),
        ("images.tar", lambda path: find_images(path, CLASSES)),
    ],
)
def test_as_a_file_of_the_users(folder, name, kind, read):
    path = make(folder / name, kind)
    with pytest.raises(
        InputError, match=rf"cannot read .*{path.parts[0]}.*: {KINDS[kind]}, not a regular file"
    ):
        read(path)


def test_links_to_what_is_no_file_among_the_images_of_a_class_are_left_out(folder):
    Image.new("RGB", (9, 9)).save("good.png")
    (folder / "images" / "n01").mkdir(parents=True)
    (folder / "images" / "n01" / "a.png").symlink_to("../../good.png")
    make(folder / "pipe", "pipe")
    (folder / "images" / "n01" / "b.png").symlink_to("../../pipe")
    (folder / "classes.txt").write_text("n01 tench\nn02 goldfish\n")
    index, excluded = index_dataset("classes.txt", images="images", max_excluded=0.5)
    assert list(index["image"]) == ["a"]
    assert "a pipe, not a regular file" in excluded["reason"][0]


def test_an_xml_file_too_large_for_boxes_is_refused_in_a_folder_as_in_an_archive(folder):
    (folder / "boxes").mkdir()
    (folder / "boxes" / "a.xml").touch()
    os.truncate(folder / "boxes" / "a.xml", LARGEST_XML + 1)
    with pytest.raises(InputError, match=r"boxes/a\.xml has 10000001 bytes, too many for boxes"):
        read_annotations(folder / "boxes", CLASSES)
