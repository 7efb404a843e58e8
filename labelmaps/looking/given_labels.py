"""The classes and the label that a caller of `labelmaps.look` gives."""

import difflib
import operator
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from labelmaps.data.classes import Class, read_classes, short_names
from labelmaps.errors import InputError
from labelmaps.scenes.things import CLASSES as SCENES

N_IMAGENET = 1000
MOST_SHOWN = 5  # classes in a message
HOW = 'Give classes="imagenet" if they are ImageNet\'s, a file of lines `id name`, or the list of their names'


def imagenet_classes() -> list[Class]:
    """Return ImageNet's 1000 classes by label, with WordNet's ids and synonyms, as `resources/imagenet_classes.txt` does."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo("imagenet1k")
    ids = info.label_names()
    return [Class(id, info.label_name_to_description(id)) for id in ids]


def read_given_classes(classes: object) -> list[Class] | int | None:
    """Read the classes that a caller gives, and return them in the order of their labels.

    classes: "imagenet"; "scenes", those of this package's scenes; a classes file (see `read_classes`), as text or path; a
        mapping; a list of names, or of `Class` or other pairs of id and name; or, where they have no names, their number;
        or None. If all keys of a mapping are integers, they are the labels, each from 0 on once, in any order; otherwise
        the keys are ids, in the order of the labels.

    Returns the classes, their number, or None. A class without an id has its label for one. Raises `InputError` for
    anything else, and for fewer than two classes.
    """
    if classes is None:
        return None
    if isinstance(classes, str | os.PathLike):
        if classes == "imagenet":
            return imagenet_classes()
        return (
            [Class(*item) for item in SCENES]
            if classes == "scenes"
            else read_classes(Path(classes).expanduser())
        )
    if isinstance(classes, Mapping):
        if all(isinstance(key, int) for key in classes):
            if set(classes) != set(range(len(classes))):
                raise InputError(
                    "classes: its keys are no labels from 0 on, each once. Give one name for each label"
                )
            classes = [classes[label] for label in range(len(classes))]
        else:
            classes = list(classes.items())
    if isinstance(classes, int) and not isinstance(classes, bool) and classes > 1:
        return classes
    if not isinstance(classes, Sequence) or len(classes) < 2:
        raise InputError(
            f'classes: {classes!r}. Give "imagenet", "scenes", a file, or a list of two names or more'
        )
    return [_read_class(item, label) for label, item in enumerate(classes)]


def _read_class(item: object, label: int) -> Class:
    """Read one class of a list."""
    if isinstance(item, str):
        return Class(str(label), item)
    if isinstance(item, Sequence) and len(item) == 2 and all(isinstance(text, str) for text in item):
        return Class(*item)
    raise InputError(f"classes: {item!r}, of label {label}, is neither a name nor an (id, name)")


def list_labels(label: object, n_images: int, are_several: bool) -> list[object]:
    """List the label that a caller gives for each image: one for all, or, of several images, a list.

    Raises `InputError` for a list for one image, and for one of another length than the images'.
    """
    if hasattr(label, "tolist"):  # an array or a tensor
        label = label.tolist()  # ty: ignore[not-callable]
    if not isinstance(label, list | tuple):
        return [label] * n_images
    if not are_several:
        raise InputError("label: a list, and there is one image. Give one label, or the image as a list, too")
    if len(label) != n_images:
        raise InputError(
            f"label: {len(label)} labels, and there are {n_images} images. Give one for each, or one for all"
        )
    return list(label)


def count_labels(classes: list[Class] | int | None) -> int | None:
    """Return the number of labels that given classes stand for, or None where none are given."""
    return len(classes) if isinstance(classes, list) else classes


def choose_classes(
    classes: list[Class] | int | None, labels: Sequence[object], n_labels: int, network: str
) -> list[Class] | None:
    """Choose the classes of a network's logits: those given; or ImageNet's, where labels are ids of it and there are 1000.

    labels: as given. n_labels: the number of logits. network: its name, for messages.

    Returns None where they have no names. Raises `InputError` where other than so many are given, and for a single logit.
    """
    if n_labels < 2:
        raise InputError(f"network: {network} has one logit; a classifier tells two labels or more apart")
    if (n_classes := count_labels(classes)) not in (None, n_labels):
        raise InputError(
            f"classes: there are {n_classes}, and {network} has {n_labels} logits. Give its own, in the order of its logits"
        )
    if classes is None and n_labels == N_IMAGENET and any(map(is_wordnet_id, labels)):
        return imagenet_classes()
    return classes if isinstance(classes, list) else None


def is_wordnet_id(label: object) -> bool:
    """Tell whether a label has the form of an id of ImageNet's classes, n and eight digits."""
    return isinstance(label, str) and re.fullmatch(r"\s*n\d{8}\s*", label) is not None


def name_labels(classes: Sequence[Class] | None, n_labels: int) -> list[str]:
    """Return the name of each label, as figures show it: the first of its class's synonyms, or its number."""
    return [f"label {label}" for label in range(n_labels)] if classes is None else short_names(classes)


def find_label(label: object, classes: Sequence[Class] | None, n_labels: int) -> int:
    """Find the label that a caller names: an index from 0, a class's id, or one of its names, in any case.

    classes: of the labels, if they are known. n_labels: the number of logits.

    Raises `InputError`, with the candidates, for a name that several classes bear, and, with what is near, for one that
    none bears.
    """
    if not isinstance(label, str):
        return _check_index(label, n_labels)
    wanted = label.strip()
    ids = {item.id: i for i, item in enumerate(classes or [])}
    if wanted in ids:
        return ids[wanted]
    if classes is None:
        if wanted.isdecimal():
            return _check_index(int(wanted), n_labels)
        raise InputError(
            f"label: {label!r} is an id or a name, and nothing says which classes the network's {n_labels} labels are. "
            f"{HOW}; or give the label as a number from 0"
        )
    names = list_names(classes)
    found = names.get(wanted.casefold(), [])
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"label: {len(found)} classes bear the name {label!r}: {_listed(found, classes)}. Give an id or a number"
        )
    if wanted.isdecimal():
        return _check_index(int(wanted), n_labels)
    near = _find_near(wanted.casefold(), names)
    advice = (
        f"Near: {_listed(near, classes)}" if near else f"The first: {_listed(range(MOST_SHOWN), classes)}"
    )
    raise InputError(f"label: no class bears the id or the name {label!r}. {advice}")


def list_names(classes: Sequence[Class]) -> dict[str, list[int]]:
    """List all names that classes go by, in small letters → the labels of those that bear it.

    A class bears its line, each synonym in it, and the name by which figures show it.
    """
    names: dict[str, list[int]] = {}
    for label, (item, shown) in enumerate(zip(classes, short_names(classes), strict=True)):
        for name in dict.fromkeys(
            text.strip().casefold() for text in (item.name, *item.name.split(","), shown)
        ):
            names.setdefault(name, []).append(label)
    return names


def _check_index(label: object, n_labels: int) -> int:
    """Return a label that is given as a number; raise `InputError` where there is no such label."""
    try:
        index = -1 if isinstance(label, bool) else operator.index(label)  # ty: ignore[invalid-argument-type]
    except TypeError:
        index = -1
    if not 0 <= index < n_labels:
        raise InputError(
            f"label: {label!r}. Give a number from 0 to {n_labels - 1}, or the id or the name of a class"
        )
    return index


def _find_near(wanted: str, names: Mapping[str, Sequence[int]]) -> list[int]:
    """Find labels whose names are like a text, or hold it as a word."""
    close = [name for name in names if wanted in name.replace("-", " ").split() and "," not in name]
    close += difflib.get_close_matches(wanted, names, MOST_SHOWN, cutoff=0.75)
    return [*dict.fromkeys(label for name in close for label in names[name])][:MOST_SHOWN]


def _listed(labels: Sequence[int], classes: Sequence[Class]) -> str:
    """List labels with their ids and names."""
    shown = [label for label in labels if label < len(classes)][:MOST_SHOWN]
    return "; ".join(f"{label}, {classes[label].id}, {classes[label].name}" for label in shown)
