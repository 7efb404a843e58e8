"""The results of a run are found from Python however their folder is written, linked or moved; and maps of every method."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers.small_run import make_small_run
from helpers.study import look, noise, random_label_maps, write_data_set, write_joined
from labelmaps.data.index import write_index
from labelmaps.errors import InputError
from labelmaps.networks.weights import random_weights, save_weights
from labelmaps.results import Results
from labelmaps.storage.files import sha256
from labelmaps.storage.saliency_file import read_saliency
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


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run of three methods, whose files a test may take away but not change."""
    return make_small_run(
        tmp_path_factory.mktemp("small"),
        {"gradcam": ("gradcam", {}), "likelihood": ("likelihood", {}), "inner": ("igub", {"prior": "inner"})},
    )


@pytest.fixture
def moved(run, tmp_path):
    """A copy of the run in another folder, from which nothing leads to the first, and the results in it."""
    root = tmp_path / "new place"
    shutil.copytree(run.root, root)
    return root, root / run.base.relative_to(run.root)


def test_maps_of_methods_that_were_run_are_those_stored(run):
    results = Results(run.base)
    assert results.methods == ["gradcam", "inner", "likelihood"]
    for name in results.methods:
        stored = read_saliency(run.base / "saliency" / f"{name}.h5").saliency
        for i, image in enumerate(run.index["image"]):
            assert np.array_equal(results.saliency(name, image), stored[i])


def test_maps_of_other_methods_and_options_are_computed(run, moved):
    _, base = moved
    (base / "saliency" / "gradcam.h5").unlink()
    results, stored = Results(base, weights=run.weights), Results(run.base)
    for image in run.index["image"]:
        expected = stored.saliency("gradcam", image)
        np.testing.assert_allclose(results.saliency("gradcam", image), expected, rtol=1e-4, atol=1e-5)
        for method in ("hirescam", "gradcam_own", "igub", "consensus"):
            assert results.saliency(method, image).shape[0] in (2, 3)
        dff = results.saliency("dff", image, components=3)
        assert not np.array_equal(dff, results.saliency("dff", image))
        assert np.array_equal(
            results.saliency("inner", image, prior="initial"), results.saliency("igub", image)
        )
        assert np.array_equal(
            results.saliency("igub", image, prior="inner"), results.saliency("inner", image)
        )


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("cam", {}, "no module 'cam' in labelmaps.methods: choose one of center, "),
        ("igub", {"priors": "mean"}, "igub has no option 'priors'; its options are prior"),
        ("inner", {"prior": "none"}, "igub: prior is 'none'. Make it 'initial' or 'mean' or 'inner'"),
        ("dff", {"components": 9}, "dff: components is 9. Make it 1 or 2"),
        ("center", {"prior": "mean"}, "center has no option 'prior'; it has none"),
    ],
)
def test_what_no_method_has_is_refused(run, method, options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        Results(run.base).saliency(method, "image 00", **options)


def test_scores_of_a_method_that_was_not_run_are_refused_with_those_there_are(run):
    assert len(Results(run.base).scores("inner")) == 3
    message = "dff: the run has no scores of it, but of gradcam, inner, likelihood. Add it to the run"
    with pytest.raises(InputError, match=message):
        Results(run.base).scores("dff")


def test_weights_are_found_by_their_content_or_named(run, moved, tmp_path):
    root, base = moved
    digest = sha256(run.weights)
    with pytest.raises(InputError, match=f"of SHA-256 {digest}, lie in none of {root}/resources/networks, "):
        Results(base).saliency("hirescam", "image 00")
    with pytest.raises(InputError, match=r"no such file\. Give the file of the network's weights"):
        Results(base, weights=tmp_path / "none.pth").saliency("hirescam", "image 00")
    save_weights(random_weights("small_resnet", 4, seed=4, size=64), tmp_path / "other.pth")
    with pytest.raises(InputError, match=f"other weights than the label maps were made with. .* {digest}"):
        Results(base, weights=tmp_path / "other.pth").saliency("hirescam", "image 00")
    expected = Results(base, weights=run.weights).saliency("hirescam", "image 00")
    folder = root / "resources/networks/random/few"
    folder.mkdir(parents=True)
    shutil.copy(run.weights, folder / "any.pth")
    assert np.array_equal(Results(base).saliency("hirescam", "image 00"), expected)


def gone(run, monkeypatch):
    """Let the images be no longer where the index says."""
    monkeypatch.setattr(
        Path, "is_file", lambda path, real=Path.is_file: run.root not in path.parents and real(path)
    )


def test_images_are_found_after_the_runs_folder_was_moved(run, moved, monkeypatch):
    root, base = moved
    expected = Results(run.base).views("image 01")
    gone(run, monkeypatch)
    monkeypatch.chdir(root.parent)
    for name in (base, base.relative_to(root.parent)):
        assert np.array_equal(Results(name).views("image 01"), expected)
    (root.parent / "linked").symlink_to(base)
    assert np.array_equal(Results(root.parent / "linked").views("image 01"), expected)


def test_images_are_found_where_a_relative_path_begins_whatever_the_working_folder(moved, run, monkeypatch):
    _, base = moved
    relative = [Path(path).relative_to(run.root).as_posix() for path in run.index["path"]]
    write_index(base.parents[1] / "index.parquet", run.index.assign(path=relative))
    monkeypatch.chdir("/")
    assert np.array_equal(Results(base).pixels("image 02"), Results(run.base).pixels("image 02"))


def test_images_that_lie_elsewhere_are_found_where_the_caller_says(run, moved, tmp_path, monkeypatch):
    root, base = moved
    (root / "images").rename(tmp_path / "disk")
    gone(run, monkeypatch)
    message = (
        r"00.png: no such file, nor one of this name at its place below .*new place. Give the folder in which"
    )
    with pytest.raises(InputError, match=message):
        Results(base).views("image 00")
    assert Results(base, images=tmp_path / "disk").views("image 00").shape == (3, 3, 64, 64, 3)
    assert Results(base, images=str(tmp_path / "disk")).pixels("image 01").shape == (90, 31, 3)
    shutil.copy(tmp_path / "disk/01.png", tmp_path / "disk/00.png")
    with pytest.raises(InputError, match="the image changed since it was indexed"):
        Results(base, images=tmp_path / "disk").pixels("image 00")


@pytest.mark.parametrize("name", ["", "results/few", "results/few/zoom", "results/few/zoom/other", "nowhere"])
def test_a_folder_that_holds_no_results_is_refused_with_which_would(run, name):
    with pytest.raises(
        InputError, match=r"no results of one network and one view\. Give the folder results/\{dataset\}"
    ):
        _ = Results(run.root / name).index
