"""The reader of tar archives of images or boxes: it reads an archive to its end, or raises an error with the reason."""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from labelmaps.storage.files import open_regular

LARGEST_READ = 11_000_000  # bytes at a time; the largest that is read at once is the XML file of an image
# First bytes of a compressed file → the function that opens it; and the decompressor, if the module behind that function
# ignores what follows the compressed stream.
_PACKINGS: dict[bytes, tuple[Callable[[BinaryIO], Any], Callable[[], Any] | None]] = {
    b"\x1f\x8b": (gzip.open, None),
    b"BZh": (bz2.open, bz2.BZ2Decompressor),
    b"\xfd7zXZ\0": (lzma.open, lzma.LZMADecompressor),
    b"\x5d\0\0": (lzma.open, lzma.LZMADecompressor),
}


class _Bounded:
    """A file whose reads are bounded, since tarfile reads as many bytes as an archive's header announces, damaged or not."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise tarfile.ReadError(f"a header or a file of {size} bytes")
        return self._file.read(size)


@contextmanager
def open_tar(path: str | Path, is_packed: bool = False) -> Generator[tarfile.TarFile]:
    """Open a tar archive, and check at the end of the block that the archive ends where its last member does.

    is_packed: whether it may be compressed (gzip, bzip2, xz).

    Raises `tarfile.ReadError` if the archive is damaged, cut, or followed by anything but zeros, and `OSError` if the file
    cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        start = file.peek(8)
        opener, unpacker = next((_PACKINGS[key] for key in _PACKINGS if start.startswith(key)), (None, None))
        if opener is not None and not is_packed:
            raise tarfile.ReadError("it is compressed")
        try:
            if unpacker is not None:
                _refuse_other_packing(file, unpacker)
            with opener(file) if opener else file as content:
                archive = tarfile.TarFile(fileobj=cast("BinaryIO", _Bounded(content)))
                yield archive
                _check_end(archive)
        except (OSError, tarfile.TarError):
            raise
        except Exception as error:  # for broken headers tarfile raises almost any exception
            raise tarfile.ReadError(f"damaged: {error or type(error).__name__}") from error


def iterate_members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members of an archive.

    Raises `tarfile.ReadError` for a member whose header points backwards, with which tarfile would loop for ever, and for
    one that is stored as sparse, which cannot be read in place.
    """
    place = -1
    for member in archive:
        if not place < member.offset <= member.offset_data or member.size < 0:
            raise tarfile.ReadError(f"damaged: {member.name!r} has {member.size} bytes")
        if member.issparse():
            raise tarfile.ReadError(
                f"{member.name!r} is stored without its zeros: pack it anew, without --sparse"
            )
        place = member.offset
        archive.members = []  # ty: ignore[missing-attribute] - tarfile would keep millions of them in memory
        yield member


def _check_end(archive: tarfile.TarFile) -> None:
    """Raise `ReadError` unless the last member is followed by the end mark and nothing else.

    Tarfile takes a truncated or damaged header for the end, and stops at the end mark whatever comes after it.
    """
    file = archive.fileobj
    file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"no end mark at byte {archive.offset}")
    while block := file.read(
        tarfile.RECORDSIZE
    ):  # to the end, since the decompressor checks its checksum there
        if block.count(0) < len(block):
            raise tarfile.ReadError(
                f"more follows its end mark at byte {archive.offset}, which would not be read (archives joined by `cat`? "
                "Join them with `tar --concatenate` before they are compressed, or extract all and pack them anew)"
            )


def _refuse_other_packing(file: BinaryIO, unpacker: Callable[[], Any]) -> None:
    """Raise if a compressed file is followed by something else, which the modules `bz2` and `lzma` silently ignore."""
    stream = unpacker()
    while block := file.read(4096):  # decompressed at most 30 MB
        while block:
            if stream.eof:
                stream = unpacker()
            stream.decompress(block)
            block = stream.unused_data
    file.seek(0)
