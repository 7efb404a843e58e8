"""What a format finds: image files, before any is read."""

from typing import NamedTuple


class FoundImage(NamedTuple):
    """An image file, a member of a tar archive or a cell of a parquet file (`offset`, `length`: as in the index).

    label: that of the folder of a class. named_label: that of the synset in the file's name. problem: why it cannot be used,
    where that is known before it is read.
    """

    image: str
    path: str
    offset: int = -1
    length: int = -1
    label: int | None = None
    named_label: int | None = None
    problem: str | None = None
