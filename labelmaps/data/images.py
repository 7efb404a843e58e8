"""The one reader of image files. It returns the pixels as they are stored."""

import hashlib
import os
import re
import threading
import unicodedata
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from labelmaps.errors import InputError
from labelmaps.storage.files import open_regular

# All endings of files in the formats of `_FORMATS`, without the dot.
_READ = "jpeg jpg jpe jfif jfi jif mpo png apng webp bmp tif tiff"
# Endings of images in formats that are not read.
_NOT_READ = """gif heic heif hif avif avifs jxl jp2 j2k j2c jpc jpf jpx jpm jxr wdp hdp jls svg svgz ppm pgm pbm pnm pam pfm
dib tga psd psb xcf ico cur icns pcx dds exr hdr qoi xbm xpm sgi ras eps wmf emf bpg flif fits dcm cr2 cr3 nef nrw arw dng
orf rw2 raf pef srw"""
# Endings of other files that lie beside images, even if they are named after one (`a.jpg.xml`).
_NO_IMAGES = "txt csv tsv xml json jsonl yaml yml md html htm log py db ini npy npz mat pkl h5 parquet"
IMAGE_SUFFIXES, _OTHER_SUFFIXES, _NO_IMAGE_SUFFIXES = (
    frozenset(f".{ending}" for ending in endings.split()) for endings in (_READ, _NOT_READ, _NO_IMAGES)
)
# The first bytes of image files, of the formats that are read and of the most common others.
_SIGNATURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|II\*\0|MM\0\*|BM.{4}\0{4}|"
    rb"....ftyp(avif|avis|heic|heix|mif1|msf1)|\xff\x0a|\0\0\0\x0c(JXL |jP  )\r\n\x87\n|P[1-7]\s",
    re.DOTALL,
)
SIGNATURE_BYTES = 16
PARQUET = ".parquet"  # the ending of tables that hold images
# Folders that systems put beside images: hidden ones, @eaDir (thumbnails of a NAS), __MACOSX.
HIDDEN_FOLDERS = (".", "@", "__")
# Hugging Face's copies of ImageNet add the synset to the name of each image; elsewhere it is the name of the class's folder.
_WITH_SYNSET = re.compile(r"(?P<name>ILSVRC2012_val_\d{8}|n\d{8}_\d+)_(?P<synset>n\d{8})")
_OF_TRAINING = re.compile(r"(?P<synset>n\d{8})_\d+")
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # for some other formats Pillow starts external programs
_ORIENTATION = 0x0112
LONGEST_SIDE = 65_535  # pixels, as in JPEG; the views of a longer image would take gigabytes
STRIP = 2**20  # pixels that are copied at a time
LARGEST_FILE = 2**31  # bytes; 89 million pixels of 16-bit RGBA take fewer

# Warning filters are global: without the lock, a thread would restore the filters that another thread has set.
_filters_lock = threading.Lock()


def is_image_name(name: str) -> bool:
    """Return whether a file's name has the ending of a format that is read, in either case, and is not hidden."""
    path = PurePosixPath(name)
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_other_image_name(name: str) -> bool:
    """Return whether a file's name is that of an image that is not read: `a.gif`, `a.jpg.part`, `a.jpg~`."""
    path = PurePosixPath(name)
    endings = [suffix.lower().rstrip("~") for suffix in path.suffixes[-2:]]
    if not endings or path.name.startswith(".") or is_image_name(name) or is_no_image_name(name):
        return False
    return endings[-1] in _OTHER_SUFFIXES | IMAGE_SUFFIXES or endings[0] in IMAGE_SUFFIXES


def is_no_image_name(name: str) -> bool:
    """Return whether a file is no image by its name: a hidden file, a list, a table, a text."""
    path = PurePosixPath(name)
    return path.name.startswith(".") or path.suffix.lower() in _NO_IMAGE_SUFFIXES


def is_image_start(start: bytes) -> bool:
    """Return whether a file begins as images do; start: its first `SIGNATURE_BYTES` bytes, or all if it has fewer."""
    return _SIGNATURES.match(start) is not None


def image_id(name: str) -> str:
    """Return the id of an image: its name without the ending of an image, if it has one (`ILSVRC2012_val_00000001`).

    A synset that a copy of ImageNet adds to the name (`ILSVRC2012_val_00000001_n01751748`) is removed. Names that look the
    same have the same id: letters with accents are composed (Unicode's form NFC).
    """
    stem, dot, ending = name.rpartition(".")
    is_whole = stem.rpartition("/")[2] == "" or f"{dot}{ending.lower()}" not in IMAGE_SUFFIXES
    folder, slash, last = (name if is_whole else stem).rpartition("/")
    if match := _WITH_SYNSET.fullmatch(last):
        last = match["name"]
    return unicodedata.normalize("NFC", f"{folder}{slash}{last}")


def synset_in_name(name: str) -> str | None:
    """Return the synset in the name of a file of ImageNet, at its end or, in the training set, its start; None without one.

    For `n01440764_10026.JPEG` it is n01440764, for `ILSVRC2012_val_00000001_n01751748.JPEG` n01751748.
    """
    path = PurePosixPath(name)
    stem = path.stem if is_image_name(name) else path.name
    match = _WITH_SYNSET.fullmatch(stem) or _OF_TRAINING.fullmatch(stem)
    return match["synset"] if match else None


def read_image(
    path: str | Path, offset: int = -1, length: int = -1, content: bytes | None = None
) -> np.ndarray:
    """Decode one image to (row, column, RGB) uint8: the pixels as stored, without applying an EXIF rotation.

    offset, length: if `offset` >= 0, the image is the `length` bytes at `offset` of the file (a member of a plain tar); or,
        if the name of the file ends in `.parquet`, the cell in row `offset` and column `length`, both from 0.
    content: the image's bytes, if they were read before.

    Grey, palette, CMYK and similar colours are converted to RGB, alpha is dropped, and 16-bit values keep their high byte.

    Raises `InputError` if the image is missing, truncated or animated, has more than 89 million pixels (Pillow's limit
    against decompression bombs) or more than 65,535 along a side, or has 32-bit grey values.
    """
    with open_image(path, offset, length, content) as image:
        return to_rgb(image)


def read_size(path: str | Path, offset: int = -1, length: int = -1) -> tuple[int, int]:
    """Read width and height of the stored pixels from the header alone; arguments and errors as for `read_image`."""
    with open_image(path, offset, length) as image:
        return image.size


def read_digest(path: str | Path, offset: int = -1, length: int = -1) -> str:
    """Compute the SHA-256 of an image's bytes as stored, in hexadecimal; arguments and errors as for `read_content`."""
    return hashlib.sha256(read_content(path, offset, length)).hexdigest()


def read_content(path: str | Path, offset: int = -1, length: int = -1) -> bytes:
    """Read an image's bytes as stored; arguments as for `read_image`.

    Raises `InputError` if the file cannot be read, is no regular file, or is larger than `LARGEST_FILE`.
    """
    try:
        return _read_bytes(path, offset, length)
    except (OSError, ValueError) as error:
        place = name_place(path, offset, length)
        raise InputError(f"unreadable image: {place}: {error}; replace or remove it") from error


def name_place(path: str | Path, offset: int, length: int) -> str:
    """Return the place of an image for a message: its file, and its place in the file; arguments as for `read_image`."""
    if offset < 0:
        return str(path)
    return f"{path}, row {offset}" if is_parquet(path) else f"{path}, bytes {offset} to {offset + length}"


def is_parquet(path: str | Path) -> bool:
    """Return whether a file is a table of images, by its name, so that an image's place in it is a row and a column."""
    return str(path).endswith(PARQUET)


@contextmanager
def open_image(
    path: str | Path, offset: int = -1, length: int = -1, content: bytes | None = None
) -> Generator[Image.Image]:
    """Open an image and read its header; convert every exception in the block into an `InputError`.

    Arguments as for `read_image`. The image that the block receives is not decoded yet; `to_rgb` decodes it.
    """
    try:
        if content is None and offset >= 0:
            content = _read_bytes(path, offset, length)
        with open_regular(path) if content is None else BytesIO(content) as file:
            image = _parse_header(file)
            _refuse_unsuitable(image)
            yield image
    except MemoryError:
        raise
    except Exception as error:  # for broken files Pillow raises almost any exception, even struct.error
        place = name_place(path, offset, length)
        raise InputError(
            f"unreadable image: {place}: {error or type(error).__name__}; replace or remove it"
        ) from error


def _read_bytes(path: str | Path, offset: int, length: int) -> bytes:
    """Read an image's bytes, as `read_content`; raise `OSError` or `ValueError` if they cannot be read."""
    if offset >= 0 and is_parquet(path):
        # Imported here, because pyarrow takes long to import, and this module is imported when jobs are planned.
        from labelmaps.data.parquet_cells import read_cell

        content = read_cell(path, offset, length)
        if len(content) > LARGEST_FILE:
            raise ValueError(f"{len(content)} bytes are too many for an image")
        return content
    with open_regular(path) as file:
        return _member(file, offset, length)


def _member(file: BinaryIO, offset: int, length: int) -> bytes:
    """Read `length` bytes at `offset`, or the whole file if that is negative; raise `ValueError` if that is impossible."""
    size = length if offset >= 0 else os.fstat(file.fileno()).st_size
    if size > LARGEST_FILE:
        raise ValueError(f"{size} bytes are too many for an image")
    file.seek(max(offset, 0))
    content = file.read(length)
    if len(content) < length:
        raise ValueError("the file ends before; was it changed after the data set was indexed?")
    return content


def _parse_header(file: BinaryIO) -> Image.Image:
    """Read the header of an image; raise if its format is not one of `_FORMATS`, or if it is a decompression bomb."""
    with _filters_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # others concern odd metadata, which do not affect the pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError:  # Pillow's own message contains an address in memory
            raise ValueError(f"empty, damaged, or none of {', '.join(_FORMATS)}") from None


def _refuse_unsuitable(image: Image.Image) -> None:
    """Raise `ValueError` for an image that is too long, has several frames, or is a TIFF with a rotation tag."""
    if max(image.size) > LONGEST_SIDE:
        raise ValueError(f"{image.width} x {image.height} pixels: a side is longer than {LONGEST_SIDE}")
    # MPO is the format in which cameras store a JPEG with its previews: the first frame is the photograph.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise ValueError("it holds several pictures (an animation, or pages)")
    # Pillow applies the rotation of a TIFF when it decodes it, which cannot be switched off.
    if image.format == "TIFF" and image.getexif().get(_ORIENTATION, 1) != 1:
        raise ValueError("a TIFF with a rotation tag; save it upright, and its boxes accordingly")


def decode_image(image: Image.Image) -> np.ndarray:
    """Decode an image that Pillow has opened or made to (row, column, RGB) uint8, as `read_image` does; it is left as it is.

    Raises `ValueError` or `OSError` where `read_image` raises `InputError`, but takes an image of any format.
    """
    _refuse_unsuitable(image)
    return to_rgb(image.copy())


def is_to_be_turned(image: Image.Image) -> bool:
    """Return whether an image says, in EXIF, that it is to be shown turned or mirrored; a damaged EXIF says nothing."""
    try:
        return image.getexif().get(_ORIENTATION, 1) not in (0, 1)  # 0 stands for an unknown one
    except Exception:  # for broken metadata Pillow raises almost any exception
        return False


def to_rgb(image: Image.Image) -> np.ndarray:
    """Decode an image to (row, column, RGB) uint8; raise `ValueError` for 32-bit grey values."""
    if image.mode in ("I", "F"):
        raise ValueError("32-bit grey values have no known range; save it with 8 or 16 bits")
    if image.mode.startswith("I;16"):  # Pillow keeps the high byte of 16-bit colours, so do the same for grey
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    image.info.pop("transparency", None)  # otherwise `convert` changes colours to make room for it, and warns
    return _pixels(image if image.mode == "RGB" else image.convert("RGB"))


def _pixels(image: Image.Image) -> np.ndarray:
    """Copy an image of mode RGB to (row, column, RGB) uint8: a large one in strips, since Pillow makes further copies."""
    width, height = image.size
    rows = max(STRIP // width, 1)
    if rows >= height:
        return np.array(image)
    image.load()
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = image.crop((0, top, width, bottom))
    return pixels
