"""The results of a run are found from Python however their folder is written or linked."""

import numpy as np
import pytest

from helpers.study import noise, random_label_maps, write_data_set, write_joined
from labelmaps.results import Results
from labelmaps.views import create_view

SIZES = [(20, 12), (8, 8)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The results of one network and view: results/few/zoom/net."""
    data_set = tmp_path_factory.mktemp("run") / "results" / "few"
    data_set.mkdir(parents=True)
    index = write_data_set(data_set, noise(*SIZES), classes=3)
    view = create_view("zoom", grid=3)
    maps = random_label_maps(index["image"], SIZES, view, 3, np.random.default_rng(0))
    write_joined(data_set / "zoom" / "net" / "label_maps.h5", maps, digests=list(index["digest"]))
    return data_set / "zoom" / "net"


def test_the_folder_may_be_written_in_any_way(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parents[2]))
    monkeypatch.chdir(folder.parent)
    written = [folder, str(folder), "net", "net/", "./net//", "../zoom/net", "~/few/zoom/net", "net/../net"]
    expected = Results(folder).logits("image 00")
    for name in written:
        results = Results(name)
        assert list(results.index["image"]) == ["image 00", "image 01"], name
        assert np.array_equal(results.logits("image 00"), expected), name
    monkeypatch.chdir(folder)
    assert len(Results(".").index) == 2


def test_the_folder_may_be_a_link_or_lie_behind_one(folder, tmp_path):
    (tmp_path / "mine").symlink_to(folder)
    (tmp_path / "all").symlink_to(folder.parents[2])
    moved = tmp_path / "disk" / "net"
    moved.parent.mkdir()
    folder.rename(moved)
    try:
        folder.symlink_to(moved)
        for path in (tmp_path / "all" / "few" / "zoom" / "net", folder):
            assert len(Results(path).index) == 2
            assert Results(path).logits("image 01").shape == (3, 3, 3)
    finally:
        folder.unlink()
        moved.rename(folder)
    assert len(Results(tmp_path / "mine").index) == 2
