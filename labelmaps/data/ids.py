"""The ids of images, by which results name them."""

from collections.abc import Sequence

from labelmaps.data.images import image_id


def ids_of(paths: Sequence[str]) -> list[str]:
    """Name images by their files' names, or by their paths if two files in different folders have the same name.

    paths: relative to the data set's source, with slashes. Either all ids are stems, or all are paths without their ending
    (see `image_id`). Files that differ only in their ending share an id.
    """
    stems = [image_id(path.rpartition("/")[2]) for path in paths]
    return stems if len({*stems}) == len(stems) else [image_id(path) for path in paths]
