"""The classes file, which lists the class of each label."""

from collections import Counter
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

from labelmaps.errors import InputError
from labelmaps.storage.files import moved_into_place, open_regular

MOST_CLASSES = 2**15  # labels are stored in 16 bits
# If the classes are not given, numbers are taken for ImageNet's labels only if the largest is at least this. Most other data
# sets have fewer classes, and of ten images of ImageNet nearly always one has such a label.
IMAGENETS_REACH = 500


class Class(NamedTuple):
    """A class: its id (in ImageNet a WordNet synset, `n01440764`) and its name in plain words."""

    id: str
    name: str


def read_classes(path: str | Path) -> list[Class]:
    """Read the classes file: one line `id name` per class, in the order of the labels.

    An id with blanks, such as a folder may have, is separated from the name by a tab.

    Raises `InputError` if the file is unreadable or empty, if a line lacks id or name (skipping a blank one would change the
    labels of all that follow), if an id occurs twice, if there is only one class, or more than `MOST_CLASSES`.
    """
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8-sig") as file:
            # splitlines() would also split at other characters, such as \x0b.
            lines = file.read().removesuffix("\n").split("\n")
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}; correct the path of the classes") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the classes file {path}: {error}; give a UTF-8 text file") from error
    classes = [_parse_line(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]
    _refuse_duplicates(classes, path)
    if len(classes) == 1:
        raise InputError(f"{path}: only one class; give two or more, since a classifier distinguishes them")
    if len(classes) > MOST_CLASSES:
        raise InputError(f"{path}: {len(classes)} classes; give {MOST_CLASSES} at most")
    return classes


def write_classes(path: str | Path, classes: Sequence[Class]) -> None:
    """Write a classes file, which `read_classes` reads.

    Raises `InputError` for an id or a name that cannot be written as part of a line: an empty one, one with tabs, line ends
    or blanks at its ends, or one that is not in UTF-8.
    """
    lines = [f"{item.id}\t{item.name}" for item in classes]
    for line, item in zip(lines, classes, strict=True):
        try:
            line.encode()
            is_whole = "\n" not in line and "\r" not in line and _parse_line(line, "") == item
        except (UnicodeEncodeError, InputError):
            is_whole = False
        if not is_whole:
            raise InputError(
                f"class {item.id!a}: cannot be written as a line; rename it in UTF-8, without tabs, line ends and blanks at "
                "its ends"
            )
    with moved_into_place(path) as temporary:
        temporary.write_text("\n".join([*lines, ""]), encoding="utf-8")


def class_indices(classes: list[Class]) -> dict[str, int]:
    """Map each class id to its label."""
    return {item.id: label for label, item in enumerate(classes)}


def name_indices(classes: list[Class]) -> dict[str, int]:
    """Map each name to the label of its class; names that several classes have are left out."""
    count = Counter(item.name for item in classes)
    return {item.name: label for label, item in enumerate(classes) if count[item.name] == 1}


def refuse_numbers_of_others(labels: Iterable[int], source: str | Path) -> None:
    """Raise `InputError` if numbers that a source gives as labels may be those of other classes than ImageNet's.

    labels: those numbers, of a data set whose classes were not given. source: the file or folder with the numbers, for the
    message.

    They may be if the largest is below `IMAGENETS_REACH`; if there are no numbers, nothing is raised.
    """
    largest = max(labels, default=IMAGENETS_REACH)
    if largest < IMAGENETS_REACH:
        raise InputError(
            f"{source}: labels are numbers, {largest} the largest, but it is not known of which classes. Give `classes`: "
            "resources/imagenet_classes.txt if they are ImageNet's, or a file of yours with a line `id name` for each"
        )


def find_labels(
    named: Sequence[tuple[str, str]], classes: list[Class], source: str | Path, *, are_assumed: bool = False
) -> list[int]:
    """Read labels as ids, indices or names of classes, whichever fits most of them.

    named: for each label, the name of what has it, for the message, and the label as text. source: the file that holds them,
    for the message. are_assumed: whether the classes were not given, so that ImageNet's are assumed (see
    `refuse_numbers_of_others`).

    Raises `InputError` unless the reading fits all labels. A name that several classes have fits none.
    """
    # Ids come first, so that they are taken in a tie: a user's class ids may be numbers in another order.
    indices = {str(label): label for label in range(len(classes))}
    readings = [class_indices(classes), indices, name_indices(classes)]
    unknown = [[item for item in named if item[1] not in reading] for reading in readings]
    reading, bad = min(zip(readings, unknown, strict=True), key=lambda pair: len(pair[1]))
    if bad:
        first = "; ".join(f"{bearer}: {label!r}" for bearer, label in bad[:5])
        raise InputError(
            f"{source}: {len(bad)} labels stand for no class, first {first}; give ids of the classes file "
            f"throughout, or whole numbers from 0 to {len(classes) - 1} throughout"
        )
    labels = [reading[label] for _, label in named]
    if are_assumed and reading is indices:
        refuse_numbers_of_others(labels, source)
    return labels


def short_names(classes: Sequence[Class]) -> list[str]:
    """Shorten the names of classes to their first synonym, up to the comma; the id is added if two are the same."""
    names = [item.name.split(",")[0].strip() or item.name for item in classes]
    count = Counter(names)
    return [
        name if count[name] == 1 else f"{name} ({item.id})" for name, item in zip(names, classes, strict=True)
    ]


def _parse_line(line: str, place: str) -> Class:
    """Parse a line `id name`; raise `InputError`, with the line's `place`, if one of the two is missing."""
    words = line.split("\t" if "\t" in line.strip() else None, maxsplit=1)
    if len(words) < 2 or not all(map(str.strip, words)):
        raise InputError(f"{place}: expected 'id name', got {line!r}; the line number is the label: keep all")
    return Class(words[0].strip(), words[1].strip())


def _refuse_duplicates(classes: list[Class], path: str | Path) -> None:
    """Raise `InputError` if two classes have the same id."""
    first: dict[str, int] = {}
    for number, item in enumerate(classes, start=1):
        if first.setdefault(item.id, number) != number:
            raise InputError(
                f"{path}, line {number}: id {item.id} is already on line {first[item.id]}; "
                "give every class its own"
            )
