"""Every null on a toy whose answer is worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from labelmaps.methods import likelihood
from labelmaps.scoring import nulls
from labelmaps.scoring.fixations import find_fixations
from labelmaps.scoring.null_names import CROPS, LIKELIHOOD_SET, NOT_LOOKING, NULL_NAMES
from labelmaps.scoring.right_labels import RightLabels
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.views.zoom import View

NAN = np.nan
COLUMNS = ["null", "image", "correct_before", "correct_after", "hit", "said_decoy"]


def label_maps(probability, top_label=None):
    """Label maps of probabilities (image, row, column, label), with the fixations of the view zoom."""
    probability = np.asarray(probability, np.float64)
    n, grid = probability.shape[:2]
    geometry = View(grid=grid).geometry(400, 300)
    top_label = probability.argmax(axis=-1) if top_label is None else top_label
    return LabelMaps(
        image=[f"image {i}" for i in range(n)],
        log_probability=np.log(probability).astype(np.float16).astype(np.float32),
        log_sum_exp=np.zeros((n, grid, grid), np.float32),
        top_label=np.asarray(top_label, np.int16),
        centre=np.tile(geometry.centre, (n, 1, 1, 1)),
        extent=np.tile(geometry.extent, (n, 1, 1, 1)),
    )


def random_maps(n=40, grid=3, n_labels=4, seed=0):
    """Label maps, k* and hits (every fifth image without a box) of images on which the views often differ."""
    generator = np.random.default_rng(seed)
    maps = label_maps(softmax(generator.normal(0, 2, (n, grid, grid, n_labels)), axis=-1))
    hit = generator.integers(2, size=(n, grid, grid)).astype(float)
    hit[::5] = NAN
    return maps, generator.integers(n_labels, size=n).astype(np.int16), hit


def table_of(image, correct, outcomes):
    rows, columns = correct.shape[1:]
    return nulls.nulls_table(image, correct[:, rows // 2, columns // 2], outcomes)


def view_nulls(image, correct, hit, seed=0):
    """The table of the nulls of views."""
    return table_of(image, correct, nulls.view_nulls(correct, hit, np.random.default_rng(seed)))


def label_nulls(maps, label, random_label, hit):
    """The table of the nulls of labels, read in one block."""
    read = nulls.read_probabilities([maps], label, random_label)
    outcomes = nulls.label_nulls(read, label, random_label, maps.top_label, maps.centre, hit)
    return table_of(maps.image, maps.top_label == label[:, None, None], outcomes)


def by_acceptable(maps, label, random_label, hit, sets, blocks=None):
    """The table of all nulls but the standard crop, with what acceptable labels say."""
    right = RightLabels.of(sets)
    read = nulls.read_probabilities(blocks or [maps], label, random_label, right)
    correct = maps.top_label == label[:, None, None]
    arguments = read, label, random_label, maps.top_label, maps.centre, hit
    draws = [np.random.default_rng(0), np.random.default_rng(0)]
    outcomes = nulls.view_nulls(correct, hit, draws[0]) | nulls.label_nulls(*arguments)
    by_set = nulls.view_nulls(right.contain(maps.top_label), hit, draws[1]) | nulls.label_nulls(
        *arguments, right
    )
    initial = maps.top_label[:, *maps.initial]
    return nulls.add_acceptable(table_of(maps.image, correct, outcomes), right, initial, by_set)


def rows_of(table, null):
    return table[table["null"] == null].drop(columns="null").reset_index(drop=True)


def check(table, null, **columns):
    """Compare some columns of a null's rows; NaN equals NaN."""
    rows = rows_of(table, null)
    for name, expected in columns.items():
        np.testing.assert_allclose(rows[name].astype(float), expected, err_msg=f"{null}: {name}")


@pytest.fixture
def three_images():
    """Which views are right, and which points hit; 3 × 3, the last image without a box."""
    correct = np.zeros((3, 3, 3), bool)
    correct[0, 1, 1] = correct[0, 0, 2] = correct[0, 2, 2] = True
    correct[1, 0, 2] = True
    hit = np.full((3, 3, 3), NAN)
    hit[:2] = 0
    hit[0, 2, :] = hit[1, 2, 1] = 1
    return ["a", "b", "c"], correct, hit


def test_nulls_of_views_by_hand(three_images):
    table = view_nulls(*three_images)
    assert list(table.columns) == COLUMNS
    assert table["null"].tolist() == [
        name for name in ("uniform", "random", "best_cell", "any_view") for _ in "abc"
    ]
    assert table["image"].tolist() == ["a", "b", "c"] * 4
    assert table["correct_before"].dtype == bool
    assert table["correct_before"].tolist() == [True, False, False] * 4
    assert table["said_decoy"].isna().all()
    check(table, "uniform", correct_after=[3 / 9, 1 / 9, 0], hit=[3 / 9, 1 / 9, NAN])
    # Cell (0, 2) is right on a and b, and never hits; cell (2, 1) hits on both.
    check(table, "best_cell", correct_after=[1, 1, 0], hit=[1, 1, NAN])
    check(table, "any_view", correct_after=[1, 1, 0], hit=[1, 1, NAN])


def test_any_view_misses_where_no_point_is_in_a_box(three_images):
    image, correct, hit = three_images
    hit[1] = 0
    table = view_nulls(image, correct, hit)
    check(table, "any_view", hit=[1, 0, NAN])


def test_of_constant_cells_that_tie_the_first_is_the_best():
    correct, hit = np.zeros((4, 3, 3), bool), np.zeros((4, 3, 3))
    correct[:2, 0, 2] = correct[2:, 1, 1] = True
    hit[:2, 2, 0] = hit[2:, 1, 0] = 1
    table = view_nulls([*"abcd"], correct, hit)
    check(table, "best_cell", correct_after=[1, 1, 0, 0], hit=[0, 0, 1, 1])
    correct[0, 1, 1] = hit[3, 2, 0] = True  # and the tie is broken
    table = view_nulls([*"abcd"], correct, hit)
    check(table, "best_cell", correct_after=[1, 0, 1, 1], hit=[1, 1, 0, 1])


def test_without_a_box_in_any_image_nothing_hits_or_misses(three_images):
    image, correct, hit = three_images
    table = view_nulls(image, correct, np.full_like(hit, NAN))
    assert table["hit"].isna().all()
    check(table, "best_cell", correct_after=[1, 1, 0])


def test_the_random_fixation_is_one_view_of_the_image_each_as_often():
    """Each view is right on its own ninth of the images: a draw is right where it equals the image's view."""
    n = 9000
    view = np.arange(n) % 9
    correct = (view[:, None] == np.arange(9)).reshape(n, 3, 3)
    table = view_nulls([""] * n, correct, correct.astype(float), 3)
    drawn = rows_of(table, "random")
    assert set(drawn["correct_after"]) == {0, 1}
    assert (drawn["hit"] == drawn["correct_after"]).all()  # the same view
    hits = np.bincount(view, weights=drawn["correct_after"])
    np.testing.assert_allclose(hits, 1000 / 9, atol=45)  # four and a half standard deviations of 9.9
    assert drawn["correct_after"].mean() == pytest.approx(1 / 9, abs=0.015)


def test_the_same_seed_draws_the_same_views_and_another_seed_others():
    maps, label, hit = random_maps()
    correct = maps.top_label == label[:, None, None]
    first, again, other = (view_nulls(maps.image, correct, hit, seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
    not_drawn = first["null"] != "random"
    pd.testing.assert_frame_equal(first[not_drawn], other[not_drawn])


def test_the_mean_over_many_draws_is_the_uniform_null():
    maps, label, hit = random_maps(n=5)
    correct = np.tile(maps.top_label == label[:, None, None], (1000, 1, 1))
    table = view_nulls(maps.image * 1000, correct, np.tile(hit, (1000, 1, 1)))
    random, uniform = (
        rows_of(table, null).groupby("image")[["correct_after", "hit"]].mean()
        for null in ("random", "uniform")
    )
    np.testing.assert_allclose(random, uniform, atol=0.07)  # 4.4 standard deviations of a proportion of 1000


@pytest.fixture
def two_images():
    """3 × 3 views and 4 labels; k* is 0 in both images.

    a: x₀ says k*, then 2. Label 2 is most probable at (0, 1), which says 1 (.5 and .4), label 3 at (2, 0), which says 3.
    b: x₀ says 1, then 3, then k*. Label 1 is most probable at (2, 2), which says it, label 3 at (0, 0), which says k*.
    Views left over say k* in a (.7, .1, .1, .1), and 3 in b (.2, .2, .2, .4).
    """
    probability = np.empty((2, 3, 3, 4))
    probability[0] = 0.7, 0.1, 0.1, 0.1
    probability[0, 1, 1] = 0.5, 0.15, 0.25, 0.1
    probability[0, 0, 1] = 0.05, 0.5, 0.4, 0.05
    probability[0, 2, 0] = 0.3, 0.05, 0.05, 0.6
    probability[1] = 0.2, 0.2, 0.2, 0.4
    probability[1, 1, 1] = 0.2, 0.4, 0.15, 0.25
    probability[1, 2, 2] = 0.05, 0.8, 0.1, 0.05
    probability[1, 0, 0] = 0.51, 0.0, 0.0, 0.49
    hit = np.zeros((2, 3, 3))
    hit[0, 0, 1] = 1
    hit[1] = NAN
    with np.errstate(divide="ignore"):
        return label_maps(probability), np.array([0, 0], np.int16), np.array([3, 3]), hit


def test_nulls_of_labels_by_hand(two_images):
    table = label_nulls(*two_images)
    assert list(table.columns) == COLUMNS
    assert table["image"].tolist() == ["image 0", "image 1"] * 5
    assert table["correct_before"].tolist() == [True, False] * 5
    # a: to (0, 1), which says 1; b: to (2, 2), which says 1, the decoy. No box in b.
    check(table, "decoy_second", correct_after=[0, 0], said_decoy=[0, 1], hit=[1, NAN])
    # a: to (2, 0), which says 3, the decoy; b: to (0, 0), which says k*.
    check(table, "decoy_random", correct_after=[0, 1], said_decoy=[1, 0], hit=[0, NAN])
    # a: the views say 0, 1, 3. b: they say 0, 1, 3 too, and k* is third.
    check(table, "top_n", correct_after=[1, 1], said_decoy=[NAN, NAN], hit=[NAN, NAN])
    # a: 6 × .7 + … ≫ the others'. b: sums of k* .2·6 + .2 + .05 + .51 = 1.96, of 1 .2·6 + .4 + .8 = 2.4,
    # of 3 .4·6 + .25 + .05 + .49 = 3.19.
    check(table, "mean_softmax", correct_after=[1, 0], said_decoy=[NAN, NAN], hit=[NAN, NAN])
    check(table, "mean_softmax_inner", correct_after=[1, 0], said_decoy=[NAN, NAN], hit=[NAN, NAN])


@pytest.mark.parametrize(("n_distinct", "expected"), [(1, False), (2, False), (3, True), (4, True)])
def test_top_n_counts_the_distinct_labels_of_the_images_own_views(two_images, n_distinct, expected):
    maps, label, random_label, hit = two_images
    said = np.array([1, 0, 3, 2])[np.arange(9) % n_distinct]
    said[4] = 1  # x₀: k* is its third label
    top_label = np.stack([np.zeros(9), said]).reshape(2, 3, 3).astype(np.int16)
    table = label_nulls(replace(maps, top_label=top_label), label, random_label, hit)
    check(table, "top_n", correct_after=[1, expected])


@pytest.mark.parametrize(
    ("log_probability", "top", "label", "rank"),
    [
        ([-3, -1, -2, -4], 1, 1, 0),
        ([-3, -1, -2, -4], 1, 2, 1),
        ([-3, -1, -2, -4], 1, 0, 2),
        ([-3, -1, -2, -4], 1, 3, 3),
        ([-1, -1, -1, -9], 2, 2, 0),  # a tie with the top label: it came first before rounding
        ([-1, -1, -1, -9], 2, 0, 1),
        ([-1, -1, -1, -9], 2, 1, 2),
        ([-1, -2, -2, -2], 0, 1, 1),  # ties below it: the lowest index first
        ([-1, -2, -2, -2], 0, 2, 2),
        ([-1, -2, -2, -2], 0, 3, 3),
        ([0, -np.inf, -np.inf, -np.inf], 0, 2, 2),
    ],
)
def test_rank_of_the_label_at_x0_by_hand(log_probability, top, label, rank):
    maps = label_maps(np.full((1, 3, 3, 4), 0.25))
    maps.log_probability[0, 1, 1], maps.top_label[0, 1, 1] = log_probability, top
    assert nulls.initial_rank(maps, np.array([label])).tolist() == [rank]


def test_ranks_of_all_labels_are_0_to_k_minus_1():
    maps, _, _ = random_maps(n=20, n_labels=6)
    maps = replace(maps, log_probability=np.round(maps.log_probability))  # many ties
    ranks = np.stack([nulls.initial_rank(maps, np.full(20, k)) for k in range(6)])
    np.testing.assert_array_equal(np.sort(ranks, axis=0), np.tile(np.arange(6)[:, None], 20))
    np.testing.assert_array_equal(ranks.argmin(axis=0), maps.top_label[:, 1, 1])


@pytest.mark.parametrize(
    ("log_probability", "top", "label", "other"),
    [
        ([-3, -1, -2, -4], 1, 1, 2),
        ([-3, -1, -2, -4], 1, 0, 1),
        ([-1, -1, -1, -9], 2, 2, 0),
        ([-1, -1, -1, -9], 2, 1, 2),  # the top label, though 0 is as probable once rounded
        ([-1, -2, -2, -2], 0, 0, 1),
        ([0, -np.inf, -np.inf, -np.inf], 0, 0, 1),  # never k* itself
    ],
)
def test_best_other_label_by_hand(log_probability, top, label, other):
    maps = label_maps(np.full((1, 3, 3, 4), 0.25))
    maps.log_probability[0, 1, 1], maps.top_label[0, 1, 1] = log_probability, top
    assert nulls.best_other_label(maps, np.array([label], np.int16)).tolist() == [other]


def test_random_other_labels_are_all_equally_probable_but_never_k():
    label = np.repeat(np.arange(4), 3000)
    other = nulls.draw_other_label(label, 4, np.random.default_rng(0))
    counts = np.zeros((4, 4))
    np.add.at(counts, (label, other), 1)
    np.testing.assert_array_equal(np.diag(counts), 0)
    # 1000 expected, with a standard deviation of 26
    np.testing.assert_allclose(counts[~np.eye(4, dtype=bool)], 1000, atol=120)


def test_of_fixations_equally_probable_for_the_decoy_the_first_is_selected():
    probability = np.full((1, 3, 3, 3), 1 / 3)
    probability[0, 1, 1] = 0.5, 0.4, 0.1
    probability[0, 0, 2] = 0.4, 0.6, 0.0
    probability[0, 2, 0] = 0.1, 0.6, 0.3
    hit = np.zeros((1, 3, 3))
    hit[0, 0, 2] = 1
    with np.errstate(divide="ignore"):
        maps = label_maps(probability)
    table = label_nulls(maps, np.array([0]), np.array([2]), hit)
    check(table, "decoy_second", correct_after=[0], said_decoy=[1], hit=[1])


def test_told_k_itself_the_decoy_is_the_likelihood_map():
    maps, label, hit = random_maps(n=40)
    table = rows_of(label_nulls(maps, label, label, hit), "decoy_random")
    fixation = find_fixations(likelihood.saliency(maps, label), maps.centre, maps.centre)
    view = np.arange(40), fixation["row"], fixation["column"]
    np.testing.assert_array_equal(table["correct_after"], maps.top_label[view] == label)
    np.testing.assert_array_equal(table["said_decoy"], table["correct_after"])
    np.testing.assert_array_equal(table["hit"], hit[view])
    assert 0 < table["correct_after"].mean() < 1


def test_mean_softmax_leaves_out_the_outer_ring_or_not():
    """The 16 views of the outer ring say 1, the inner 9 say k* = 0, and x₀ says 2."""
    probability = np.tile([0.1, 0.8, 0.1], (1, 5, 5, 1))
    probability[0, 1:4, 1:4] = 0.7, 0.1, 0.2
    probability[0, 2, 2] = 0.1, 0.1, 0.8
    maps, decoy, hit = label_maps(probability), np.array([1]), np.zeros((1, 5, 5))
    said = {"mean_softmax": [], "mean_softmax_inner": []}
    for k in range(3):
        table = label_nulls(maps, np.array([k]), decoy, hit)
        for null, correct in said.items():
            correct += rows_of(table, null)["correct_after"].tolist()
    assert said == {"mean_softmax": [0, 1, 0], "mean_softmax_inner": [1, 0, 0]}


def test_mean_softmax_averages_probabilities_and_not_their_logarithms():
    probability = np.tile([0.6, 0.4], (1, 3, 3, 1))
    probability[0, 2, 2] = 1e-6, 1 - 1e-6
    maps = label_maps(probability)
    # Mean p of 0: 8 · .6/9 = .53. Mean log p: (8 log .6 − 13.8)/9 = −1.99 of 0, 8 log .4/9 = −.81 of 1.
    assert maps.log_probability.mean(axis=(1, 2)).argmax() == 1
    table = label_nulls(maps, np.array([0]), np.array([1]), np.zeros((1, 3, 3)))
    check(table, "mean_softmax", correct_after=[1])


@pytest.mark.parametrize("grid", [1, 3])
def test_where_the_inner_views_are_x0_alone_their_mean_softmax_says_what_x0_says(grid):
    maps, label, hit = random_maps(grid=grid)
    table = rows_of(label_nulls(maps, label, (label + 1) % 4, hit), "mean_softmax_inner")
    np.testing.assert_array_equal(table["correct_after"], table["correct_before"])
    assert 0 < table["correct_after"].mean() < 1


def test_a_grid_of_one_view_leaves_nothing_to_choose():
    maps, label, hit = random_maps(grid=1)
    correct = maps.top_label == label[:, None, None]
    views = view_nulls(maps.image, correct, hit)
    labels = label_nulls(maps, label, (label + 1) % 4, hit)
    table = pd.concat([views, labels])
    np.testing.assert_array_equal(table["correct_after"], table["correct_before"])
    pointed = ~table["null"].isin(["top_n", "mean_softmax", "mean_softmax_inner"])
    np.testing.assert_array_equal(table.loc[pointed, "hit"], np.tile(hit[:, 0, 0], 6))


def test_standard_crop_by_hand():
    before = np.array([True, False, True])
    outcomes = {"standard_crop": (np.array([4, 5, 6]) == np.array([4, 5, 7]),)}
    table = nulls.nulls_table([*"abc"], before, outcomes)
    assert table["image"].tolist() == ["a", "b", "c"]
    check(table, "standard_crop", correct_before=before, correct_after=[1, 1, 0], hit=[NAN] * 3)
    assert table["said_decoy"].isna().all()


@pytest.mark.parametrize("size", [1, 7])
def test_what_is_read_does_not_depend_on_the_blocks(size):
    maps, label, _ = random_maps(n=20)
    random_label = nulls.draw_other_label(label, 4, np.random.default_rng(5))
    arrays = ("image", "log_probability", "log_sum_exp", "top_label", "centre", "extent")
    blocks = [slice(start, start + size) for start in range(0, 20, size)]
    parts = [LabelMaps(**{name: getattr(maps, name)[block] for name in arrays}) for block in blocks]
    read, whole = (nulls.read_probabilities(some, label, random_label) for some in (parts, [maps]))
    for name, expected in whole._asdict().items():
        np.testing.assert_array_equal(getattr(read, name), expected, err_msg=name)


def test_moving_the_views_but_x0_changes_no_null_but_those_that_know_the_grid():
    """Drawn, and the inner views, apart: where a view lies does not count."""
    maps, label, hit = random_maps(n=30)
    order = np.insert(np.random.default_rng(1).permutation(np.delete(np.arange(9), 4)), 4, 4)

    def moved(array):
        return array.reshape(30, 9, *array.shape[3:])[:, order].reshape(array.shape)

    def table(maps, hit):
        correct = maps.top_label == label[:, None, None]
        views = view_nulls(maps.image, correct, hit)
        joined = pd.concat([views, label_nulls(maps, label, (label + 1) % 4, hit)])
        return joined[joined["null"] != "random"]

    arrays = ("log_probability", "log_sum_exp", "top_label", "centre", "extent")
    elsewhere = replace(maps, **{name: moved(getattr(maps, name)) for name in arrays})
    pd.testing.assert_frame_equal(table(elsewhere, moved(hit)), table(maps, hit))


def test_any_view_is_an_upper_bound_of_every_null_that_ends_at_a_view():
    maps, label, hit = random_maps(n=40)
    correct = maps.top_label == label[:, None, None]
    views = view_nulls(maps.image, correct, hit)
    labels = label_nulls(maps, label, (label + 1) % 4, hit)
    bound = rows_of(views, "any_view")
    for null in ("uniform", "random", "best_cell", "decoy_second", "decoy_random"):
        rows = rows_of(pd.concat([views, labels]), null)
        assert (rows["correct_after"] <= bound["correct_after"]).all()
        assert ((rows["hit"] <= bound["hit"]) | bound["hit"].isna()).all()
        np.testing.assert_array_equal(rows["hit"].isna(), bound["hit"].isna())


def test_every_null_has_a_name_of_its_own():
    maps, label, hit = random_maps(n=3)
    correct = maps.top_label == label[:, None, None]
    tables = [view_nulls(maps.image, correct, hit), label_nulls(maps, label, (label + 1) % 4, hit)]
    read = nulls.read_probabilities([maps], label, (label + 1) % 4)
    chosen = nulls.pooled_candidates(read, RightLabels(label[:, None]))
    names = {*pd.concat(tables)["null"], "standard_crop", *CROPS, *chosen, NOT_LOOKING}
    assert names == set(NULL_NAMES)
    assert len(set(NULL_NAMES)) == len(NULL_NAMES)


def test_without_an_image_the_nulls_of_views_are_empty():
    table = view_nulls([], np.zeros((0, 3, 3), bool), np.zeros((0, 3, 3)))
    assert list(table.columns) == COLUMNS
    assert len(table) == 0


def test_told_the_set_by_hand(two_images):
    """Of the two images, where k* is 0: of a the labels 1 and 2 are acceptable, of b the label 2 alone, or none."""
    maps, label, random_label, hit = two_images
    table = by_acceptable(maps, label, random_label, hit, [np.array([1, 2]), np.array([2])])
    # a: 1 and 2 have .9 at (0, 1), which says 1; b: 2 has .2 in the views left over, the first of them (0, 1), which says 3.
    check(table, LIKELIHOOD_SET, correct_after=[0, 0], correct_after_acceptable=[1, 0], hit=[1, NAN])
    check(table, "top_n", correct_before_acceptable=[0, 0])  # x₀ says 0, and 1
    # a: 0, 1 and 3 are said, and 2 is x₀'s second; b: 0, 1 and 3 are said, and 2 comes fourth.
    check(table, "top_n", correct_after_acceptable=[1, 0])
    check(table, "mean_softmax", correct_after_acceptable=[0, 0])
    check(
        table, "decoy_second", correct_after_acceptable=[1, 0]
    )  # to (0, 1), which says 1; to (2, 2), which says 1
    check(table, "uniform", correct_after_acceptable=[1 / 9, 0])
    check(table, "any_view", correct_after_acceptable=[1, 0])
    check(table, "best_cell", correct_after_acceptable=[1, 0])  # (0, 1)
    without = by_acceptable(maps, label, random_label, hit, [np.array([1, 2]), None])
    assert rows_of(without, LIKELIHOOD_SET)["image"].tolist() == ["image 0"]
    check(without, "any_view", correct_after_acceptable=[1, NAN], correct_before_acceptable=[0, NAN])


def test_told_k_alone_as_the_set_all_is_as_by_the_label():
    maps, label, hit = random_maps(n=40)
    table = by_acceptable(maps, label, (label + 1) % 4, hit, list(label[:, None]))
    np.testing.assert_array_equal(table["correct_after_acceptable"], table["correct_after"].astype(float))
    np.testing.assert_array_equal(table["correct_before_acceptable"], table["correct_before"].astype(float))
    fixation = find_fixations(likelihood.saliency(maps, label), maps.centre, maps.centre)
    after = maps.top_label[np.arange(40), fixation["row"], fixation["column"]] == label
    np.testing.assert_array_equal(rows_of(table, LIKELIHOOD_SET)["correct_after"].astype(bool), after)


def test_the_null_of_the_set_and_its_rank_equal_a_brute_force_in_any_blocks():
    maps, label, hit = random_maps(n=60, n_labels=6, seed=4)
    random = np.random.default_rng(1)
    sets = [np.flatnonzero(random.random(6) < 0.3) for _ in range(60)]
    arrays = ("image", "log_probability", "log_sum_exp", "top_label", "centre", "extent")
    blocks = [
        LabelMaps(**{name: getattr(maps, name)[slice(start, start + 7)] for name in arrays})
        for start in range(0, 60, 7)
    ]
    table = by_acceptable(maps, label, (label + 1) % 6, hit, sets, blocks)
    told, top = rows_of(table, LIKELIHOOD_SET).set_index("image"), rows_of(table, "top_n")
    assert 0 < len(told) < 60
    for i, (image, right) in enumerate(zip(maps.image, sets, strict=True)):
        if not len(right):
            assert image not in told.index
            assert np.isnan(top["correct_after_acceptable"][i])
            continue
        p = np.exp(maps.log_probability[i].astype(float))[..., right].sum(axis=-1)
        said = maps.top_label[i].ravel()[p.argmax()]
        assert told.loc[image, "correct_after_acceptable"] == (said in right)
        assert bool(told.loc[image, "correct_after"]) == (said == label[i])
        order = np.argsort(-maps.log_probability[i, 1, 1], kind="stable")
        n = len(np.unique(maps.top_label[i]))
        assert top["correct_after_acceptable"][i] == bool({*order[:n]} & {*right})
