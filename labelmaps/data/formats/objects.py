"""Labels and boxes as tables and JSON hold them (numbers, texts, or lists of either), and the classes of the labels."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from labelmaps.data.annotations import Annotation, UnusableError, make_annotation
from labelmaps.data.classes import Class, class_indices, name_indices, refuse_numbers_of_others
from labelmaps.errors import InputError

# The objects of an image: the text of each one's label, and the four numbers of its box, or none.
Objects = list[tuple[str, Sequence[str | float]]]
# image, label or boxes → the name of a column or key; for boxes, also four names.
Columns = Mapping[str, str | Sequence[str]]
# The kind of reason for an image without an object: it is excluded, but does not count as unusable.
WITHOUT_OBJECT = "without an object"
NO_LABEL = "no label: −1, as rows of test splits have"


def make_classes(names: Iterable[str], place: str) -> list[Class]:
    """Make classes from the names that a source gives them, in order; a name is also the id.

    place: the source, for the message. Raises `InputError` for an empty name, and if two names are the same.
    """
    classes = [Class(*[" ".join(name.split())] * 2) for name in names]
    twice = [name for name, count in Counter(item.id for item in classes).items() if count > 1]
    if twice or not all(item.id for item in classes):
        fault = f"two classes named {twice[0]!r}" if twice else "a class without a name"
        raise InputError(f"{place}: {fault}; give the classes in a file, `classes`")
    return classes


def named_labels(names: dict[str, str], classes: list[Class]) -> dict[str, int]:
    """Map keys to labels by names: a key's name must be the id (with `_` for blanks) or the name of a class.

    names: key → name, as a source gives it. Other keys are left out, and so are names of several keys or of several classes.
    """
    ids, plain = class_indices(classes), name_indices(classes)
    repeated = Counter(names.values())
    known = {key: name for key, name in names.items() if repeated[name] == 1}
    labels = {
        key: ids.get(name, ids.get("_".join(name.split()), plain.get(name))) for key, name in known.items()
    }
    return {key: label for key, label in labels.items() if label is not None}


def choose_labels(
    texts: Collection[str],
    classes: list[Class],
    names: dict[str, str] | None,
    place: str,
    *,
    are_assumed: bool = False,
) -> dict[str, int]:
    """Map texts of labels to labels: texts are ids or indices of classes, or numbers for which the source gives names.

    texts: those of all objects. names: index → name, if the source names what its numbers stand for. place: the source,
        for the message. are_assumed: whether the classes were not given (see `refuse_numbers_of_others`).

    Ids come first: a user's class ids may be numbers in another order. If the source has names but not all are names of
    classes, its numbers are indices only if there are as many classes and no name contradicts that.

    Returns text → label, of the texts that stand for classes. Raises `InputError` if only some names are names of classes.
    """
    indices = {str(label): label for label in range(len(classes))}
    if names is None or not {*texts} & names.keys():
        reading = max(
            (class_indices(classes), indices), key=lambda reading: sum(text in reading for text in texts)
        )
        if are_assumed and reading is indices:
            refuse_numbers_of_others((indices[text] for text in texts if text in indices), place)
        return reading
    by_name = named_labels(names, classes)
    if {*texts} & names.keys() <= by_name.keys():
        return by_name
    # A few of ImageNet's names differ from list to list. Those that are known must then be at their indices.
    agree = sum(indices.get(text) == label for text, label in by_name.items())
    if len(names) == len(classes) and agree == len(by_name):
        return indices
    first = ", ".join(repr(names[text]) for text in sorted({*texts} & names.keys() - by_name.keys())[:3])
    raise InputError(
        f"{place}: names {len(names)} classes, of which the classes file, with {len(classes)}, does not know {first}. "
        "Give these names there, as ids (blanks as _) or as names, or list as many classes in the same order"
    )


def annotate(
    objects: Objects, problem: str | None, labels: dict[str, int], box_format: str, place: str
) -> Annotation:
    """Make the annotation of an image from its objects.

    problem: the reason why there can be none, if it is known already. labels: text of a label → label. box_format: one of
    `BOX_FORMATS`. place: the image's place in its file, with which the reason ends.

    Raises `UnusableError` as `make_annotation` does, and for a problem.
    """
    try:
        if problem is not None:
            raise UnusableError(problem)
        return make_annotation(objects, labels, box_format)
    except UnusableError as reason:
        raise UnusableError(f"{reason} ({place})") from None


def text_of(label: Any) -> str:
    """Return one label, a number or a text, as text; raise `UnusableError` for an empty one, −1 and anything else."""
    if isinstance(label, bytes):
        label = label.decode(errors="replace")
    # pandas writes whole numbers as floats if some values of the column are missing.
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    if isinstance(label, bool) or not isinstance(label, int | str | None):
        raise UnusableError(f"label of another kind: {str(label)[:80]!r}, neither a whole number nor a text")
    text = "" if label is None else str(label).strip()
    if text == "-1":
        raise UnusableError(NO_LABEL)
    if not text:
        raise UnusableError("no label: it is empty")
    return text


def pair(label: Any, boxes: Any) -> Objects:
    """Pair the label or the labels of an image with its boxes; raise `UnusableError` if they do not fit.

    label: one for all boxes, or a list of one for each. boxes: lists of four numbers each, or all numbers in one list or
        text; None, or an empty list, if the image has no box.
    """
    found = _boxes_of(boxes)
    if not isinstance(label, list):
        return [(text_of(label), box) for box in found or [[]]]
    if found and len(found) != len(label):
        raise UnusableError(f"labels and boxes differ in number: {len(label)} and {len(found)}")
    return [(text_of(one), box) for one, box in zip(label, found or [[]] * len(label), strict=True)]


def _boxes_of(boxes: Any) -> list[list[str]]:
    """Return the numbers of each box as texts; raise `UnusableError` if they are not four numbers each."""
    if isinstance(boxes, str):
        boxes = boxes.split()
    if boxes is None:
        return []
    if not isinstance(boxes, list) or any(isinstance(item, dict) for item in boxes):
        raise UnusableError(f"boxes of another kind: {str(boxes)[:80]}, no lists of four numbers")
    is_nested = any(isinstance(item, list) for item in boxes)
    nested = boxes if is_nested else [boxes[i : i + 4] for i in range(0, len(boxes), 4)]
    for box in nested:
        if not isinstance(box, list) or len(box) != 4:
            raise UnusableError(f"boxes not of four numbers: {str(box)[:80]}")
    return [[str(number) for number in box] for box in nested]


def find_boxes(content: Any, names: str | Sequence[str]) -> Any:
    """Return the boxes of a row or a JSON: the value under one name, or the values under four; None without boxes."""
    if isinstance(names, str):
        return find_value(content, names)
    box = [find_value(content, name) for name in names]
    return None if all(number is None for number in box) else box


def find_value(content: Any, path: str) -> Any:
    """Return the value at a path of keys, joined by dots, in nested objects; for a list, the list of its items' values."""
    if isinstance(content, dict) and path in content:
        return content[path]
    key, _, rest = path.partition(".")
    if isinstance(content, list):
        return [find_value(item, path) for item in content]
    value = content.get(key) if isinstance(content, dict) else None
    return find_value(value, rest) if rest else value
