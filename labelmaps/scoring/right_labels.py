"""Acceptable labels as scores use them: whether what a network says is one of them, and how probable they are together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from labelmaps.data.listed import read_labels
from labelmaps.storage.provenance import check_same_images

NONE = -1  # fills the rows of cases that have fewer labels than others

# Columns of tables of scores that follow from acceptable labels, beside `correct_before` and `correct_after`.
BEFORE, AFTER = "correct_before_acceptable", "correct_after_acceptable"


@dataclass(frozen=True)
class RightLabels:
    """All labels that are right of each case.

    labels: (case, label), ascending in each row, int16; `NONE` behind the labels of cases that have fewer than others.
    image: the id of each case, where they were read from a table.
    """

    labels: np.ndarray
    image: Sequence[str] = ()

    @classmethod
    def of(cls, labels: Sequence[np.ndarray | None]) -> "RightLabels":
        """Make them of one array of labels per case, ascending; None, too, stands for no label."""
        known = [[] if some is None else some for some in labels]
        rows = np.full((len(known), max(map(len, known), default=0)), NONE, np.int16)
        for row, some in zip(rows, known, strict=True):
            row[: len(some)] = some
        return cls(rows)

    def __getitem__(self, rows: slice) -> "RightLabels":
        """Return those of some cases."""
        return RightLabels(self.labels[rows])

    @property
    def is_known(self) -> np.ndarray:
        """Whether a case has any right label, (case,); those without are left out wherever these labels judge."""
        return (self.labels != NONE).any(axis=1)

    @property
    def digest(self) -> str:
        """SHA-256 of the labels, by which tables say with which they were made."""
        return hashlib.sha256(f"{self.labels.shape}".encode() + self.labels.tobytes()).hexdigest()

    def contain(self, said: np.ndarray) -> np.ndarray:
        """Tell whether labels are right of their case, boolean of the shape of `said`, (case, …)."""
        right = np.zeros(said.shape, bool)
        for (
            column
        ) in self.labels.T:  # one after the other: all at once would take memory for the longest list
            right |= said == column.reshape(-1, *(1,) * (said.ndim - 1))
        return right & (said != NONE)

    def log_likelihood(self, log_probability: np.ndarray) -> np.ndarray:
        """Compute log Σ p(k|x_u) over the right labels of each view, (case, row, column); −∞ of a case without any.

        log_probability: (case, row, column, label). The labels exclude one another, so the sum is the probability that the
        network gives the set.
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
        """Find the right label that comes first in a view, (case,); 0 for a case without any.

        log_probability: (case, label). top_label: (case,), which comes first of all, since it is known before rounding; then
        by probability, in a tie the lowest index.
        """
        place = np.maximum(self.labels, 0).astype(np.int64)
        if place.shape[1] == 0:
            return np.zeros(len(place), np.int64)
        value = np.where(self.labels == NONE, -np.inf, np.take_along_axis(log_probability, place, axis=1))
        # Of values that are all −∞, the first column, which holds a label wherever there is one.
        best = np.take_along_axis(place, value.argmax(axis=1)[:, None], axis=1)[:, 0]
        return np.where(self.contain(top_label), top_label, best)


def read_right_labels(tables: Sequence[Path]) -> RightLabels | None:
    """Read the table of a data set's acceptable labels; return None where it has none; raise `InputError` as `read_labels`.

    tables: that table alone, or no table.
    """
    if not tables:
        return None
    image, labels = read_labels(tables[0])
    return RightLabels(RightLabels.of(labels).labels, image)


def state_labels(right: RightLabels | None) -> dict[str, str | None]:
    """State with which acceptable labels something was made, for `check_settings`: by their digest; None without any."""
    return {"acceptable_sha256": None if right is None else right.digest}


def add_outcomes(scores: pd.DataFrame, right: RightLabels | None, path: str | Path) -> pd.DataFrame:
    """Add to a method's scores what the acceptable labels say, in the columns `BEFORE` and `AFTER`; nothing without labels.

    scores: as from `labelmaps.scoring.scores.compute_scores`, read from `path`. right: of its cases, from a table.

    The columns are 0 or 1, and NaN where a case has no acceptable label. The table's `attrs` stay.
    Raises `InputError` if the labels are of other images.
    """
    if right is None:
        return scores
    check_same_images(list(right.image), scores["image"].tolist(), path)
    columns = {
        name: np.where(right.is_known, right.contain(scores[said].to_numpy()), np.nan)
        for name, said in ((BEFORE, "predicted_before"), (AFTER, "predicted_after"))
    }
    return scores.assign(**columns)
