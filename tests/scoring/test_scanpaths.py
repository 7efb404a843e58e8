"""Scanpaths: toys by hand, an independent brute force, and the edges: small grids, ties, one image, several classes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.study import random_label_maps, write_joined
from labelmaps.errors import InputError
from labelmaps.scoring import scanpaths
from labelmaps.scoring.scanpaths import (
    ACCUMULATIONS,
    CUES,
    FOLDS,
    GlimpseMaps,
    Plan,
    TrainingBlock,
    choose_by_igub,
    compute_evidence,
    compute_view_values,
    count_passes,
    curves_table,
    divide_into_folds,
    draw_paths,
    entropy,
    find_stops,
    follow_paths,
    learn_orders,
    make_scanpaths,
    order_by_value,
    outward_order,
    paths_table,
    read_training_blocks,
)
from labelmaps.scoring.statistics import number_images
from labelmaps.storage.label_map_file import LabelMaps, open_label_maps
from labelmaps.views.zoom import View

THRESHOLDS = (0.0, 0.3, 0.8, 1.2, 99.0)


def log(*rows):
    with np.errstate(divide="ignore"):
        return np.log(np.array(rows, np.float32))


# ---- By hand


def test_views_go_outward_from_the_centre_and_in_a_tie_row_by_row():
    assert outward_order(3, 3).tolist() == [4, 1, 3, 5, 7, 0, 2, 6, 8]
    assert outward_order(5, 5, "inner").tolist() == [12, 7, 11, 13, 17, 6, 8, 16, 18]
    assert outward_order(5, 5).tolist()[:13] == [12, 7, 11, 13, 17, 6, 8, 16, 18, 2, 10, 14, 22]
    for among in ("all", "inner"):
        assert outward_order(1, 1, among).tolist() == [0]
        assert outward_order(2, 2, among).tolist() == [3, 1, 2, 0]  # x₀ is row 1, column 1
    assert outward_order(3, 3, "inner").tolist() == [4]


def test_evidence_by_hand():
    log_p = log([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    path = np.array([[[0, 1, 2]]])
    # Means: (.5, .5), (.7, .3), (.5333, .4667). Products: (.5, .5), (.45, .05) → .9, (.09, .04) → 9/13.
    for rule, best in (("mean", [0.5, 0.7, 8 / 15]), ("product", [0.5, 0.9, 9 / 13])):
        labels, entropies = follow_paths(compute_evidence(log_p, rule), path, rule)
        assert labels.tolist() == [[[0, 0, 0]]]  # of a tie the first
        expected = [-(p * np.log(p) + (1 - p) * np.log(1 - p)) for p in best]
        np.testing.assert_allclose(entropies[0, 0], expected, atol=1e-6)


def test_mean_and_product_can_say_different_labels():
    # Means: .45, .4, .15; products .1 · .8, .4 · .4, .5 · −: the first has the larger mean, the second the larger product.
    log_p = log([[0.1, 0.4, 0.5], [0.8, 0.4, 0.0001]])
    last = {
        rule: follow_paths(compute_evidence(log_p, rule), np.array([[[0, 1]]]), rule)[0]
        for rule in ACCUMULATIONS
    }
    assert [last[rule][0, 0, 1] for rule in ACCUMULATIONS] == [0, 1]


def test_igub_never_chooses_a_fixation_twice_and_follows_what_it_has_seen():
    # With the prior (.5, .5), IGUB of (p, 1 − p) is −H(p): the surest view first. Its posterior says label 0, so the view
    # that agrees with it comes next, and the one that says label 1 last.
    log_p = log([[0.5, 0.5], [0.2, 0.8], [0.75, 0.25], [0.9, 0.1]])
    for rule in ACCUMULATIONS:
        assert choose_by_igub(log_p, rule, 4).tolist() == [[0, 3, 2, 1]]
        assert choose_by_igub(log_p, rule, 2).tolist() == [[0, 3]]


def test_by_value_leaves_x0_first_and_ties_in_order():
    values = np.array([[9.0, 1, 2, 2, 1], [-1, 0, 0, 0, 0]])
    assert order_by_value(values, 5).tolist() == [[0, 2, 3, 1, 4], [0, 1, 2, 3, 4]]
    assert order_by_value(values, 1).tolist() == [[0], [0]]


def test_entropy_of_certain_and_of_even_posteriors():
    for rule in ACCUMULATIONS:
        certain, even = (
            compute_evidence(np.log(np.maximum(p, 1e-30)), rule) for p in (np.eye(4)[0], np.ones(4) / 4)
        )
        assert entropy(certain[None], rule) == pytest.approx(0, abs=1e-6)
        assert entropy(even[None], rule) == pytest.approx(np.log(4))


def test_a_path_stops_below_the_threshold_or_at_its_end():
    entropies = np.array([[2.0, 1.0, 0.5, 0.7]])
    assert find_stops(entropies, [0, 0.5, 0.6, 1.0, 1.5, 9]).tolist() == [[3, 3, 2, 2, 1, 0]]
    assert find_stops(entropies, []).shape == (1, 0)


def test_passes_by_hand():
    n = np.arange(1, 4)
    assert count_passes("igub", n, 49).tolist() == [1, 49, 49]
    assert count_passes("likelihood", n, 25).tolist() == [1, 25, 25]
    for name in ("random", "outward", "blind", "a map of x₀"):
        assert count_passes(name, n, 49).tolist() == [1, 2, 3]


def test_blind_orders_are_learnt_on_the_other_folds():
    # Three views of five images of class 0. In image 0, its own fold, view 1 is right; in all others view 2 is.
    right, wrong = [0.9, 0.1], [0.1, 0.9]
    start = [0.45, 0.55]
    images = [[start, right, wrong], *[[start, wrong, right]] * 4]
    training = [TrainingBlock(log(*images), np.zeros(5, int), np.arange(5), divide_into_folds(5))]
    for rule in ACCUMULATIONS:
        orders = learn_orders(training, rule, 3, 3)
        assert orders.tolist() == [[0, 2, 1]] * 5
        # Two images: each fold learns from the other image alone; the folds without images from both, which are at odds.
        two = [TrainingBlock(log(*images[:2]), np.zeros(2, int), np.arange(2), divide_into_folds(2))]
        assert divide_into_folds(2).tolist() == [0, 2]
        orders = learn_orders(two, rule, 3, 3)
        assert orders.tolist() == [[0, 2, 1], [0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2]]
        one = [TrainingBlock(log(images[4]), np.zeros(1, int), np.arange(1), divide_into_folds(1))]
        assert learn_orders(one, rule, 3, 3)[0].tolist() == [0, 1, 2]  # nothing to learn from: outward


def test_a_map_of_x0_leads_to_the_nearest_views():
    centre = np.stack(np.meshgrid([5.0, 15, 25], [5.0, 15, 25]), axis=-1)[None]
    order = outward_order(3, 3)
    saliency = np.array([[[1.0, 4], [2, 3]]])
    point = np.array([[[[4.0, 4], [26, 4]], [[4, 26], [16, 14]]]])  # corners, and x₀
    maps = GlimpseMaps(saliency, point, "nearest")
    values = compute_view_values(maps, slice(0, 1), centre, order)
    expected = dict.fromkeys(range(9), -np.inf) | {0: 1, 2: 4, 6: 2, 4: 3}
    assert values.tolist() == [[expected[view] for view in order]]
    assert order[order_by_value(values, 5)].tolist() == [[4, 2, 6, 0, 1]]  # then outward
    inner = compute_view_values(maps, slice(0, 1), centre, order[:1])
    assert inner.tolist() == [[4]]
    dead = GlimpseMaps(np.zeros((1, 2, 2)), point, "nearest")
    assert order_by_value(compute_view_values(dead, slice(0, 1), centre, order), 9).tolist() == [
        list(range(9))
    ]
    by_index = GlimpseMaps(np.arange(9.0).reshape(1, 3, 3), centre, "index")
    assert order[order_by_value(compute_view_values(by_index, slice(0, 1), centre, order), 9)].tolist() == [
        [4, 8, 7, 6, 5, 3, 2, 1, 0]
    ]
    some = compute_view_values(by_index, slice(0, 1), centre, order[:5])
    assert some.tolist() == [[4, 1, 3, 5, 7]]


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (2, 2), (5, 5)])
def test_a_map_of_other_cells_than_the_grid_has_no_view_by_index(shape):
    centre = np.zeros((1, 3, 3, 2))
    maps = GlimpseMaps(np.arange(float(np.prod(shape))).reshape(1, *shape), np.zeros((1, *shape, 2)), "index")
    with pytest.raises(
        InputError, match=rf"{shape[0]} x {shape[1]} cells .* 3 x 3; set the method's arrival"
    ):
        compute_view_values(maps, slice(0, 1), centre, outward_order(3, 3))


def test_random_paths_are_fair_and_the_same_in_blocks_of_any_size():
    drawn = draw_paths(np.random.default_rng(0), 500, 12, 4, 3)
    assert (drawn[..., 0] == 0).all()
    paths, counts = np.unique(drawn.reshape(-1, 3), axis=0, return_counts=True)
    assert len(paths) == 6  # of three views two, in each order
    np.testing.assert_allclose(counts / 6000, 1 / 6, atol=0.02)
    generator = np.random.default_rng(0)
    blocks = [draw_paths(generator, n, 12, 4, 3) for n in (200, 1, 299)]
    np.testing.assert_array_equal(np.concatenate(blocks), drawn)


def test_igub_is_exact_where_sums_of_probabilities_underflow():
    # The prior is sure of label 0, which the views almost exclude: every product underflows in float32.
    rng = np.random.default_rng(0)
    log_p = np.log(rng.dirichlet(np.ones(5), (3, 6)))
    log_p[:, 1:, 0] = -150 - 100 * rng.random((3, 5))
    log_p[:, 0] = [0, -200, -200, -200, -200]
    for rule in ACCUMULATIONS:
        path = choose_by_igub(log_p.astype(np.float32), rule, 6)
        assert np.sort(path, axis=1).tolist() == [list(range(6))] * 3
        for i, some in enumerate(
            log_p if rule == "product" else ()
        ):  # a mean of such numbers is 0 in float32
            assert path[i].tolist() == brute_igub(some, rule, 6)
    never = np.full((1, 4, 3), -np.inf, np.float32)
    never[..., 0] = 0
    maps = LabelMaps(
        ["a"], never.reshape(1, 2, 2, 3), np.zeros((1, 2, 2)), np.zeros((1, 2, 2), int), None, None
    )
    log_p = scanpaths.order_log_p(maps, outward_order(2, 2))
    for rule in ACCUMULATIONS:
        assert choose_by_igub(log_p, rule, 4).tolist() == [[0, 1, 2, 3]]
        assert np.isfinite(
            follow_paths(compute_evidence(log_p, rule), np.array([[[0, 1, 2, 3]]]), rule)[1]
        ).all()


# ---- Against an independent brute force


def posterior(log_p, path, rule):
    """The accumulated posterior of one image after some fixations, in float64."""
    if rule == "mean":
        return np.exp(log_p[path]).mean(axis=0)
    total = log_p[path].sum(axis=0)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


def brute_igub(log_p, rule, n):
    path = [0]
    while len(path) < n:
        prior = np.log(posterior(log_p, path, rule)) if rule == "mean" else log_p[path].sum(axis=0)
        values = {}
        for u in range(len(log_p)):
            joint = prior + log_p[u]
            joint = np.exp(joint - joint.max())
            values[u] = np.sum(joint / joint.sum() * log_p[u])
        path.append(max((u for u in values if u not in path), key=values.get))
    return path


def brute_blind(log_p, label, place, rule, n, fold):
    """The greedy order from the cases outside a fold."""
    n_images = len(log_p)
    others = [c for c in range(len(label)) if place[c] * FOLDS // n_images != fold]
    path = [0]
    while len(path) < n:
        n_right = {
            u: sum(posterior(log_p[place[c]], [*path, u], rule).argmax() == label[c] for c in others)
            for u in range(log_p.shape[1])
            if u not in path
        }
        path.append(max(n_right, key=n_right.get))
    return path


def brute(log_p, top, label, place, maps, rule, n, draws, seed):
    """Way of choosing → of each case: its paths, of which random ones have several."""
    n_images, n_views, _ = log_p.shape
    random = np.random.default_rng(seed).random((n_images, draws, n_views - 1))
    found = {name: [] for name in (*CUES, *maps)}
    for case, image in enumerate(place):
        some = log_p[image]

        def ranked(values):
            rest = sorted(range(1, n_views), key=lambda u: -values[u])
            return [[0, *rest][:n]]

        found["igub"].append([brute_igub(some, rule, n)])
        found["max_softmax"].append(ranked(some.max(axis=1)))
        found["likelihood"].append(ranked(some[:, label[case]]))
        found["random"].append([[0, *(1 + np.argsort(draw))][:n] for draw in random[image]])
        found["outward"].append([list(range(n))])
        found["blind"].append([brute_blind(log_p, label, place, rule, n, image * FOLDS // n_images)])
        for name, values in maps.items():
            found[name].append(ranked(values[image]))
    return found


@pytest.fixture
def study(tmp_path):
    """Makes a joined file of random label maps of images, and opens it with an index of cases."""

    def make(n_images=7, grid=3, cases=None, n_labels=4, seed=0, arrival="nearest"):
        random = np.random.default_rng(seed)
        view, ids = View(grid=grid), [f"image {i}" for i in range(n_images)]
        maps = random_label_maps(ids, [(40, 30)] * n_images, view, n_labels, random)
        # As if rounding had changed the best label: of one view alone, the unrounded one counts.
        maps.top_label[0] = (maps.top_label[0] + 1) % n_labels
        path = tmp_path / f"{n_images} {grid} {seed}.h5"
        write_joined(path, maps, cuts=[2] if n_images > 2 else ())
        place = np.arange(n_images) if cases is None else np.array(cases)
        label = random.integers(n_labels, size=len(place))
        index = pd.DataFrame({"image": [ids[i] for i in place], "digest": "", "label": label})
        of_x0 = random.random((n_images, grid, grid)).round(1)  # with ties
        return path, index, {"dff": GlimpseMaps(of_x0, np.array(maps.centre), arrival)}

    return make


@pytest.mark.parametrize(
    ("shape", "plan"),
    [
        ({}, Plan(fixations=5, draws=3, seed=4, thresholds=THRESHOLDS)),
        ({"cases": [0, 0, 1, 2, 3, 3, 3, 4, 5, 6]}, Plan(fixations=4, draws=2, thresholds=THRESHOLDS)),
        (
            {"n_images": 4, "grid": 5, "arrival": "index"},
            Plan(fixations=6, among="inner", draws=2, thresholds=THRESHOLDS),
        ),
        ({"n_images": 18, "seed": 3}, Plan(fixations=3, draws=1, thresholds=THRESHOLDS)),  # several blocks
        ({}, Plan(fixations=20, draws=2, thresholds=THRESHOLDS)),  # than there are views
        ({"n_images": 1}, Plan(fixations=3, draws=2, thresholds=THRESHOLDS)),
        ({"n_images": 3, "grid": 1}, Plan(draws=2, thresholds=THRESHOLDS)),
    ],
    ids=["plain", "cases", "inner", "blocks", "few views", "one image", "one view"],
)
def test_all_paths_and_outcomes_equal_a_brute_force(study, shape, plan):
    path, index, maps = study(**shape)
    label = index["label"].to_numpy()
    with open_label_maps(path, index) as file:
        found = make_scanpaths(file, label, maps, plan)
        whole, place = file.by_image.read(0, len(file.by_image.images)), file.place
    order = outward_order(*whole.log_sum_exp.shape[1:], plan.among)
    cells = whole.log_probability.reshape(len(whole.image), -1, whole.log_probability.shape[-1])
    log_p, top = cells[:, order].astype(float), whole.top_label.reshape(len(whole.image), -1)[:, order]
    n = min(plan.fixations, len(order))
    values = {"dff": maps["dff"].saliency.reshape(len(log_p), -1)[:, order]}
    assert set(found) == {(name, rule) for name in (*CUES, "dff") for rule in ACCUMULATIONS}
    for rule in ACCUMULATIONS:
        expected = brute(log_p, top, label, place, values, rule, n, plan.draws, plan.seed)
        for name, paths in expected.items():
            outcomes = found[name, rule]
            assert outcomes.correct.shape == (len(label), n)
            for case, of_case in enumerate(paths):
                image, right, last, stops = place[case], [], [], []
                for one in of_case:
                    after = [posterior(log_p[image], one[: i + 1], rule) for i in range(n)]
                    labels = [top[image, 0], *(p.argmax() for p in after[1:])]
                    right.append([k == label[case] for k in labels])
                    last.append([top[image, u] == label[case] for u in one])
                    entropies = [-np.sum(p * np.log(np.maximum(p, 1e-300))) for p in after]
                    ends = [next((i for i, h in enumerate(entropies) if h < t), n - 1) for t in THRESHOLDS]
                    sees_all = name in ("igub", "max_softmax", "likelihood")
                    passes = [len(order) if sees_all and i else i + 1 for i in ends]
                    stops.append(
                        [(i + 1, p, labels[i] == label[case]) for i, p in zip(ends, passes, strict=True)]
                    )
                np.testing.assert_allclose(outcomes.correct[case], np.mean(right, axis=0))
                np.testing.assert_allclose(outcomes.correct_last[case], np.mean(last, axis=0))
                mean = np.mean(stops, axis=0).T
                np.testing.assert_allclose(outcomes.fixations_stopped[case], mean[0])
                if name != "random":  # whose passes are fixations
                    found_passes = count_passes(name, outcomes.fixations_stopped[case], len(order))
                    np.testing.assert_allclose(found_passes, mean[1])
                np.testing.assert_allclose(outcomes.correct_stopped[case], mean[2])
                if name == "random":
                    assert outcomes.views is None
                else:
                    assert outcomes.views[case].tolist() == order[of_case[0]].tolist(), (name, rule)
                    assert outcomes.labels[case].tolist() == labels
    for outcomes in found.values():
        assert all(np.isfinite(field).all() for field in vars(outcomes).values() if field is not None)


def test_no_result_depends_on_the_blocks(study, monkeypatch):
    path, index, maps = study(n_images=9)
    plan = Plan(fixations=4, draws=2, thresholds=THRESHOLDS)
    with open_label_maps(path, index) as file:
        label = index["label"].to_numpy()
        expected = make_scanpaths(file, label, maps, plan)
        blocks = type(file).blocks
        monkeypatch.setattr(type(file), "blocks", lambda file: blocks(file, 2))
        found = make_scanpaths(file, label, maps, plan)
    for key, outcomes in expected.items():
        for name, field in vars(outcomes).items():
            np.testing.assert_array_equal(getattr(found[key], name), field)


def test_training_images_are_spread_evenly_where_there_are_more_images_than_memory_allows(study, monkeypatch):
    path, index, _ = study(n_images=40, grid=3, cases=[*range(20), 20, *range(20, 40)])
    label, order = index["label"].to_numpy(), outward_order(3, 3)

    def read(**limits):
        for name, limit in limits.items():
            monkeypatch.setattr(scanpaths, name, limit)
        with open_label_maps(path, index) as file:
            training, whole = list(read_training_blocks(file, label, order)), file.by_image.read(0, 40)
        images = np.concatenate([some.log_p for some in training])
        cells = whole.log_probability.reshape(40, 9, 4)[:, order]
        chosen = [int(np.flatnonzero((cells == image).all(axis=(1, 2)))[0]) for image in images]
        return chosen, training

    chosen, training = read()
    assert chosen == list(range(40))
    assert np.concatenate([some.label for some in training]).tolist() == label.tolist()
    assert np.concatenate([some.fold for some in training]).tolist() == (
        divide_into_folds(40)[[*range(20), 20, *range(20, 40)]].tolist()
    )
    assert read(MAX_TRAINING_IMAGES=4)[0] == [0, 13, 26, 39]
    chosen, training = read(MAX_TRAINING_IMAGES=3)
    assert chosen == [0, 20, 39]
    assert [some.place.tolist() for some in training] == [[0], [0, 0], [0]]  # image 20 has two cases
    assert len(read(MAX_TRAINING_IMAGES=1000, MAX_TRAINING_BYTES=5 * 9 * 4 * 4)[0]) == 5
    assert len(read(MAX_TRAINING_BYTES=1)[0]) == 1


# ---- Tables


def test_curves_by_hand():
    correct = np.array([[True, True], [False, True], [False, False], [False, True]], float)
    found = scanpaths.Outcomes(
        correct,
        1 - correct,
        np.array([[1.0], [2], [2], [2]]),
        correct[:, 1:],
        None,
        None,
    )
    outward = replace(found, correct=np.roll(correct, 1, axis=0), correct_stopped=correct[:, :1])
    both = {("igub", "mean"): found, ("outward", "mean"): outward}
    names = {"igub": ("igub", "uncued"), "outward": ("outward", "baseline")}
    table = curves_table(both, names, [0.5], 9)
    assert table["method"].tolist() == ["igub"] * 3 + ["outward"] * 3
    assert table["over_outward"].tolist()[:3] == [0, 0, 0.5]
    assert table["over_outward"].isna().tolist() == [False] * 3 + [True] * 3
    table = table[:3]
    assert table["threshold"].isna().tolist() == [True, True, False]
    assert table["fixations"].tolist() == [1, 2, 1.75]
    assert table["saccades"].tolist() == [0, 1, 0.75]
    assert table["passes"].tolist() == [1, 9, 7]
    assert table["accuracy"].tolist() == [0.25, 0.75, 0.75]
    assert table["gain"].tolist() == [0, 0.5, 0.5]
    assert table["accuracy_last"].tolist()[:2] == [0.75, 0.25]
    assert np.isnan(table["accuracy_last"][2])
    assert set(table["n_images"]) == {4}
    assert (table["accuracy_low"] < table["accuracy"]).all()
    cases = curves_table(both, names, [0.5], 9, np.array([0, 0, 1, 2]))
    assert set(cases["n_images"]) == {3}
    assert set(cases["n_cases"]) == {4}


def test_tables_of_a_study(study):
    path, index, maps = study(cases=[0, 0, 1, 2, 3, 4, 5, 6])
    plan = Plan(fixations=4, draws=2, thresholds=THRESHOLDS)
    label = index["label"].to_numpy()
    with open_label_maps(path, index) as file:
        found = make_scanpaths(file, label, maps, plan)
    names = {name: (name, cue) for name, cue in (CUES | {"dff": "uncued"}).items()}
    image = number_images(index["image"])
    table = curves_table(found, names, THRESHOLDS, 9, image)
    assert len(table) == 7 * 2 * (4 + len(THRESHOLDS))
    some = [f"{name}{end}" for name in ("accuracy_last", "over_outward") for end in ("", "_low", "_high")]
    assert table.drop(columns=["threshold", *some]).notna().all(axis=None)
    assert (table["over_outward_low"].isna() == (table["method"] == "outward")).all()
    assert (table["accuracy_last_low"].isna() == table["threshold"].notna()).all()
    whole = table.set_index(["method", "accumulation", "threshold"])
    for key in found:
        fixed = table[
            (table["method"] == key[0]) & (table["accumulation"] == key[1]) & table["threshold"].isna()
        ]
        # A threshold that none reaches ends no path; one that all are below ends each at x₀.
        assert whole.loc[(*key, 0.0), "accuracy"] == fixed["accuracy"].iloc[-1]
        assert whole.loc[(*key, 0.0), "passes"] == fixed["passes"].iloc[-1]
        assert whole.loc[(*key, 99.0), ["accuracy", "passes"]].tolist() == [fixed["accuracy"].iloc[0], 1]
    paths = paths_table(index["image"].tolist(), label, found)
    assert len(paths) == 6 * 2 * len(index)
    assert "random" not in set(paths["method"])
    assert all(len(set(views)) == 4 for views in paths["views"])
    assert {views[0] for views in paths["views"]} == {4}


def test_maps_that_are_given_are_called_by_their_names(study):
    path, index, maps = study()
    with open_label_maps(path, index) as file:
        found = make_scanpaths(
            file, index["label"].to_numpy(), maps | {"other": maps["dff"]}, Plan(fixations=2)
        )
    np.testing.assert_array_equal(found["dff", "mean"].views, found["other", "mean"].views)


def test_a_uniform_network_never_fails(study):
    """All labels tie in all views."""
    n = SimpleNamespace(images=3, grid=3, labels=4)
    even = np.full((n.images, n.grid**2, n.labels), -np.log(n.labels), np.float32)
    for rule in ACCUMULATIONS:
        assert choose_by_igub(even, rule, 9).tolist() == [list(range(9))] * 3
        labels, entropies = follow_paths(compute_evidence(even, rule), np.tile(np.arange(9), (3, 1, 1)), rule)
        assert (labels == 0).all()
        np.testing.assert_allclose(entropies, np.log(4), atol=1e-5)
