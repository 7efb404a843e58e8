"""Which images to show: the most telling ones, and those that the user chose."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from labelmaps.errors import InputError
from labelmaps.scoring.pointing import object_share
from labelmaps.scoring.scores import HIT, MISS
from labelmaps.storage.files import moved_into_place
from labelmaps.storage.label_map_file import LabelMaps

# Kind of example → what figures say of it.
KINDS = {
    "gain": "largest gain",
    "agreement": "agreement",
    "disagreement": "disagreement",
    "failure": "failure",
}
CHOSEN = "chosen by hand"
SMALL, REST = "small object", "the rest"
SMALL_OBJECT = 0.1  # of the image's area
# Kind → what makes an image one of its kind.
CONDITIONS = {
    "gain": lambda image: image["gain"] > 0,
    "agreement": lambda image: image["n_agreeing"] > 1,
    "disagreement": lambda image: image["is_divided"],
    "failure": lambda image: image["gain"] < 0,
}
# Kind → the measures that rank the images, most important first, and whether a small value is best.
RANKING = {
    "gain": {"gain": False},
    "agreement": {"n_agreeing": False, "spread": True},
    "disagreement": {"is_divided": False, "spread": False},
    "failure": {"gain": True},
}


def describe(example: pd.Series) -> str:
    """What a row of `choose_examples` is an example of, in the words of the figures."""
    kind = KINDS.get(example["example"], CHOSEN)
    return kind if example["qualifies"] else f"{kind} (no image is one; the nearest)"


def measure_images(
    index: pd.DataFrame,
    label_maps: Iterable[LabelMaps],
    fixations: Sequence[pd.DataFrame],
    scores: Sequence[pd.DataFrame],
) -> pd.DataFrame:
    """What makes an image telling, over the methods to be shown.

    index: the data set's images. label_maps: theirs, block by block. fixations, scores: for each method the table with one
    row per image, as from `select_fixations` and `score_fixations`.

    Returns one row per image: image; has_box; p_before, the label's probability at x₀, p_after, its mean over the methods'
    fixations, and gain, the difference; n_correct, the number of methods that are right after the saccade, and is_divided,
    whether some are and some are not; n_hit; n_agreeing, the number whose eye left x₀, is right there and did not miss the
    boxes; spread, the mean distance between two methods' points, in units of the image's diagonal.
    """
    before, after, moved = _follow(index["label"].to_numpy(), label_maps, fixations)
    correct = np.array([table["correct_after"] for table in scores], bool)
    pointing = np.array([table["pointing"] for table in scores], object)
    point = np.array([table[["x", "y"]] for table in fixations], float)
    distances = [np.hypot(*(a - b).T) for a, b in combinations(point, 2)] or [np.zeros(len(index))]
    return pd.DataFrame(
        {
            "image": index["image"].to_numpy(),
            "has_box": index["boxes"].map(len).to_numpy() > 0,
            "p_before": before,
            "p_after": after.mean(axis=0),
            "gain": after.mean(axis=0) - before,
            "n_correct": correct.sum(axis=0),
            "is_divided": correct.any(axis=0) & ~correct.all(axis=0),
            "n_hit": (pointing == HIT).sum(axis=0),
            # Without a box there is nothing to miss.
            "n_agreeing": (moved & correct & (pointing != MISS)).sum(axis=0),
            "spread": np.mean(distances, axis=0) / np.hypot(index["width"], index["height"]).to_numpy(),
        }
    )


def _follow(
    label: np.ndarray, label_maps: Iterable[LabelMaps], fixations: Sequence[pd.DataFrame]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each image's label's probability at x₀ (image,) and at the fixations (method, image); where the eye left x₀, too."""
    row, column = (np.array([table[name] for table in fixations]) for name in ("row", "column"))
    before, after, moved = [], [], []
    start = 0
    for block in label_maps:
        image = np.arange(len(block.image))
        start, these = start + len(image), slice(start, start + len(image))
        p = np.exp(block.log_probability[image, :, :, label[these]].astype(float))  # (image, row, column)
        before.append(p[:, *block.initial])
        after.append(p[image, row[:, these], column[:, these]])
        moved.append((row[:, these] != block.initial[0]) | (column[:, these] != block.initial[1]))
    return np.concatenate(before), np.concatenate(after, axis=1), np.concatenate(moved, axis=1)


def ranked(measures: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The images, most telling of a kind first; those with a box before those without, in a tie the lowest index first."""
    measure = RANKING[kind]
    return measures.sort_values(["has_box", *measure], ascending=[False, *measure.values()])


def choose_examples(measures: pd.DataFrame, chosen: Mapping[str, str]) -> pd.DataFrame:
    """The images to show: first those that the user chose (example → image), then the first of each kind's ranking.

    measures: as from `measure_images`, any number of images but none. Images with a box come first in every ranking; in a
    tie, the lowest index. An image is shown once where there are enough images.

    Returns one row per example: example, the columns of `measures` without has_box, and qualifies: False where not even the
    first of the ranking is what the kind says. Raises `InputError` for a chosen image that is not there.
    """
    examples = positions(measures["image"], chosen)
    for kind in RANKING:
        order = ranked(measures, kind).index
        shown = set(examples.values())
        examples[kind] = next((i for i in order if i not in shown), order[0])
    table = measures.iloc[list(examples.values())].drop(columns="has_box")
    table.insert(0, "example", list(examples))
    is_one = {kind: bool(CONDITIONS[kind](measures.iloc[examples[kind]])) for kind in RANKING}
    table["qualifies"] = [is_one.get(example, True) for example in examples]
    return table.reset_index(drop=True)


def choose_telling(
    index: pd.DataFrame, measures: Mapping[str, pd.DataFrame], chosen: Mapping[str, str], images: int
) -> pd.DataFrame:
    """Some dozens of images to browse: those that the user chose, then in turn the next of each kind and network.

    index: the data set's images. measures: network → its table, as from `measure_images`. chosen: as in `choose_examples`.
    images: how many; all where there are no more, and all that were chosen in any case.

    The kinds are those of `choose_examples`, and small objects, under a tenth of the image. An image stands for the first
    kind that it was taken for; where too few are of any kind, the rest come in the order of the index.

    Returns one row per image, kind by kind: image, kind, in the words of the figures, and network (empty for kinds without).
    Raises `InputError` for a chosen image that is not there.
    """
    taken = dict.fromkeys(positions(index["image"], chosen).values(), (CHOSEN, ""))
    share = pd.Series(object_share(index["boxes"], index["width"], index["height"]))
    rankings = {
        (KINDS[kind], network): ranked(table, kind).loc[CONDITIONS[kind]].index
        for kind in RANKING
        for network, table in measures.items()
    }
    rankings[SMALL, ""] = share[share < SMALL_OBJECT].sort_values(kind="stable").index
    rankings[REST, ""] = index.index  # asked last of all
    queues = {kind: iter(ranking) for kind, ranking in rankings.items()}
    while queues and len(taken) < images:
        for kind in [kind for kind in queues if kind[0] != REST] or list(queues):
            image = next((i for i in queues[kind] if i not in taken), None)
            if image is None:
                del queues[kind]
            elif len(taken) < images:
                taken[image] = kind
    rows = [(index["image"].iloc[i], *kind) for i, kind in taken.items()]
    order = [CHOSEN, *KINDS.values(), SMALL, REST]
    table = pd.DataFrame(rows, columns=["image", "kind", "network"])
    return table.sort_values(
        "kind", key=lambda kinds: kinds.map(order.index), kind="stable", ignore_index=True
    )


def positions(images: Iterable[str], chosen: Mapping[str, str]) -> dict[str, int]:
    """Where the images that the user chose (example → image) stand among all; `InputError` for one that is not there."""
    position = {image: i for i, image in enumerate(images)}
    for example, image in chosen.items():
        if image not in position:
            raise InputError(
                f"examples: {example}: the data set has no image '{image}'. The ids are listed in the column `image` of its "
                "index.parquet, and the images left out, with the reason, in excluded.csv beside it"
            )
    return {example: position[image] for example, image in chosen.items()}


def write_examples(path: str | Path, examples: pd.DataFrame) -> None:
    """Write the table of `choose_examples` as CSV, numbers to six decimals."""
    with moved_into_place(path) as temporary:
        # Texts are quoted: a file's name, and so an id, may hold any kind of line end.
        examples.round(6).to_csv(temporary, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)


def read_examples(path: str | Path) -> pd.DataFrame:
    """Read what `write_examples` wrote; raise `InputError` if the file is none."""
    try:
        examples = pd.read_csv(path, dtype={"example": str, "image": str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read the examples {path}: {error}; run rule choose_examples again"
        ) from error
    if list(examples.columns[:2]) != ["example", "image"]:
        raise InputError(f"{path} is no table of examples; run rule choose_examples again")
    return examples
