"""The figure of the views draws each fixation, extent and view where it belongs, and nothing leaves the page."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.transforms import Bbox

from labelmaps.figures import style
from labelmaps.figures.layout import LARGEST_IMAGE
from labelmaps.figures.views import (
    COLOURS,
    OUTSIDE,
    arrange_views,
    draw_views,
    find_visible_box,
    telling_cells,
)
from labelmaps.views import Geometry, create_view

mpl.use("agg")
NOTES = ["zoom, floor 0.1", "val_00000001"]


def image(width, height):
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def coloured(n, size=6):
    """n × n views of one colour each: its red is 10 × row, its green 10 × column."""
    row, column = np.divmod(np.arange(n * n), n)
    colour = np.stack([10 * row, 10 * column, np.full(n * n, 200)], axis=-1).astype(np.uint8)
    return np.broadcast_to(colour[:, None, None], (n * n, size, size, 3)).copy()


def zoom(n, width, height):
    return create_view("zoom", grid=n, floor=0.1).geometry(width, height)


def boxes_around(n, width, height, side):
    """Squares of one side around the centres of n × n cells, as in a padded crop."""
    x, y = np.meshgrid((np.arange(n) + 0.5) / n * width, (np.arange(n) + 0.5) / n * height)
    centre = np.stack([x, y], axis=-1)
    return Geometry(centre, np.concatenate([centre - side / 2, centre + side / 2], axis=-1))


def drawn(n=7, width=400, height=300, geometry=None, notes=NOTES):
    return draw_views(image(width, height), geometry or zoom(n, width, height), coloured(n), notes)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def outlines(axes):
    """Colour and x0, y0, x1, y1 of each outline."""
    return [
        (to_hex(p.get_edgecolor()).upper(), *p.get_xy(), *np.add(p.get_xy(), (p.get_width(), p.get_height())))
        for p in axes.patches
    ]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_telling_cells_are_the_centre_and_one_of_each_ring():
    assert telling_cells(1) == [(0, 0)]
    assert telling_cells(3) == [(1, 1), (0, 0)]
    assert telling_cells(7) == [(3, 3), (2, 2), (1, 4), (5, 6)]
    for n in range(1, 13, 2):
        cells = np.array(telling_cells(n))
        assert abs(cells - n // 2).max(axis=1).tolist() == list(range(n // 2 + 1))
        assert len(set(cells[:, 0])) == len(set(cells[:, 1])) == len(cells)  # no two in a row or column
        assert len(cells) <= len(COLOURS)


def test_all_fixations_are_points_at_their_places_on_the_image():
    geometry = zoom(5, 400, 300)
    axes = drawn(5, geometry=geometry).axes[0]
    points, *shown = [line.get_xydata() for line in axes.lines]
    np.testing.assert_array_equal(points, geometry.centre.reshape(-1, 2))
    cells = telling_cells(5)
    np.testing.assert_array_equal(np.concatenate(shown), [geometry.centre[cell] for cell in cells])
    assert [line.get_color() for line in axes.lines[1:]] == list(COLOURS[: len(cells)])
    assert axes.images[0].get_extent() == [0, 400, 300, 0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 400), (300, 0))
    assert axes.get_aspect() == 1


def test_a_view_is_framed_in_the_colour_of_its_extent():
    geometry = zoom(7, 400, 300)
    left, right = drawn(7, geometry=geometry).axes
    cells = telling_cells(7)
    np.testing.assert_allclose([o[1:] for o in outlines(left)], [geometry.extent[cell] for cell in cells])
    assert [o[0] for o in outlines(left)] == [o[0] for o in outlines(right)] == list(COLOURS[:4])
    for (row, column), (_, x0, y0, x1, y1) in zip(cells, outlines(right), strict=True):
        np.testing.assert_allclose([x0, y0, x1, y1], [column, row, column + 1, row + 1], atol=0.02)


@pytest.mark.parametrize("n", [1, 3, 11])
def test_views_stand_in_the_grids_arrangement(n):
    """In the picture itself: the middle of each cell has the colour of its row and column."""
    figure = drawn(n)
    axes = figure.axes[1]
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())
    framed = telling_cells(n)
    for row, column in np.ndindex(n, n):
        x, y = axes.transData.transform((column + 0.5, row + 0.5))
        seen = picture[len(picture) - 1 - int(y), int(x), :3]
        assert abs(seen - np.array([10 * row, 10 * column, 200])).max() <= 2
    assert len(axes.patches) == len(framed)
    assert [t.get_text() for t in axes.get_xticklabels()] == [str(i) for i in range(n)]
    assert [t.get_text() for t in axes.get_yticklabels()] == [str(i) for i in range(n)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("column", "row")


def test_a_sheet_holds_all_pixels_apart():
    views = np.arange(4 * 2 * 2 * 3, dtype=np.uint8).reshape(4, 2, 2, 3)
    sheet = arrange_views(views)
    assert sheet.shape == (8, 8, 3)
    for i, (row, column) in enumerate(np.ndindex(2, 2)):
        part = sheet[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        np.testing.assert_array_equal(part[1:3, 1:3], views[i])
        assert (part[[0, -1]] == 255).all()
        assert (part[:, [0, -1]] == 255).all()


def test_another_number_of_views_than_fixations_is_refused():
    with pytest.raises(ValueError, match="9 views of 25 fixations"):
        draw_views(image(40, 30), zoom(5, 40, 30), coloured(3), NOTES)


def test_surroundings_are_shown_where_a_view_leaves_the_image():
    assert find_visible_box(40, 30, np.array([[5, 5]]), np.array([[0, 0, 40, 30]])) == (0, 0, 40, 30)
    rounded = np.array([[-1e-14, 0, 40 + 1e-14, 30]])
    assert find_visible_box(40, 30, np.array([[5, 5]]), rounded) == (0, 0, 40, 30)
    # 60 × 40 pixels, and 0.03 × 60 around.
    region = find_visible_box(40, 30, np.array([[5, 5]]), np.array([[-10, 0, 10, 40], [0, 0, 50, 10]]))
    assert region == pytest.approx((-11.8, -1.8, 51.8, 41.8))
    assert find_visible_box(40, 30, np.array([[-20, 5]]), rounded)[0] < -20
    geometry = boxes_around(7, 400, 300, 250)
    axes = drawn(7, geometry=geometry).axes[0]
    for _, x0, y0, x1, y1 in outlines(axes):
        assert axes.get_xlim()[0] < x0 < x1 < axes.get_xlim()[1]
        assert axes.get_ylim()[1] < y0 < y1 < axes.get_ylim()[0]
    assert axes.images[0].get_extent() == [0, 400, 300, 0]
    assert to_hex(axes.get_facecolor()) == to_hex(OUTSIDE)


def test_texts_say_how_many_and_how_large():
    figure = drawn(3, 1400, 375)
    assert [text.get_text() for text in figure.texts] == [
        "image of 1,400 × 375 pixels, 3 × 3 fixations",
        "what the network receives: 3 × 3 views of 6 × 6 pixels",
        "zoom, floor 0.1 · val_00000001",
    ]
    assert legend(figure) == [
        "fixations (3 × 3)",
        "x₀: 1,400 × 375 pixels",
        "row 0, column 0: 140 × 37.5 pixels",
    ]


def overlaps(figure):
    """Pairs of texts, legend and panels with their axes that share ink, and what leaves the page."""
    figure.set_dpi(style.SIZES["page"].dpi)
    figure.draw_without_rendering()
    boxes = {f"axes {i}": axes.get_tightbbox() for i, axes in enumerate(figure.axes)}
    for text in figure.texts:
        x0, y0, x1, y1 = text.get_window_extent().extents
        boxes[text.get_text()] = Bbox.from_extents(x0, y0 + 2, x1, y1 - 2)  # type is set that tight
    boxes["legend"] = figure.legends[0].get_window_extent()
    page = figure.bbox.padded(1)
    found = [(a, b) for a, b in combinations(boxes, 2) if boxes[a].overlaps(boxes[b])]
    return found + [name for name, b in boxes.items() if Bbox.intersection(b, page).bounds != b.bounds]


LONG = ["a view with many options " * 8, "$x_1$ \\frac{"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "size", "notes"),
    [(1, (300, 500), NOTES), (3, (500, 375), LONG), (7, (500, 375), NOTES), (11, (375, 500), LONG)],
)
def test_nothing_overlaps(n, size, notes):
    figure = drawn(n, *size, notes=notes)
    assert overlaps(figure) == []
    assert figure.get_size_inches()[0] == style.PAGE
    assert overlaps(drawn(n, *size, boxes_around(n, *size, 400), notes)) == []


@pytest.mark.parametrize("size", [(3000, 20), (20, 3000), (1, 1)])
def test_extreme_images_are_drawn_whole(size):
    width, height = size
    figure = drawn(5, width, height)
    assert overlaps(figure) == []
    assert figure.get_size_inches()[1] < 5
    axes = figure.axes[0]
    axes.apply_aspect()
    box = axes.get_window_extent()
    assert box.width / box.height == pytest.approx(width / height)
    assert max(axes.images[0].get_array().shape) <= LARGEST_IMAGE


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_the_same_inputs_give_the_same_bytes(tmp_path, suffix):
    with mpl.rc_context(style.REPRODUCIBLE):
        for run in "ab":
            style.save(drawn(3), [tmp_path / f"{run}.{suffix}"])
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
