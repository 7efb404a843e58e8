"""The reader of factors of variation: for each image whether it differs in pose, background and the like.

Source of ImageNet's: Idrissi et al. (2023), "ImageNet-X", arXiv 2211.01866; github.com/facebookresearch/imagenetx contains
`imagenet_x_val_multi_factor.jsonl`, in which a line is an object of `file_name`, factors that are 0 or 1, and remarks.
"""

import json
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import pandas as pd

from labelmaps.data.annotations import read_csv
from labelmaps.data.images import image_id
from labelmaps.data.matching import check_matched
from labelmaps.errors import InputError
from labelmaps.storage.files import open_regular

NAMES_OF_IMAGES = ("file_name", "image")  # names of the column or key that holds an image's name
# Columns of ImageNet-X that are no factors, and the column of row numbers that pandas writes.
REMARKS = ("class", "justification", "one_word", "metaclass", "")
OWN = ("all", "share", "distance", "mask", "boxes")  # factors that are computed, without a file
TEXTS = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True}
_Entry = tuple[str, dict[str, Any]]  # place in the file, column or key → value


def read_factors(path: str | Path) -> pd.DataFrame:
    """Read the factors of images from ImageNet-X's file or a file of one's own.

    path: a `.jsonl` of one object per line, or a `.csv`. An image's name is its `file_name` or `image`, with or without the
        ending of its file; each other column is a factor, 0 or 1, or true or false, except for the columns of ImageNet-X
        that hold something else (`REMARKS`), which are ignored.

    Returns one row per image, by its id, with one boolean column per factor, in the order of the file.

    Raises `InputError` if the file cannot be read or has another form, if it has no image, one twice, or no factor, if a
    line lacks a factor, or if a value is neither 0 nor 1.
    """
    path = Path(path)
    readers = {".jsonl": _json_entries, ".csv": _csv_entries}
    if path.suffix.lower() not in readers:
        raise InputError(f"cannot read factors from {path}: give a .jsonl or a .csv")
    entries = readers[path.suffix.lower()](path)
    if not entries:
        raise InputError(f"{path} has no image: add a line for each that has factors")
    place, first = entries[0]
    factors = [name for name in first if name not in (*NAMES_OF_IMAGES, *REMARKS)]
    if not factors:
        raise InputError(
            f"{place}: no factor beside {', '.join(first) or 'nothing'}; add a column of 0 and 1"
        )
    if taken := [name for name in factors if name in OWN]:
        raise InputError(f"{place}: {taken[0]} is the name of a factor that is computed; rename yours")
    rows: dict[str, list[bool]] = {}
    for place, values in entries:
        image = image_id(_name_of_image(values, place))
        if image in rows:
            raise InputError(f"{place}: the image {image!r} occurs twice; remove one")
        if other := values.keys() ^ first.keys():
            raise InputError(
                f"{place}: {sorted(other)[0]!r} is in some lines and not in others; give it in all"
            )
        rows[image] = [_truth(values[name], name, place) for name in factors]
    return pd.DataFrame.from_dict(rows, "index", columns=factors, dtype="boolean").rename_axis("image")


def find_factors(index: pd.DataFrame, path: str | Path, min_matched: float) -> pd.DataFrame:
    """Find the factors of each row of an index in a file: `image`, and the columns of `read_factors`, null without an entry.

    min_matched: the smallest fraction of the images, or of the file's entries if these are fewer, that must be found in
    both.

    Raises `InputError` if fewer are found, and as `read_factors` does.
    """
    factors = read_factors(path)
    check_matched({*index["image"]}, {*factors.index}, min_matched, path, "factors")
    return factors.reindex(index["image"]).reset_index()


def _csv_entries(path: Path) -> list[_Entry]:
    """Return the rows of a CSV file as entries."""
    _, rows = read_csv(path)
    return [(f"{path}, line {line}", dict(row)) for line, row in rows]


def _json_entries(path: Path) -> list[_Entry]:
    """Return the lines of a JSON Lines file as entries; empty lines do not count.

    Raises `InputError` if the file cannot be read, or if a line is not an object.
    """
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8-sig") as file:
            lines = [(f"{path}, line {n}", line) for n, line in enumerate(file, 1) if line.strip()]
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}; correct the path of the factors") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}; give a UTF-8 file of JSON objects") from error
    entries = []
    for place, line in lines:
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: {error}; give one JSON object per line") from error
        if not isinstance(content, dict):
            raise InputError(f"{place}: {line.strip()[:80]} is no object; give one JSON object per line")
        entries.append((place, content))
    return entries


def _name_of_image(values: dict[str, Any], place: str) -> str:
    """Return the name of the image of an entry; raise `InputError` unless it has exactly one, which is a text.

    values: the entry, column → value. place: its place in the file, for the message.
    """
    named = [name for name in NAMES_OF_IMAGES if name in values]
    if len(named) != 1:
        both = f"both {' and '.join(named)}" if named else f"neither {' nor '.join(NAMES_OF_IMAGES)}"
        raise InputError(f"{place}: {both}; name the image once")
    name = values[named[0]]
    if not isinstance(name, str) or not name:
        raise InputError(f"{place}: {json.dumps(name)[:80]} is no name of an image; give its file's name")
    return name


def _truth(value: object, name: str, place: str) -> bool:
    """Return the value of a factor; raise `InputError` if it is neither 0 nor 1, nor true or false."""
    known = TEXTS.get(value.strip().lower()) if isinstance(value, str) else value
    if isinstance(known, bool | int | float) and known in (0, 1):
        return bool(known)
    raise InputError(
        f"{place}: {name}: {json.dumps(value)[:80]} is neither 0 nor 1; correct it, or remove the column if it is no factor"
    )
