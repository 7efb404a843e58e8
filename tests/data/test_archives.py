"""A tar archive is read to its end or refused, whatever its headers say and whatever follows it."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile

import pytest

from labelmaps.data.annotations import read_annotations
from labelmaps.data.classes import Class
from labelmaps.data.indexing import find_images
from labelmaps.errors import InputError

CLASSES = [Class("n01", "tench"), Class("n02", "goldfish")]
XML = (
    b"<annotation><object><name>n01</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
    b"</object></annotation>"
)
PACKINGS = {"tar": bytes, "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def tar(*names, pax=None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(XML), pax or {}
            archive.addfile(member, io.BytesIO(XML))
    return buffer.getvalue()


def read(path):
    """Ids in an archive of boxes, which may be packed, or of images."""
    if path.name == "boxes.tar":
        return list(read_annotations(path, CLASSES).table["image"])
    return sorted(found.image for found in find_images(path, CLASSES))


def refused(path, content, reason=""):
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"cannot read .*{path.name}.*{reason}"):
        read(path)


NAMES = {"boxes.tar": ("a.xml", "b.xml"), "images.tar": ("a.png", "b.png")}
archives = pytest.mark.parametrize("name", NAMES)
packings = pytest.mark.parametrize("packing", PACKINGS)


@packings
def test_whole_archives_are_read_with_zeros_behind_them(tmp_path, packing):
    (tmp_path / "boxes.tar").write_bytes(PACKINGS[packing](tar(*NAMES["boxes.tar"]) + bytes(30_000)))
    assert read(tmp_path / "boxes.tar") == ["a", "b"]
    (tmp_path / "images.tar").write_bytes(tar(*NAMES["images.tar"]) + bytes(30_000))
    assert read(tmp_path / "images.tar") == ["a", "b"]


@packings
@pytest.mark.parametrize("other", PACKINGS)
def test_archives_joined_by_cat_are_refused_as_the_second_would_not_be_read(tmp_path, packing, other):
    first, second = NAMES["boxes.tar"]
    refused(tmp_path / "boxes.tar", PACKINGS[packing](tar(first)) + PACKINGS[other](tar(second)))


def test_joined_archives_are_told_as_such_and_how_to_join_them(tmp_path):
    for name, (first, second) in NAMES.items():
        reason = r"more follows its end mark at byte \d+, .*`tar --concatenate`"
        refused(tmp_path / name, tar(first) + tar(second), reason)
    refused(tmp_path / "boxes.tar", gzip.compress(tar("a.xml")) + gzip.compress(tar("b.xml")), reason)
    refused(tmp_path / "boxes.tar", gzip.compress(tar("a.xml") + tar("b.xml")), reason)


@packings
def test_bytes_behind_an_archive_are_refused(tmp_path, packing):
    refused(tmp_path / "boxes.tar", PACKINGS[packing](tar("a.xml")) + b"appended")
    refused(tmp_path / "boxes.tar", PACKINGS[packing](tar("a.xml") + b"appended"))
    refused(tmp_path / "images.tar", tar("a.png") + b"appended")


def test_a_block_of_zeros_within_an_archive_is_not_its_end(tmp_path):
    for name, members in NAMES.items():
        content = tar(*members)
        second = content.index(members[1].encode())
        refused(tmp_path / name, content[:second] + bytes(512) + content[second + 512 :], "end mark")


@archives
@pytest.mark.parametrize(
    "pax",
    [
        {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": "a",
            "GNU.sparse.realsize": "x",
        },
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"},
        {"GNU.sparse.map": "0,x,5"},
        {"GNU.sparse.map": "0", "GNU.sparse.size": "9"},
        {"GNU.sparse.size": "9" * 5000},
        {
            "GNU.sparse.size": "9",
            "GNU.sparse.numblocks": "1",
            "GNU.sparse.offset": "z",
            "GNU.sparse.numbytes": "",
        },
        {"size": "-512"},
        {"size": "-100000"},
        {"size": "9" * 30},
        {"size": "9" * 18},
        {"size": "9" * 5000},
    ],
    ids=str,
)
def test_headers_with_broken_numbers_are_refused(tmp_path, name, pax):
    first, second = NAMES[name]
    refused(tmp_path / name, tar(first, second, pax={key: value[:4000] for key, value in pax.items()}))


def with_header(content, kind, size):
    """An archive before whose first member a header stands, of a type and a size as the 12 bytes of the field."""
    header = bytearray(content[:512])
    header[124:136], header[156:157] = size, kind
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content


@archives
@pytest.mark.parametrize(
    "kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME], ids=str
)
@pytest.mark.parametrize("size", [-512, -5120, 10**10, 2**63 - 1, 2**80])
def test_headers_of_any_size_neither_hang_nor_fill_the_memory(tmp_path, name, kind, size):
    field = bytes([255 if size < 0 else 128]) + (size % 2**88).to_bytes(11, "big")
    refused(tmp_path / name, with_header(tar(*NAMES[name]), kind, field))


def test_a_packed_header_that_unpacks_to_gigabytes_is_refused_before(tmp_path):
    field = struct.pack(">BxxxQ", 128, 2 * 10**9)
    refused(
        tmp_path / "boxes.tar",
        gzip.compress(with_header(tar("a.xml"), b"x", field)),
        "2000000000 bytes|2000000[0-9]* bytes",
    )
