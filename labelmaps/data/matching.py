"""The check that a file about images is about these images: that enough of its entries find theirs."""

import logging
from pathlib import Path

from labelmaps.errors import InputError

logger = logging.getLogger(__name__)


def check_matched(
    images: set[str], annotated: set[str], min_matched: float, source: str | Path, kind: str
) -> None:
    """Raise `InputError` if too few images find their boxes, or the like; log how many entries belong to no image.

    images: the ids of those that are present. annotated: the ids that have an entry in the source. kind: what it holds.

    The share is that of the images, or of the annotated images where these are fewer: both a part of the images with boxes
    of all, and boxes of a part of the images, are in order.
    """
    matched, fewer = len(annotated & images), min(len(annotated), len(images))
    if unmatched := len(annotated) - matched:
        logger.info("%d entries of %s belong to no image that is present", unmatched, source)
    if matched < len(images):
        logger.warning("%d of %d images have no entry in %s", len(images) - matched, len(images), source)
    if matched < min_matched * fewer:
        raise InputError(
            f"{matched} of {len(images)} images find their {kind} among the {len(annotated)} of {source}, where min_matched "
            f"asks for {min_matched:.1%} of {fewer}. Images without {kind}: {_first(images - annotated)}; {kind} without "
            f"image: {_first(annotated - images)}. Give the {kind} of these images, or files of the same names; or, "
            f"if so few have {kind}, lower min_matched"
        )


def _first(names: set[str]) -> str:
    """Quote the first three names."""
    return ", ".join(map(repr, sorted(names)[:3])) or "none"
