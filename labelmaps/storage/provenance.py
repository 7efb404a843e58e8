"""Provenance: checks that files which are read together were made from the same network, view and images.

The attributes of a file record its provenance. A file made from label maps identifies them by their integrity (attribute
`label_maps`), which covers weights, view, precision and images.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from labelmaps.errors import InputError

SAME_NETWORK = ("architecture", "weights_sha256", "preprocessing")
SAME_NETWORK_AND_VIEW = (*SAME_NETWORK, "precision", "view")

# What to do where files, or a file and the image as it is now, were made from different pixels.
REMAKE = "Delete it and the folder of its parts, or put the image back, and run again"
OLDER = "Delete the older of the two, with what it was made from, and run again"

Attributes = Mapping[Any, object]  # by name; pandas takes any hashable key in the `attrs` of a table


def list_differences(first: Attributes, second: Attributes) -> list[str]:
    """List the names of the attributes in which two files differ, sorted; a missing attribute counts as None."""
    return sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))


def check_same_origin(
    expected: Attributes,
    found: Attributes,
    path: str | Path,
    keys: Collection[str] | None = None,
) -> None:
    """Raise `InputError` unless the file at `path` has the same provenance as the file that it is read with.

    expected: the attributes of the other file, or the `origin` of label maps.
    found: the attributes of the file at `path`.
    keys: the attributes that must be present and equal. The default is `label_maps` if the file has that attribute, else
        those in `SAME_NETWORK_AND_VIEW`.
    """
    if keys is None:
        keys = SAME_NETWORK_AND_VIEW if found.get("label_maps") is None else ("label_maps",)
    differences = [key for key in keys if found.get(key) is None or found[key] != expected.get(key)]
    if differences:
        raise InputError(
            f"{path}: made with other {', '.join(differences)} than what it is read with. Delete it and run again"
        )


def check_same_images(index: list[str], other: list[str], path: str | Path) -> None:
    """Raise `InputError` unless the file at `path` holds the same images as the index, in the same order.

    index: the ids in the index, or, where no index is read, in another file.
    other: the ids in the file at `path`.
    """
    if index != other:
        raise InputError(
            f"{path}: holds other images than what it is read with, or in another order. Delete it and run again"
        )


def check_same_pixels(
    images: Iterable[str],
    expected: Iterable[str],
    found: Iterable[str],
    path: str | Path,
    remedy: str = "Delete it and run again",
) -> None:
    """Raise `InputError`, with the first such image, if the file at `path` was made from other pixels of an image.

    images: ids. expected: the SHA-256 of each image's bytes in the index, or in what is read with the file; empty where
    it is not known, and then not compared. found: in the file. remedy: what the message tells the user to do.
    """
    for image, digest, other in zip(images, expected, found, strict=True):
        if digest and other and digest != other:
            raise InputError(
                f"{path}: made from other pixels of {image} than what it is read with: that image was changed or exchanged. "
                f"{remedy}"
            )


def check_same_pixels_of_tables(expected: Attributes, found: Attributes, path: str | Path) -> None:
    """Raise `InputError` unless two tables of the same images, of one network or of two, were made from the same pixels.

    expected: the attributes of the other table. found: those of the table at `path`.
    """
    if found.get("pixels_sha256") != expected.get("pixels_sha256"):
        raise InputError(
            f"{path}: made from other pixels than what it is read with: images were changed or exchanged. {OLDER}"
        )


def check_settings(expected: Mapping[str, object], found: Attributes, path: str | Path) -> None:
    """Raise `InputError` unless the file at `path` was made with these settings.

    Snakemake sees changed settings by its own records, which results that were copied may lack.

    expected: some of the file's attributes, as the configuration gives them. found: all that the file has.
    """
    recorded = parsed(found)
    wanted = json.loads(json.dumps(expected))  # as they come back: tuples are lists
    changed = [key for key in wanted if recorded.get(key) != wanted[key]]
    if changed:
        differences = [
            text for key in changed for text in describe_changes(key, recorded.get(key), wanted[key])
        ]
        raise InputError(
            f"{path}: made with other settings than the configuration has now: {'; '.join(differences)}. "
            f"Delete {_maker(changed, Path(path))} and run again, or change the settings back"
        )


def describe_changes(name: str, recorded: object, wanted: object) -> list[str]:
    """Describe where two values of a setting differ, in words; `name` is its own."""
    if isinstance(recorded, Mapping) and isinstance(wanted, Mapping):
        keys = [key for key in {**recorded, **wanted} if recorded.get(key) != wanted.get(key)]
        return [
            text
            for key in keys
            for text in describe_changes(f"{name}.{key}", recorded.get(key), wanted.get(key))
        ]
    if isinstance(recorded, list) and isinstance(wanted, list) and len(recorded) == len(wanted):
        pairs = [
            (i, *values)
            for i, values in enumerate(zip(recorded, wanted, strict=True), 1)
            if values[0] != values[1]
        ]
        return [text for i, old, new in pairs for text in describe_changes(f"{name} {i}", old, new)]
    return [f"{name} was {json.dumps(recorded)} and is {json.dumps(wanted)}"]


def _maker(changed: Collection[str], path: Path) -> str:
    """Return what must go so that a file made with these settings is made again: it, or what it was made from."""
    is_of_method = path.parent.name in ("saliency", "fixations", "scores")
    folder = path.parent.parent if is_of_method else path.parent
    if {"network", "view", "engine", "precision"} & set(changed):
        return f"the folder {folder}"
    if "standard_view" in changed:
        return f"the folder {folder.parent.parent / 'standard_crop' / folder.name}"
    if "ten_crop_view" in changed:  # that it is asked for no more changes no label maps
        return f"it and the folder {folder.parent.parent / 'ten_crop' / folder.name}"
    if is_of_method and {"method", "options"} & set(changed):
        return str(folder / "saliency" / f"{path.stem}.h5")
    if is_of_method and "arrival" in changed:
        return str(folder / "fixations" / f"{path.stem}.parquet")
    return "it"


def seen_view(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the family and options of the view with which a file was made, with the values that came from the network."""
    return {**attributes["view"], **attributes.get("view_from_network", {})}


def parsed(attributes: Mapping[str, object]) -> dict[str, Any]:
    """Return a file's attributes as they were before they were stored: structured ones are JSON there."""
    return {
        key: json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
        for key, value in attributes.items()
    }
