"""What the shares in a figure are said to be of: images, or cases where images show several classes."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.figures import shown_texts
from labelmaps.figures import style
from labelmaps.figures.best_of_n import draw_best_of_n
from labelmaps.figures.calibration import draw_calibration
from labelmaps.figures.figure_2 import draw_figure_2
from labelmaps.figures.nulls import draw_nulls
from labelmaps.figures.scanpaths import draw_scanpaths
from labelmaps.figures.sweep import draw_sweep
from labelmaps.figures.trade_off import draw_trade_off
from labelmaps.protocol.calibration import rank_readings, terms_of
from labelmaps.protocol.fidelity import changes
from labelmaps.protocol.readings import accuracies
from labelmaps.scoring.best_of_n import best_of_n_table
from labelmaps.scoring.examples import describe
from labelmaps.scoring.summary import compare_pairs

mpl.use("agg")
NETWORK = {
    "model": "net",
    "architecture": "resnet18",
    "weights": "checkpoint",
    "n_images": 5,
    "n_pointing": 5,
}
IMAGE = np.array([0, 0, 1, 2, 2])
PAPER = pd.read_csv("resources/paper.csv", comment="#")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def shares(table, *measures):
    """Add measures with their intervals to a table."""
    for measure in measures:
        table = table.assign(
            **{measure: 0.5, f"{measure}_low": 0.4, f"{measure}_high": 0.6},
        )
    return table


def summary():
    methods = [("center", "baseline"), ("likelihood", "cued"), ("igub", "uncued")]
    table = pd.DataFrame([NETWORK | {"method": m, "variant": m, "cue": cue} for m, cue in methods])
    return shares(table, "accuracy_before", "accuracy_after", "pointing", "accuracy_own")


def sweep():
    table = summary().query("method != 'center'")
    return pd.concat(
        [table.assign(option="floor", value=value, views=49, gflop=1.0) for value in (0.1, 0.2)],
        ignore_index=True,
    )


def scanpaths():
    rows = [
        NETWORK
        | {"method": "igub", "variant": "igub", "accumulation": rule, "threshold": np.nan}
        | {"fixations": n, "saccades": n - 1, "passes": 1.0 if n == 1 else 49.0}
        for rule in ("mean", "product")
        for n in (1, 2)
    ]
    return shares(pd.DataFrame(rows), "accuracy", "accuracy_last")


def outcomes():
    """Outcomes of five cases of three images, by a method each."""
    columns = ["before", "standard_crop", "likelihood", "gradcam", "max_logit", "igub", "dff"]
    return pd.DataFrame(np.random.default_rng(0).random((5, 7)) < 0.5, columns=columns)


FIGURES = {
    "best of n": lambda units: draw_best_of_n(
        shares(pd.DataFrame([NETWORK | units | {"n": n} for n in (1, 2)]), "best_of_n", "any_of_n", "top_n")
    ),
    "figure 2": lambda units: draw_figure_2(
        summary().assign(**units), PAPER[:0].assign(model="", variant="", accuracy_own=0.0), style.PAGE
    ),
    "nulls": lambda units: draw_nulls(summary().assign(**units)),
    "scanpaths": lambda units: draw_scanpaths(scanpaths().assign(**units)),
    "sweep": lambda units: draw_sweep(sweep().assign(**units), "zoom", style.PAGE),
    "trade-off": lambda units: draw_trade_off(summary().assign(**units)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_shares_are_of_cases_where_the_table_counts_them(name):
    of_images, of_cases = (
        [text.get_text() for text in shown_texts(FIGURES[name](units))] for units in ({}, {"n_cases": 9})
    )
    n_images, n_cases = (
        [sum(f"% of {unit}" in text for text in texts) for unit in ("images", "cases")]
        for texts in (of_images, of_cases)
    )
    assert n_images[0] > 0
    assert n_images[1] == 0
    assert n_cases == n_images[::-1]


def test_a_calibration_counts_cases_beside_the_images():
    cases = pd.MultiIndex.from_arrays([IMAGE, np.arange(5)], names=["image", "label"])
    of_images, of_cases = (
        rank_readings({"zoom": outcomes().set_index(index)}, terms_of("resnet18", PAPER), resamples=20)
        for index in (pd.RangeIndex(5), cases)
    )
    assert "n_cases" not in of_images[0]
    assert of_cases[0][["n_images", "n_cases"]].values.tolist() == [[3, 5]]
    for tables, text in ((of_images, "n = 5 images"), (of_cases, "n = 3 images, 5 cases")):
        title = draw_calibration(*tables, "net", "resnet18", "checkpoint", "others").get_suptitle()
        titles = [title, *(axes.get_title() for axes in plt.gcf().axes)]
        titles += [item.get_text() for item in plt.gcf().texts]
        assert any(text in line.split("\n") for line in titles), titles


def test_tables_count_cases_where_images_show_several_classes():
    right = outcomes().to_numpy()
    logits, rank = np.random.default_rng(0).random((5, 3)), np.zeros(5, int)
    tables = {
        "best of n": lambda image: best_of_n_table(logits, right[:, :3], rank, image),
        "pairs": lambda image: compare_pairs(outcomes()[["before", "igub"]], image),
        "fidelity": lambda image: changes(outcomes(), outcomes(), image),
        "sweep": lambda image: pd.DataFrame(
            [accuracies(outcomes() if image is None else outcomes().assign(image=image), "igub")]
        ),
    }
    for name, make in tables.items():
        assert "n_cases" not in make(None), name
        assert {*make(IMAGE)["n_cases"]} == {5}, name
        assert {*make(IMAGE)["n_images"]} == {3}, name


def test_an_example_of_cases_is_called_one():
    row = pd.Series({"example": "gain", "qualifies": False})
    assert describe(row) == "largest gain (no image is one; the nearest)"
    assert describe(pd.concat([row, pd.Series({"label": 1})])) == "largest gain (no case is one; the nearest)"
