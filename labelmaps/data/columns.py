"""Which columns of a table hold the image, its label and its boxes, by the names that tables give them.

Neither pandas nor torch is imported here, because what plans the jobs reads tables, too.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from labelmaps.errors import InputError

# Names as tables write them, without case, blanks, `_` and `-`.
IMAGE = ("path", "image", "file", "filename", "imageid", "imagepath", "filepath", "imagename")
LABEL = ("label", "class", "classname", "classid", "synset", "labelname")
BOXES = ("boxes", "bbox", "box", "bboxes")
# Of four columns, the names say whether they are corners or a corner and a size.
FOUR: dict[tuple[str, ...], Literal["corners", "size"]] = {
    ("xmin", "ymin", "xmax", "ymax"): "corners",
    ("x0", "y0", "x1", "y1"): "corners",
    ("x1", "y1", "x2", "y2"): "corners",
    ("left", "top", "right", "bottom"): "corners",
    ("x", "y", "width", "height"): "size",
    ("x", "y", "w", "h"): "size",
    ("left", "top", "width", "height"): "size",
}
_ALSO_OF_IMAGES = {"x", "y", "w", "h", "width", "height"}  # names that need not be of a box
_CLOSE = 0.75  # of 1, as difflib measures it: a misspelt name


class Columns(NamedTuple):
    """The columns of a table.

    boxes: one column of all numbers, four of a number each, or none. shape: what the four numbers are, where the names of
    four columns say it. unused: the others.
    """

    image: str
    label: str
    boxes: tuple[str, ...]
    shape: Literal["corners", "size"] | None
    unused: list[str]

    def box_format(self, box_format: str, place: str) -> str:
        """Return what the four numbers of a box are, of `BOX_FORMATS`: as the columns' names say, and the settings.

        box_format: that of the settings. place: the table, for the error.

        Raises `InputError` where the two contradict each other.
        """
        if self.shape is None or box_format.startswith(self.shape.removesuffix("s")):
            return box_format
        if box_format == "corners":  # the default
            return "size"
        raise InputError(
            f"{place}: the columns {', '.join(self.boxes)} are {self.shape}, and box_format says {box_format}; mend "
            "box_format, or name other columns"
        )


def find_columns(
    header: Sequence[str], given: Mapping[str, str | Sequence[str]] | None = None, place: str = "the table"
) -> Columns:
    """Find the columns of the image, the label and the boxes among those of a table.

    header: the names of all columns. given: names of some, by the keys `image`, `label` and `boxes` (one name, or four).
    place: the table, for the error.

    Raises `InputError` if there is none for the image or the label, if several could be meant, if a given one is not there,
    if of the four of a box some are missing, or if a name is nearly one of boxes and none is.
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
    """Return the name of a column without what tables spell differently."""
    return name.casefold().translate({ord(mark): None for mark in " _-"})


def _candidates(plain: Mapping[str, str], key: str) -> list[list[str]]:
    """List the columns, or groups of four, that may be meant; plain: column → its plain name."""
    names = {spelt: column for column, spelt in plain.items()}
    found = [[column] for column, spelt in plain.items() if spelt in _KEYS[key]]
    if key == "boxes":
        found += [[names[name] for name in four] for four in FOUR if names.keys() >= {*four}]
    return found


def _choose(key: str, candidates: list[list[str]], place: str, header: Sequence[str]) -> list[str]:
    """Return the only candidate; nothing where there are no boxes; raise `InputError` otherwise."""
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
    """Raise `InputError` where a table has no boxes, and a column is one of four of a box, or nearly called so."""
    of_four = {name for four in FOUR for name in four} - _ALSO_OF_IMAGES
    for name in unused:
        if _plain(name) in of_four or difflib.get_close_matches(_plain(name), BOXES, 1, _CLOSE):
            raise InputError(
                f"{place}: is {name} of boxes? They are one column, {', '.join(BOXES)}, or four such as xmin, ymin, xmax, "
                "ymax; name them in the configuration: columns: {boxes: …}, or remove it"
            )
