"""Does what is read together belong together? Each file says what made it; files of another origin are refused.

Files made from label maps name them by their integrity (`label_maps`), which covers weights, view, precision and images.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from labelmaps.errors import InputError

NETWORK = ("architecture", "weights_sha256", "preprocessing")
LOOK = (*NETWORK, "precision", "view")  # what a network saw and how exactly it computed


def differing(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """The sorted names of the attributes in which two files differ."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def check_same_origin(
    expected: Mapping[str, object],
    found: Mapping[str, object],
    path: str | Path,
    keys: Collection[str] | None = None,
) -> None:
    """Raise `InputError` unless the file at `path` is of the same origin as what it is read with.

    expected: the origin; found: the file's attributes. keys: those that must be the same; unless given, the label maps that
    the file names, or, where it names none, what its network saw.
    """
    if keys is None:
        keys = LOOK if found.get("label_maps") is None else ("label_maps",)
    other = [key for key in keys if found.get(key) is None or found[key] != expected.get(key)]
    if other:
        raise InputError(
            f"{path}: made with other {', '.join(other)} than what it is read with. Delete it and run again"
        )


def check_same_images(index: list[str], other: list[str], path: str | Path) -> None:
    """Raise `InputError` unless a file holds the images of the index, in its order; `other`: those at `path`.

    Where no index is read, `index` are the images of another file.
    """
    if index != other:
        raise InputError(
            f"{path}: holds other images than what it is read with, or in another order. Delete it and run again"
        )


def parsed(attributes: Mapping[str, object]) -> dict[str, Any]:
    """Return a file's attributes as they were before they were stored: structured ones are JSON there."""
    return {
        key: json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
        for key, value in attributes.items()
    }
