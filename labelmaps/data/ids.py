"""Names of images, by which results speak of them."""

from collections.abc import Sequence

from labelmaps.data.images import image_id


def ids_of(paths: Sequence[str]) -> list[str]:
    """Name images after their files, or after their paths where two files of different folders have one name.

    paths: relative to the data set's source, with slashes. Either all ids are stems, or all are paths without their ending
    (see `image_id`). Files that differ in the ending alone share an id.
    """
    stems = [image_id(path.rpartition("/")[2]) for path in paths]
    return stems if len({*stems}) == len(stems) else [image_id(path) for path in paths]
