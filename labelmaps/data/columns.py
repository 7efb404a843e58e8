"""The columns of a table with the image, its label and its boxes, found by the names that tables usually give them.

Neither pandas nor torch is imported here, because tables are also read when jobs are planned.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from labelmaps.errors import InputError

# Usual names, in lower case and without blanks, `_` and `-`.
IMAGE = ("path", "image", "file", "filename", "imageid", "imagepath", "filepath", "imagename")
LABEL = ("label", "class", "classname", "classid", "synset", "labelname")
BOXES = ("boxes", "bbox", "box", "bboxes")
# Names of four columns → whether they are two corners, or a corner and a size.
FOUR: dict[tuple[str, ...], Literal["corners", "size"]] = {
    ("xmin", "ymin", "xmax", "ymax"): "corners",
    ("x0", "y0", "x1", "y1"): "corners",
    ("x1", "y1", "x2", "y2"): "corners",
    ("left", "top", "right", "bottom"): "corners",
    ("x", "y", "width", "height"): "size",
    ("x", "y", "w", "h"): "size",
    ("left", "top", "width", "height"): "size",
}
_ALSO_OF_IMAGES = {"x", "y", "w", "h", "width", "height"}  # names that need not belong to a box
_CLOSE = 0.75  # difflib's similarity, up to 1, from which on a name may be a misspelt one


class Columns(NamedTuple):
    """The columns of a table.

    boxes: one column of all numbers, four of a number each, or none. shape: whether the four numbers are two corners or a
    corner and a size, if the names of four columns tell. unused: the other columns.
    """

    image: str
    label: str
    boxes: tuple[str, ...]
    shape: Literal["corners", "size"] | None
    unused: list[str]

    def box_format(self, box_format: str, place: str) -> str:
        """Return the format of the boxes, one of `BOX_FORMATS`, by the names of the columns and the settings.

        box_format: that of the settings. place: the table, for the error.

        Raises `InputError` if the two contradict each other.
        """
        if self.shape is None or box_format.startswith(self.shape.removesuffix("s")):
            return box_format
        if box_format == "corners":  # the default
            return "size"
        raise InputError(
            f"{place}: the columns {', '.join(self.boxes)} are {self.shape}, but box_format is {box_format}; correct "
            "box_format, or name other columns"
        )


def find_columns(
    header: Sequence[str], given: Mapping[str, str | Sequence[str]] | None = None, place: str = "the table"
) -> Columns:
    """Find the columns of the image, the label and the boxes in a table.

    header: the names of all columns. given: the names of some columns, by the keys `image`, `label` and `boxes` (one name,
    or four). place: the table, for the error.

    Raises `InputError` if there is no column for the image or the label, if several are possible, if a given one is missing,
    if some of the four of a box are missing, or if no column is one of boxes but one is nearly called so.
    """
    wanted = {key: [names] if isinstance(names, str) else [*names] for key, names in (given or {}).items()}
    for key, names in wanted.items():
        if missing := [name for name in names if name not in header]:
            raise InputError(
                f"{place}: no column {', '.join(missing)}, which `columns` names for {key}; the first line is {[*header]}"
            )
    taken = {name for names in wanted.values() for name in names}
    plain = {name: _plain(name) for name in header if name not in taken}
    found = {key: wanted.get(key) or _choose(key, _candidates(plain, key), place, header) for key in _KEYS}
    boxes = tuple(found["boxes"])
    unused = [name for name in plain if name not in {*found["image"], *found["label"], *boxes}]
    if not boxes:
        _refuse_near_boxes(unused, place)
    shape = FOUR.get(tuple(map(_plain, boxes)))
    return Columns(found["image"][0], found["label"][0], boxes, shape, unused)


_KEYS = {"image": IMAGE, "label": LABEL, "boxes": BOXES}


def _plain(name: str) -> str:
    """Return the name of a column in lower case, without blanks, `_` and `-`."""
    return name.casefold().translate({ord(mark): None for mark in " _-"})


def _candidates(plain: Mapping[str, str], key: str) -> list[list[str]]:
    """List the columns, or groups of four, that are possible for a key; plain: column → its name as from `_plain`."""
    names = {spelt: column for column, spelt in plain.items()}
    found = [[column] for column, spelt in plain.items() if spelt in _KEYS[key]]
    if key == "boxes":
        found += [[names[name] for name in four] for four in FOUR if names.keys() >= {*four}]
    return found


def _choose(key: str, candidates: list[list[str]], place: str, header: Sequence[str]) -> list[str]:
    """Return the only candidate, or none for boxes; raise `InputError` if there are several, or none for image or label."""
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        options = " or ".join(", ".join(names) for names in candidates)
        raise InputError(
            f"{place}: which column is {key}: {options}? Name it in the configuration: columns: {{{key}: …}}"
        )
    if key == "boxes":
        return []
    raise InputError(
        f"{place}: no column {key}; the first line is {[*header]}. Known names are {', '.join(_KEYS[key])}; or name it in "
        f"the configuration: columns: {{{key}: …}}"
    )


def _refuse_near_boxes(unused: Sequence[str], place: str) -> None:
    """Raise `InputError` if an unused column is named like one of the numbers of a box, or nearly like a column of boxes."""
    of_four = {name for four in FOUR for name in four} - _ALSO_OF_IMAGES
    for name in unused:
        if _plain(name) in of_four or difflib.get_close_matches(_plain(name), BOXES, 1, _CLOSE):
            raise InputError(
                f"{place}: does the column {name} belong to boxes? They are one column, {', '.join(BOXES)}, or four such as "
                "xmin, ymin, xmax, ymax; name them in the configuration: columns: {boxes: …}, or remove it"
            )
