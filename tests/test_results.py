"""The results of a run are found from Python however their folder is written or linked."""

import numpy as np
import pytest

from helpers.study import look, noise, random_label_maps, write_data_set, write_joined
from labelmaps.data.index import write_index
from labelmaps.errors import InputError
from labelmaps.results import Results
from labelmaps.views import create_view
from workflow.scripts.compute_saliency import compute_saliency

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


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """The results of a data set whose first image shows the classes 0 and 2, and its second class 1."""
    data_set = tmp_path_factory.mktemp("several")
    images = write_data_set(data_set, noise(*SIZES), classes=3, label=[0, 1])
    write_index(data_set / "index.parquet", images.iloc[[0, 0, 1]].assign(label=[0, 2, 1]))
    base = data_set / "zoom" / "net"
    view = create_view("zoom", grid=3)
    maps = random_label_maps(images["image"], SIZES, view, 3, np.random.default_rng(0))
    write_joined(base / "label_maps.h5", maps, digests=list(images["digest"]))
    for method in ("likelihood", "max_logit"):
        saliency = base / "saliency" / f"{method}.h5"
        compute_saliency(
            label_maps=base / "label_maps.h5",
            index=data_set / "index.parquet",
            saliency=saliency,
            method=method,
            options={},
        )
        look(saliency, base / "label_maps.h5", data_set / "index.parquet")
    return Results(base), maps


def test_an_image_of_several_classes_has_one_label_map_and_a_row_of_each_score(several):
    results, maps = several
    for i, image in enumerate(maps.image):
        expected = maps.log_probability[i]
        np.testing.assert_allclose(results.label_maps(image).log_probability[0], expected, atol=2e-3)
        assert results.views(image).shape[:2] == (3, 3)
    scores = results.scores("likelihood")
    assert scores.index.tolist() == [("image 00", 0), ("image 00", 2), ("image 01", 1)]
    likelihood = [maps.log_probability[i, :, :, label].ravel() for i, label in ((0, 0), (0, 2), (1, 1))]
    cells = scores["row"] * 3 + scores["column"]
    assert cells.tolist() == [values.argmax() for values in likelihood]
    np.testing.assert_allclose(scores["peak"], [values.max() for values in likelihood], atol=2e-3)
    uncued = results.scores("max_logit")
    assert uncued["peak"].iloc[0] == uncued["peak"].iloc[1] != uncued["peak"].iloc[2]


def test_a_cued_method_is_told_which_of_several_classes(several):
    results, maps = several
    for label in (0, 2):
        found = results.saliency("likelihood", "image 00", label)
        np.testing.assert_allclose(found, maps.log_probability[0, :, :, label], atol=2e-3)
    np.testing.assert_allclose(
        results.saliency("likelihood", "image 01"), maps.log_probability[1, :, :, 1], atol=2e-3
    )
    assert results.saliency("max_logit", "image 00").shape == (3, 3)
    for label, given in ((None, "none is given"), (1, "1 is none of them")):
        with pytest.raises(
            InputError, match=f"image 00: its labels are 0, 2, and {given}; give one as label"
        ):
            results.saliency("likelihood", "image 00", label)


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
