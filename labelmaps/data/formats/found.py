"""The result of a format's search: image files, before any is read."""

from typing import NamedTuple


class FoundImage(NamedTuple):
    """An image file, a member of a tar archive or a cell of a parquet file (`offset`, `length`: as in the index).

    label: that of the class's folder. named_label: that of the synset in the file's name. problem: the reason why the image
    cannot be used, if it is known before the image is read.
    """

    image: str
    path: str
    offset: int = -1
    length: int = -1
    label: int | None = None
    named_label: int | None = None
    problem: str | None = None
