"""The images that a caller of `labelmaps.look` gives, as pixels."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from labelmaps.data.images import LONGEST_SIDE, decode_image, image_id, is_to_be_turned, open_image, to_rgb
from labelmaps.errors import InputError

ACCEPTED = "a path, a PIL image, or an array (y, x, RGB) of uint8"
CHANNELS = (1, 3, 4)  # of an array: grey, RGB, RGB and alpha
STACK = 4  # axes of several images in one array


class GivenImage(NamedTuple):
    """An image with its name.

    pixels: as stored, (y, x, RGB) uint8. is_turned: whether EXIF says that it is to be shown turned or mirrored.
    """

    name: str
    pixels: np.ndarray
    is_turned: bool = False


def read_images(image: object) -> tuple[list[GivenImage], bool]:
    """Read the images that a caller gives, and whether there are several, as a list.

    image: a path, a PIL image, an array, or a list of such. Raises `InputError` for anything else, and for an array that
    may be meant in several ways.
    """
    if isinstance(image, np.ndarray) and image.ndim == STACK:
        raise InputError(
            f"image: an array of shape {image.shape}: give several images as a list, list(images)"
        )
    if isinstance(image, Iterator):
        raise InputError("image: an iterator, which can be read once; give several images as a list")
    if not isinstance(image, list | tuple):
        return [_read(image, "image", "image")], False
    if not image:
        raise InputError(f"image: an empty list. Give at least one image: {ACCEPTED}")
    return [_read(one, f"image {i}", f"image {i} of {len(image)}") for i, one in enumerate(image, 1)], True


def _read(image: object, name: str, place: str) -> GivenImage:
    """Read one image. name: where it has none. place: for messages."""
    if isinstance(image, str) and image.startswith(("http://", "https://")):
        raise InputError(f"{place}: {image} is an address. Download the image, and give its path")
    if isinstance(image, str | os.PathLike):
        return _read_file(Path(image).expanduser(), place)
    if isinstance(image, Image.Image):
        file = getattr(image, "filename", "")
        name = image_id(Path(file).name) if isinstance(file, str) and file else name
        try:
            return GivenImage(name, decode_image(image), is_to_be_turned(image))
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"{place}: cannot be read: {error}") from error
    if isinstance(image, np.ndarray):
        return GivenImage(name, _read_array(image, place))
    raise InputError(f"{place}: {_describe(image)}. Give {ACCEPTED}")


def _read_file(path: Path, place: str) -> GivenImage:
    """Read an image's file as a run does."""
    if path.is_dir():
        raise InputError(f"{place}: {path} is a folder. Give the path of an image, or a list of paths")
    if not path.exists():
        raise InputError(f"{place}: {path}: no such file. Give the path of an image")
    with open_image(path) as image:
        is_turned = is_to_be_turned(image)
        return GivenImage(image_id(path.name), to_rgb(image), is_turned)


def _read_array(array: np.ndarray, place: str) -> np.ndarray:
    """Bring an array of grey, RGB, or RGB and alpha to (y, x, RGB) uint8, as the reader of files does."""
    shape = array.shape
    if len(shape) == 3 and shape[0] in CHANNELS and shape[2] not in CHANNELS:
        raise InputError(
            f"{place}: an array of shape {shape} has its channels first. Give np.moveaxis(image, 0, -1)"
        )
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in CHANNELS)):
        raise InputError(f"{place}: an array of shape {shape}. Give (y, x, RGB), or (y, x) where it is grey")
    if array.dtype != np.uint8:
        raise InputError(
            f"{place}: an array of {array.dtype}, and pixels are uint8, 0 to 255. {_to_pixels(array)}"
        )
    if min(shape[:2]) == 0 or max(shape[:2]) > LONGEST_SIDE:
        raise InputError(
            f"{place}: {shape[1]} x {shape[0]} pixels. Give an image with sides of 1 to {LONGEST_SIDE} pixels"
        )
    channels = array if len(shape) == 3 else array[:, :, None]
    rgb = np.repeat(channels, 3, axis=2) if channels.shape[2] == 1 else channels[:, :, :3]
    return np.array(rgb, order="C")  # a copy, which the caller does not change afterwards


def _to_pixels(array: np.ndarray) -> str:
    """Say how an array of other numbers becomes pixels."""
    if array.dtype == bool:
        return "Give 255 * image.astype(np.uint8)"
    if not np.issubdtype(array.dtype, np.number) or np.issubdtype(array.dtype, np.complexfloating):
        return f"Give {ACCEPTED}"
    low, high = (array.min(), array.max()) if array.size else (0, 0)
    if low < 0 or not np.isfinite([low, high]).all():
        return "Some are below 0 or not finite: give the image as it was before it was normalised"
    if np.issubdtype(array.dtype, np.floating) and high <= 1:
        return "Where 1 is white, give (255 * image).round().astype(np.uint8)"
    if high <= 255:
        return "Where 255 is white, give image.round().astype(np.uint8)"
    return "Give it with 8 bits: (image / image.max() * 255).astype(np.uint8), or by what is white in it"


def _describe(image: object) -> str:
    """Describe what is no image, with what may be meant."""
    kind = type(image)
    if kind.__module__.partition(".")[0] == "torch":
        return (
            "a tensor; of one (RGB, y, x) uint8 give image.permute(1, 2, 0).cpu().numpy(), of one that was normalised the "
            "image before that"
        )
    if isinstance(image, bytes | bytearray) or hasattr(image, "read"):
        return "a file's content; open it: PIL.Image.open(file), or PIL.Image.open(io.BytesIO(content))"
    if isinstance(image, Iterable):
        return f"of the type {kind.__name__}; give several images as a list"
    return f"of the type {kind.__name__}"
