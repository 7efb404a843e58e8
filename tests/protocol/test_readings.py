"""Each reading's outcomes on a toy worked out by hand, and against the workflow's own path from map to score."""

import numpy as np
import pandas as pd
import pytest

from helpers.logits import label_maps, random_logits
from labelmaps.methods import igub, likelihood, max_logit
from labelmaps.protocol.readings import accuracies, label_map_saliency, read_protocol, readings_of
from labelmaps.scoring.fixations import find_fixations
from labelmaps.scoring.scores import compute_scores
from labelmaps.scoring.statistics import paired_difference, proportion
from labelmaps.storage.saliency_file import SaliencyMaps
from labelmaps.views.zoom import View


def peak(*cells):
    """Saliency maps (image, 3, 3): 1 at each image's cell, 0 elsewhere; dead where there is None."""
    maps = np.zeros((len(cells), 3, 3))
    for saliency, cell in zip(maps, cells, strict=True):
        if cell is not None:
            saliency[cell] = 1
    return maps


def points(n):
    """x, y = column, row."""
    y, x = np.mgrid[:3, :3].astype(float)
    return np.tile(np.stack([x, y], axis=-1), (n, 1, 1, 1))


@pytest.fixture
def toy():
    """Every view says its own number, 0…8 row by row; the labels are 5, at row 1, column 2, and 4, at the centre.

    Grad-CAM's cells stand for the points of the transposed grid, DFF's for those of the grid.
    """
    maps = {
        "likelihood": peak((1, 2), (1, 1)),
        "max_logit": peak((2, 1), None),
        "igub": peak(None, (1, 0)),
    }
    glimpses = {
        "gradcam": SaliencyMaps(["a", "b"], peak((2, 1), (0, 2)), points(2)[..., ::-1]),
        "dff": SaliencyMaps(["a", "b"], peak((1, 2), None), points(2)),
    }
    return {
        "maps": maps,
        "glimpses": glimpses,
        "centre": points(2),
        "top_label": np.tile(np.arange(9).reshape(3, 3), (2, 1, 1)),
        "label": np.array([5, 4]),
    }


def test_outcomes_by_hand(toy):
    expected = {
        "before": [False, True],
        "likelihood": [True, True],
        "max_logit": [False, True],  # the second map is dead: the eye stays at the centre
        "igub": [False, False],
        "gradcam": [True, False],  # cell (2, 1) stands for x, y = 2, 1
        "dff": [True, True],
    }
    outcomes = read_protocol(**toy, arrival="nearest")
    assert outcomes.to_dict("list") == expected
    assert set(outcomes.dtypes.astype(str)) == {"bool"}
    # By index, Grad-CAM's eye ends in row 2, column 1.
    assert read_protocol(**toy, arrival="index").to_dict("list") == expected | {"gradcam": [False, False]}


def test_the_columns_come_in_the_order_of_the_methods(toy):
    assert list(read_protocol(**toy, arrival="nearest")) == ["before", *toy["maps"], *toy["glimpses"]]
    toy["maps"] = {name: toy["maps"][name] for name in ("igub", "likelihood")}
    toy["glimpses"] = {}
    assert list(read_protocol(**toy, arrival="nearest")) == ["before", "igub", "likelihood"]


def test_glimpses_need_not_have_the_grids_cells(toy):
    """A glimpse's map of 1 × 2 cells, at the left and the right of the middle row."""
    point = np.tile([[[0.2, 1.1], [1.8, 1.1]]], (2, 1, 1, 1))
    toy["glimpses"] = {"dff": SaliencyMaps(["a", "b"], np.array([[[0.0, 1.0]], [[1.0, 0.0]]]), point)}
    assert read_protocol(**toy, arrival="nearest")["dff"].tolist() == [True, False]


def test_saliency_by_hand():
    """Two labels, certain but for three views; the image's label is 1."""
    logits = np.tile([20.0, 0.0], (1, 3, 3, 1))
    logits[0, 0, 1] = [0, 20]
    logits[0, 2, 2] = [21, 21]
    logits[0, 1, 1] = [0, 0]
    maps = label_map_saliency([label_maps(logits)], np.array([1]))
    assert list(maps) == ["likelihood", "max_logit", "igub"]
    at = {name: np.unravel_index(saliency[0].argmax(), (3, 3)) for name, saliency in maps.items()}
    assert at["likelihood"] == (0, 1)
    assert at["max_logit"] == (2, 2)
    np.testing.assert_allclose(maps["igub"][0, 1, 1], -np.log(2), rtol=1e-6)
    np.testing.assert_allclose(maps["likelihood"][0, 1, 1], -np.log(2), rtol=1e-6)
    np.testing.assert_allclose(maps["max_logit"][0, 1, 1], 0, atol=1e-6)


@pytest.mark.parametrize("sizes", [(7,), (3, 4), (1, 5, 1)])
def test_blocks_of_images_come_to_the_same(sizes):
    logits, label = random_logits(n=7), np.array([0, 1, 2, 3, 4, 5, 0])
    blocks = [label_maps(block) for block in np.split(logits, np.cumsum(sizes)[:-1])]
    maps = label_map_saliency(iter(blocks), label)
    whole = label_maps(logits)
    np.testing.assert_array_equal(maps["likelihood"], likelihood.saliency(whole, label))
    np.testing.assert_array_equal(maps["max_logit"], max_logit.saliency(whole, None))
    np.testing.assert_array_equal(maps["igub"], igub.saliency(whole, None))


@pytest.mark.parametrize("arrival", ["nearest", "index"])
def test_the_outcomes_are_those_of_the_workflow(arrival):
    n, grid, n_labels = 60, 3, 12
    generator = np.random.default_rng(1)
    logits = random_logits(n=n, grid=grid, n_labels=n_labels)
    label = generator.integers(0, n_labels, n)
    centre = np.tile(View(grid=grid, floor=0.5).geometry(400, 300).centre, (n, 1, 1, 1))
    whole = label_maps(logits)
    seen = (generator.random((n, grid, grid)), generator.random((n, grid, grid, 2)) * [400, 300])
    glimpses = {"gradcam": SaliencyMaps(whole.image, *seen)}
    maps = label_map_saliency([label_maps(logits[:40]), label_maps(logits[40:])], label)
    outcomes = read_protocol(maps, glimpses, centre, whole.top_label, label, arrival)

    saliency = {
        "likelihood": (likelihood.saliency(whole, label), centre),
        "max_logit": (max_logit.saliency(whole, None), centre),
        "igub": (igub.saliency(whole, None), centre),
        "gradcam": seen,
    }
    assert list(outcomes) == ["before", *saliency]
    for method, (salient, point) in saliency.items():
        fixations = find_fixations(salient, point, centre, arrival)
        fixations["own_label"] = pd.Series(pd.NA, fixations.index, "Int16")
        scores = compute_scores(fixations, label, [np.zeros((0, 4))] * n, whole.top_label)
        assert outcomes["before"].tolist() == scores["correct_before"].tolist()
        assert outcomes[method].tolist() == scores["correct_after"].tolist(), method
        assert 0 < outcomes[method].sum() < n


def test_only_glimpses_know_how_the_eye_arrives():
    """Label maps' cells stand for the views' own centres: the nearest view is that of the cell's row and column."""
    n = 40
    logits, label = random_logits(n=n), np.zeros(n, int)
    centre = np.tile(View(grid=5).geometry(90, 200).centre, (n, 1, 1, 1))
    maps = label_map_saliency([label_maps(logits)], label)
    nearest, index = (
        read_protocol(maps, {}, centre, label_maps(logits).top_label, label, arrival)
        for arrival in ("nearest", "index")
    )
    assert nearest.equals(index)


def arriving(**arrivals):
    """Outcomes on three images: arrival → Grad-CAM's."""
    tables = [
        pd.DataFrame({"arrival": arrival, "image": ["a", "b", "c"], "before": True, "gradcam": right})
        for arrival, right in arrivals.items()
    ]
    return pd.concat(tables, ignore_index=True)


def of_arrival(right):
    return pd.DataFrame({"before": True, "gradcam": right}, pd.Index(["a", "b", "c"], name="image"))


def test_ways_to_arrive_that_agree_on_every_image_are_one_reading():
    readings = readings_of("zoom", arriving(nearest=[True, False, True], index=[True, False, True]))
    assert list(readings) == ["zoom"]
    what, outcomes = readings["zoom"]
    assert what == {"view": "zoom", "arrival": "either"}
    pd.testing.assert_frame_equal(outcomes, of_arrival([True, False, True]))


def test_ways_to_arrive_that_differ_are_a_reading_each():
    """They differ on single images, with as many right."""
    readings = readings_of("zoom", arriving(nearest=[True, False, True], index=[True, True, False]))
    assert {name: what for name, (what, _) in readings.items()} == {
        "zoom, nearest view": {"view": "zoom", "arrival": "nearest"},
        "zoom, view by index": {"view": "zoom", "arrival": "index"},
    }
    pd.testing.assert_frame_equal(readings["zoom, nearest view"][1], of_arrival([True, False, True]))
    pd.testing.assert_frame_equal(readings["zoom, view by index"][1], of_arrival([True, True, False]))


@pytest.mark.parametrize(
    ("arrival", "name"), [("nearest", "zoom_3x3, nearest view"), ("index", "zoom_3x3, view by index")]
)
def test_a_single_way_to_arrive_is_not_either(arrival, name):
    readings = readings_of("zoom_3x3", arriving(**{arrival: [True, False, True]}))
    assert {name: what for name, (what, _) in readings.items()} == {
        name: {"view": "zoom_3x3", "arrival": arrival}
    }
    pd.testing.assert_frame_equal(readings[name][1], of_arrival([True, False, True]))


def test_accuracies_by_hand():
    before = np.array([True, True, False, False, False])
    after = np.array([True, False, True, True, False])
    result = accuracies(pd.DataFrame({"before": before, "gradcam": ~after, "igub": after}), "igub")
    measures = {
        "accuracy_before": proportion(2, 5),
        "accuracy_after": proportion(3, 5),
        "gain": paired_difference(before, after),
    }
    fields = [f"{name}{end}" for name in measures for end in ("", "_low", "_high")]
    assert list(result) == ["n_images", *fields]
    assert result["n_images"] == 5
    assert [result[name] for name in measures] == pytest.approx([0.4, 0.6, 0.2])
    np.testing.assert_allclose([result[name] for name in fields], np.concatenate(list(measures.values())))


def test_cases_of_an_image_are_rows_of_their_own_and_its_accuracies_are_of_images():
    outcomes = arriving(nearest=[True, False, True], index=[True, True, False]).assign(
        image=["a", "a", "b"] * 2
    )
    outcomes.insert(2, "label", [0, 1, 0] * 2)
    ((_, table), _) = readings_of("zoom", outcomes).values()
    assert table.index.tolist() == [("a", 0), ("a", 1), ("b", 0)]
    rows = outcomes[:3].assign(before=[False, False, True], igub=[True, True, True])
    result = accuracies(rows, "igub")
    assert (result["n_images"], result["accuracy_after"]) == (2, 1)
    assert result["accuracy_after_low"] == proportion(2, 2)[1]
