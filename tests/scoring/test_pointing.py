"""Hits and the object's size by hand and beside plain loops over images, points, boxes and pixels."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from labelmaps.data.boxes import object_share
from labelmaps.scoring.pointing import (
    SIZE_BINS,
    TOLERANCES,
    fills_grid,
    hits,
    size_bin,
    variants,
)

BOX = np.array([[10, 20, 30, 60]], np.float32)
TWO_BOXES = np.array([[0, 0, 5, 5], [50, 50, 90, 70]], np.float32)
NO_BOX = np.zeros((0, 4), np.float32)
METHODS = ["m", "uniform", "best_cell", "ceiling"]


def hit(x, y, boxes, *rest, **options):
    """The outcome of one point in one image."""
    outcome = hits(np.array([x]), np.array([y]), [boxes], *rest, **options)
    assert outcome.shape == (1,)
    return outcome[0]


@pytest.mark.parametrize("x", [10, 20, 30])
@pytest.mark.parametrize("y", [20, 47.3, 60])
def test_inside_on_the_edges_and_on_the_corners_is_a_hit(x, y):
    assert hit(x, y, BOX) == 1


@pytest.mark.parametrize(
    ("x", "y"), [(9.99, 40), (30.01, 40), (20, 19.99), (20, 60.01), (40, 25), (-5, -5), (1e6, 40)]
)
def test_outside_of_the_box_or_of_the_image_is_a_miss(x, y):
    assert hit(x, y, BOX) == 0


@pytest.mark.parametrize(
    ("x", "y", "tolerance", "outcome"),
    [
        (5, 40, 5, 1),
        (4.9, 40, 5, 0),
        (35, 65, 5, 1),  # a box is widened, its corners are not rounded
        (35.1, 65, 5, 0),
        (20, 15, 5, 1),
        (20, 65.1, 5, 0),
    ],
)
def test_tolerance_widens_the_box(x, y, tolerance, outcome):
    assert hit(x, y, BOX, tolerance) == outcome


@pytest.mark.parametrize(
    ("x", "y", "in_any", "in_first"),
    [(3, 3, 1, 1), (60, 60, 1, 0), (3, 60, 0, 0), (60, 3, 0, 0), (20, 30, 0, 0)],
)
def test_any_one_box_or_the_first_must_hold_the_point_wholly(x, y, in_any, in_first):
    assert hit(x, y, TWO_BOXES) == in_any
    assert hit(x, y, TWO_BOXES, rule="first") == in_first
    assert hit(x, y, TWO_BOXES[::-1], rule="first") == in_any - in_first


def test_a_box_of_one_pixel_is_hit_at_its_point():
    assert hit(7, 8, np.array([[7, 8, 7, 8]])) == 1


@pytest.mark.parametrize("rule", ["any", "first", "cells"])
@pytest.mark.parametrize("tolerance", [0, 1e9])
@pytest.mark.parametrize("boxes", [NO_BOX, []])
@pytest.mark.parametrize("x", [20, -1])
def test_without_a_box_there_is_no_outcome(rule, tolerance, boxes, x):
    image = {"width": np.array([90]), "height": np.array([90]), "cells": 3}
    assert math.isnan(hit(x, 40, boxes, tolerance, rule=rule, **image))


@pytest.mark.parametrize(
    ("x", "y", "outcome"),
    [
        (59, 79, 1),  # far from the box, in the second column and row, whose centre is in the box
        (30, 40, 1),  # the left and upper edges belong to the cell
        (29.9, 60, 0),
        (60, 60, 0),  # the right edge belongs to the next cell
        (45, 39.9, 0),
        (45, 80, 0),
    ],
)
def test_cells_by_hand(x, y, outcome):
    # 90 × 120 in 3 × 3 cells of 30 × 40, a box about the middle one's centre at 45, 60
    image = {"width": np.array([90]), "height": np.array([120]), "cells": 3}
    assert hit(x, y, np.array([[40, 55, 50, 65]]), rule="cells", **image) == outcome


@pytest.mark.parametrize(
    ("box", "columns"),
    [
        ([35, 0, 44, 15], [0, 0, 0]),  # within a cell and beside its centre
        ([35, 0, 45, 15], [0, 1, 0]),  # the box's edges count, as its pixels 35 to 44 weigh a half at 45
        ([45, 0, 59, 15], [0, 1, 0]),
        ([46, 0, 89, 15], [0, 0, 1]),
        ([15, 0, 75, 15], [1, 1, 1]),
        ([16, 0, 74, 15], [0, 1, 0]),  # overlaps all three
        ([0, 0, 89, 14], [0, 0, 0]),
        ([91, 0, 99, 15], [0, 0, 0]),
        ([-9, 0, -1, 15], [0, 0, 0]),
    ],
)
def test_a_cell_counts_where_its_centre_lies_in_a_box(box, columns):
    image = {"width": np.array([90]), "height": np.array([90]), "cells": 3}
    for flipped in (False, True):
        points = [(5, other) if flipped else (other, 5) for other in (1, 31, 89)]  # anywhere in the cells
        boxes = np.array([[box[1], box[0], box[3], box[2]] if flipped else box])
        assert [hit(*point, boxes, rule="cells", **image) for point in points] == columns


@pytest.mark.parametrize(
    ("x", "y", "outcome"), [(0, 0, 1), (90, 90, 1), (-0.1, 5, 0), (90.1, 5, 0), (5, -0.1, 0), (5, 90.1, 0)]
)
def test_a_point_on_the_images_edge_has_a_cell_and_one_outside_has_none(x, y, outcome):
    image = {"width": np.array([90]), "height": np.array([90]), "cells": 3}
    assert hit(x, y, np.array([[0, 0, 89, 89]]), 50, rule="cells", **image) == outcome


def test_there_are_7_cells_a_side_unless_told():
    image = {"width": np.array([70]), "height": np.array([140])}  # cells of 10 × 20
    points = [(29.9, 60), (29.9, 79.9), (30, 79.9), (29.9, 80), (19.9, 60), (20, 59.9)]
    box = np.array([[23, 66, 27, 74]])
    assert [hit(*point, box, rule="cells", **image) for point in points] == [1, 1, 0, 0, 0, 0]
    assert [hit(*point, box, rule="cells", cells=7, **image) for point in points] == [1, 1, 0, 0, 0, 0]


def test_tolerance_widens_the_box_to_further_centres():
    image = {"width": np.array([90]), "height": np.array([90]), "cells": 3}
    box = np.array([[35, 35, 55, 55]])
    assert [hit(80, 45, box, tolerance, rule="cells", **image) for tolerance in (19.9, 20)] == [0, 1]
    assert [hit(10, 45, box, tolerance, rule="cells", **image) for tolerance in (19.9, 20)] == [0, 1]


def theirs(boxes, width, height):
    """Return the authors' mask (7, 7) of whole-numbered boxes, by another way: torch samples the mask of their pixels."""
    mask = torch.zeros(1, 1, height, width)
    for x0, y0, x1, y1 in boxes.astype(int):
        mask[..., y0:y1, x0:x1] = 1
    sampled = torch.nn.functional.interpolate(mask.double(), (7, 7), mode="bilinear", align_corners=False)
    return (sampled[0, 0] > 0.5 - 1e-9).numpy()


def mask_of(boxes, width, height):
    """Return which of the 7 × 7 cells hit."""
    share = (np.arange(7) + 0.5) / 7
    x, y = np.meshgrid(share * width, share * height)
    return hits(x[None], y[None], [boxes], rule="cells", width=np.array([width]), height=np.array([height]))[
        0
    ]


def test_cells_are_the_mask_of_the_boxes_pixels_sampled_as_the_authors_do():
    random = np.random.default_rng(1)
    equal = []
    for _ in range(300):
        width, height = random.integers(200, 600, 2)
        corners = np.sort(random.integers(0, [width, height], (random.integers(1, 4), 2, 2)), axis=1)
        corners[:, 1] += corners[:, 1] == corners[:, 0]  # no box without an area
        boxes = corners.reshape(-1, 4).astype(np.float32)
        ours, other = mask_of(boxes, width, height), theirs(boxes, width, height)
        equal.append(ours == other)
        assert fills_grid([boxes], np.array([width]), np.array([height])).tolist() == [bool(ours.all())]
    # They differ where a centre lies half a pixel or less from a corner of a box, whose pixels then weigh less than a half.
    assert np.mean(equal) > 0.9998


@pytest.mark.parametrize(
    ("boxes", "filled"),
    [
        ([[0, 0, 99, 99]], True),
        ([[7, 7, 93, 93]], True),  # the outer centres are at 100 / 14 and 100 − 100 / 14
        ([[8, 0, 99, 99]], False),
        ([[0, 0, 99, 50], [0, 45, 99, 99]], True),  # together
        ([[0, 0, 99, 49], [0, 51, 99, 99]], False),  # the middle row's centre is at 50
        ([[40, 40, 60, 60]], False),
    ],
)
def test_boxes_fill_the_grid_where_no_cell_is_free(boxes, filled):
    boxes = np.array(boxes)
    sides = np.array([100])
    assert fills_grid([boxes], sides, sides).tolist() == [filled]
    assert fills_grid([NO_BOX, boxes], np.repeat(sides, 2), np.repeat(sides, 2)).tolist() == [False, filled]


@pytest.fixture(scope="module")
def many_images():
    """200 images with 0 to 4 boxes: x, y (image, 3, 5), some points on edges or outside; boxes, width, height."""
    random = np.random.default_rng(0)
    n = 200
    width, height = random.integers(20, 60, (2, n))
    boxes = []
    for side in np.stack([width, height], axis=1):
        corners = np.sort(random.integers(0, side, (random.integers(0, 5), 2, 2)), axis=1)
        boxes.append(corners.reshape(-1, 4).astype(np.float32))
    boxes[0] = boxes[-1] = boxes[7] = boxes[8] = NO_BOX
    x, y = random.integers(-3, 63, (2, n, 3, 5)) + random.choice([0, 0.5], (2, n, 3, 5))
    return x, y, boxes, width, height


def plain_hit(x, y, boxes, tolerance, rule, width, height, cells):
    """One point, with loops; for "cells", by looking for the cell whose centre takes the point's place."""
    if len(boxes) == 0:
        return math.nan
    point = [x, y]
    if rule == "cells":
        for axis, side in enumerate((width, height)):
            edges = [i * side / cells for i in range(cells + 1)]
            cell = [i for i in range(cells) if edges[i] <= point[axis] < edges[i + 1]]
            cell += [cells - 1] if point[axis] == side else []
            point[axis] = (cell[0] + 0.5) * side / cells if cell else math.nan
    for x0, y0, x1, y1 in boxes[:1] if rule == "first" else boxes:
        if x0 - tolerance <= point[0] <= x1 + tolerance and y0 - tolerance <= point[1] <= y1 + tolerance:
            return 1
    return 0


@pytest.mark.parametrize("rule", ["any", "first", "cells"])
@pytest.mark.parametrize("tolerance", [0, 2.5])
def test_hits_agree_with_a_plain_loop(many_images, rule, tolerance):
    x, y, boxes, width, height = many_images
    expected = [
        plain_hit(px, py, boxes[i], tolerance, rule, width[i], height[i], 4)
        for i in range(len(x))
        for px, py in zip(x[i].ravel(), y[i].ravel(), strict=True)
    ]
    image = {"width": width, "height": height, "cells": 4} if rule == "cells" else {}
    outcome = hits(x, y, boxes, tolerance, rule=rule, **image)
    np.testing.assert_array_equal(outcome, np.reshape(expected, x.shape))
    assert {0, 1} <= set(outcome[~np.isnan(outcome)])
    one = hits(x[:, 1, 2], y[:, 1, 2], boxes, tolerance, rule=rule, **image)
    np.testing.assert_array_equal(one, outcome[:, 1, 2])


def test_a_hit_by_first_is_one_by_any(many_images):
    x, y, boxes, *_ = many_images
    boxed = np.array([len(image) > 0 for image in boxes])
    first, in_any = (hits(x, y, boxes, rule=rule)[boxed] for rule in ("first", "any"))
    assert (first <= in_any).all()
    assert first.sum() < in_any.sum()


def test_the_centre_of_a_cell_hits_by_cells_where_it_hits_by_any(many_images):
    *_, boxes, width, height = many_images
    share = (np.arange(7) + 0.5) / 7
    x, y = (
        axis * side[:, None, None]
        for axis, side in zip(np.meshgrid(share, share), (width, height), strict=True)
    )
    by_any, by_cells = (hits(x, y, boxes, rule=rule, width=width, height=height) for rule in ("any", "cells"))
    np.testing.assert_array_equal(by_cells, by_any)


def test_the_images_order_changes_nothing_but_the_order(many_images):
    x, y, boxes, _, _ = many_images
    order = np.random.default_rng(1).permutation(len(x))
    shuffled = hits(x[order], y[order], [boxes[i] for i in order])
    np.testing.assert_array_equal(shuffled, hits(x, y, boxes)[order])


@pytest.mark.parametrize("shape", [(0,), (0, 7, 7)])
def test_no_image_at_all(shape):
    assert hits(np.zeros(shape), np.zeros(shape), []).shape == shape


def test_no_image_has_a_box():
    assert np.isnan(hits(np.zeros((2, 3, 3)), np.zeros((2, 3, 3)), [NO_BOX, []])).all()


@pytest.mark.parametrize("n", [1, 3])
def test_boxes_of_other_images_than_the_points_are_an_error(n):
    with pytest.raises(ValueError, match=f"points in {n} images, boxes of 2"):
        hits(np.zeros(n), np.zeros(n), [BOX, BOX])


@pytest.mark.parametrize(
    ("boxes", "share"),
    [
        ([[10, 20, 30, 60]], 20 * 40),
        ([[10, 20, 30, 60], [10, 20, 30, 60]], 20 * 40),  # the same twice
        ([[0, 0, 20, 20], [10, 10, 30, 30]], 400 + 400 - 100),
        ([[0, 0, 50, 50], [10, 10, 30, 30]], 2500),  # one within the other
        ([[0, 0, 20, 20], [20, 0, 30, 20]], 600),  # side by side
        ([[0, 0, 10, 10], [50, 50, 60, 60]], 200),
        ([[-50, 90, 10, 900]], 10 * 10),  # cut at the image's edges
        ([[150, 150, 160, 160]], 0),
        ([[7, 8, 7, 8]], 0),
        ([[0, 0, 200, 100]], 200 * 100),
    ],
)
def test_object_share_by_hand(boxes, share):
    result = object_share([np.array(boxes, np.float32)], np.array([200]), np.array([100]))
    assert result.tolist() == [share / 20000]


def test_object_share_agrees_with_counting_pixels(many_images):
    *_, boxes, width, height = many_images
    expected = []
    for image, w, h in zip(boxes, width, height, strict=True):
        pixels = np.zeros((h, w), bool)
        for x0, y0, x1, y1 in image.astype(int):
            pixels[y0:y1, x0:x1] = True
        expected.append(pixels.mean() if len(image) else math.nan)
    np.testing.assert_allclose(object_share(boxes, width, height), expected, rtol=1e-12)


def test_object_share_of_no_image():
    assert object_share([], np.array([]), np.array([])).shape == (0,)


def test_size_bins_by_hand():
    share = np.array([0, 0.0999, 0.1, 0.2499, 0.25, 0.5, 0.75, 0.7501, 1, np.nan])
    bins = size_bin(share)
    assert bins.codes.tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4, -1]
    assert bins.categories.tolist() == SIZE_BINS
    assert bins.ordered


@pytest.fixture
def three_images():
    """100 × 100, a grid of 2 × 2 points at 25 and 75: a box around the centre, two in opposite corners, none.

    The arguments of `variants`, with one method that points into the first box, and beside the second image's.
    """
    x, y = np.meshgrid([25.0, 75], [25.0, 75])
    sides = np.full(3, 100)
    boxes = [np.array([[40, 40, 80, 80]]), np.array([[0, 0, 30, 60], [80, 80, 99, 99]]), NO_BOX]
    points = {"m": (np.array([60.0, 35, 60]), np.full(3, 60.0))}
    return points, boxes, sides, sides, np.broadcast_to(np.stack([x, y], axis=-1), (3, 2, 2, 2))


def played(*arguments):
    return {tuple(variant.values()): hit.tolist() for variant, hit in variants(*arguments)}


def test_variants_by_hand(three_images):
    result = played(*three_images)
    # On the grid: the first image's box holds (75, 75), the second's first box (25, 25).
    expected = {
        ("any", 0, "all"): ([1, 0], [0.25, 0.25], [0, 1], [1, 1]),
        ("any", 0, "hard"): ([0], [0.25], [1], [1]),
        ("any", 0, "10–25 %"): ([1, 0], [0.25, 0.25], [0, 1], [1, 1]),  # 1600 and 1800 + 361 pixels
        ("any", 0, "< 10 %"): ([], [], [], []),
        # Widened to 25…95: all four cells of the first; the second's reach (25, 25), (25, 75) and (75, 75).
        ("any", 15, "all"): ([1, 1], [1, 0.75], [1, 1], [1, 1]),
        ("first", 15, "all"): ([1, 1], [1, 0.5], [1, 1], [1, 1]),
        # 7 × 7 cells of 14.3 pixels, with centres at 7.1, 21.4, 35.7, 50, 64.3, 78.6, 92.9: the point at 35, 60 lies in
        # column 2 and row 4, whose centre is beside the box, with a tolerance of 15 in it. The grid's points lie in rows and
        # columns 1 and 5; the last box has the centre of row and column 6 alone.
        ("cells", 0, "all"): ([1, 0], [0.25, 0.25], [0, 1], [1, 1]),
        ("cells", 15, "all"): ([1, 1], [0.25, 0.5], [1, 1], [1, 1]),
        ("cells", 0, "unfilled"): ([1, 0], [0.25, 0.25], [0, 1], [1, 1]),
    }
    for (rule, tolerance, subset), hit in expected.items():
        found = [result[method, rule, tolerance, subset] for method in METHODS]
        assert found == [list(values) for values in hit], (rule, tolerance, subset)


def test_every_variant_is_played_once(three_images):
    keys = list(played(*three_images))
    subsets = ["all", *SIZE_BINS, "hard", "unfilled"]
    expected = {
        (m, r, t, s) for m in METHODS for r in ("any", "first", "cells") for t in TOLERANCES for s in subsets
    }
    assert set(keys) == expected
    assert len(list(variants(*three_images))) == len(expected)


def test_best_cell_is_the_best_of_the_very_subset(three_images):
    points, _, sides, _, grid_points = three_images
    # Two images whose centre is hit are best served by the last cell, the hard one by the first.
    boxes = [np.array([[40, 40, 80, 80]]), np.array([[45, 45, 80, 80]]), np.array([[0, 0, 30, 30]])]
    result = played(points, boxes, sides, sides, grid_points)
    assert result["best_cell", "any", 0, "all"] == [1, 1, 0]
    assert result["best_cell", "any", 0, "hard"] == [1]


def test_images_that_the_boxes_fill_are_a_subset_of_their_own(three_images):
    points, boxes, *rest = three_images
    result = played(points, [np.array([[0, 0, 99, 99]]), *boxes[1:]], *rest)
    for rule, tolerance in product(("any", "first", "cells"), TOLERANCES):
        assert [len(result["m", rule, tolerance, subset]) for subset in ("all", "unfilled")] == [2, 1]
        assert result["m", rule, tolerance, "unfilled"] == result["m", rule, tolerance, "all"][1:]


def test_an_image_without_a_box_changes_nothing(three_images):
    points, boxes, sides, _, grid_points = three_images
    boxed = {"m": (points["m"][0][:2], points["m"][1][:2])}
    assert played(boxed, boxes[:2], sides[:2], sides[:2], grid_points[:2]) == played(*three_images)


def test_variants_without_any_box(three_images):
    points, _, *rest = three_images
    assert set(map(tuple, played(points, [NO_BOX] * 3, *rest).values())) == {()}


def test_without_a_method_there_are_the_baselines(three_images):
    _, *rest = three_images
    assert {key[0] for key in played({}, *rest)} == set(METHODS[1:])


@pytest.mark.parametrize("side", [1, 3, 11])
def test_the_views_grid_is_no_matter_of_the_methods(three_images, side):
    *given, grid_points = three_images
    finer = np.broadcast_to(np.linspace(1, 99, side)[:, None, None], (3, side, side, 2))
    one, other = (
        {key: hit for key, hit in played(*given, points).items() if key[0] == "m"}
        for points in (grid_points, finer)
    )
    assert one == other
