"""The counts of a data set as a line of text, by which a user checks it before a network runs."""

from collections import Counter

import numpy as np
import pandas as pd

from labelmaps.data.boxes import object_share
from labelmaps.data.index import has_several_classes

MOST_KINDS = 5  # kinds of reasons for which images are excluded that are listed


def describe_contents(index: pd.DataFrame, n_classes: int, excluded: pd.DataFrame) -> list[str]:
    """Describe a data set by its counts: images, classes, boxes, their area, images without a box, and excluded images.

    index: that of the data set. n_classes: the number of classes in the classes file. excluded: the images that the index
    leaves out, with the reasons.

    If images show several classes, cases (an image and a class each) are counted instead of images.

    Returns one phrase per count that is not trivial.
    """
    cases, boxes = len(index), index["boxes"].map(len)
    each, without = index["label"].value_counts(), int((boxes == 0).sum())
    is_of_cases = has_several_classes(index)
    unit = "case" if is_of_cases else "image"
    phrases = [
        count_images(index),
        f"{len(each):,} of {_plural(n_classes, 'class', 'classes')} ({_range(each.min(), each.max())} of each)",
    ]
    if without < cases:
        share = np.nanmean(object_share(index["boxes"], index["width"], index["height"]))
        boxed = cases - without
        phrases.append(
            f"{_plural(int(boxes.sum()), 'box', 'boxes')}, {boxes.sum() / boxed:.1f} per {unit} with any, "
            f"which cover {100 * share:.1f} % of {'its image' if is_of_cases else 'it'}"
        )
    if without:
        phrases.append("no boxes" if without == cases else f"{_plural(without, unit)} without a box")
    kinds = count_reasons(excluded["reason"]).most_common()
    if kinds:
        named = [f"{count:,} × {kind}" for kind, count in kinds[:MOST_KINDS]]
        more = [f"{len(kinds) - MOST_KINDS} more reasons"] if len(kinds) > MOST_KINDS else []
        phrases.append(f"{len(excluded):,} left out: {', '.join(named + more)}")
    return phrases


def count_images(index: pd.DataFrame) -> str:
    """Return the number of images of an index as text, with the number of cases if images show several classes."""
    images = _plural(index["image"].nunique(), "image")
    return (
        f"{len(index):,} cases (an image and a class) of {images}" if has_several_classes(index) else images
    )


def count_reasons(reasons: pd.Series) -> Counter[str]:
    """Count the reasons for which images are excluded by their kind, the text before the colon."""
    return Counter(reason.partition(":")[0] for reason in reasons)


def _plural(count: int, one: str, several: str | None = None) -> str:
    """Return a count with its noun, in the singular or the plural."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _range(low: int, high: int) -> str:
    """Return the range of some numbers as text: one number, or the smallest and the largest."""
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
