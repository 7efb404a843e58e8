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

# What to do if two files were made from different pixels, or a file and the present image differ.
REMAKE = "Delete it and the folder of its parts, or restore the image, and run again"
OLDER = "Delete the older of the two, with the files from which it was made, and run again"

Attributes = Mapping[Any, object]  # by name; pandas takes any hashable key in the `attrs` of a table


def list_differences(first: Attributes, second: Attributes) -> list[str]:
    """List the names of the attributes in which two files differ, sorted; a missing attribute counts as None.

    first, second: the attributes of the two files.
    """
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
            f"{path}: made with other {', '.join(differences)} than the file it is read with. Delete it and run again"
        )


def check_same_images(index: list[str], other: list[str], path: str | Path) -> None:
    """Raise `InputError` unless the file at `path` holds the same images as the index, in the same order.

    index: the ids in the index, or, where no index is read, in another file.
    other: the ids in the file at `path`.
    """
    if index != other:
        raise InputError(
            f"{path}: contains other images than the file it is read with, or in another order. Delete it and run again"
        )


def check_same_pixels(
    images: Iterable[str],
    expected: Iterable[str],
    found: Iterable[str],
    path: str | Path,
    remedy: str = "Delete it and run again",
) -> None:
    """Raise `InputError`, with the first such image, if the file at `path` was made from other pixels of an image.

    images: the ids.
    expected: the SHA-256 of each image's bytes, in the index or in the other file; an empty text is not compared.
    found: the same in the file at `path`.
    remedy: what the user should do, for the message.
    """
    for image, digest, other in zip(images, expected, found, strict=True):
        if digest and other and digest != other:
            raise InputError(
                f"{path}: made from other pixels of {image} than the file it is read with: that image was changed or "
                f"replaced. {remedy}"
            )


def check_same_pixels_of_tables(expected: Attributes, found: Attributes, path: str | Path) -> None:
    """Raise `InputError` unless two tables of the same images were made from the same pixels, by whatever networks.

    expected: the attributes of the other table. found: the attributes of the table at `path`.
    """
    if found.get("pixels_sha256") != expected.get("pixels_sha256"):
        raise InputError(
            f"{path}: made from other pixels than the file it is read with: images were changed or replaced. {OLDER}"
        )


def check_settings(expected: Mapping[str, object], found: Attributes, path: str | Path) -> None:
    """Raise `InputError` unless the file at `path` was made with these settings.

    expected: the settings in the configuration, by name. found: all attributes of the file.

    Snakemake finds changed settings by its own records, which are absent if results were copied.
    """
    recorded = parse_attributes(found)
    wanted = json.loads(json.dumps(expected))  # as they are read from a file, with lists for tuples
    changed = [key for key in wanted if recorded.get(key) != wanted[key]]
    if changed:
        differences = [
            text for key in changed for text in describe_changes(key, recorded.get(key), wanted[key])
        ]
        raise InputError(
            f"{path}: made with other settings than the configuration has now: {'; '.join(differences)}. "
            f"Delete {_describe_files_to_delete(changed, Path(path))} and run again, or change the settings back"
        )


def describe_changes(name: str, recorded: object, wanted: object) -> list[str]:
    """Describe the differences between two values of a setting, as phrases such as "view.grid was 7 and is 5".

    name: the name of the setting. recorded: its value in the file. wanted: its value in the configuration.
    """
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


def _describe_files_to_delete(changed: Collection[str], path: Path) -> str:
    """Return what the user should delete so that a file is made again: "it", or the files from which it was made.

    changed: the names of the settings that differ. path: the path of the file.
    """
    is_of_method = path.parent.name in ("saliency", "fixations", "scores")
    folder = path.parent.parent if is_of_method else path.parent
    if {"network", "view", "engine", "precision"} & set(changed):
        return f"the folder {folder}"
    if "standard_view" in changed:
        return f"the folder {folder.parent.parent / 'standard_crop' / folder.name}"
    if "ten_crop_view" in changed:  # if the view was only removed, its label maps are not made again
        return f"it and the folder {folder.parent.parent / 'ten_crop' / folder.name}"
    if is_of_method and {"method", "options"} & set(changed):
        return str(folder / "saliency" / f"{path.stem}.h5")
    if is_of_method and "arrival" in changed:
        return str(folder / "fixations" / f"{path.stem}.parquet")
    return "it"


def seen_view(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the family and options of the view with which a file was made, with "network" replaced by the network's values.

    attributes: those of the file, as `parse_attributes` returns them.
    """
    return {**attributes["view"], **attributes.get("view_from_network", {})}


def parse_attributes(attributes: Mapping[str, object]) -> dict[str, Any]:
    """Convert the attributes of a file back to the values that were stored: lists and mappings are JSON in the file."""
    return {
        key: json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
        for key, value in attributes.items()
    }
