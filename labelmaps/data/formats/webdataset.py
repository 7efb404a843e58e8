"""The reader of WebDataset's tar files, in which the members of a sample share their name up to its first dot."""

import json
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from labelmaps.data.annotations import Annotations, UnusableError, collect
from labelmaps.data.archives import LARGEST_READ, iterate_members, open_tar
from labelmaps.data.classes import Class, class_indices
from labelmaps.data.formats.found import FoundImage
from labelmaps.data.formats.objects import (
    Columns,
    Objects,
    annotate,
    choose_labels,
    find_boxes,
    find_value,
    pair,
)
from labelmaps.data.formats.shards import list_shards, name_shards
from labelmaps.data.ids import ids_of
from labelmaps.data.images import IMAGE_SUFFIXES, synset_in_name
from labelmaps.errors import InputError

ENDING = ".tar"
COLUMNS = {"label": "label", "boxes": "boxes"}  # the keys of a sample's JSON by default
_READ = ("cls", "json")


class _Sample(NamedTuple):
    """A sample: its key, the place of its image in the shard, and its objects; or the reason why it cannot be used."""

    shard: str
    key: str
    offset: int
    length: int
    objects: Objects
    problem: str | None


def read_webdataset(
    place: str,
    classes: list[Class],
    columns: Columns | None = None,
    box_format: str = "corners",
    *,
    are_assumed: bool = False,
) -> tuple[list[FoundImage], Annotations]:
    """List the images in WebDataset's shards, which are not unpacked, with their labels and boxes.

    place: a tar, a folder or a pattern, as for `list_shards`. classes: those of the classes file. columns: the names of the
        keys `label` and `boxes` in the samples' JSON, if they have others; nested names are joined by dots. box_format: one
        of `BOX_FORMATS`. are_assumed: whether the classes were not given.

    A sample has an image (`.jpg`, `.png`, …) and its label: in `.cls`, an index or a class's id, or in `.json`, which may
    also hold boxes. If `columns` names a label, that of the JSON is used. Ids are the last parts of the keys, or whole keys,
    or keys after the name of the shard, the first of these that distinguishes all samples.

    Returns the images and their annotations. Raises `InputError` for a shard that is damaged, and if there is no sample.
    """
    shards = list_shards(place, ENDING)
    samples = [sample for shard in shards for sample in _samples_of(shard, columns or {})]
    if not samples:
        raise InputError(
            f"{place}: no sample in {len(shards)} tars; give shards of samples, .jpg and .cls of one name"
        )
    texts = {text for sample in samples for text, _ in sample.objects}
    labels = choose_labels(texts, classes, None, place, are_assumed=are_assumed)
    synsets = class_indices(classes)
    ids = _ids_of(samples, shards)
    found = []
    for image, sample in zip(ids, samples, strict=True):
        named = synsets.get(synset_in_name(f"{PurePosixPath(sample.key).name}.jpg") or "")
        problem = sample.problem if sample.length < 0 else None
        found.append(FoundImage(image, sample.shard, sample.offset, sample.length, None, named, problem))
    entries = (
        (image, partial(annotate, sample.objects, sample.problem, labels, box_format, f"sample {sample.key}"))
        for image, sample in zip(ids, samples, strict=True)
    )
    return found, collect(entries)


def _ids_of(samples: list[_Sample], shards: list[str]) -> list[str]:
    """Return the id of each sample: from its key, with its shard before it if keys repeat."""
    keys = [f"{sample.key}.jpg" for sample in samples]
    ids = ids_of(keys)
    if len({*ids}) == len(ids):
        return ids
    places = name_shards(shards, ENDING)
    return [f"{places[sample.shard]}/{sample.key}" for sample in samples]


def _samples_of(shard: str, columns: Columns) -> Iterator[_Sample]:
    """Yield the samples of a shard, in the order in which they begin; raise `InputError` if it cannot be read."""
    members: dict[str, dict[str, list[tuple[int, int]]]] = {}  # key → ending → place of each member
    read: dict[tuple[str, str], bytes] = {}
    try:
        with open_tar(shard) as archive:
            for member in iterate_members(archive):
                key, ending = _split(member.name)
                if not member.isreg() or not key:
                    continue
                places = members.setdefault(key, {}).setdefault(ending, [])
                places.append((member.offset_data, member.size))
                if ending in _READ and member.size <= LARGEST_READ:
                    archive.fileobj.seek(member.offset_data)
                    read[key, ending] = archive.fileobj.read(member.size)
    except (OSError, tarfile.TarError) as error:
        raise InputError(
            f"cannot read {shard} as a tar: {error}; download it again if it is damaged, unpack it if it is compressed"
        ) from error
    for key, places in members.items():
        yield _sample(shard, key, places, {ending: read.get((key, ending)) for ending in _READ}, columns)


def _split(name: str) -> tuple[str, str]:
    """Split the name of a member at the first dot of its last part into key and ending; a hidden file has an empty key."""
    folder, slash, last = name.removeprefix("./").rpartition("/")
    stem, _, ending = last.partition(".")
    return (f"{folder}{slash}{stem}" if stem else ""), ending.lower()


def _sample(
    shard: str,
    key: str,
    places: dict[str, list[tuple[int, int]]],
    read: dict[str, bytes | None],
    columns: Columns,
) -> _Sample:
    """Build a sample from its members; if it cannot be used, the reason becomes its problem.

    places: ending → places (offset, length) of the members with that ending. read: the contents of label and JSON.
    """
    images = [place for ending in places if f".{ending}" in IMAGE_SUFFIXES for place in places[ending]]
    if len(images) != 1:
        fault = "several images" if images else "no image"
        times = {ending: f" {len(found)} times" if len(found) > 1 else "" for ending, found in places.items()}
        endings = ", ".join(f".{ending}{count}" for ending, count in times.items())
        return _Sample(
            shard, key, -1, -1, [], f"{fault} in the sample: {key} has {endings}; a key ends at its first dot"
        )
    try:
        return _Sample(shard, key, *images[0], _objects(places, read, columns), None)
    except UnusableError as reason:
        return _Sample(shard, key, *images[0], [], str(reason))


def _objects(
    places: dict[str, list[tuple[int, int]]], read: dict[str, bytes | None], columns: Columns
) -> Objects:
    """Return the objects of a sample, from its label and its JSON; raise `UnusableError` unless it has one label."""
    for ending in _READ:
        if len(places.get(ending, [])) > 1:
            raise UnusableError(f"several labels in the sample: {len(places[ending])} members .{ending}")
        if ending in places and read[ending] is None:
            raise UnusableError(f"label too large: .{ending} has {places[ending][0][1]} bytes")
    content = _content(read["json"])
    label: Any = None
    if read["cls"] is not None and "label" not in columns:
        label = read["cls"].decode(errors="replace")
    else:
        label = find_value(content, str(columns.get("label", COLUMNS["label"])))
        if label is None:
            where = (
                f"in its JSON: no key {columns['label']}"
                if "label" in columns
                else "in the sample: no .cls, no JSON with it"
            )
            raise UnusableError(f"no label {where}")
    return pair(label, find_boxes(content, columns.get("boxes", COLUMNS["boxes"])))


def _content(text: bytes | None) -> dict[str, Any]:
    """Parse a sample's JSON; return an empty object if it has none; raise `UnusableError` if it is no object."""
    if text is None:
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"unreadable JSON: {error}") from None
    if not isinstance(content, dict):
        raise UnusableError(f"unreadable JSON: {type(content).__name__}, no object with keys")
    return content
