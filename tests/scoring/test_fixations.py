"""The most salient cell, the point it stands for, and the view to which the eye then moves."""

import numpy as np
import pytest

from labelmaps.errors import InputError
from labelmaps.scoring.fixations import find_fixations
from labelmaps.views.zoom import View

WIDTH, HEIGHT = 400, 300


def zoom_centres(n, grid=7):
    return np.tile(View(grid=grid).geometry(WIDTH, HEIGHT).centre, (n, 1, 1, 1))


def cell_centres(n, rows=7, columns=7):
    """x, y of the centres of the cells that divide the image evenly."""
    y, x = np.meshgrid(
        (np.arange(rows) + 0.5) / rows * HEIGHT, (np.arange(columns) + 0.5) / columns * WIDTH, indexing="ij"
    )
    return np.tile(np.stack([x, y], axis=-1), (n, 1, 1, 1))


def select(saliency):
    """Fixations on maps whose cells stand for the views' own centres, as dictionaries."""
    centres = zoom_centres(len(saliency), saliency.shape[1])
    return find_fixations(saliency, centres, centres).to_dict("records")


@pytest.mark.parametrize("offset", [0.0, -100.0])  # log-probabilities are all negative
def test_the_largest_value_is_selected(offset):
    saliency = np.random.default_rng(0).random((2, 7, 7)) + offset
    saliency[0, 1, 5] = saliency[1, 6, 0] = 2 + offset
    first, second = select(saliency)
    # u = (.6, −.6) and (−.9, .9) of 400 × 300 pixels
    assert first == pytest.approx(
        {"row": 1, "column": 5, "x": 320, "y": 60, "peak": 2 + offset, "tie": False, "dead": False}
    )
    assert second == pytest.approx(
        {"row": 6, "column": 0, "x": 20, "y": 285, "peak": 2 + offset, "tie": False, "dead": False}
    )


def test_of_equal_values_the_lowest_index_is_selected_and_the_tie_is_told():
    saliency = np.zeros((2, 7, 7))
    saliency[0, 2, 4] = saliency[0, 2, 3] = saliency[0, 4, 0] = 1
    saliency[1, 0, 0] = 0.5
    tied, clear = select(saliency)
    assert (tied["row"], tied["column"], tied["tie"], tied["dead"]) == (2, 3, True, False)
    assert (clear["row"], clear["column"], clear["tie"], clear["dead"]) == (0, 0, False, False)


@pytest.mark.parametrize("value", [0.0, -3.5, 2.0])
def test_a_dead_map_stays_at_the_centre_and_is_no_tie(value):
    saliency = np.full((2, 7, 7), value)
    saliency[1, 6, 6] += 1
    dead, alive = select(saliency)
    assert dead == pytest.approx(
        {"row": 3, "column": 3, "x": 200, "y": 150, "peak": value, "tie": False, "dead": True}
    )
    assert (alive["row"], alive["column"], alive["dead"]) == (6, 6, False)


@pytest.mark.parametrize("row", range(7))
@pytest.mark.parametrize("column", [0, 2, 3, 5])
def test_a_cell_of_the_evenly_divided_image_leads_to_the_zoom_view_of_its_row_and_column(row, column):
    saliency = np.zeros((1, 7, 7))
    saliency[0, row, column] = 1
    (fixation,) = find_fixations(saliency, cell_centres(1), zoom_centres(1)).to_dict("records")
    assert (fixation["row"], fixation["column"]) == (row, column)
    # The point is the cell's own centre, not the view's.
    assert fixation["x"] == pytest.approx((column + 0.5) / 7 * WIDTH)
    assert fixation["y"] == pytest.approx((row + 0.5) / 7 * HEIGHT)


def test_the_nearest_view_is_found_across_grids_of_different_sizes():
    saliency = np.zeros((2, 5, 3))
    saliency[0, 0, 2] = saliency[1, 3, 0] = 1  # x, y = 333, 30 and 66.7, 210
    fixations = find_fixations(saliency, cell_centres(2, 5, 3), zoom_centres(2))
    # zoom centres: x in 20, 80, 140, 200, 260, 320, 380 and y in 15, 60, 105, 150, 195, 240, 285
    assert fixations[["row", "column"]].to_numpy().tolist() == [[0, 5], [4, 1]]


def test_of_equally_near_views_the_lowest_index_is_taken():
    saliency = np.zeros((1, 1, 3))
    saliency[0, 0, 2] = 1
    point = np.array([[[[0.0, 0.0], [0.0, 0.0], [50.0, 50.0]]]])
    centre = np.array([[[[40.0, 50.0], [60.0, 50.0]], [[50.0, 40.0], [50.0, 60.0]]]])
    fixations = find_fixations(saliency, point, centre)
    assert (fixations.row[0], fixations.column[0]) == (0, 0)
    fixations = find_fixations(saliency, point, centre[:, ::-1])
    assert (fixations.row[0], fixations.column[0]) == (0, 0)


def test_a_grid_of_views_need_not_be_square():
    saliency = np.zeros((1, 2, 3))
    saliency[0, 1, 0] = 1
    fixations = find_fixations(saliency, cell_centres(1, 2, 3), cell_centres(1, 2, 3))
    assert (fixations.row[0], fixations.column[0]) == (1, 0)


def test_each_image_is_measured_with_its_own_points():
    """A portrait and a landscape image: the same cell, other pixels."""
    saliency = np.zeros((2, 7, 7))
    saliency[:, 1, 5] = 1
    centres = np.stack([View().geometry(*size).centre for size in ((400, 300), (300, 400))])
    fixations = find_fixations(saliency, centres, centres)
    assert fixations[["row", "column"]].to_numpy().tolist() == [[1, 5], [1, 5]]
    np.testing.assert_allclose(fixations[["x", "y"]], [[320, 60], [240, 80]])


def test_a_grid_of_one_cell_selects_it():
    (fixation,) = select(np.full((1, 1, 1), -2.0))
    assert (fixation["row"], fixation["column"], fixation["x"], fixation["y"]) == (0, 0, 200, 150)
    assert not fixation["tie"]


def test_the_columns_have_the_types_that_are_stored():
    fixations = find_fixations(np.zeros((3, 7, 7), np.float32), zoom_centres(3), zoom_centres(3))
    assert fixations.dtypes.astype(str).to_dict() == {
        "row": "int16",
        "column": "int16",
        "x": "float64",
        "y": "float64",
        "peak": "float32",
        "tie": "bool",
        "dead": "bool",
    }


def test_a_dead_map_of_any_size_leaves_the_eye_at_the_centre_of_the_image():
    fixations = find_fixations(np.zeros((1, 8, 8)), cell_centres(1, 8, 8), zoom_centres(1))
    assert fixations[["row", "column", "dead"]].to_numpy().tolist() == [[3, 3, True]]
    np.testing.assert_allclose(fixations[["x", "y"]], [[WIDTH / 2, HEIGHT / 2]])


def wide_views(n):
    """Centres of zoom's views when none is smaller than half of each side: x = 100…300, y = 75…225, in seven steps."""
    return np.tile(View(floor=0.5).geometry(WIDTH, HEIGHT).centre, (n, 1, 1, 1))


def test_the_eye_may_arrive_at_the_cells_own_row_and_column():
    saliency = np.zeros((3, 7, 7))
    saliency[0, 4, 2] = 1  # y = 192.9, between views at 175 and 200; x = 142.9, between 133.3 and 166.7
    saliency[1, 0, 6] = 1  # beyond the outermost views
    saliency[2, 1, 5] = saliency[2, 5, 1] = 1
    nearest, index = (
        find_fixations(saliency, cell_centres(3), wide_views(3), arrival) for arrival in ("nearest", "index")
    )
    assert nearest[["row", "column"]].to_numpy().tolist() == [[5, 1], [0, 6], [0, 6]]
    assert index[["row", "column"]].to_numpy().tolist() == [[4, 2], [0, 6], [1, 5]]
    # Only the view differs: the selected point is the cell's.
    others = ["x", "y", "peak", "tie", "dead"]
    assert index[others].equals(nearest[others])
    assert index.dtypes.equals(nearest.dtypes)
    np.testing.assert_allclose(index[["x", "y"]].iloc[0], [2.5 / 7 * WIDTH, 4.5 / 7 * HEIGHT])


def test_the_nearest_view_is_the_default():
    saliency = np.random.default_rng(0).random((20, 7, 7))
    default = find_fixations(saliency, cell_centres(20), wide_views(20))
    assert default.equals(find_fixations(saliency, cell_centres(20), wide_views(20), "nearest"))
    assert not default.equals(find_fixations(saliency, cell_centres(20), wide_views(20), "index"))


@pytest.mark.parametrize("arrival", ["nearest", "index"])
def test_a_dead_map_stays_at_the_centre_however_the_eye_arrives(arrival):
    saliency = np.full((2, 5, 5), -0.5)
    saliency[1, 0, 1] = 0
    centres = zoom_centres(2, 5)
    dead, alive = find_fixations(saliency, cell_centres(2, 5, 5), centres, arrival).to_dict("records")
    assert dead == pytest.approx(
        {"row": 2, "column": 2, "x": 200, "y": 150, "peak": -0.5, "tie": False, "dead": True}
    )
    assert (alive["row"], alive["column"], alive["dead"]) == (0, 1, False)


@pytest.mark.parametrize("shape", [(5, 7), (7, 5), (14, 14), (1, 49), (1, 1)])
def test_a_map_of_other_cells_than_the_grid_has_no_view_by_index(shape):
    saliency = np.random.default_rng(0).random((2, *shape))
    points = cell_centres(2, *shape)
    with pytest.raises(
        InputError, match=f"map of {shape[0]} x {shape[1]} cells .* grid of 7 x 7; set the method's arrival"
    ):
        find_fixations(saliency, points, zoom_centres(2), "index")
    assert len(find_fixations(saliency, points, zoom_centres(2), "nearest")) == 2


def test_the_grid_that_a_map_does_not_fit_is_told_in_rows_and_columns():
    with pytest.raises(InputError, match=r"map of 2 x 3 cells .* grid of 3 x 2"):
        find_fixations(np.eye(2, 3)[None], cell_centres(1, 2, 3), cell_centres(1, 3, 2), "index")
