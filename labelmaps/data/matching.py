"""The check that a file with data about images belongs to these images: that enough of its entries are found among them."""

import logging
from pathlib import Path

from labelmaps.errors import InputError

logger = logging.getLogger(__name__)


def check_matched(
    images: set[str], annotated: set[str], min_matched: float, source: str | Path, kind: str
) -> None:
    """Raise `InputError` if too few images have an entry in a source; log how many entries belong to no image.

    images: the ids of the images that are present. annotated: the ids that have an entry in the source. min_matched: the
    smallest fraction that must match. source: the file, and kind: what its entries hold, such as "boxes"; both for messages.

    The fraction is that of the images, or of the entries if these are fewer: both a part of the images with the boxes of
    all, and boxes for a part of the images, are accepted.
    """
    matched, fewer = len(annotated & images), min(len(annotated), len(images))
    if unmatched := len(annotated) - matched:
        logger.info("%d entries of %s belong to no image that is present", unmatched, source)
    if matched < len(images):
        logger.warning("%d of %d images have no entry in %s", len(images) - matched, len(images), source)
    if matched < min_matched * fewer:
        raise InputError(
            f"{matched} of {len(images)} images find their {kind} among the {len(annotated)} of {source}, where min_matched "
            f"requires {min_matched:.1%} of {fewer}. Images without {kind}: {_first(images - annotated)}; {kind} without "
            f"image: {_first(annotated - images)}. Give the {kind} of these images, or files of the same names; or, "
            f"if so few have {kind}, lower min_matched"
        )


def _first(names: set[str]) -> str:
    """Return the first three names, quoted."""
    return ", ".join(map(repr, sorted(names)[:3])) or "none"
