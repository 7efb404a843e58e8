"""The calibration's figure draws its tables, nothing else, and all of it can be read."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from labelmaps.figures import style
from labelmaps.figures.calibration import MISFIT, SHARE, TITLE, draw_calibration
from labelmaps.protocol.calibration import judge_readings, rank_readings, terms_of
from pipeline.sources import ROOT

mpl.use("agg")
PAPER = pd.read_csv(ROOT / "resources/paper.csv", comment="#")
RANKING = pd.DataFrame(
    {
        "reading": ["zoom, floor 0.2", "crop, $.5_a$", "shift, black"],
        "rank": [1, 1, 3],
        "misfit": [0.0, 12.345, 1234.5],
        "degrees": 2,
        "p": [1.0, 0.05, 0.0],
        "best_share": [0.97, 0.03, 0.0],
        "n_images": 1200,
    }
)
TERMS = [
    ("gain of x₀ over the standard crop", "center", "gain_over_standard_crop", -0.085, "resnet18"),
    ("gain of max_logit", "max_logit", "gain", -0.038, "resnet101"),
]
OURS = {"gain of x₀ over the standard crop": [-0.06, -0.0325, 0.01], "gain of max_logit": [-0.04, 0.0, 0.02]}
BY_TERM = pd.DataFrame(
    [
        {"reading": reading, "rank": rank, "term": term, "method": method, "measure": measure}
        | {"ours": OURS[term][i], "ours_low": OURS[term][i] - 0.05, "ours_high": OURS[term][i] + 0.04}
        | {"paper": paper, "paper_network": network}
        for i, (reading, rank) in enumerate(zip(RANKING["reading"], RANKING["rank"], strict=True))
        for term, method, measure, paper, network in TERMS
    ]
)


def many(n, architecture, name):
    """A calibration of n readings on made-up outcomes of 50 images."""
    generator = np.random.default_rng(0)
    columns = ["standard_crop", "before", "likelihood", "gradcam", "max_logit", "igub", "dff"]

    def outcomes():
        probability = np.clip(generator.normal([0.65, 0.6, 0.8, 0.6, 0.55, 0.65, 0.55], 0.08), 0, 0.97)
        return pd.DataFrame(generator.random((50, 7)) < probability, columns=columns)

    readings = {name.format(i): outcomes() for i in range(n)}
    return rank_readings(readings, terms_of(architecture, PAPER), resamples=200)


@pytest.fixture
def drawn():
    yield (
        lambda ranking=RANKING, by_term=BY_TERM, network=("pq", "resnet18", "checkpoint"), images="others": (
            draw_calibration(ranking, by_term, *network, images)
        )
    )
    plt.close("all")


@pytest.fixture(scope="module")
def usual():
    """The figure of `RANKING` and `BY_TERM`, drawn once for the tests that only read it."""
    figure = draw_calibration(RANKING, BY_TERM, "pq", "resnet18", "checkpoint", "others")
    plt.close(figure)
    return figure


def dots(axes):
    """Places (x, y) of the dots that can be seen, from above."""
    xy = np.concatenate([line.get_xydata() for line in axes.lines if line.get_marker() == "o"])
    return sorted([(round(x, 6), y) for x, y in xy if np.isfinite(x)], key=lambda place: place[1])


def faces(axes):
    """Row → how its dot is filled."""
    return {
        y: line.get_markerfacecolor()
        for line in axes.lines
        for x, y in line.get_xydata()
        if line.get_marker() == "o" and np.isfinite(x)
    }


def intervals(axes):
    """Row and ends of each interval."""
    segments = [segment for collection in axes.collections for segment in collection.get_segments()]
    return [(y, round(low, 6), round(high, 6)) for (low, y), (high, _) in segments]


def paper_lines(axes):
    """Where a line stands across all rows."""
    upright = [line for line in axes.lines if line.get_marker() == "None"]
    assert all(list(line.get_ydata()) == [0, 1] for line in upright)
    return [[round(x, 6) for x in line.get_xdata()] for line in upright]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_row_per_reading_the_first_above_and_a_column_per_term(usual):
    axes = usual.axes
    assert [tick.get_text() for tick in axes[0].get_yticklabels()] == RANKING["reading"].tolist()
    assert [tick.get_fontweight() for tick in axes[0].get_yticklabels()] == ["bold", "bold", "normal"]
    assert [ax.get_title() for ax in axes] == [
        "",
        "x₀ over the\nstandard\ncrop\npaper −8.5",
        "gain\nmaximum\nlogit\npaper −3.8",
    ]
    assert {ax.get_ylim() for ax in axes} == {(2.5, -0.5)}


def test_misfits_are_those_of_the_table_as_dots_and_in_figures(usual):
    axes = usual.axes[0]
    assert dots(axes) == [(0, 0), (12.345, 1), (1234.5, 2)]
    assert faces(axes) == {0: MISFIT, 1: MISFIT, 2: "white"}
    assert [text.get_text() for text in axes.texts] == [
        *("misfit", "0.0", "12.3", "1,234"),
        *("best in", "97 %", "3 %", "0 %"),
    ]
    assert [text.xy[1] for text in axes.texts] == [-0.5, 0, 1, 2] * 2
    assert axes.get_xlim()[0] == 0
    assert axes.get_xlim()[1] > 1234.5


def test_terms_are_those_of_the_table_in_percentage_points(usual):
    _, at_x0, gain = usual.axes
    assert dots(at_x0) == [(-6, 0), (-3.25, 1), (1, 2)]
    assert intervals(at_x0) == [(0, -11, -2), (1, -8.25, 0.75), (2, -4, 5)]
    assert dots(gain) == [(-4, 0), (0, 1), (2, 2)]
    assert intervals(gain) == [(0, -9, 0), (1, -5, 4), (2, -3, 6)]


def test_the_paper_is_a_line_across_each_term(usual):
    axes = usual.axes
    assert [paper_lines(ax) for ax in axes] == [[], [[-8.5, -8.5]], [[-3.8, -3.8]]]


def test_terms_follow_the_ranking_whatever_the_order_of_their_rows(drawn):
    _, at_x0, _ = drawn(RANKING.iloc[[2, 0, 1]]).axes
    assert dots(at_x0) == [(1, 0), (-6, 1), (-3.25, 2)]


def test_methods_have_their_colours(usual):
    for axes, method in zip(usual.axes[1:], ("center", "max_logit"), strict=True):
        colour = style.method_colour(method)
        assert set(faces(axes).values()) == {colour}
        assert mpl.colors.same_color(axes.collections[0].get_colors(), colour)


def test_the_title_says_which_network_on_how_many_images_and_whose_the_values_are(drawn, usual):
    lines = usual.get_suptitle().split("\n")
    assert lines[:3] == ["pq", "resnet18, checkpoint", "n = 1,200 images"]
    assert " ".join(lines[3:-1]) == (
        "our images: others; the paper’s, on ImageNet validation: the gain of x₀ over the standard crop of its resnet18, "
        "gains over x₀ of its resnet101"
    )
    assert lines[-1] == SHARE
    gains = BY_TERM[BY_TERM["measure"] == "gain"]
    lines = drawn(by_term=gains).get_suptitle().split("\n")
    assert "our images: others; the paper’s, on ImageNet validation: gains over x₀ of its resnet101" in lines


def test_the_title_says_whether_the_images_are_the_papers(drawn):
    title = drawn(images="ImageNet validation").get_suptitle()
    ours = (
        "our images: ImageNet validation; the paper’s, on ImageNet validation: the gain of x₀ over the standard crop of its "
        "resnet18, gains over x₀ of its resnet101"
    )
    assert ours in title.replace("\n", " ")
    assert max(map(len, title.split("\n"))) <= TITLE < len(ours)


def test_the_legend_names_only_what_is_there(drawn, usual):
    fits, misses = "misfit, p ≥ 0.05", "misfit, p < 0.05"
    assert {fits, misses} < set(legend(usual))
    assert misses not in legend(drawn(RANKING.iloc[:2]))
    assert fits not in legend(drawn(RANKING.iloc[2:]))


def unranked(ranking=RANKING, by_term=BY_TERM, why="weights random (for tests only)"):
    return judge_readings(ranking, by_term, why)


def test_readings_that_are_not_ranked_stand_out_in_nothing(drawn):
    figure = drawn(*unranked())
    misfits = figure.axes[0]
    names = misfits.get_yticklabels()
    assert [name.get_text() for name in names] == sorted(RANKING["reading"])
    assert {name.get_fontweight() for name in names} == {"normal"}
    assert set(faces(misfits).values()) == {MISFIT}
    assert [text.get_text() for text in misfits.texts] == ["misfit", "12.3", "1,234", "0.0"]
    title = figure.get_suptitle()
    assert title.split("\n")[-1] == "no reading is ranked, and none refused: weights random (for tests only)"
    assert SHARE not in title
    assert legend(figure) == ["misfit", "ours, 95 % interval (percentage points)", "the paper"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("calibration", "longest"),
    [
        ((40, "resnet18", "shift, centre crop, black, {}; nearest"), 8.2),  # what to make `many` of
        ((3, "resnet101", "zoom, {}"), 3),
        ((1, "resnet101", "zoom, floor 0.1"), 3),
        ((8, "resnet18", "a reading with so many options that its name needs two lines, {}"), 5),
        ((RANKING, BY_TERM), 3),
        (unranked(), 3),
        ((RANKING.assign(misfit=[0.0, 2.0, 98_765.4]), BY_TERM), 3),
    ],
)
def test_nothing_covers_anything_and_all_can_be_read(drawn, calibration, longest):
    if isinstance(calibration[0], int):
        calibration = many(*calibration)
    network = ("net_" * 10, "resnet101", "checkpoint with_a_rather_long_name.pth")
    figure = drawn(*calibration, network, "ImageNet validation")
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    assert width == style.PAGE
    assert height < longest
    texts = [text for text in figure.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]
    outside = ticks_out_of_range(figure)
    seen = [(text, text.get_window_extent()) for text in texts if text not in outside]
    seen = [(text, box) for text, box in seen if box.width]
    assert len(seen) > 3 * len(calibration[0])
    assert min(text.get_fontsize() for text, _ in seen) >= 6
    for (one, box), (other, other_box) in combinations(seen, 2):
        assert not box.overlaps(other_box), (one, other)
    inside = figure.bbox.padded(1)
    for text, box in seen:
        assert inside.x0 <= box.x0 < box.x1 <= inside.x1, text
        assert inside.y0 <= box.y0 < box.y1 <= inside.y1, text
    misfits = set(figure.axes[0].texts)
    values = [box for text, box in seen if text in misfits]
    for axes in figure.axes:
        assert len([tick for tick in axes.get_xticks() if is_between(tick, axes.get_xlim())]) >= 2
        places = axes.transData.transform(dots(axes))
        assert not any(box.contains(*place) for box in values for place in places)
        assert all(is_between(x, axes.get_xlim()) for x, _ in dots(axes))


def is_between(value, limits):
    return limits[0] <= value <= limits[1]


def ticks_out_of_range(figure):
    """Labels that are not drawn: matplotlib keeps those of ticks outside the limits."""
    return {
        tick.label1
        for axes in figure.axes
        for tick in axes.xaxis.get_major_ticks()
        if not is_between(tick.get_loc(), axes.get_xlim())
    }


def test_names_are_no_formulas(drawn):
    figure = drawn(network=("a_$b$", "resnet18", "checkpoint"))
    figure.draw_without_rendering()
    assert figure.get_suptitle().startswith("a_$b$")
    title = next(text for text in figure.texts if text.get_text().startswith("a_$b$"))
    assert not any(text.get_parse_math() for text in [title, *figure.axes[0].get_yticklabels()])


@pytest.mark.slow
def test_the_same_tables_give_the_same_bytes(drawn, tmp_path):
    with mpl.rc_context():
        style.prepare()
        for name in ("one", "other"):
            style.save(drawn(), [tmp_path / f"{name}.{suffix}" for suffix in ("pdf", "svg", "png")])
    for suffix in ("pdf", "svg", "png"):
        one, other = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "other"))
        assert one == other
