"""The check of all boxes of a data set together: whether their numbers are what the format states, and of these images.

A single box shows little: a box of fractions is a tiny box of pixels, and that of a smaller copy is one in the upper left.
All boxes together show much. The limits below were set on 400 validation images of ImageNet. Hundreds of random samples of 1
to 400 of them pass. Nearly every sample of 30 is refused after any of these changes: boxes as fractions, as percent, as
x y width height, with y before x, of copies of 224 pixels, or of copies smaller or larger by a factor of 1.25 or more (at
1.1 it takes a hundred images).
"""

from typing import NamedTuple

import numpy as np

from labelmaps.data.annotations import BOX_FORMATS, Box
from labelmaps.data.boxes import Boxes
from labelmaps.errors import InputError

# The share of images with impossible boxes from which on the format is suspected, not single images. ImageNet: 0. Boxes
# x y width height, read as corners: 0.33; boxes of copies twice as large: 0.7 to 1.
SUSPICIOUS_SHARE = 0.1
SUSPICIOUS_IMAGES = 3  # fewer images with impossible boxes may be mistakes

# A box of fractions lies within the first pixel, where no object is; the limit allows for fractions that were rounded up.
FIRST_PIXEL = 1.01

# The number of images from which on boxes that all lie in the upper left are suspicious: by chance 10 of 10 would do so in
# one of a million data sets.
TELLING_IMAGES = 10
# An image counts for or against the upper left if the centre of a box is further from its own than this share of its sides
# plus a pixel. Boxes that fill their images, to the last pixel or the one before it, do neither.
CENTRED = 0.02
AGAINST_PER_IMAGE_FOR = 0.1  # ImageNet: 9 or more against for each one for
# Room at the right and below that at most this share of the images uses …
REACHING = 0.05
LEAST_ROOM = 0.05  # … as a share of the image's sides; ImageNet: 0.003
# … and that this share has left, or more, at the left and above. ImageNet: 0.2, where the room is a pixel.
AS_NEAR = 0.2


class ImageBoxes(NamedTuple):
    """The boxes of an image, x0, y0, x1, y1 in pixels, whether possible or not, and the size of the image in pixels."""

    image: str
    boxes: list[Box]
    width: int
    height: int


def is_within_first_pixel(box: Box, width: int, height: int, box_format: str = "corners") -> bool:
    """Return whether a box must be one of fractions: all its numbers, by `box_format`, are at most about 1.

    False if `box_format` is one of fractions, or if a side of the image has at most 2 pixels.
    """
    x0, y0, x1, y1 = box
    numbers = [x0, y0, x1 - x0, y1 - y0] if box_format == "size" else box
    return "fractions" not in box_format and max(numbers) <= FIRST_PIXEL and min(width, height) > 2


@np.errstate(over="ignore")  # for absurd numbers, which are outside the image anyway
def check_plausible(found: list[ImageBoxes], box_format: str) -> None:
    """Raise `InputError`, which names the suspected cause, if the boxes of a data set cannot have the format that is given.

    found: the images that have boxes. box_format: one of `BOX_FORMATS`, by which the boxes were read.

    The following are suspicious: boxes within the first pixel, boxes without area, or boxes outside the image, in a tenth of
    the images (`SUSPICIOUS_SHARE`); and boxes that all lie in the upper left (`_find_in_upper_left`).
    """
    found = [item for item in found if item.boxes]
    if not found:
        return
    boxes = Boxes(
        np.array([box for item in found for box in item.boxes]), np.array([len(item.boxes) for item in found])
    )
    corners, sizes = boxes.corners, np.array([(item.width, item.height) for item in found], float)
    of_box = np.repeat(sizes, boxes.count, axis=0)
    fractions = [
        is_within_first_pixel(box, item.width, item.height, box_format)
        for item in found
        for box in item.boxes
    ]
    in_first = _any_of_each(np.array(fractions), boxes)
    reversed_corners = _any_of_each((corners[:, :2] >= corners[:, 2:]).any(axis=1), boxes)
    outside = _any_of_each((corners < 0).any(axis=1) | (corners[:, 2:] > of_box).any(axis=1), boxes)
    if _is_suspicious(in_first, least=1):
        _refuse(found, in_first, box_format, "within the image's first pixel", "fractions of the image")
    if _is_suspicious(reversed_corners):
        other = "x y width height" if box_format.startswith("corner") else "x0 y0 x1 y1, or negative"
        _refuse(found, reversed_corners, box_format, "without area or with corners reversed", other)
    if _is_suspicious(outside):
        _refuse(found, outside, box_format, "outside the image", _suspect_outside(box_format))
    in_upper_left = _find_in_upper_left(boxes, sizes)
    if in_upper_left.any():
        other = _suspect_upper_left(boxes, sizes, box_format)
        _refuse(found, in_upper_left, box_format, "in the upper left, and few or none elsewhere", other)


def _any_of_each(flags: np.ndarray | np.bool, boxes: Boxes) -> np.ndarray:
    """Return for each image whether any of its boxes is flagged, (image,); flags: (box,). Each image must have a box."""
    return np.logical_or.reduceat(flags, boxes.start)


def _is_suspicious(flags: np.ndarray, least: int = SUSPICIOUS_IMAGES) -> bool:
    """Return whether so many images are flagged that they probably have a common cause.

    flags: (image,). least: the number of images that must be flagged in any case.
    """
    return flags.sum() >= max(least, SUSPICIOUS_SHARE * len(flags))


def _find_in_upper_left(boxes: Boxes, sizes: np.ndarray) -> np.ndarray:
    """Find the images that have boxes in the upper left, unless boxes also lie elsewhere.

    boxes: in pixels, at least one for each image. sizes: (image, 2), width and height.

    The boxes lie there if at least `TELLING_IMAGES` images have boxes whose centres lie left of and above the image's
    centre, and nearly none has a box with its centre to the right or below; or if they leave room to the right and below,
    in nearly all images, and come as near to the left and upper border in many.

    Returns a flag for each image; all are False if boxes also lie elsewhere, as those of photographs do.
    """
    corners = boxes.corners
    offset = (corners[:, :2] + corners[:, 2:] - np.repeat(sizes, boxes.count, axis=0)) / 2
    clear = np.repeat(CENTRED * sizes + 1, boxes.count, axis=0)
    is_against = _any_of_each((offset > clear).any(axis=1), boxes)
    in_favour = ~is_against & _any_of_each((offset < -clear).all(axis=1), boxes)
    if in_favour.sum() >= TELLING_IMAGES and is_against.sum() <= AGAINST_PER_IMAGE_FOR * in_favour.sum():
        return in_favour
    before = np.minimum.reduceat(corners[:, :2], boxes.start) / sizes
    beyond = 1 - np.maximum.reduceat(corners[:, 2:], boxes.start) / sizes
    room = np.quantile(beyond, REACHING, axis=0)
    as_near = (before + CENTRED + 1 / sizes < room).sum(axis=0)
    enough = max(TELLING_IMAGES, AS_NEAR * len(sizes))
    is_clear = (room >= LEAST_ROOM).all() and (as_near >= enough).all()
    return is_clear & (beyond >= room).all(axis=1)


def _suspect_outside(box_format: str) -> str:
    """Return the probable meaning of boxes that lie outside the images, as text."""
    if "fractions" in box_format:
        return "pixels, percent, or the centre of each box (convert that to its corners)"
    others = "x0 y0 x1 y1" if box_format == "size" else "y before x"
    return f"those of larger copies of the images (give the boxes of these files), {others}, or the centre of each box"


def _suspect_upper_left(boxes: Boxes, sizes: np.ndarray, box_format: str) -> str:
    """Return the probable meaning of boxes in the upper left, as text; arguments as for `_find_in_upper_left`."""
    corners = boxes.corners
    largest = corners.max()
    copies = f"those of smaller copies of the images (none reaches beyond {largest:g})"
    if "fractions" in box_format:
        return "those of other images, or fractions of something else"
    if largest <= 100:
        return f"percent, or {copies}"
    if box_format == "corners":
        as_size = Boxes(np.hstack([corners[:, :2], corners[:, :2] + corners[:, 2:]]), boxes.count)
        fit = (as_size.corners[:, 2:] <= np.repeat(sizes, boxes.count, axis=0) + 1).all()
        if fit and not _find_in_upper_left(as_size, sizes).any():
            return "x y width height"
    return f"{copies}; give them in the pixels of these files"


def _refuse(found: list[ImageBoxes], flags: np.ndarray, box_format: str, what: str, suspicion: str) -> None:
    """Raise the `InputError` about the flagged images.

    found: all images with boxes. flags: (image,). what: what is wrong with their boxes, and suspicion: the probable cause,
    for the message.
    """
    flagged = [item for item, is_flagged in zip(found, flags, strict=True) if is_flagged]
    first = "; ".join(
        f"{item.image}: {' '.join(f'{value:g}' for value in item.boxes[0])} in {item.width} x {item.height}"
        for item in flagged[:3]
    )
    formats = ", ".join(f"{name} ({meaning})" for name, meaning in BOX_FORMATS.items())
    raise InputError(
        f"the boxes are hardly {BOX_FORMATS[box_format]} (box_format {box_format}): of {len(found)} images with boxes "
        f"{len(flagged)} have boxes {what}, first {first}. Suspected: {suspicion}. Set the data set's box_format to what "
        f"they are: {formats}; correct them; or, if they are right, set check_boxes: false"
    )
