"""Scanpaths: several fixations of an image, one after another, and the evidence that they accumulate.

A scanpath begins at x₀, and no fixation is chosen twice (inhibition of return). Evidence is accumulated over its views by
one of two rules, `ACCUMULATIONS`: "mean", the mean of the probabilities p(k|x_u), or "product", their product, normalised.
The next fixation is chosen by

igub         the largest IGUB(u), whose prior is the posterior accumulated so far
max_softmax  the largest max_k p(k|x_u)
likelihood   the largest p(k*|x_u): an oracle, which is told the label
random       chance, the same for each fixation that is left; outcomes are means over many draws
outward      the order of `outward_order`
blind        an order that is the same for all images: greedily, the view with which the accumulated posterior is right
             in most images of the other folds (`learn_orders`)
a map of x₀  its largest value; the network has then seen no more than x₀ ("predictive")

In a tie the fixation that comes first in `outward_order` is chosen. Here views are numbered in that order, so that x₀ is 0;
tables number them row by row.

Passes are the views that the network must see: for those in `SEES_ALL` all of the grid as soon as there is a saccade, else
the fixations alone. A rule for stopping ends a path at the first fixation after which the entropy of the accumulated
posterior is below a threshold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from labelmaps.methods.igub import expected_log_probability
from labelmaps.scoring.fixations import Arrival, nearest_views
from labelmaps.scoring.null_names import SCANPATH_BASELINES, SCANPATH_CHOICES
from labelmaps.scoring.statistics import count_images, interval_fields, mean_interval, paired_mean_difference
from labelmaps.storage.label_map_file import LabelMapFile, LabelMaps
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import Attributes, check_same_images, check_same_origin, check_settings

Accumulation = Literal["mean", "product"]
Among = Literal["all", "inner"]
ACCUMULATIONS: tuple[Accumulation, ...] = get_args(Accumulation)
# How a fixation is chosen → its cue; maps of x₀ come besides.
SEES_ALL = SCANPATH_CHOICES
CUES = {
    **dict.fromkeys(SEES_ALL, "uncued"),
    "likelihood": "cued",
    **dict.fromkeys(SCANPATH_BASELINES, "baseline"),
}
FOLDS = 5  # of images, one after another in the index
LEARNERS, LEARNERS_BYTES = (
    1000,
    2**28,
)  # images from which blind orders are learnt, evenly spaced, are at most so many
LOWEST = float(np.finfo(np.float16).min)  # nats: of stored log-probabilities, below which only −∞ is
TINY = float(np.finfo(np.float32).tiny)
NONE = (np.nan, np.nan, np.nan)  # an interval where there is none
LEAST_MASS = 1e-30  # of a joint posterior, from which on its sum in float32 is exact enough


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How scanpaths are made.

    fixations: the longest path, x₀ included; a grid with fewer views ends it. among: the views that can be chosen, all or
    those without the grid's outer ring. draws: of random paths, per image. seed: of these. thresholds: entropies in nats.
    """

    fixations: int = 8
    among: Among = "all"
    draws: int = 20
    seed: int = 0
    thresholds: Sequence[float] = ()


@dataclass(frozen=True)
class GlimpseMaps:
    """A method's maps of x₀, one per image: saliency (image, row, column), point (image, row, column, 2), as in its file."""

    saliency: np.ndarray
    point: np.ndarray
    arrival: Arrival


@dataclass(frozen=True)
class Outcomes:
    """What a way of choosing leads to, of each case.

    correct: (case, n), whether the posterior accumulated over n fixations is right; correct_last: the same of the n-th view
    alone. fixations_stopped, correct_stopped: (case, threshold), where a threshold ends the path. Of random paths, these are
    means over draws. views, labels: (case, n), the n-th fixation, a number of the grid row by row, and the
    label of the posterior accumulated until then; None of random paths.
    """

    correct: np.ndarray
    correct_last: np.ndarray
    fixations_stopped: np.ndarray
    correct_stopped: np.ndarray
    views: np.ndarray | None
    labels: np.ndarray | None


def outward_order(rows: int, columns: int, among: Among = "all") -> np.ndarray:
    """Order the views of a grid, numbered row by row, by their distance from x₀, (view,); in a tie by number.

    among: "inner" leaves out the outer ring of the grid, or nothing in a grid without an inner part.
    """
    row, column = np.divmod(np.arange(rows * columns), columns)
    order = np.argsort((row - rows // 2) ** 2 + (column - columns // 2) ** 2, kind="stable")
    if among == "all" or min(rows, columns) <= 2:
        return order
    is_inner = (row > 0) & (row < rows - 1) & (column > 0) & (column < columns - 1)
    return order[is_inner[order]]


def ordered(maps: LabelMaps, order: np.ndarray) -> np.ndarray:
    """Return log p(k|x_u) of the views in this order, (image, view, label), where −∞ is the lowest number of its file."""
    log_p = maps.log_probability.reshape(len(maps.image), -1, maps.log_probability.shape[-1])
    return np.maximum(log_p[:, order], LOWEST)


def evidence_of(log_p: np.ndarray, accumulation: Accumulation) -> np.ndarray:
    """Return what is summed over fixations: probabilities for "mean", their logarithms for "product"."""
    return np.exp(log_p) if accumulation == "mean" else log_p


def log_posterior(total: np.ndarray, accumulation: Accumulation) -> np.ndarray:
    """Compute the logarithm of an accumulated posterior, up to a constant, from the sum of its evidence, (…, label)."""
    return np.log(np.maximum(total, TINY)) if accumulation == "mean" else total


def entropy(total: np.ndarray, accumulation: Accumulation) -> np.ndarray:
    """Compute the entropy of an accumulated posterior, (…,), in nats, from the sum of its evidence, (…, label)."""
    log_weight = log_posterior(total, accumulation)
    if accumulation == "product":
        log_weight = log_weight - log_weight.max(axis=-1, keepdims=True)
    weight = total if accumulation == "mean" else np.exp(log_weight)
    mass = weight.sum(axis=-1)
    return np.maximum(np.log(mass) - np.vecdot(weight, log_weight) / mass, 0)


def follow(
    evidence: np.ndarray, paths: np.ndarray, accumulation: Accumulation
) -> tuple[np.ndarray, np.ndarray]:
    """Accumulate evidence along paths: the best label, and the entropy, after each fixation, (image, path, n).

    evidence: (image, view, label), as from `evidence_of`. paths: (image, path, n), the views.
    """
    image = np.arange(len(paths))[:, None]
    labels, entropies = np.empty(paths.shape, np.int64), np.empty(paths.shape, np.float32)
    total = np.zeros((*paths.shape[:2], evidence.shape[-1]), evidence.dtype)
    for i in range(paths.shape[-1]):
        total += evidence[image, paths[..., i]]
        labels[..., i], entropies[..., i] = total.argmax(axis=-1), entropy(total, accumulation)
    return labels, entropies


def by_value(values: np.ndarray, n: int) -> np.ndarray:
    """Order the views of each image by a value, the largest first, but x₀ before all; the first n, (image, n).

    values: (image, view).
    """
    order = 1 + np.argsort(-values[:, 1:], axis=1, kind="stable")
    return np.insert(order, 0, 0, axis=1)[:, :n]


def by_igub(log_p: np.ndarray, accumulation: Accumulation, n: int) -> np.ndarray:
    """Choose views by IGUB, whose prior is the posterior accumulated so far, (image, n); log_p: (image, view, label)."""
    p, image = np.exp(log_p), np.arange(len(log_p))
    weighted, evidence = p * log_p, evidence_of(log_p, accumulation)
    path = np.zeros((len(log_p), n), np.int64)
    left = np.ones(log_p.shape[:2], bool)
    total = np.zeros((len(log_p), log_p.shape[-1]), log_p.dtype)
    for i in range(1, n):
        left[image, path[:, i - 1]] = False
        total += evidence[image, path[:, i - 1]]
        before = log_posterior(total, accumulation)
        prior = np.exp(before - before.max(axis=-1, keepdims=True))
        # As `expected_log_probability`, without an exponential for each view and label, where its sums do not underflow.
        mass = np.vecdot(p, prior[:, None])
        is_small = mass < LEAST_MASS
        gain = np.vecdot(weighted, prior[:, None]) / np.where(is_small, 1, mass)
        gain[is_small] = expected_log_probability(before[is_small.nonzero()[0]], log_p[is_small])
        path[:, i] = np.where(left, gain, -np.inf).argmax(axis=1)
    return path


def draw_paths(generator: np.random.Generator, n_images: int, draws: int, n_views: int, n: int) -> np.ndarray:
    """Draw random paths from x₀, (image, draw, n), each set of views in each order with the same probability."""
    order = 1 + np.argsort(generator.random((n_images, draws, n_views - 1)), axis=-1)
    return np.insert(order, 0, 0, axis=-1)[..., :n]


def values_of_views(maps: GlimpseMaps, images: slice, centre: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Read maps of x₀ at the views: the largest value of the cells that lead to each, (image, view).

    images: those of a block. centre: (image, row, column, 2), of their label maps. order: of the views that can be chosen.

    Views to which no cell leads come last. A dead map, the same everywhere, gives all views the same value.
    """
    saliency = maps.saliency[images]
    cells = saliency.reshape(len(saliency), -1)
    centres = centre.reshape(len(centre), -1, 2)[:, order]
    if maps.arrival == "index":
        view = np.full(centre.shape[1] * centre.shape[2], -1)
        view[order] = np.arange(len(order))
        views = np.broadcast_to(view, cells.shape)
    else:
        points = maps.point[images].reshape(*cells.shape, 2)
        pairs = zip(points, centres, strict=True)
        views = np.stack([nearest_views(point, some[None, :, None]) for point, some in pairs])
    values = np.full((len(cells), len(order) + 1), -np.inf)  # the last is of cells that lead nowhere
    np.maximum.at(values, (np.arange(len(cells))[:, None], views), cells)
    is_dead = cells.max(axis=1) == cells.min(axis=1)
    return np.where(is_dead[:, None], 0, values[:, :-1])


@dataclass(frozen=True)
class Learners:
    """Images of a block from which blind orders are learnt.

    log_p: (image, view, label), in the order of `outward_order`. label: (case,), k*. place: (case,), the image
    of each, in the block. fold: (case,).
    """

    log_p: np.ndarray
    label: np.ndarray
    place: np.ndarray
    fold: np.ndarray


def folds_of(n_images: int) -> np.ndarray:
    """Divide images into folds of neighbours, (image,)."""
    return np.arange(n_images) * FOLDS // max(n_images, 1)


def read_learners(
    file: LabelMapFile, label: np.ndarray, order: np.ndarray, block: int = 16
) -> Iterator[Learners]:
    """Read the images from which blind orders are learnt: all, or evenly spaced ones, as `LEARNERS` and its bytes allow.

    file: one row per case. label: (case,), k*. order: of the views that can be chosen.
    """
    whole, fold = file.by_image, folds_of(len(file.by_image.images))
    n, n_labels = len(whole.images), whole.read(0, 1).log_probability.shape[-1]
    most = max(LEARNERS_BYTES // (4 * len(order) * n_labels), 1)
    chosen = np.unique(np.linspace(0, n - 1, min(n, LEARNERS, most)).round().astype(int))
    for _, some in pd.Series(chosen).groupby(chosen // block):
        images = some.to_numpy()
        maps = ordered(whole.read(images[0], images[-1] + 1), order)[images - images[0]]
        cases = np.flatnonzero(np.isin(file.place, images))
        place = np.searchsorted(images, file.place[cases])
        yield Learners(maps, label[cases], place, fold[images][place])


def learn_orders(
    learners: Sequence[Learners], accumulation: Accumulation, n: int, n_views: int
) -> np.ndarray:
    """Learn an order of views for each fold from the cases of all others, (fold, n).

    Greedily: from x₀ on, the view with which the accumulated posterior is right in most of them.
    """
    orders = [[0] for _ in range(FOLDS)]
    for _ in range(1, n):
        # Folds often have the same views so far, whatever their order.
        right = {frozenset(order): np.zeros((FOLDS, n_views), int) for order in orders}
        for some in learners:
            evidence = evidence_of(some.log_p, accumulation)
            for seen, counts in right.items():
                total = evidence[:, sorted(seen)].sum(axis=1, keepdims=True)
                is_right = (total + evidence).argmax(axis=-1)[some.place] == some.label[:, None]
                np.add.at(counts, some.fold, is_right)
        for fold, order in enumerate(orders):
            counts = right[frozenset(order)]
            score = counts.sum(axis=0) - counts[fold]
            score[order] = -1
            order.append(int(score.argmax()))
    return np.array(orders)


def stop(entropies: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Find the first fixation after which the entropy is below each threshold, or else the last, (…, threshold), from 0.

    entropies: (…, n).
    """
    is_below = entropies[..., None, :] < np.asarray(thresholds, float)[:, None]
    return np.where(is_below.any(axis=-1), is_below.argmax(axis=-1), entropies.shape[-1] - 1)


def passes_of(name: str, fixations: np.ndarray, n_views: int) -> np.ndarray:
    """Count the network's passes after these numbers of fixations; name: the way of choosing. n_views: to be chosen from."""
    return np.where(fixations > 1, n_views, 1) if name in SEES_ALL else fixations


def make_scanpaths(
    file: LabelMapFile, label: np.ndarray, maps: Mapping[str, GlimpseMaps], plan: Plan
) -> dict[tuple[str, Accumulation], Outcomes]:
    """Make the scanpaths of all images, block by block.

    file: label maps, one row per case. label: (case,), k*. maps: of x₀, by the method's name, one per image.

    Returns the outcomes of each way of choosing and each rule of accumulation.
    """
    whole = file.by_image
    grid = file.field("top_label").shape[1:]
    order = outward_order(*grid, plan.among)
    n = min(plan.fixations, len(order))
    learners = list(read_learners(file, label, order))
    blind = {rule: learn_orders(learners, rule, n, len(order)) for rule in ACCUMULATIONS}
    del learners
    fold, generator, start = folds_of(len(whole.images)), np.random.default_rng(plan.seed), 0
    blocks: dict[tuple[str, Accumulation], list[Outcomes]] = {}
    for block in whole.blocks():
        images = slice(start, start + len(block.image))
        start = images.stop
        cases = slice(*np.searchsorted(file.place, [images.start, images.stop]))
        of_block = _scan_block(
            block,
            label[cases],
            file.place[cases] - images.start,
            {name: values_of_views(of_x0, images, block.centre, order) for name, of_x0 in maps.items()},
            {rule: blind[rule][fold[images]] for rule in ACCUMULATIONS},
            draw_paths(generator, len(block.image), plan.draws, len(order), n),
            order,
            plan.thresholds,
        )
        for key, outcomes in of_block.items():
            blocks.setdefault(key, []).append(outcomes)
    names = sorted(CUES.keys() | maps, key=[*SEES_ALL, *maps, *SCANPATH_BASELINES].index)
    return {(name, rule): _joined(blocks[name, rule]) for name in names for rule in ACCUMULATIONS}


def _scan_block(
    block: LabelMaps,
    label: np.ndarray,
    place: np.ndarray,
    values: Mapping[str, np.ndarray],
    blind: Mapping[Accumulation, np.ndarray],
    drawn: np.ndarray,
    order: np.ndarray,
    thresholds: Sequence[float],
) -> dict[tuple[str, Accumulation], Outcomes]:
    """Make the scanpaths of a block of images.

    label, place: (case,), k*, and the image of each. values: of maps of x₀, (image, view). blind: (image, n). drawn: (image,
    draw, n). order: of the views that can be chosen.
    """
    log_p, n = ordered(block, order), drawn.shape[-1]
    top = block.top_label.reshape(len(block.image), -1)[:, order].astype(np.int64)
    is_image = len(place) == len(log_p)  # each case is one of its own
    of_case = log_p if is_image else log_p[place]
    told = by_value(np.take_along_axis(of_case, label[:, None, None], axis=2)[..., 0], n)
    fixed = {
        "max_softmax": by_value(log_p.max(axis=-1), n),
        "outward": np.tile(np.arange(n), (len(log_p), 1)),
        **{name: by_value(some, n) for name, some in values.items()},
    }
    everyone = np.arange(len(log_p))
    found = {}
    for rule in ACCUMULATIONS:
        paths = {"igub": by_igub(log_p, rule, n), "blind": blind[rule], **fixed}
        evidence = evidence_of(log_p, rule)
        labels, entropies = follow(evidence, np.stack(list(paths.values()), axis=1), rule)
        for i, (name, path) in enumerate(paths.items()):
            steps = path[:, None], labels[:, i : i + 1], entropies[:, i : i + 1]
            found[name, rule] = _outcomes(name, *steps, top, label, place, order, thresholds)
        steps = drawn, *follow(evidence, drawn, rule)
        found["random", rule] = _outcomes("random", *steps, top, label, place, order, thresholds)
        steps = told[:, None], *follow(evidence if is_image else evidence[place], told[:, None], rule)
        own = top if is_image else top[place]
        cases = everyone if is_image else np.arange(len(place))
        found["likelihood", rule] = _outcomes("likelihood", *steps, own, label, cases, order, thresholds)
    return found


def _outcomes(
    name: str,
    paths: np.ndarray,
    labels: np.ndarray,
    entropies: np.ndarray,
    top: np.ndarray,
    label: np.ndarray,
    place: np.ndarray,
    order: np.ndarray,
    thresholds: Sequence[float],
) -> Outcomes:
    """Score the paths of a block: of one way of choosing, several where they are drawn at random.

    paths, labels, entropies: (image, path, n). top: (image, view), the top labels. Others as for `_scan_block`.
    """
    last = np.take_along_axis(top[:, None], paths, axis=2)
    labels = labels.copy()
    labels[..., 0] = last[..., 0]  # of unrounded logits
    stopped = stop(entropies, thresholds)
    truth = label[:, None, None]
    at_stop = np.take_along_axis(labels, stopped, axis=2)[place] == truth
    # Of each case: (case, path, …). Of a path that is not drawn, numbers as small as they can be.
    of_cases = labels[place] == truth, last[place] == truth, (stopped + 1).astype(np.uint8)[place], at_stop
    if name == "random":
        return Outcomes(*(values.mean(axis=1, dtype=np.float32) for values in of_cases), None, None)
    numbers = (order[paths[:, 0]][place], labels[:, 0][place])
    return Outcomes(*(values[:, 0] for values in of_cases), *(values.astype(np.int16) for values in numbers))


def _joined(blocks: Sequence[Outcomes]) -> Outcomes:
    """Join the outcomes of blocks, one after another."""
    first, *_ = blocks
    names = [name for name, values in vars(first).items() if values is not None]
    return replace(first, **{name: np.concatenate([vars(block)[name] for block in blocks]) for name in names})


def curves_table(
    outcomes: Mapping[tuple[str, Accumulation], Outcomes],
    names: Mapping[str, tuple[str, str]],
    thresholds: Sequence[float],
    n_views: int,
    image: np.ndarray | None = None,
) -> pd.DataFrame:
    """Average the outcomes over cases, with 95 % intervals.

    names: way of choosing → variant and cue. n_views: that can be chosen. image: (case,), the image of each case, a number;
    None where each shows one class.

    Returns one row per way of choosing, rule of accumulation, and number of fixations, where threshold is NaN, or threshold:
    method, variant, cue, accumulation, threshold, fixations, saccades and passes (their means where a threshold ends the
    path), accuracy of the accumulated posterior, gain over x₀, over_outward, what it has more than that of the path outward
    after as many fixations, or with the same threshold (NaN for that), accuracy_last of the last view alone (NaN with one),
    n_images, and n_cases where images show several classes.
    """
    rows = []
    for (name, rule), found in outcomes.items():
        variant, cue = names[name]
        first = {"method": name, "variant": variant, "cue": cue, "accumulation": rule}
        n_cases, n = found.correct.shape
        counts = {"n_images": count_images(image, n_cases)} | ({} if image is None else {"n_cases": n_cases})
        fixed = [(np.nan, i + 1.0, float(passes_of(name, np.array(i + 1), n_views))) for i in range(n)]
        ends = zip(
            thresholds,
            found.fixations_stopped.mean(axis=0, dtype=float),
            passes_of(name, found.fixations_stopped, n_views).mean(axis=0, dtype=float),
            strict=True,
        )
        right, outward = (
            [*some.correct.T, *some.correct_stopped.T] for some in (found, outcomes["outward", rule])
        )
        lasts = [*found.correct_last.T, *[None] * len(thresholds)]
        of_rows = zip([*fixed, *ends], right, outward, lasts, strict=True)
        for (threshold, fixations, passes), correct, blindly, last in of_rows:
            over = NONE if name == "outward" else paired_mean_difference(blindly, correct, image)
            rows.append(
                first
                | {
                    "threshold": threshold,
                    "fixations": fixations,
                    "saccades": fixations - 1,
                    "passes": passes,
                }
                | interval_fields("accuracy", mean_interval(correct, image))
                | interval_fields("gain", paired_mean_difference(found.correct[:, 0], correct, image))
                | interval_fields("over_outward", over)
                | interval_fields("accuracy_last", NONE if last is None else mean_interval(last, image))
                | counts
            )
    return pd.DataFrame(rows)


def paths_table(
    ids: Sequence[str], label: np.ndarray, outcomes: Mapping[tuple[str, Accumulation], Outcomes]
) -> pd.DataFrame:
    """Make the table of all paths but random ones: a row per way of choosing, rule of accumulation and case, in that order.

    ids, label: (case,).

    Returns image, label, method, accumulation; views, the fixations, numbers of the grid row by row; labels, of the
    posterior accumulated until each.
    """
    tables = [
        pd.DataFrame(
            {
                "image": ids,
                "label": label,
                "method": name,
                "accumulation": rule,
                "views": list(found.views),
                "labels": list(found.labels),
            }
        )
        for (name, rule), found in outcomes.items()
        if found.views is not None and found.labels is not None
    ]
    return pd.concat(tables, ignore_index=True)


def read_paths(
    path: str | Path,
    images: list[str],
    origin: Attributes,
    made_by: Mapping[str, object],
    accumulation: Accumulation = "mean",
) -> dict[str, pd.DataFrame]:
    """Read the paths of a network by one rule of accumulation: way of choosing → one row per case, as in `paths_table`.

    images: the id of each case's image, as the paths must have them. origin: the provenance of the label maps. made_by: the
    settings that must have made the paths, as from `Study.scanned`.

    Raises `InputError` if the table is damaged, has other images, or was made from other label maps or with other settings.
    """
    table = read_parquet(path)
    check_same_origin(origin, table.attrs, path)
    check_settings({key: made_by[key] for key in ("methods", "scanpaths")}, table.attrs, path)
    by_rule = table[table["accumulation"] == accumulation]
    found = {str(name): rows for name, rows in by_rule.groupby("method", sort=False)}
    for rows in found.values():
        check_same_images(images, rows["image"].tolist(), path)
    return found
