"""The figure of who gains draws the table's gains, in panels that fit, and all of it can be read."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.figures import LONG, same_bytes, unreadable
from labelmaps.figures import style
from labelmaps.figures.who_gains import OWN, TITLES, draw_who_gains, find_marks
from labelmaps.scoring.groups import DISTANCE_BINS, MASKS, NUMBERS
from labelmaps.scoring.pointing import SIZE_BINS

mpl.use("agg")
METHODS = {
    "center": "baseline",
    "likelihood": "cued",
    "gradcam": "cued",
    "max_logit": "uncued",
    "igub": "uncued",
}
LEVELS = {"all": ["all"], "share": SIZE_BINS, "distance": DISTANCE_BINS, "mask": MASKS, "boxes": NUMBERS}
FACTORS = [
    "pose",
    "background",
    "pattern",
    "color",
    "smaller",
    "shape",
    "partial_view",
    "subcategory",
    "texture",
]
FACTORS += ["larger", "darker", "object_blocking", "person_blocking", "style", "brighter", "multiple_objects"]
IMAGENET_X = {factor: ["yes", "no"] for factor in FACTORS}


def gains(*models, methods=METHODS, levels=LEVELS):
    """A table of some networks, all gains different."""
    rows = []
    for i, model in enumerate(models):
        for j, (variant, cue) in enumerate(methods.items()):
            for k, (factor, level) in enumerate((f, v) for f, several in levels.items() for v in several):
                names = {"model": model, "architecture": "resnet18", "weights": "checkpoint", "cue": cue}
                names |= {"method": variant, "variant": variant, "factor": factor, "level": level}
                gain = 0.01 * i + 0.04 * j - 0.003 * k
                ends = {"gain": gain, "gain_low": gain - 0.05, "gain_high": gain + 0.06}
                rows.append(names | ends | {"n_images": 100 + k})
    return pd.DataFrame(rows)


@pytest.fixture
def drawn():
    yield draw_who_gains
    plt.close("all")


def marks_of(axes):
    lines = [line for line in axes.lines if line.get_marker() in style.MARKERS]
    return sorted((round(line.get_ydata()[0], 6), line.get_markeredgecolor()) for line in lines)


@pytest.mark.parametrize("width", [style.PAGE, style.SIZES["column"].width])
def test_each_level_has_the_gain_of_each_method_in_its_colour(drawn, width):
    table = gains("one", "two")
    figure = drawn(table, width)
    moving = table[(table["cue"] != "baseline") & (table["factor"] != "all")]
    found = sorted(mark for axes in figure.axes for mark in marks_of(axes))
    expected = sorted(
        (round(100 * row.gain, 6), style.method_colour(row.variant)) for row in moving.itertuples()
    )
    assert found == expected
    titles = [axes.get_title().replace("\n", " ") for axes in figure.axes]
    assert set(titles) == set(TITLES.values())
    names = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert names == [f"{level}\n{101 + k}" for k, level in enumerate(SIZE_BINS)]
    segments = [
        segment for axes in figure.axes for line in axes.collections for segment in line.get_segments()
    ]
    ends = sorted((round(y[0], 6), round(y[1], 6)) for y in (segment[:, 1] for segment in segments))
    assert ends == sorted(
        (round(100 * row.gain_low, 6), round(100 * row.gain_high, 6)) for row in moving.itertuples()
    )


def test_uncued_methods_are_hollow_and_variants_of_one_have_other_markers():
    table = gains("one", methods={"likelihood": "cued", "igub": "uncued", "igub prior=mean": "uncued"})
    marks = find_marks(table)
    assert marks["likelihood"] == ("o", style.method_colour("likelihood"))
    assert marks["igub"] == ("o", "white")
    assert marks["igub prior=mean"] == ("s", "white")


def test_the_data_sets_own_factors_have_a_panel_of_the_images_that_have_them(drawn):
    levels = {"all": ["all"], "mask": MASKS, "dark": ["yes", "no"], "wet": ["no"], "rare": ["yes", "no"]}
    table = gains("one", levels=levels)
    table.loc[(table["factor"] == "rare") & (table["level"] == "yes"), "n_images"] = 9
    figure = drawn(table)
    assert [axes.get_title().replace("\n", " ") for axes in figure.axes] == [TITLES["mask"], OWN]
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == ["dark (103)"]


def test_without_factors_all_images_are_drawn_and_without_methods_the_figure_says_so(drawn):
    figure = drawn(gains("one", levels={"all": ["all"]}))
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["all images\n100"]
    assert len(marks_of(figure.axes[0])) == 4
    assert unreadable(figure) == []
    alone = drawn(gains("one", methods={"center": "baseline"}))
    assert [text.get_text() for text in alone.texts] == ["no method but the centre: nobody moves"]


@pytest.mark.slow
@pytest.mark.parametrize("size", list(style.SIZES))
@pytest.mark.parametrize("levels", [LEVELS, LEVELS | IMAGENET_X], ids=len)
def test_all_can_be_read(drawn, size, levels):
    width = style.SIZES[size].width
    figure = drawn(gains("one", LONG, levels=levels), width)
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == width
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


@pytest.mark.slow
def test_the_same_table_gives_the_same_bytes(drawn, tmp_path):
    assert same_bytes(lambda: drawn(gains("one")), tmp_path)


def test_of_fewer_than_ten_images_no_gain_is_drawn(drawn):
    table = gains("one", levels={"all": ["all"], "boxes": NUMBERS})
    table["n_images"] = table["level"].map({"all": 400, "1": 381, "2": 10, "3 or more": 9})
    (axes,) = drawn(table).axes
    assert len(marks_of(axes)) == 2 * 4
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1\n381", "2\n10", "3 or more\n9"]


def test_a_level_that_a_network_lacks_is_a_gap(drawn):
    table = gains("one", "two")
    table = table[(table["model"] == "one") | (table["level"] != "full")]
    figure = drawn(table)
    masks = [axes for axes in figure.axes if axes.get_title().replace("\n", " ") == TITLES["mask"]]
    assert [len(marks_of(axes)) for axes in masks] == [8, 4]
    assert [label.get_text() for label in masks[1].get_xticklabels()][1] == "full\n0"
    assert np.isfinite(figure.axes[0].get_ylim()).all()
