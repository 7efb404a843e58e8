"""Acceptable labels in the form that scores use: whether a label is one of them, and their common probability."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from labelmaps.data.listed import read_labels
from labelmaps.storage.provenance import check_same_images

NONE = -1  # pads the rows of cases that have fewer labels than others

# Columns of score tables: `correct_before` and `correct_after` by acceptable labels.
BEFORE, AFTER = "correct_before_acceptable", "correct_after_acceptable"


@dataclass(frozen=True)
class RightLabels:
    """All labels that are right for each case.

    labels: (case, label), int16, ascending in each row and padded with `NONE` at the end.
    image: the id of each case, if the labels were read from a table, else empty.
    """

    labels: np.ndarray
    image: Sequence[str] = ()

    @classmethod
    def of(cls, labels: Sequence[np.ndarray | None]) -> "RightLabels":
        """Build from one array of ascending labels per case; None or an empty array stands for no label."""
        known = [[] if some is None else some for some in labels]
        rows = np.full((len(known), max(map(len, known), default=0)), NONE, np.int16)
        for row, some in zip(rows, known, strict=True):
            row[: len(some)] = some
        return cls(rows)

    def __getitem__(self, rows: slice) -> "RightLabels":
        """Return the labels of a slice of the cases, without ids."""
        return RightLabels(self.labels[rows])

    @property
    def is_known(self) -> np.ndarray:
        """Whether a case has any right label, (case,); scores by these labels leave out the cases without."""
        return (self.labels != NONE).any(axis=1)

    @property
    def digest(self) -> str:
        """SHA-256 of the labels, as hexadecimal text; tables store it to state with which labels they were made."""
        return hashlib.sha256(f"{self.labels.shape}".encode() + self.labels.tobytes()).hexdigest()

    def contain(self, given: np.ndarray) -> np.ndarray:
        """Return whether the given labels (case, …) are right for their case; boolean of the same shape."""
        right = np.zeros(given.shape, bool)
        # One column after the other: all at once would take as much memory as the longest list for every case.
        for column in self.labels.T:
            right |= given == column.reshape(-1, *(1,) * (given.ndim - 1))
        return right & (given != NONE)

    def log_likelihood(self, log_probability: np.ndarray) -> np.ndarray:
        """Compute log Σ p(k|x_u) over the right labels k, (case, row, column), in nats; −∞ for a case without any.

        log_probability: (case, row, column, label). Labels exclude one another, so the sum is the probability of the set.
        """
        total = np.full(log_probability.shape[:-1], -np.inf, log_probability.dtype)
        for column in self.labels.T:
            has_one = column != NONE
            of_label = np.take_along_axis(
                log_probability[has_one], column[has_one, None, None, None].astype(np.int64), axis=-1
            )
            total[has_one] = np.logaddexp(total[has_one], of_label[..., 0])
        return total

    def find_best(self, log_probability: np.ndarray, top_label: np.ndarray) -> np.ndarray:
        """Find the best of the right labels in one view, (case,); 0 for a case without any.

        log_probability: (case, label). top_label: (case,).

        The order begins with the top label, which was found before log-probabilities were rounded; then come the others by
        log-probability, in a tie the lowest index first.
        """
        place = np.maximum(self.labels, 0).astype(np.int64)
        if place.shape[1] == 0:
            return np.zeros(len(place), np.int64)
        value = np.where(self.labels == NONE, -np.inf, np.take_along_axis(log_probability, place, axis=1))
        # If all values are −∞, argmax takes the first column, which holds a label unless the case has none.
        best = np.take_along_axis(place, value.argmax(axis=1)[:, None], axis=1)[:, 0]
        return np.where(self.contain(top_label), top_label, best)


def read_right_labels(tables: Sequence[Path]) -> RightLabels | None:
    """Read a data set's table of acceptable labels; return None if it has none.

    tables: the path of that table alone, or an empty sequence.

    Raises `InputError` as `read_labels` does.
    """
    if not tables:
        return None
    image, labels = read_labels(tables[0])
    return RightLabels(RightLabels.of(labels).labels, image)


def state_labels(right: RightLabels | None) -> dict[str, str | None]:
    """Return the digest of the acceptable labels as an attribute of a table, for `check_settings`; None without labels."""
    return {"acceptable_sha256": None if right is None else right.digest}


def add_outcomes(scores: pd.DataFrame, right: RightLabels | None, path: str | Path) -> pd.DataFrame:
    """Add the outcomes by acceptable labels to a method's scores, in the columns `BEFORE` and `AFTER`; none without labels.

    scores: as from `labelmaps.scoring.scores.compute_scores`, read from the file `path`, which messages name.
    right: the acceptable labels of its cases, read from a table; None if the data set has none.

    The columns are 0 or 1, and NaN where a case has no acceptable label. The table's `attrs` are kept.
    Raises `InputError` if the labels are those of other images.
    """
    if right is None:
        return scores
    check_same_images(list(right.image), scores["image"].tolist(), path)
    columns = {
        name: np.where(right.is_known, right.contain(scores[predicted].to_numpy()), np.nan)
        for name, predicted in ((BEFORE, "predicted_before"), (AFTER, "predicted_after"))
    }
    return scores.assign(**columns)
