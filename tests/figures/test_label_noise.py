"""The figure of label noise draws both gains of each method, and writes their difference beside them."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.figures import LONG, same_bytes, smallest_panel, unreadable
from labelmaps.figures import style
from labelmaps.figures.label_noise import APART, LEFT_OUT, draw_label_noise
from labelmaps.figures.style import NULL_LABELS

mpl.use("agg")
METHODS = [
    ("center", "baseline", 0.0),
    ("likelihood", "cued", 0.24),
    ("gradcam", "cued", -0.06),
    ("max_logit", "uncued", -0.03),
    ("igub", "uncued", 0.04),
    ("dff components=3", "uncued", 0.05),
]


def summary(*models, methods=METHODS, nulls=tuple(NULL_LABELS)):
    """A summary of some networks; by the acceptable labels the gain is two thirds of that by the label."""
    rows = []
    for i, model in enumerate(models):
        for variant, cue, gain in methods + [(null, "null model", 0.1) for null in nulls]:
            names = {"model": model, "architecture": "resnet18", "weights": "checkpoint", "n_images": 400}
            names |= {"method": variant.split()[0], "variant": variant, "cue": cue, "n_acceptable": 374}
            for name, share in (("gain_label", 1), ("gain_acceptable", 2 / 3), ("gain_noise", 1 / 3)):
                value = share * gain + 0.01 * i * (name != "gain_noise")
                names |= {name: value, f"{name}_low": value - 0.04, f"{name}_high": value + 0.05}
            rows.append(names)
    return pd.DataFrame(rows)


@pytest.fixture
def drawn():
    yield draw_label_noise
    plt.close("all")


def marks(axes):
    """Height, value and whether filled, of each mark."""
    lines = [line for line in axes.lines if line.get_marker() == "o"]
    found = [(*line.get_xydata()[0][::-1], line) for line in lines]
    return [(y, x, line.get_markerfacecolor() == line.get_markeredgecolor(), line) for y, x, line in found]


def test_each_method_has_both_gains_in_its_colour_and_their_difference(drawn):
    table = summary("one", "two")
    figure = drawn(table)
    shown = table[~table["variant"].isin(LEFT_OUT)]
    assert {"likelihood_set", "any_view", "mean_softmax_inner"} < {*shown["variant"]}
    rows = {
        label.get_text().replace("\n", " "): y
        for y, label in zip(figure.axes[0].get_yticks(), figure.axes[0].get_yticklabels(), strict=True)
    }
    for axes, (_, network) in zip(figure.axes, shown.groupby("model", sort=False), strict=True):
        found = marks(axes)
        assert len(found) == 2 * len(network)
        for row in network.itertuples():
            is_null = row.cue == "null model"
            y = rows[NULL_LABELS[row.variant] if is_null else style.method_name(row.variant)]
            by_label = [
                (x, line) for at, x, is_filled, line in found if is_filled and np.isclose(at, y - APART)
            ]
            by_set = [
                (x, line) for at, x, is_filled, line in found if not is_filled and np.isclose(at, y + APART)
            ]
            assert [x for x, _ in by_label] == [pytest.approx(100 * row.gain_label)]
            assert [x for x, _ in by_set] == [pytest.approx(100 * row.gain_acceptable)]
            if not is_null:
                assert {line.get_markeredgecolor() for _, line in by_label + by_set} == {
                    style.method_colour(row.variant)
                }
            written = [text.get_text() for text in axes.texts if np.isclose(text.xy[1], y)]
            numbers = row.gain_noise, row.gain_noise_low, row.gain_noise_high
            assert written == [
                "{:+.1f} [{:.1f}, {:.1f}]".format(*(100 * n for n in numbers)).replace("-", "−")
            ]
        assert "n = 374 images" in axes.get_title()


def test_where_no_image_has_an_acceptable_label_the_figure_says_so(drawn):
    table = summary("one").assign(n_acceptable=0, gain_acceptable=np.nan)
    figure = drawn(table)
    assert [text.get_text() for text in figure.texts] == ["no image has an acceptable label"]


@pytest.mark.slow
@pytest.mark.parametrize("size", list(style.SIZES))
@pytest.mark.parametrize("models", [1, 2, 4])
def test_all_can_be_read(drawn, models, size):
    width = style.SIZES[size].width
    figure = drawn(summary(*[f"net_{i}" for i in range(models - 1)], LONG), width)
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == width
    assert smallest_panel(figure)[0] > 0.9


@pytest.mark.slow
def test_the_same_table_gives_the_same_bytes(drawn, tmp_path):
    assert same_bytes(lambda: drawn(summary("one")), tmp_path)
