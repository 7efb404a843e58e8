"""The one reader of image files: the stored pixels, as they are."""

import hashlib
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from labelmaps.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # a closed list: some of Pillow's formats start programs
_ORIENTATION = 0x0112
LONGEST_SIDE = 65_535  # pixels, as in JPEG; the views of a longer one would take gigabytes

# The filters of warnings belong to the whole process: without the lock, two threads would swap theirs.
_filters = threading.Lock()


def is_image_name(name: str) -> bool:
    """Whether a file's name ends as an image's does, in either case; hidden files (`._a.jpg`) are none."""
    path = PurePosixPath(name)
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def image_id(name: str) -> str:
    """`name` without the extension of an image, if it has one: `ILSVRC2012_val_00000001`."""
    suffix = PurePosixPath(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in IMAGE_SUFFIXES else name


def read_image(path: str | Path, offset: int = -1, length: int = -1) -> np.ndarray:
    """Decode one image to uint8 (row, column, RGB): the stored pixels, EXIF rotation not applied.

    With `offset` >= 0, the image is the `length` bytes at `offset` of the file (a member of a plain tar).
    Grey, palette, CMYK and the like become RGB, alpha is dropped, and 16 bits keep their high byte.

    Raises `InputError` for what cannot be read as one such image: missing, truncated, animated, of more
    than 89 million pixels (Pillow's bound against decompression bombs) or 65,535 along one side, or of 32-bit
    grey values.
    """
    with _opened(path, offset, length) as image:
        return _rgb(image)


def read_size(path: str | Path, offset: int = -1, length: int = -1) -> tuple[int, int]:
    """(width, height) of the stored pixels, from the header alone; arguments and errors as `read_image`."""
    with _opened(path, offset, length) as image:
        return image.size


def read_digest(path: str | Path, offset: int = -1, length: int = -1) -> str:
    """SHA-256 of an image's bytes as stored, hexadecimal; arguments as `read_image`; `InputError` if unreadable."""
    try:
        with Path(path).open("rb") as file:
            content = file.read() if offset < 0 else _member(file, offset, length).getbuffer()
    except (OSError, ValueError) as error:
        raise InputError(f"unreadable image: {path}: {error}; replace or remove it") from error
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _opened(path: str | Path, offset: int, length: int) -> Iterator[Image.Image]:
    """Give the image with its header read; turn every failure in the block into an `InputError`."""
    try:
        with Path(path).open("rb") as file:
            image = _parse_header(file if offset < 0 else _member(file, offset, length))
            _refuse_unsuitable(image)
            yield image
    except MemoryError:
        raise
    except Exception as error:  # broken files make Pillow raise nearly anything, struct.error included
        place = f"{path}" if offset < 0 else f"{path}, bytes {offset} to {offset + length}"
        raise InputError(
            f"unreadable image: {place}: {error or type(error).__name__}; replace or remove it"
        ) from error


def _member(file: BinaryIO, offset: int, length: int) -> BytesIO:
    file.seek(offset)
    content = file.read(length)
    if len(content) < length:
        raise ValueError("the file ends before; was it changed after the data set was indexed?")
    return BytesIO(content)


def _parse_header(file: BinaryIO) -> Image.Image:
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata; the pixels are what counts
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError:  # its own message shows an address in memory
            raise ValueError(f"empty, damaged, or none of {', '.join(_FORMATS)}") from None


def _refuse_unsuitable(image: Image.Image) -> None:
    if max(image.size) > LONGEST_SIDE:
        raise ValueError(f"{image.width} x {image.height} pixels: a side is longer than {LONGEST_SIDE}")
    # MPO is how cameras store a JPEG with its previews: the first picture is the photograph.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise ValueError("it holds several pictures (an animation, or pages)")
    # Pillow turns a TIFF while it decodes, and cannot be told not to.
    if image.format == "TIFF" and image.getexif().get(_ORIENTATION, 1) != 1:
        raise ValueError("a TIFF with a rotation tag; save it upright, and its boxes accordingly")


def _rgb(image: Image.Image) -> np.ndarray:
    if image.mode in ("I", "F"):
        raise ValueError("32-bit grey values have no known range; save it with 8 or 16 bits")
    if image.mode.startswith("I;16"):  # the high byte is what Pillow keeps of 16-bit colours
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    image.info.pop("transparency", None)  # else `convert` moves colours to make room for it, and warns
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))
