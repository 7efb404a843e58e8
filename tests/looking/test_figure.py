"""Figure 1 of an image that was looked at, with a label and without one."""

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import labelmaps
from helpers.figures import shown_texts, unreadable
from labelmaps.errors import InputError
from labelmaps.figures.figure_1 import RIGHT, UNJUDGED, WRONG
from labelmaps.looking.figure import choose_methods, make_example
from labelmaps.scenes.scene import Stream, nth_scene

SCENE = nth_scene(2, Stream.EVALUATION, 0)


@pytest.fixture(scope="module")
def looks():
    """A scene with its label and without it, by all methods."""
    mpl.use("agg")
    usual = {"view": {"family": "zoom", "grid": 3}, "size": 96, "device": "cpu"}
    return [labelmaps.look(SCENE.image, "small_resnet", label=label, **usual) for label in ("mug", None)]


def texts(figure):
    return [text.get_text() for text in shown_texts(figure)]


def hidden(figure):
    """What cannot be read, but for the small numbers of fixations, which lie where these do."""
    return [
        found for found in unreadable(figure) if not all(text.isdecimal() for text in np.atleast_1d(found))
    ]


@pytest.fixture(autouse=True)
def _no_figure_is_left():
    yield
    plt.close("all")


def test_the_figure_shows_the_methods_of_a_runs_figure_and_what_the_network_says(looks):
    seen = looks[0]
    assert choose_methods(seen, None) == ["likelihood", "gradcam", "dff", "igub"]
    figure = seen.plot()
    assert hidden(figure) == []
    shown = texts(figure)
    for text in (
        "mug",
        "likelihood map",
        "Grad-CAM",
        "DFF",
        "IGUB",
        "the given label",
        "small_resnet (trained on scenes) ·",
    ):
        assert any(text in one for one in shown), text
    assert "box" not in shown
    marks = [one for one in shown if one[:2] in (RIGHT[0], WRONG[0])]
    assert len(marks) == 5 + 3  # x₀, four methods, three scanpaths


def test_without_a_label_nothing_is_right_or_wrong(looks):
    seen = looks[1]
    assert choose_methods(seen, None) == ["dff", "igub"]
    figure = seen.plot()
    assert hidden(figure) == []
    shown = texts(figure)
    assert "no label is given" in shown
    assert not any(one[:2] in (RIGHT[0], WRONG[0]) or "given label" in one for one in shown)
    frames = {
        axes.spines["left"].get_edgecolor() for axes in figure.axes if axes.spines["left"].get_visible()
    }
    assert frames == {mpl.colors.to_rgba(UNJUDGED[1])}


def test_what_is_drawn_is_what_was_computed(looks):
    seen = looks[0]
    example = make_example(seen, ["igub", "gradcam"])
    assert np.array_equal(example.before.pixels, seen.views[1, 1])
    for name, saccade in zip(["igub", "gradcam"], example.saccades, strict=True):
        fixation = seen.fixations[name]
        assert np.array_equal(saccade.saliency, seen.maps[name])
        assert (saccade.x, saccade.y) == (fixation.x, fixation.y)
        assert np.array_equal(saccade.view.pixels, seen.views[fixation.row, fixation.column])
        assert saccade.view.label == fixation.name
        assert saccade.view.correct == fixation.correct


@pytest.mark.slow
@pytest.mark.parametrize("size", ["page", "column", "slide"])
def test_all_methods_fit_in_every_size(looks, size):
    figure = looks[0].plot(methods=list(looks[0].maps), size=size)
    assert hidden(figure) == []


def test_the_centre_alone_is_shown_where_nothing_else_was_computed():
    seen = labelmaps.look(
        SCENE.image, "small_resnet", methods=["center"], size=64, view={"family": "zoom", "grid": 3}
    )
    figure = seen.plot()
    assert "the centre: no saccade" in texts(figure)


@pytest.mark.slow
def test_the_figure_is_saved_in_the_format_of_the_name(looks, tmp_path):
    for suffix, start in {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}.items():
        looks[0].plot(tmp_path / f"new/figure.{suffix}", methods="igub")
        assert (tmp_path / f"new/figure.{suffix}").read_bytes().startswith(start)
    assert plt.get_fignums() == []  # pyplot keeps none that was saved


def test_figures_that_cannot_be_are_refused(looks, tmp_path):
    with pytest.raises(InputError, match=r"figures are saved as \.pdf \.svg \.png"):
        looks[0].plot(tmp_path / "figure.jpg")
    with pytest.raises(InputError, match="methods: gradcam; computed are center, consensus, dff"):
        looks[1].plot(methods=["gradcam", "igub"])
    with pytest.raises(InputError, match="methods: none to be shown; computed are center"):
        looks[1].plot(methods=[])
    with pytest.raises(InputError, match=r"size: 'poster'\. Give page or column or slide"):
        looks[1].plot(size="poster")
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_shows_a_figure_once(looks, monkeypatch):
    """It shows what a cell returns, and what pyplot still holds at its end."""
    monkeypatch.setattr(mpl, "get_backend", lambda: "inline")
    looks[0].plot(methods="igub")
    assert plt.get_fignums() == []
    monkeypatch.setattr(mpl, "get_backend", lambda: "agg")
    looks[0].plot(methods="igub")
    assert len(plt.get_fignums()) == 1  # which pyplot.show() shows


def test_a_look_is_told_in_a_line_and_a_table(looks):
    told, untold = looks
    assert repr(told).startswith(
        "<Look at image through small_resnet (trained on scenes): zoom, 3 × 3 fixations; label 10 (mug)"
    )
    table = told.table()
    assert list(table.index) == list(told.maps)
    assert table.loc["likelihood", "cue"] == "cued"
    assert table["own_label"].isna().sum() == len(table) - 3  # consensus, dff, gradcam_own
    assert (table["correct"] == (table["label"] == 10)).all()
    assert untold.table()["correct"].isna().all()
    assert list(untold.skipped) == [
        "gradcam",
        "gradcam_plusplus",
        "hirescam",
        "layercam",
        "likelihood",
        "xgradcam",
    ]


@pytest.mark.slow
def test_the_package_exports_it_without_importing_torch_or_matplotlib_first():
    code = (
        "import sys, labelmaps; assert not {'torch', 'matplotlib', 'labelmaps.looking'} & sys.modules.keys();"
    )
    code += "labelmaps.Results; assert 'torch' not in sys.modules; labelmaps.look; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=labelmaps.__path__[0] + "/..")
