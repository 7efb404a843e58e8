"""Choice of the images that figures show: those that the user chose, and the best examples of each kind."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from labelmaps.data.boxes import object_share
from labelmaps.data.index import labels_where_needed
from labelmaps.errors import InputError
from labelmaps.scoring.scores import HIT, MISS
from labelmaps.storage.files import moved_into_place
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.storage.parquet import read_parquet, write_parquet

# Kind of example → its name in figures.
KINDS = {
    "gain": "largest gain",
    "agreement": "agreement",
    "disagreement": "disagreement",
    "failure": "failure",
}
CHOSEN = "chosen by hand"
SMALL_OBJECT, REST = "small object", "the rest"
MAX_SMALL_SHARE = 0.1  # of the image's area
# Kind → whether an image (a row of `measure_images`) is an example of it.
CONDITIONS = {
    "gain": lambda image: image["gain"] > 0,
    "agreement": lambda image: image["n_agreeing"] > 1,
    "disagreement": lambda image: image["is_divided"],
    "failure": lambda image: image["gain"] < 0,
}
# Kind → the measures by which images are ranked, the most important first → whether a small value is best.
RANKING = {
    "gain": {"gain": False},
    "agreement": {"n_agreeing": False, "spread": True},
    "disagreement": {"is_divided": False, "spread": False},
    "failure": {"gain": True},
}


def describe(example: pd.Series) -> str:
    """Return the caption of an example: its kind, and that no image meets the kind's condition if this is so.

    example: a row of the table from `select_examples`.
    """
    kind = KINDS.get(example["example"], CHOSEN)
    unit = "case" if "label" in example else "image"
    return kind if example["qualifies"] else f"{kind} (no {unit} is one; the nearest)"


def measure_images(
    index: pd.DataFrame,
    label_maps: Iterable[LabelMaps],
    fixations: Sequence[pd.DataFrame],
    scores: Sequence[pd.DataFrame],
) -> pd.DataFrame:
    """Compute, for each image, the measures by which examples of the methods in a figure are chosen.

    index: the index of the data set.
    label_maps: the label maps of all images in the order of the index, block by block.
    fixations, scores: for each method a table with one row per image, as from `find_fixations` and `compute_scores`.

    Returns one row per row of the index: image, and label where images show several classes; has_box; p_before, the
    probability of k* at x₀; p_after, its mean over the methods' fixations; gain, the difference of the two; n_correct, the
    number of methods that are right after the saccade; is_divided, whether some are right and some wrong; n_hit, the number
    that hit a box; n_agreeing, the number that leave x₀, are right after the saccade and do not miss the boxes; spread, the
    mean distance between the points of two methods, in units of the image's diagonal.
    """
    before, after, has_moved = _read_probabilities(index["label"].to_numpy(), label_maps, fixations)
    correct = np.array([table["correct_after"] for table in scores], bool)
    pointing = np.array([table["pointing"] for table in scores], object)
    point = np.array([table[["x", "y"]] for table in fixations], float)
    distances = [np.hypot(*(a - b).T) for a, b in combinations(point, 2)] or [np.zeros(len(index))]
    return pd.DataFrame(
        {
            "image": index["image"].to_numpy(),
            **labels_where_needed(index),
            "has_box": index["boxes"].map(len).to_numpy() > 0,
            "p_before": before,
            "p_after": after.mean(axis=0),
            "gain": after.mean(axis=0) - before,
            "n_correct": correct.sum(axis=0),
            "is_divided": correct.any(axis=0) & ~correct.all(axis=0),
            "n_hit": (pointing == HIT).sum(axis=0),
            # An image without a box has nothing to miss.
            "n_agreeing": (has_moved & correct & (pointing != MISS)).sum(axis=0),
            "spread": np.mean(distances, axis=0) / np.hypot(index["width"], index["height"]).to_numpy(),
        }
    )


def _read_probabilities(
    label: np.ndarray, label_maps: Iterable[LabelMaps], fixations: Sequence[pd.DataFrame]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the probability of k* before and after the saccade of each method.

    label: (image,), k*. Other arguments as for `measure_images`.

    Returns the probability at x₀, (image,); at the fixations, (method, image); and whether these differ from x₀,
    (method, image).
    """
    row, column = (np.array([table[name] for table in fixations]) for name in ("row", "column"))
    before, after, has_moved = [], [], []
    start = 0
    for block in label_maps:
        image = np.arange(len(block.image))
        start, block_rows = start + len(image), slice(start, start + len(image))
        p = np.exp(
            block.log_probability[image, :, :, label[block_rows]].astype(float)
        )  # (image, row, column)
        before.append(p[:, *block.initial])
        after.append(p[image, row[:, block_rows], column[:, block_rows]])
        has_moved.append(
            (row[:, block_rows] != block.initial[0]) | (column[:, block_rows] != block.initial[1])
        )
    return np.concatenate(before), np.concatenate(after, axis=1), np.concatenate(has_moved, axis=1)


def rank_images(measures: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Sort images as examples of a kind, the best first: images with a box before those without; in a tie, the lowest index.

    measures: as from `measure_images`. kind: a key of `RANKING`.
    """
    measure = RANKING[kind]
    return measures.sort_values(["has_box", *measure], ascending=[False, *measure.values()])


def select_examples(
    measures: pd.DataFrame, chosen: Mapping[str, str], cases: Sequence[str] = ()
) -> pd.DataFrame:
    """Choose the images to show: those that the user chose, then the first image in the ranking of each kind.

    measures: as from `measure_images`, of at least one image.
    chosen: name of the example → image id, the user's choice.
    cases: as for `find_positions`.

    In each ranking, images with a box come first; in a tie, the lowest index. No image is shown twice if there are enough.

    Returns one row per example: example, its name or kind; the columns of `measures` without has_box; qualifies, which is
    False if not even the first image of the ranking meets the condition of the kind.
    Raises `InputError` if the data set has no image with a chosen id.
    """
    examples = find_positions(measures["image"], chosen, cases)
    for kind in RANKING:
        order = rank_images(measures, kind).index
        previous = set(examples.values())
        examples[kind] = next((i for i in order if i not in previous), order[0])
    table = measures.iloc[list(examples.values())].drop(columns="has_box")
    table.insert(0, "example", list(examples))
    qualifies = {kind: bool(CONDITIONS[kind](measures.iloc[examples[kind]])) for kind in RANKING}
    table["qualifies"] = [qualifies.get(example, True) for example in examples]
    return table.reset_index(drop=True)


def choose_telling(
    index: pd.DataFrame,
    measures: Mapping[str, pd.DataFrame],
    chosen: Mapping[str, str],
    images: int,
    cases: Sequence[str] = (),
) -> pd.DataFrame:
    """Choose some dozens of images to browse: those that the user chose, then in turn the next of each kind and network.

    index: the index of the data set.
    measures: network → its table, as from `measure_images`.
    chosen: name of the example → image id, the user's choice.
    images: the number of images. All are taken if there are no more; the chosen ones are taken even if they are more.
    cases: as for `find_positions`.

    The kinds are those of `select_examples`, and objects that cover less than a tenth of the image. An image has the kind
    for which it was taken first. If too few images are of any kind, the rest are taken in the order of the index.

    Returns one row per image (per case, with its label, where images show several classes), sorted by kind: image, label,
    kind as figures name it, and network, empty for a kind that does not depend on it.
    Raises `InputError` if the data set has no image with a chosen id.
    """
    kind_of_image = dict.fromkeys(find_positions(index["image"], chosen, cases).values(), (CHOSEN, ""))
    share = pd.Series(object_share(index["boxes"], index["width"], index["height"]))
    rankings = {
        (KINDS[kind], network): rank_images(table, kind).loc[CONDITIONS[kind]].index
        for kind in RANKING
        for network, table in measures.items()
    }
    rankings[SMALL_OBJECT, ""] = share[share < MAX_SMALL_SHARE].sort_values(kind="stable").index
    rankings[REST, ""] = index.index  # used only when all others are exhausted
    queues = {kind: iter(ranking) for kind, ranking in rankings.items()}
    while queues and len(kind_of_image) < images:
        for kind in [kind for kind in queues if kind[0] != REST] or list(queues):
            image = next((i for i in queues[kind] if i not in kind_of_image), None)
            if image is None:
                del queues[kind]
            elif len(kind_of_image) < images:
                kind_of_image[image] = kind
    of_cases = index[["image", *labels_where_needed(index)]]
    rows = [(*of_cases.iloc[i], *kind) for i, kind in kind_of_image.items()]
    order = [CHOSEN, *KINDS.values(), SMALL_OBJECT, REST]
    table = pd.DataFrame(rows, columns=[*of_cases, "kind", "network"])
    return table.sort_values(
        "kind", key=lambda kinds: kinds.map(order.index), kind="stable", ignore_index=True
    )


def find_positions(
    images: Iterable[str], chosen: Mapping[str, str], cases: Sequence[str] = ()
) -> dict[str, int]:
    """Find the positions of the images that the user chose among all ids: name of the example → position, from 0.

    images: the id of each row. chosen: name of the example → image id, or name of a case. cases: the names of the same rows,
    as from `name_cases`, by which one class of an image can be chosen; the image's id alone chooses its first class.

    Raises `InputError` if an id is missing.
    """
    position: dict[str, int] = {}
    for names in (images, cases):
        for i, name in enumerate(names):
            position.setdefault(name, i)
    for example, image in chosen.items():
        if image not in position:
            raise InputError(
                f"examples: {example}: the data set has no image '{image}'. The ids are listed in the column `image` of its "
                "index.parquet, and the images left out, with the reason, in excluded.csv beside it"
            )
    return {example: position[image] for example, image in chosen.items()}


def write_examples(paths: Sequence[Path], examples: pd.DataFrame) -> None:
    """Write the table of `select_examples` as CSV and as Parquet, with six decimals per number.

    paths: the CSV file, for people, and the Parquet file, which also keeps the table's `attrs` and which `read_examples`
    reads.
    """
    for_people, sealed = paths
    rounded = examples.round(6)
    rounded.attrs = examples.attrs
    with moved_into_place(for_people) as temporary:
        # Texts are quoted since an id, as the name of a file, may contain any kind of line end.
        rounded.to_csv(
            temporary, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC, encoding="utf-8"
        )
    write_parquet(sealed, rounded)


def read_examples(path: str | Path) -> pd.DataFrame:
    """Read the Parquet file that `write_examples` wrote; raise `InputError` if it is missing or damaged."""
    return read_parquet(path)
