"""Scanpaths: several fixations of an image, one after another, and the evidence that they accumulate.

A scanpath begins at x₀ and never returns to a fixation (inhibition of return). The evidence of its views is accumulated by
one of two rules, `ACCUMULATIONS`: "mean", the mean of the probabilities p(k|x_u), or "product", their normalised product.
The next fixation is

igub         the one with the largest IGUB(u), whose prior is the posterior accumulated so far
max_softmax  the one with the largest max_k p(k|x_u)
likelihood   the one with the largest p(k*|x_u): an oracle, since it is given the label
random       drawn from those that are left, with equal probability; outcomes are means over many draws
outward      the next in `outward_order`
blind        the next in an order that is the same for all images of a fold: built greedily on the other folds, it takes the
             view with which the accumulated posterior is right in most of their images (`learn_orders`)
a map of x₀  the one with the largest value in a method's map of x₀ ("predictive": the network processes only the fixations)

In a tie the fixation that comes first in `outward_order` is chosen. This module numbers views in that order, so that x₀ is
0; tables number them row by row.

Passes are the views that the network must process: for the choices in `SEES_ALL` the whole grid as soon as there is a
saccade, otherwise the fixations alone. A rule for stopping ends a path at the first fixation after which the entropy of the
accumulated posterior is below a threshold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from labelmaps.methods.igub import expected_log_probability
from labelmaps.scoring.fixations import Arrival, check_arrival, nearest_views
from labelmaps.scoring.null_names import SCANPATH_BASELINES, SCANPATH_CHOICES
from labelmaps.scoring.statistics import count_images, interval_fields, mean_interval, paired_mean_difference
from labelmaps.storage.label_map_file import LabelMapFile, LabelMaps
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import Attributes, check_same_images, check_same_origin, check_settings

Accumulation = Literal["mean", "product"]
Among = Literal["all", "inner"]
ACCUMULATIONS: tuple[Accumulation, ...] = get_args(Accumulation)
# The choices that need the logits of all views of the grid.
SEES_ALL = SCANPATH_CHOICES
# Choice → its cue. A map of x₀ has the cue of its method.
CUES = {
    **dict.fromkeys(SEES_ALL, "uncued"),
    "likelihood": "cued",
    **dict.fromkeys(SCANPATH_BASELINES, "baseline"),
}
FOLDS = 5  # each holds images that follow one another in the index
# Blind orders are learnt from at most so many images, evenly spaced, whose log-probabilities take at most so many bytes.
MAX_TRAINING_IMAGES = 1000
MAX_TRAINING_BYTES = 2**28
LOWEST = float(np.finfo(np.float16).min)  # nats: the smallest finite log-probability that a file can hold
TINY = float(np.finfo(np.float32).tiny)
NONE = (np.nan, np.nan, np.nan)  # value, low, high of what does not exist
LEAST_MASS = 1e-30  # float32 sums the terms of a joint posterior exactly enough if their sum is at least this


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The settings of scanpaths.

    fixations: the length of the longest path, with x₀; paths are shorter in a grid with fewer views.
    among: the views that can be chosen: "all", or "inner", all but the grid's outer ring.
    draws: the number of random paths per image. seed: of these draws.
    thresholds: the entropies, in nats, below which a path ends.
    """

    fixations: int = 8
    among: Among = "all"
    draws: int = 20
    seed: int = 0
    thresholds: Sequence[float] = ()


@dataclass(frozen=True)
class GlimpseMaps:
    """The maps of x₀ that one method computed, as its file holds them, and the arrival by which a cell leads to a view.

    saliency: (image, row, column). point: (image, row, column, 2), the fixation x, y of each cell, in original pixels.
    """

    saliency: np.ndarray
    point: np.ndarray
    arrival: Arrival


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of one choice of fixations, for each case.

    correct: (case, n), whether the posterior accumulated over n fixations is right. correct_last: (case, n), whether the top
    label of the n-th view alone is right.
    fixations_stopped, correct_stopped: (case, threshold), the number of fixations after which a threshold ends the path, and
    whether the accumulated posterior is right then.
    views: (case, n), the n-th fixation, as a number of the grid row by row. labels: (case, n), the label of the posterior
    accumulated over n fixations.

    For random paths all are means over the draws, and views and labels are None.
    """

    correct: np.ndarray
    correct_last: np.ndarray
    fixations_stopped: np.ndarray
    correct_stopped: np.ndarray
    views: np.ndarray | None
    labels: np.ndarray | None


def outward_order(rows: int, columns: int, among: Among = "all") -> np.ndarray:
    """Order the views of a grid by their distance from x₀, (view,), as numbers of the grid row by row; in a tie by number.

    among: "all", or "inner", which leaves out the grid's outer ring (nothing in a grid without an inner part).
    """
    row, column = np.divmod(np.arange(rows * columns), columns)
    order = np.argsort((row - rows // 2) ** 2 + (column - columns // 2) ** 2, kind="stable")
    if among == "all" or min(rows, columns) <= 2:
        return order
    is_inner = (row > 0) & (row < rows - 1) & (column > 0) & (column < columns - 1)
    return order[is_inner[order]]


def order_log_p(maps: LabelMaps, order: np.ndarray) -> np.ndarray:
    """Return log p(k|x_u) of the views in an order, (image, view, label).

    order: (view,), numbers of the grid row by row. A stored −∞ is replaced by `LOWEST`, so that sums stay finite.
    """
    log_p = maps.log_probability.reshape(len(maps.image), -1, maps.log_probability.shape[-1])
    return np.maximum(log_p[:, order], LOWEST)


def compute_evidence(log_p: np.ndarray, accumulation: Accumulation) -> np.ndarray:
    """Return the terms that are summed over fixations: probabilities for "mean", log-probabilities for "product".

    log_p: log p(k|x_u), of any shape, which is also that of the result.
    """
    return np.exp(log_p) if accumulation == "mean" else log_p


def log_posterior(total: np.ndarray, accumulation: Accumulation) -> np.ndarray:
    """Compute the logarithm of an accumulated posterior, up to a constant, (…, label).

    total: (…, label), the sum of the evidence, as from `compute_evidence`.
    """
    return np.log(np.maximum(total, TINY)) if accumulation == "mean" else total


def entropy(total: np.ndarray, accumulation: Accumulation) -> np.ndarray:
    """Compute the entropy of an accumulated posterior, (…,), in nats.

    total: (…, label), the sum of the evidence, as from `compute_evidence`.
    """
    log_weight = log_posterior(total, accumulation)
    if accumulation == "product":
        log_weight = log_weight - log_weight.max(axis=-1, keepdims=True)
    weight = total if accumulation == "mean" else np.exp(log_weight)
    mass = weight.sum(axis=-1)
    return np.maximum(np.log(mass) - np.vecdot(weight, log_weight) / mass, 0)


def follow_paths(
    evidence: np.ndarray, paths: np.ndarray, accumulation: Accumulation
) -> tuple[np.ndarray, np.ndarray]:
    """Accumulate evidence along paths; return the best label and the entropy after each fixation, (image, path, n).

    evidence: (image, view, label), as from `compute_evidence`. paths: (image, path, n), the views. The entropy is in nats.
    """
    image = np.arange(len(paths))[:, None]
    labels, entropies = np.empty(paths.shape, np.int64), np.empty(paths.shape, np.float32)
    total = np.zeros((*paths.shape[:2], evidence.shape[-1]), evidence.dtype)
    for i in range(paths.shape[-1]):
        total += evidence[image, paths[..., i]]
        labels[..., i], entropies[..., i] = total.argmax(axis=-1), entropy(total, accumulation)
    return labels, entropies


def order_by_value(values: np.ndarray, n: int) -> np.ndarray:
    """Order the views of each image by a value, the largest first but x₀ before all; return the first n, (image, n).

    values: (image, view). In a tie the view with the lower number comes first.
    """
    order = 1 + np.argsort(-values[:, 1:], axis=1, kind="stable")
    return np.insert(order, 0, 0, axis=1)[:, :n]


def choose_by_igub(log_p: np.ndarray, accumulation: Accumulation, n: int) -> np.ndarray:
    """Choose n views one after another by IGUB, whose prior is the posterior accumulated so far, (image, n), x₀ first.

    log_p: (image, view, label), log p(k|x_u).
    """
    p, image = np.exp(log_p), np.arange(len(log_p))
    weighted, evidence = p * log_p, compute_evidence(log_p, accumulation)
    path = np.zeros((len(log_p), n), np.int64)
    left = np.ones(log_p.shape[:2], bool)
    total = np.zeros((len(log_p), log_p.shape[-1]), log_p.dtype)
    for i in range(1, n):
        left[image, path[:, i - 1]] = False
        total += evidence[image, path[:, i - 1]]
        before = log_posterior(total, accumulation)
        prior = np.exp(before - before.max(axis=-1, keepdims=True))
        # The formula of `expected_log_probability` without an exponential per view and label. Where the sum could underflow,
        # that function itself is called.
        mass = np.vecdot(p, prior[:, None])
        is_small = mass < LEAST_MASS
        gain = np.vecdot(weighted, prior[:, None]) / np.where(is_small, 1, mass)
        gain[is_small] = expected_log_probability(before[is_small.nonzero()[0]], log_p[is_small])
        path[:, i] = np.where(left, gain, -np.inf).argmax(axis=1)
    return path


def draw_paths(generator: np.random.Generator, n_images: int, draws: int, n_views: int, n: int) -> np.ndarray:
    """Draw random paths that begin at x₀, (image, draw, n); every sequence of n − 1 other views has the same probability.

    n_images, draws: the numbers of images, and of paths for each. n_views: the number of views that can be chosen. n: the
    length of a path, with x₀.
    """
    order = 1 + np.argsort(generator.random((n_images, draws, n_views - 1)), axis=-1)
    return np.insert(order, 0, 0, axis=-1)[..., :n]


def compute_view_values(
    maps: GlimpseMaps, images: slice, centre: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """Compute the value of each view in the maps of x₀: the largest of the cells that lead to it, (image, view).

    images: the rows of `maps` that belong to a block.
    centre: (image, row, column, 2), the fixations of the block's label maps, in original pixels.
    order: (view,), the views that can be chosen, numbers of the grid row by row.

    A view to which no cell leads has the value −∞. In a dead map, which has the same value everywhere, all views have the
    value 0.
    Raises `InputError` if the arrival is "index" and the maps do not have as many rows and columns as the grid.
    """
    saliency = maps.saliency[images]
    check_arrival(saliency, centre, maps.arrival)
    cells = saliency.reshape(len(saliency), -1)
    centres = centre.reshape(len(centre), -1, 2)[:, order]
    if maps.arrival == "index":
        view = np.full(centre.shape[1] * centre.shape[2], -1)
        view[order] = np.arange(len(order))
        views = np.broadcast_to(view, cells.shape)
    else:
        points = maps.point[images].reshape(*cells.shape, 2)
        pairs = zip(points, centres, strict=True)
        views = np.stack(
            [nearest_views(point, centres_of_image[None, :, None]) for point, centres_of_image in pairs]
        )
    # The last column collects the cells whose view cannot be chosen (by index, in the outer ring).
    values = np.full((len(cells), len(order) + 1), -np.inf)
    np.maximum.at(values, (np.arange(len(cells))[:, None], views), cells)
    is_dead = cells.max(axis=1) == cells.min(axis=1)
    return np.where(is_dead[:, None], 0, values[:, :-1])


@dataclass(frozen=True)
class TrainingBlock:
    """A block of the images from which blind orders are learnt, with their cases.

    log_p: (image, view, label), log p(k|x_u), views in the order of `outward_order`.
    label: (case,), k*. place: (case,), the index of its image in `log_p`. fold: (case,).
    """

    log_p: np.ndarray
    label: np.ndarray
    place: np.ndarray
    fold: np.ndarray


def divide_into_folds(n_images: int) -> np.ndarray:
    """Divide images into `FOLDS` folds of images that follow one another, and return the fold of each, (image,)."""
    return np.arange(n_images) * FOLDS // max(n_images, 1)


def read_training_blocks(
    file: LabelMapFile, label: np.ndarray, order: np.ndarray, block: int = 16
) -> Iterator[TrainingBlock]:
    """Read the images from which blind orders are learnt, block by block, with all their cases.

    file: the label maps, one row per case. label: (case,), k*. order: (view,), the views that can be chosen, in this order.
    block: the number of neighbouring images of the file that are read at once.

    All images are read if `MAX_TRAINING_IMAGES` and `MAX_TRAINING_BYTES` allow, otherwise evenly spaced ones.
    """
    whole, fold = file.by_image, divide_into_folds(len(file.by_image.images))
    n, n_labels = len(whole.images), whole.read(0, 1).log_probability.shape[-1]
    most = max(MAX_TRAINING_BYTES // (4 * len(order) * n_labels), 1)
    chosen = np.unique(np.linspace(0, n - 1, min(n, MAX_TRAINING_IMAGES, most)).round().astype(int))
    for _, group in pd.Series(chosen).groupby(chosen // block):
        images = group.to_numpy()
        maps = order_log_p(whole.read(images[0], images[-1] + 1), order)[images - images[0]]
        cases = np.flatnonzero(np.isin(file.place, images))
        place = np.searchsorted(images, file.place[cases])
        yield TrainingBlock(maps, label[cases], place, fold[images][place])


def learn_orders(
    training: Sequence[TrainingBlock], accumulation: Accumulation, n: int, n_views: int
) -> np.ndarray:
    """Learn for each fold an order of n views, x₀ first, from the cases of all other folds, (fold, n).

    training: the images from which the orders are learnt, in blocks. accumulation: the rule. n_views: the number of views
    that can be chosen.

    The order is greedy: each step takes the view with which the accumulated posterior is right in most of those cases; in a
    tie the view with the lower number.
    """
    orders = [[0] for _ in range(FOLDS)]
    for _ in range(1, n):
        # Folds often have the same set of views so far: each set is evaluated once.
        right = {frozenset(order): np.zeros((FOLDS, n_views), int) for order in orders}
        for block in training:
            evidence = compute_evidence(block.log_p, accumulation)
            for views, counts in right.items():
                total = evidence[:, sorted(views)].sum(axis=1, keepdims=True)
                is_right = (total + evidence).argmax(axis=-1)[block.place] == block.label[:, None]
                np.add.at(counts, block.fold, is_right)
        for fold, order in enumerate(orders):
            counts = right[frozenset(order)]
            score = counts.sum(axis=0) - counts[fold]
            score[order] = -1
            order.append(int(score.argmax()))
    return np.array(orders)


def find_stops(entropies: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Find the fixation at which each threshold ends a path, (…, threshold), from 0: the first whose entropy is below it.

    entropies: (…, n), in nats. If none is below, it is the last fixation, n − 1.
    """
    is_below = entropies[..., None, :] < np.asarray(thresholds, float)[:, None]
    return np.where(is_below.any(axis=-1), is_below.argmax(axis=-1), entropies.shape[-1] - 1)


def count_passes(name: str, fixations: np.ndarray, n_views: int) -> np.ndarray:
    """Count the network's passes after numbers of fixations; the result has the shape of `fixations`.

    name: the choice of fixations. n_views: the number of views that can be chosen, all of which the choices in `SEES_ALL`
    need.
    """
    return np.where(fixations > 1, n_views, 1) if name in SEES_ALL else fixations


def make_scanpaths(
    file: LabelMapFile, label: np.ndarray, maps: Mapping[str, GlimpseMaps], plan: Plan
) -> dict[tuple[str, Accumulation], Outcomes]:
    """Make the scanpaths of all images, block by block, by every choice and both rules of accumulation.

    file: the label maps, one row per case. label: (case,), k*. maps: method → its maps of x₀, one per image.

    Returns (choice, rule of accumulation) → outcomes.
    """
    whole = file.by_image
    grid = file.field("top_label").shape[1:]
    order = outward_order(*grid, plan.among)
    n = min(plan.fixations, len(order))
    training = list(read_training_blocks(file, label, order))
    blind = {rule: learn_orders(training, rule, n, len(order)) for rule in ACCUMULATIONS}
    del training
    fold, generator, start = divide_into_folds(len(whole.images)), np.random.default_rng(plan.seed), 0
    blocks: dict[tuple[str, Accumulation], list[Outcomes]] = {}
    for block in whole.blocks():
        images = slice(start, start + len(block.image))
        start = images.stop
        cases = slice(*np.searchsorted(file.place, [images.start, images.stop]))
        of_block = _scan_block(
            block,
            label[cases],
            file.place[cases] - images.start,
            {name: compute_view_values(of_x0, images, block.centre, order) for name, of_x0 in maps.items()},
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
    """Make the scanpaths of one block of images; return (choice, rule of accumulation) → outcomes.

    label, place: (case,), k*, and the index of the case's image in the block.
    values: method → the value of each view in its maps of x₀, (image, view).
    blind: rule of accumulation → the blind path of each image, (image, n).
    drawn: (image, draw, n), the random paths.
    order: (view,), the views that can be chosen, numbers of the grid row by row.
    """
    log_p, n = order_log_p(block, order), drawn.shape[-1]
    top = block.top_label.reshape(len(block.image), -1)[:, order].astype(np.int64)
    is_one_to_one = len(place) == len(log_p)  # each image has one case; then no copy per case is needed
    of_case = log_p if is_one_to_one else log_p[place]
    cued = order_by_value(np.take_along_axis(of_case, label[:, None, None], axis=2)[..., 0], n)
    fixed = {
        "max_softmax": order_by_value(log_p.max(axis=-1), n),
        "outward": np.tile(np.arange(n), (len(log_p), 1)),
        **{name: order_by_value(of_views, n) for name, of_views in values.items()},
    }
    found = {}
    for rule in ACCUMULATIONS:
        paths = {"igub": choose_by_igub(log_p, rule, n), "blind": blind[rule], **fixed}
        evidence = compute_evidence(log_p, rule)
        labels, entropies = follow_paths(evidence, np.stack(list(paths.values()), axis=1), rule)
        for i, (name, path) in enumerate(paths.items()):
            steps = path[:, None], labels[:, i : i + 1], entropies[:, i : i + 1]
            found[name, rule] = _outcomes(name, *steps, top, label, place, order, thresholds)
        steps = drawn, *follow_paths(evidence, drawn, rule)
        found["random", rule] = _outcomes("random", *steps, top, label, place, order, thresholds)
        # The cued path differs between the cases of an image, so that it is followed per case.
        steps = (
            cued[:, None],
            *follow_paths(evidence if is_one_to_one else evidence[place], cued[:, None], rule),
        )
        top_of_case = top if is_one_to_one else top[place]
        cases = np.arange(len(place))
        found["likelihood", rule] = _outcomes(
            "likelihood", *steps, top_of_case, label, cases, order, thresholds
        )
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
    """Score the paths of one choice in a block, and average over the paths of an image if these are drawn at random.

    name: the choice. paths, labels, entropies: (image, path, n), the views, and the best label and the entropy after each.
    top: (image, view), the top labels. Other arguments as for `_scan_block`.
    """
    last = np.take_along_axis(top[:, None], paths, axis=2)
    labels = labels.copy()
    labels[..., 0] = last[..., 0]  # the top label at x₀, which was found before the logits were rounded
    stopped = find_stops(entropies, thresholds)
    truth = label[:, None, None]
    at_stop = np.take_along_axis(labels, stopped, axis=2)[place] == truth
    # Each is (case, path, …), of a small type, since a sample has many cases.
    of_cases = labels[place] == truth, last[place] == truth, (stopped + 1).astype(np.uint8)[place], at_stop
    if name == "random":
        return Outcomes(*(values.mean(axis=1, dtype=np.float32) for values in of_cases), None, None)
    numbers = (order[paths[:, 0]][place], labels[:, 0][place])
    return Outcomes(*(values[:, 0] for values in of_cases), *(values.astype(np.int16) for values in numbers))


def _joined(blocks: Sequence[Outcomes]) -> Outcomes:
    """Join the outcomes of blocks along the cases."""
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

    names: choice → variant and cue. n_views: the number of views that can be chosen. image: (case,), a number of the image
    of each case; None where each image shows one class.

    Returns one row per choice, rule of accumulation, and number of fixations (threshold is NaN) or threshold: method,
    variant, cue, accumulation, threshold; fixations, saccades and passes, which are means if a threshold ends the path;
    accuracy of the accumulated posterior; gain, its difference to x₀; over_outward, its difference to the path outward with
    as many fixations or the same threshold (NaN for "outward" itself); accuracy_last, of the last view alone (NaN with a
    threshold); n_images, and n_cases where images show several classes.
    """
    rows = []
    for (name, rule), found in outcomes.items():
        variant, cue = names[name]
        first = {"method": name, "variant": variant, "cue": cue, "accumulation": rule}
        n_cases, n = found.correct.shape
        counts = {"n_images": count_images(image, n_cases)} | ({} if image is None else {"n_cases": n_cases})
        fixed = [(np.nan, i + 1.0, float(count_passes(name, np.array(i + 1), n_views))) for i in range(n)]
        ends = zip(
            thresholds,
            found.fixations_stopped.mean(axis=0, dtype=float),
            count_passes(name, found.fixations_stopped, n_views).mean(axis=0, dtype=float),
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
    """Make the table of all paths but random ones: one row per choice, rule of accumulation and case, sorted in that order.

    ids, label: (case,), the id of the image and k*.

    Returns image, label, method, accumulation; views, the fixations as numbers of the grid row by row; labels, those of the
    posterior accumulated up to each fixation.
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
    """Read the paths of a network by one rule of accumulation: choice → one row per case, as in `paths_table`.

    images: the id of each case's image, which the paths must have, too. origin: the provenance of the label maps. made_by:
    the settings with which the paths must have been made, as from `Study.scanpath_settings`.

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
