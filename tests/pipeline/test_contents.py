"""Files go by their contents, whatever their dates say, and are read only when something about them changed."""

import json
import os
import shutil
import unicodedata

import numpy as np
import pandas as pd
import pytest

from helpers.configurations import accepted, study_of
from labelmaps.data.file_names import xml_files
from labelmaps.data.index import write_index
from labelmaps.storage.files import sha256
from pipeline import contents as module
from pipeline.contents import Contents, digests_in, images_in, images_of, name_code
from pipeline.settings.base import ConfigurationError
from pipeline.sources import ROOT
from pipeline.study import IMAGENET_CLASSES, Study


@pytest.fixture
def read(monkeypatch):
    """The names of the files that were read, in order."""
    names = []
    monkeypatch.setattr(module, "sha256", lambda path: names.append(os.path.basename(path)) or sha256(path))  # noqa: PTH119
    return names


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Name a file, or the images of a folder, as a new run of the workflow would."""
    monkeypatch.chdir(tmp_path)

    def name(path, digests=None):
        contents = Contents(tmp_path / "record.json")
        if os.path.isdir(path):  # noqa: PTH112
            return contents.of_files(str(path), images_in(str(path)), digests)
        return contents.of_file(str(path))

    return name


def keep_times(path, change):
    """Change a file, and give it the times back that it had."""
    times = path.stat()
    change(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_another_content_of_the_same_size_under_the_same_date_has_another_name(tmp_path, look):
    path = tmp_path / "network.pth"
    path.write_bytes(b"first")
    before = look(path)
    keep_times(path, lambda path: path.write_bytes(b"other"))
    assert look(path) != before

    def exchange(path):
        (tmp_path / "new").write_bytes(b"third")
        (tmp_path / "new").replace(path)

    second = look(path)
    keep_times(path, exchange)
    assert look(path) not in (before, second)


def test_the_same_content_keeps_its_name_whatever_its_dates_and_place(tmp_path, look, read):
    path = tmp_path / "boxes.csv"
    path.write_bytes(b"content")
    before = look(path)
    assert read == ["boxes.csv"]
    assert look(path) == before
    assert read == ["boxes.csv"]  # nothing changed
    for time in (0, 2**32):
        os.utime(path, (time, time))
        assert look(path) == before
    shutil.copy(path, tmp_path / "elsewhere.csv")
    assert look(tmp_path / "elsewhere.csv") == before
    path.write_bytes(b"another")
    assert look(path) != before
    path.write_bytes(b"content")
    assert look(path) == before


def test_what_is_absent_unreadable_or_no_file_is_told_and_not_waited_for(tmp_path, look):
    os.mkfifo(tmp_path / "pipe")
    for name in ("absent", "pipe"):
        with pytest.raises(ConfigurationError, match=f"no such file: .*{name}"):
            look(tmp_path / name)


def images(folder, n=3):
    """Make a folder of files that are called images."""
    folder.mkdir(parents=True)
    for i in range(n):
        (folder / f"{i}.JPEG").write_bytes(bytes([i]) * 10)
    return folder


def index_of(folder, path, names=("0", "1", "2")):
    """Write the index of such a folder."""
    files = [folder / f"{name}.JPEG" for name in names]
    rows = pd.DataFrame(
        {
            "image": names,
            "path": list(map(str, files)),
            "offset": -1,
            "length": -1,
            "digest": [sha256(file) for file in files],
            "label": 0,
            "width": 1,
            "height": 1,
            "boxes": [np.zeros((0, 4), np.float32)] * len(names),
        }
    )
    write_index(path, rows)
    return lambda: digests_in(str(path))


def test_images_are_not_read_until_one_changes(tmp_path, look, read):
    folder = images(tmp_path / "images")
    digests = index_of(folder, tmp_path / "index.parquet")
    before = look(folder, digests)
    assert look(folder, digests) == before
    assert read == []
    os.utime(folder / "1.JPEG", (5, 5))  # as a copy, a backup or `touch` does
    assert look(folder, digests) == before
    assert read == ["1.JPEG"]
    original = (folder / "2.JPEG").read_bytes()
    keep_times(folder / "2.JPEG", lambda path: path.write_bytes(b"repainted."))
    assert look(folder, digests) != before
    (folder / "2.JPEG").write_bytes(original)
    assert look(folder, digests) == before
    assert read == ["1.JPEG", "2.JPEG", "2.JPEG"]


def test_a_change_is_noticed_without_an_index_and_after_it_was_made_anew(tmp_path, look):
    folder, path = images(tmp_path / "images"), tmp_path / "index.parquet"
    names = [look(folder, lambda: digests_in(str(path)))]
    (folder / "0.JPEG").write_bytes(b"new")
    names.append(look(folder, lambda: digests_in(str(path))))
    digests = index_of(folder, path)
    assert look(folder, digests) == names[1]
    (folder / "1.JPEG").write_bytes(b"newer")
    names.append(look(folder, digests))
    index_of(folder, path)
    assert look(folder, digests) == names[2]
    path.write_bytes(b"damaged")
    (folder / "2.JPEG").write_bytes(b"newest")
    names.append(look(folder, digests))
    assert len(set(names)) == 4


@pytest.mark.parametrize("inner", ["", "n01440764"])
def test_images_that_come_go_or_change_names_change_the_folders_name(tmp_path, look, inner):
    folder = images(tmp_path / "images" / inner)
    top, names = tmp_path / "images", []
    for change in (
        lambda: None,
        lambda: (folder / "3.png").write_bytes(b"3"),
        lambda: (folder / "3.png").rename(folder / "4.png"),
        lambda: (folder / "4.png").unlink(missing_ok=True) or (folder / "0.JPEG").unlink(),
        lambda: (folder / "link.jpg").symlink_to("nowhere"),
    ):
        change()
        names.append(look(top, dict))
    assert len(set(names)) == 5
    for other in ("notes.txt", ".hidden.jpg", "Thumbs.db"):
        (folder / other).touch()
    os.utime(folder, (2**32, 2**32))
    assert look(top, dict) == names[-1]


def test_a_pipe_among_the_images_is_not_waited_for(tmp_path, look):
    folder = images(tmp_path / "images")
    os.mkfifo(folder / "pipe.jpg")
    assert look(folder) == look(folder)


def test_all_that_may_be_an_image_counts_in_folders_below_but_hidden_ones(tmp_path):
    for folder in ("a", "a/deeper", ".hidden", "@eaDir", "__MACOSX"):
        images(tmp_path / "images" / folder, 1)
    (tmp_path / "images/a/loop").symlink_to("..")
    (tmp_path / "images/b.gif").touch()
    found = [path.removeprefix(f"{tmp_path}/images/") for path in images_in(f"{tmp_path}/images")]
    assert found == ["a/0.JPEG", "a/deeper/0.JPEG", "b.gif"]


def test_boxes_in_a_folder_go_by_their_contents(tmp_path, read):
    (tmp_path / "xml/deep/deeper").mkdir(parents=True)
    path = tmp_path / "xml/deep/deeper/a.xml"
    path.write_text("<a/>")
    (tmp_path / "xml/readme.txt").touch()
    name = lambda: Contents(tmp_path / "record").of_files("xml", map(str, xml_files(tmp_path / "xml")))  # noqa: E731
    before = name()
    assert read == ["a.xml"]
    keep_times(path, lambda path: path.write_text("<b/>"))
    assert name() != before
    keep_times(path, lambda path: path.write_text("<a/>"))
    assert name() == before


def test_the_images_that_a_table_names_are_looked_at_where_they_lie(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("\ufefflabel,path\n0,b/1.png\n0,/c/2.png\n")
    assert list(images_of(str(table), "data")) == ["data/b/1.png", "/c/2.png"]
    for broken in ("label\n0\n", "", "path,label\n\x00,1\n"):
        table.write_text(broken)
        assert len(list(images_of(str(table), "data"))) < 2
    table.write_bytes(b"path,label\n\xff\xfe,0\n")
    assert list(images_of(str(table), "data")) == []


@pytest.mark.parametrize("there", ["NFC", "NFD"])
def test_an_image_that_a_table_spells_otherwise_is_looked_at_all_the_same(tmp_path, there):
    """As the index reads it: another form of Unicode, doubled slashes."""
    image = tmp_path / unicodedata.normalize(there, "été.png")
    image.write_bytes(b"first")
    table = tmp_path / "own.csv"
    name = lambda: Contents(tmp_path / "record").of_files("own", images_of(str(table), str(tmp_path)), dict)  # noqa: E731
    for form in ("NFC", "NFD"):
        table.write_text(unicodedata.normalize(form, "path,label\n.//été.png,0\n"))
        assert list(images_of(str(table), str(tmp_path))) == [str(image)]
    before = name()
    keep_times(image, lambda path: path.write_bytes(b"other"))
    assert name() != before


def test_a_job_reads_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    contents = Contents(None)
    assert contents.of_file("absent") == contents.of_files("nowhere", iter(["absent"])) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 3}', '{"a": [1]}'])
def test_a_damaged_record_is_made_anew(tmp_path, look, read, damage):
    path = tmp_path / "network.pth"
    path.write_bytes(b"weights")
    before = look(path)
    (tmp_path / "record.json").write_text(damage)
    assert look(path) == before
    assert read == ["network.pth"] * 2
    assert json.loads((tmp_path / "record.json").read_text()).keys() == {str(path)}


def test_code_goes_by_its_names_and_contents(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path)
    paths = [tmp_path / name for name in ("a.py", "b.py")]
    names = []
    for first, second in (("1", "2"), ("2", "1"), ("1", "1")):
        paths[0].write_text(first)
        paths[1].write_text(second)
        module._line.cache_clear()
        names.append(name_code(paths))
    assert len(set(names)) == 3
    assert name_code(paths[::-1]) == names[-1] != name_code(paths[:1])
    module._line.cache_clear()


def test_contents_of_a_data_set_and_a_network_are_the_users_own_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images(tmp_path / "images")
    (tmp_path / "boxes.csv").write_text("boxes")
    (tmp_path / "table.csv").write_text("path,label\nimages/0.JPEG,0\n")
    (tmp_path / "images.tar").write_bytes(b"tar")
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "network.pth").write_bytes(b"weights")
    study = study_of(
        {
            "datasets": {
                "flat": {"images": "images", "boxes": "boxes.csv", "acceptable_labels": "real.json"},
                "tar": {"images": "images.tar", "boxes": "xml"},
                "own": {"table": "table.csv"},
                "later": {"table": "later.csv"},
                "few": {"sample": {"of": "flat"}},
            },
            "models": {"mine": {"architecture": "small_resnet", "checkpoint": "network.pth"}},
        }
    )
    study = type(study)(study.settings, Contents(tmp_path / "record"))
    assert study.dataset_contents("flat").keys() == {"images", "boxes", "classes"}
    for name in ("flat", "few"):
        assert study.list_contents(name, "acceptable_labels").keys() == {"acceptable_labels"}
        assert study.list_file(name, "acceptable_labels") == [f"results/{name}/acceptable_labels.parquet"]
    assert study.list_file("tar", "acceptable_labels") == []
    assert study.dataset_contents("tar") == {
        "images": sha256("images.tar")[:16],
        "boxes": "absent",
        "classes": sha256(ROOT / "resources/imagenet_classes.txt")[:16],
    }
    assert study.dataset_contents("own").keys() == {"images", "table", "classes"}
    assert study.dataset_contents("later").keys() == {"table", "classes"}
    assert study.dataset_contents("later")["table"] == "absent"
    assert study.dataset_contents("scenes") == {}
    assert study.network_contents("few", "mine").keys() == {"weights", "classes"}
    assert study.network_contents("scenes", "mine").keys() == {"weights"}
    (tmp_path / "results/tar").mkdir(parents=True)
    (tmp_path / "results/tar/index.parquet").touch()
    with pytest.raises(ConfigurationError, match="no such file: xml"):
        study.dataset_contents("tar")


def test_the_files_of_shards_are_known_by_their_contents_and_their_names(tmp_path, monkeypatch, read):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hub").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"hub/{name}.parquet").write_bytes(name.encode())
    hub = {"parquet": "hub/*", "classes": str(IMAGENET_CLASSES)}  # which is not to be found in these
    config = {"datasets": {"mine": hub, "gone": {"webdataset": "none/*.tar"}}}

    def study():
        return Study(accepted(config), Contents(tmp_path / "record.json"))

    def name():
        return study().dataset_contents("mine")["parquet"]

    before = name()
    assert sorted(read)[:2] == ["a.parquet", "b.parquet"]
    for path in (tmp_path / "hub").iterdir():
        os.utime(path, (1, 1))
    assert name() == before
    keep_times(tmp_path / "hub/a.parquet", lambda path: path.write_bytes(b"c"))
    assert name() != before
    (tmp_path / "hub/a.parquet").write_bytes(b"a")
    assert name() == before
    (tmp_path / "hub/c.parquet").write_bytes(b"")
    assert name() != before
    (tmp_path / "hub/c.parquet").unlink()
    (tmp_path / "hub/notes.txt").write_bytes(b"")
    assert name() == before
    assert study().dataset_contents("gone")["webdataset"] == module.ABSENT
    (tmp_path / "results/gone").mkdir(parents=True)
    (tmp_path / "results/gone/index.parquet").touch()
    with pytest.raises(
        ConfigurationError, match=r"datasets\.gone\.webdataset: none/\*\.tar: no such file or folder"
    ):
        study().dataset_contents("gone")


def test_reading_many_shards_is_announced(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "LARGE", 10)
    said = []
    monkeypatch.setattr(module.logger, "info", said.append)
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_bytes(b"12345")
    for _ in range(2):
        Contents(tmp_path / "record.json").of_files("hub", map(str, paths))
    assert said == ["Reading the files of hub (0.0 GB), once, to recognise them later"]
