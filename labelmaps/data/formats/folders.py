"""Images in folders (a flat one, one per class, or the root of a data set that holds `val/`) and in plain tar archives.

Neither pandas nor torch is imported here, because these folders are also listed when jobs are planned.
"""

import logging
import os
import re
import tarfile
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from labelmaps.data.archives import iterate_members, open_tar
from labelmaps.data.classes import Class, class_indices, refuse_numbers_of_others
from labelmaps.data.formats.found import FoundImage
from labelmaps.data.ids import ids_of
from labelmaps.data.images import (
    HIDDEN_FOLDERS,
    SIGNATURE_BYTES,
    is_image_name,
    is_image_start,
    is_no_image_name,
    is_other_image_name,
    synset_in_name,
)
from labelmaps.errors import InputError
from labelmaps.storage.files import open_regular

logger = logging.getLogger(__name__)

# Names of folders in a root that are parts of a data set (`val`, `train2017`), not classes.
_YEAR = r"([-_ ]?\d{4})?"
_VALIDATION = re.compile(rf"(val|valid|validation){_YEAR}", re.IGNORECASE)
_SPLIT = re.compile(rf"(val|valid|validation|train|training|test|testing){_YEAR}", re.IGNORECASE)


def images_folder(folder: Path) -> Path:
    """Return the folder that holds a data set's images: `val/` if the folder is the root of a divided data set, else itself.

    A root holds no image itself, and has `val` (`valid`, `validation`, `val2017`) beside other parts such as `train`, or
    alone; or its `val` holds folders and no image, so that it cannot be a class.

    Raises `InputError` if a divided data set has no `val`, or more than one, if the folder is the root of Pascal VOC, and if
    a folder cannot be listed.
    """
    names, has_images = _list_folders_and_images(folder)
    if has_images:
        return folder
    if "JPEGImages" in names:
        raise InputError(f"{folder}: the root of a Pascal VOC data set; name it as `voc` instead of `images`")
    splits, validation = ([*filter(pattern.fullmatch, names)] for pattern in (_SPLIT, _VALIDATION))
    is_divided = len(splits) > 1 or 0 < len(splits) == len(names)
    if len(validation) == 1:
        inner_names, inner_has_images = _list_folders_and_images(folder / validation[0])
        is_divided = is_divided or (bool(inner_names) and not inner_has_images)
    if not is_divided:
        return folder
    if len(validation) != 1:
        raise InputError(
            f"{folder}: divided into {', '.join(splits)}: which are the images? Give the path of one of these folders"
        )
    return folder / validation[0]


def _list_folders_and_images(folder: Path) -> tuple[list[str], bool]:
    """Return the names of the visible folders in a folder, sorted, and whether it also holds an image.

    Raises `InputError` if the folder cannot be listed.
    """
    names, has_images = [], False
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                if entry.is_dir():
                    names.append(entry.name)
                elif is_image_name(entry.name):
                    has_images = True
    except OSError as error:
        raise _unlistable(folder, error) from error
    return sorted(name for name in names if not name.startswith(HIDDEN_FOLDERS)), has_images


def _unlistable(folder: Path, error: OSError) -> InputError:
    """Return the error to raise for a folder that cannot be listed."""
    return InputError(f"cannot list the folder {folder}: {error}; check path and permissions")


def has_own_classes(folder: Path, known: Sequence[Class]) -> bool:
    """Return whether a data set's folders name classes of their own, which `classes_of` lists.

    known: ImageNet's classes. If a folder is named by the id of one of them, or all are named by numbers, the folders stand
    for ImageNet's classes. A folder of images has no classes.

    Raises `InputError` as `images_folder` does.
    """
    names, has_images = _list_folders_and_images(images_folder(folder))
    ids = class_indices([*known])
    return not (has_images or any(name in ids for name in names) or all(map(_is_number, names)))


def classes_of(folder: Path) -> list[Class]:
    """Return one class for each folder of a folder per class, sorted by name as in torchvision's ImageFolder.

    Raises `InputError` if that is probably not intended: for a single folder, and for one without an image, which
    ImageFolder refuses, too; and as `images_folder` does.
    """
    place = images_folder(folder)
    names, _ = _list_folders_and_images(place)
    if len(names) < 2:
        raise InputError(
            f"{place}: {len(names)} folders of classes; give two or more, since a classifier distinguishes them"
        )
    if empty := [name for name in names if not _list_folders_and_images(place / name)[1]]:
        raise InputError(
            f"{place}: no image in {len(empty)} folders, first {empty[:3]}: are they classes? Remove them, or list the "
            "classes in a file, `classes`"
        )
    return [Class(name, name) for name in names]


def _numbered_labels(names: Iterable[str], n_labels: int) -> dict[str, int]:
    """Map folders that are named by labels, as ImageNet-V2's are, to these labels; return nothing if a name is no label."""
    if not all(map(_is_number, names)):
        return {}
    numbers = {name: int(name) for name in names}
    is_clear = len({*numbers.values()}) == len(numbers) and max(numbers.values(), default=0) < n_labels
    return numbers if is_clear else {}


def _is_number(name: str) -> bool:
    """Return whether a name is a whole number."""
    return name.isascii() and name.isdigit()


def find_images(path: Path, classes: list[Class], *, are_assumed: bool = False) -> list[FoundImage]:
    """Find the images of a flat folder, of a folder per class, of a root with `val/`, or of a plain tar archive.

    classes: those of the classes file; folders are named by their ids, or all by their labels. are_assumed: whether the
    classes were not given. Images are named as by `ids_of`.

    Raises `InputError` if there is no image, if the name of a folder is neither the id nor the label of a class, and as
    `refuse_numbers_of_others` does.
    """
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise InputError(f"cannot access {path}: {error}; check its permissions") from error
    place = images_folder(path) if is_folder else path
    if place != path:
        logger.info("%s: the images are those of %s; the folders beside it are not used", path, place.name)
    find = _find_in_folder if is_folder else _find_in_tar
    found, ignored = find(place, class_indices(classes))
    labels = {PurePosixPath(item.image).parent.name: item.label for item in found if item.label is not None}
    if are_assumed and all(map(_is_number, labels)):
        refuse_numbers_of_others(labels.values(), place)
    if ignored:
        logger.info("%s: ignored %d entries that are no images", place, ignored)
    if not found:
        raise InputError(f"no image in {place}: give a folder of images, of one folder per class, or a tar")
    usable = [item for item in found if item.problem is None]
    ids = ids_of([item.image for item in usable])
    named = [item._replace(image=image) for item, image in zip(usable, ids, strict=True)]
    return named + [item for item in found if item.problem is not None]


def _find_in_folder(folder: Path, labels: dict[str, int]) -> tuple[list[FoundImage], int]:
    """Find the images of a flat folder or of a folder per class, and count the entries that are ignored.

    labels: class id -> label. Raises `InputError` if images and folders of classes lie side by side, and as `_labels_of`
    does.
    """
    listed = _list_folder(folder)
    if not listed.images:
        return _find_in_class_folders(folder, listed, labels)
    if class_folders := [name for name in listed.folders if name in labels]:
        raise InputError(
            f"{folder} holds images ({listed.images[0]}) and folders of classes ({class_folders[0]}): "
            "which are the data set? Move the others away"
        )
    found = [
        FoundImage(name, str(folder / name), named_label=_named_label(name, labels)) for name in listed.images
    ]
    return found + _unused(folder, listed), listed.ignored + len(listed.folders)


def _find_in_class_folders(
    folder: Path, top: "FolderContent", labels: dict[str, int]
) -> tuple[list[FoundImage], int]:
    """Find the images in the folders of `folder`, named by class ids or labels, and count the entries that are ignored.

    top: the content of `folder`. labels: class id -> label.
    """
    folder_labels = _labels_of(folder, top.folders, labels)
    found, ignored = _unused(folder, top._replace(folders=[])), top.ignored
    for name in top.folders:
        listed = _list_folder(folder / name)
        found += [
            FoundImage(
                f"{name}/{file}",
                str(folder / name / file),
                label=folder_labels[name],
                named_label=_named_label(file, labels),
            )
            for file in listed.images
        ]
        unused = _unused(folder / name, listed)
        found += [item._replace(image=f"{name}/{item.image}") for item in unused]
        ignored += listed.ignored + len(listed.folders)
    return found, ignored


def _labels_of(folder: Path, names: list[str], labels: dict[str, int]) -> dict[str, int]:
    """Map the folders of classes to labels: by the ids that they are named by, or, if all names are numbers, by these.

    Raises `InputError` for folders with other names.
    """
    unknown = [name for name in names if name not in labels]
    if not unknown:
        return labels
    if numbers := _numbered_labels(names, len(labels)):
        logger.info("%s: folders named by labels, 0 to %d: lines of the classes", folder, len(labels) - 1)
        return numbers
    if all(map(_is_number, names)):
        raise InputError(
            f"{folder}: folders are named by numbers, of which {max(names, key=int)} is the largest, and are no labels "
            f"from 0 to {len(labels) - 1}, each once; give `classes`, a line `id name` for each folder"
        )
    raise InputError(
        f"{folder}: {len(unknown)} folders are not named by a class's id, first {unknown[:3]}; "
        "rename them to ids of the classes file, or add their classes to it"
    )


def _named_label(name: str, labels: dict[str, int]) -> int | None:
    """Return the label of the synset in a file's name; None if there is none, or if it is not the id of a class."""
    synset = synset_in_name(PurePosixPath(name).name)
    return None if synset is None else labels.get(synset)


class FolderContent(NamedTuple):
    """The entries of a folder, with names sorted.

    images: the images that are read. others: files that look like images, name -> why they are not read. folders: the
    visible ones. ignored: the number of the other entries, hidden folders among them.
    """

    images: list[str]
    others: dict[str, str]
    folders: list[str]
    ignored: int


def _list_folder(folder: Path) -> FolderContent:
    """List the entries of a folder by their kind; raise `InputError` if it cannot be listed."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
        folders = [entry.name for entry in entries if entry.is_dir()]
        # Keep broken links so that they are reported; skip pipes, which would block when opened.
        whole = {entry.name for entry in entries if entry.is_file()}
        links = {entry.name for entry in entries if entry.is_symlink() and not entry.is_dir()}
        files = [entry.name for entry in entries if entry.name in whole or entry.name in links]
    except OSError as error:
        raise _unlistable(folder, error) from error
    images, others = [], {}
    for name in files:
        if is_image_name(name):
            images.append(name)
        elif reason := _why_not_read(name, folder / name if name in whole else None):
            others[name] = reason
    visible = [name for name in folders if not name.startswith(HIDDEN_FOLDERS)]
    return FolderContent(images, others, visible, len(entries) - len(images) - len(others) - len(visible))


def _why_not_read(name: str, path: Path | None, offset: int = 0) -> str | None:
    """Return why a file that looks like an image is not read; None if it does not look like one.

    path, offset: the place where its content begins; without a path only its name is checked.
    """
    if is_other_image_name(name):
        return f"image under an ending that is not read: {name}; save it as JPEG or PNG, or move it away"
    if path is None or is_no_image_name(name):
        return None
    try:
        with open_regular(path) as file:
            file.seek(offset)
            start = file.read(SIGNATURE_BYTES)
    except OSError:  # by its name it is no image
        return None
    if is_image_start(start):
        return f"image by its content, not by its name: {name}; give it an image's ending, or move it away"
    return None


def _unused(folder: Path, listed: FolderContent) -> list[FoundImage]:
    """List entries of a folder that look like images and are not used: other formats, and images in folders below."""
    unused = [FoundImage(name, str(folder / name), problem=reason) for name, reason in listed.others.items()]
    for name in listed.folders:
        if (folder / name).is_symlink():  # it may lead back here
            continue
        inner = _list_folder(folder / name)
        inner_names = [*inner.images, *inner.others]
        reason = f"image in a folder where none is sought: {name}; move it up, or list all images in a table"
        unused += [
            FoundImage(f"{name}/{file}", str(folder / name / file), problem=reason) for file in inner_names
        ]
        below = _unused(folder / name, inner._replace(others={}))
        unused += [item._replace(image=f"{name}/{item.image}") for item in below]
    return unused


def _find_in_tar(path: Path, labels: dict[str, int]) -> tuple[list[FoundImage], int]:
    """Find the images in a plain tar archive, and count the entries that are ignored.

    labels: class id -> label. Raises `InputError` if the file is missing or is not a plain tar archive.
    """
    try:
        with open_tar(path) as archive:
            members = list(iterate_members(archive))
    except FileNotFoundError as error:
        raise InputError(f"no such file or folder: {path}; give the path of the images") from error
    except (OSError, tarfile.TarError) as error:
        raise InputError(
            f"cannot read {path} as a folder or a plain tar archive: {error}; images are read in place: "
            "decompress the archive (gunzip), or download it again if it is damaged"
        ) from error
    files = [member for member in members if not member.isdir()]
    folders = {PurePosixPath(member.name).parent.name for member in files if is_image_name(member.name)}
    folder_labels = labels if folders & labels.keys() else _numbered_labels(folders, len(labels))
    found = [item for member in files if (item := _find_member(member, path, labels, folder_labels))]
    return _without_top(found), len(files) - len(found)


def _without_top(found: list[FoundImage]) -> list[FoundImage]:
    """Remove the folders in which all images of an archive lie from the images' names."""
    parents = {PurePosixPath(item.image).parts[:-1] for item in found}
    levels = takewhile(lambda level: len({*level}) == 1, zip(*parents, strict=False))
    start = "".join(f"{folder}/" for folder, *_ in levels)
    return [item._replace(image=item.image.removeprefix(start)) for item in found]


def _find_member(
    member: tarfile.TarInfo, path: Path, labels: dict[str, int], folder_labels: dict[str, int]
) -> FoundImage | None:
    """Return a member of the tar archive at `path` as an image, with the reason if it cannot be read; None if it is none.

    labels: class id -> label. folder_labels: name of a folder -> label.
    """
    name = PurePosixPath(member.name).name
    is_whole = member.isreg()
    if is_image_name(name):
        if is_whole:
            place = (str(path), member.offset_data, member.size)
            label = folder_labels.get(PurePosixPath(member.name).parent.name)
            return FoundImage(member.name, *place, label=label, named_label=_named_label(name, labels))
        reason = f"no whole file in the archive: {member.name}; it is a link, pack the file itself"
    else:
        reason = _why_not_read(name, path if is_whole else None, member.offset_data)
    return FoundImage(member.name, str(path), problem=reason) if reason else None
