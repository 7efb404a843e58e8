"""The classes file: which class each output of the networks stands for."""

from pathlib import Path
from typing import NamedTuple

from labelmaps.errors import InputError

MOST_CLASSES = 2**15  # labels are stored in 16 bits


class Class(NamedTuple):
    """A class: its id (ImageNet's is a WordNet synset, `n01440764`) and its name for people."""

    id: str
    name: str


def read_classes(path: str | Path) -> list[Class]:
    """Read `id name` lines; the line's position is the label: the index of the networks' output.

    Raises `InputError` for an unreadable or empty file, a line without id and name (a blank one would
    silently renumber all that follow), an id that occurs twice, and more classes than a label can count.
    """
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            lines = file.read().removesuffix("\n").split("\n")  # splitlines() splits at exotic characters too
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}; mend the path of the classes") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the classes file {path}: {error}; give a UTF-8 text file") from error
    classes = [_parse_line(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]
    _refuse_duplicates(classes, path)
    if len(classes) == 1:
        raise InputError(f"{path}: one class alone; a classifier tells two or more apart")
    if len(classes) > MOST_CLASSES:
        raise InputError(f"{path}: {len(classes)} classes; {MOST_CLASSES} are possible")
    return classes


def class_indices(classes: list[Class]) -> dict[str, int]:
    """Map each class id to its label."""
    return {item.id: label for label, item in enumerate(classes)}


def _parse_line(line: str, place: str) -> Class:
    words = line.split(maxsplit=1)
    if len(words) < 2:
        raise InputError(f"{place}: expected 'id name', got {line!r}; the line number is the label: keep all")
    return Class(words[0], words[1].strip())


def _refuse_duplicates(classes: list[Class], path: str | Path) -> None:
    first: dict[str, int] = {}
    for number, item in enumerate(classes, start=1):
        if first.setdefault(item.id, number) != number:
            raise InputError(
                f"{path}, line {number}: id {item.id} stands on line {first[item.id]} already; "
                "give every class its own"
            )
