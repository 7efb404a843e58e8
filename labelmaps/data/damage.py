"""Checks for damage that leaves an image file readable: checksums, announced sizes, warnings of the decoder.

Pillow decodes a JPEG whose data end early, a PNG with a wrong checksum, and the like, and fills what is missing with black
or grey. Decoding an image twice takes time, so an image is examined once, when it is indexed; from then on its digest shows
whether it is the same.

Some damage cannot be detected: JPEG has no checksum, and most of its bytes may change without a contradiction; of WEBP, BMP
and uncompressed TIFF only the length can be checked.
"""

import hashlib
import lzma
import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import simplejpeg
from PIL.TiffImagePlugin import TiffImageFile

from labelmaps.data.images import LARGEST_FILE, open_image, read_content, to_rgb

_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a stuffed 0xFF, nor a restart within a scan
_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ARITHMETIC = re.compile(rb"\xff[\xc9-\xcb\xcd-\xcf]")  # frames; no bytes of pixels look so
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_WITHOUT_PIXELS = {*range(0xE0, 0xF0), 0xFE}  # metadata, thumbnails, comments
# Warnings of libjpeg that concern pixels. Others concern the header, or features that the library does not support.
_JPEG_DAMAGE = re.compile(r"Corrupt JPEG data|Premature end|Inconsistent progression")
_BEFORE_THE_END = re.compile(r"(\d+) extraneous bytes before marker 0xd9")

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # type of colour → number of channels
_WHOLE, _ADAM7 = (
    [(0, 1, 0, 1)],  # for each pass, the first column and the step to the next one, and the same for rows
    [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)],
)
_BLOCK = 2**20  # bytes that are decompressed at a time

# Tags of TIFF, and those of its compressions that reveal damage which libtiff ignores.
_ROWS_PER_STRIP, _STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 278, 273, 279, 324, 325
_PLANES, _SAMPLES, _BITS, _COMPRESSION, _PHOTOMETRIC, _JPEG_TABLES = 284, 277, 258, 259, 262, 347
_RAW, _JPEG, _DEFLATE, _LZMA, _YCBCR = 1, 7, {8, 32946}, 34925, 6


def examine_image(path: str | Path, offset: int = -1, length: int = -1) -> tuple[int, int, str]:
    """Decode an image, check its file for damage, and return its width, height and SHA-256 (hexadecimal).

    Arguments as for `labelmaps.data.images.read_image`.

    Raises `InputError` as `read_image` does, and if a part of the image is missing or differs from its checksum.
    """
    content = read_content(path, offset, length)
    with open_image(path, offset, length, content) as image:
        width, height = image.size
        is_jpeg = image.format in ("JPEG", "MPO")
        damage, is_decoded = None, False
        if is_jpeg:
            try:
                is_decoded = _check_jpeg(content, is_cmyk=image.mode == "CMYK")
            except ValueError as error:
                damage = error
            # The smallest grey image: all data are read, but few pixels are computed.
            image.draft("L", (1, 1))
        if not is_decoded:
            to_rgb(image)
        if damage is not None:
            raise damage
        if image.format == "PNG":
            _check_png(content)
        elif isinstance(image, TiffImageFile):
            _check_tiff(dict(image.tag_v2), height, width, content)
    return width, height, hashlib.sha256(content).hexdigest()


def _check_jpeg(content: bytes, is_cmyk: bool) -> bool:
    """Decode a JPEG, and tell whether its decoder had nothing to say, so that Pillow, which uses it, too, can read it.

    False where it had, but not of damage, and where the coding is not Huffman's, which not every Pillow reads.

    Raises `ValueError` if the JPEG is not complete, or if the decoder warns of damage to the pixels.
    """
    plain = _without_metadata(content)
    try:
        simplejpeg.decode_jpeg(plain, colorspace="CMYK" if is_cmyk else "GRAY", min_factor=8, strict=True)
    except ValueError as warning:
        if not _JPEG_DAMAGE.search(str(warning)):
            return False
        padding = _BEFORE_THE_END.search(str(warning))  # some cameras fill up with zeros
        if padding is None or not plain.endswith(bytes(int(padding[1])) + bytes([0xFF, _EOI])):
            raise
        return False
    return not _ARITHMETIC.search(plain)


def _without_metadata(content: bytes) -> bytes:
    """Return a JPEG from its start to its end mark, without the segments that do not concern its pixels.

    Raises `ValueError` if it has no end mark, or if its scans do not contain every coefficient of every component in full.
    """
    kept, place = [content[:2]], 2
    missing: set[tuple[int, int]] = set()  # component, coefficient
    while True:
        found = _JPEG_MARKER.search(content, place)
        if found is None:
            raise ValueError("truncated: a JPEG without its end mark")
        marker, place = found[0][1], found.end()
        if marker == _EOI:
            break
        if marker in (_SOI, _TEM):
            continue
        start, place = found.start(), place + int.from_bytes(content[place : place + 2], "big")
        segment = content[found.end() + 2 : place]
        if marker in _FRAMES:
            is_progressive = marker in _PROGRESSIVE
            missing = {(component, k) for component in segment[6::3] for k in range(64)}
        elif marker == _SOS:
            n = segment[0]
            first, last, precision = segment[1 + 2 * n : 4 + 2 * n] if is_progressive else (0, 63, 0)
            if precision & 15 == 0:  # the last bit; the decoder itself warns if bits before it are missing
                missing -= {
                    (component, k) for component in segment[1 : 1 + 2 * n : 2] for k in range(first, last + 1)
                }
            end = _JPEG_MARKER.search(content, place)
            place = end.start() if end else place
        if marker not in _WITHOUT_PIXELS:
            kept.append(content[start:place])
    if missing:
        raise ValueError("a JPEG that ends before its last scan")
    return b"".join([*kept, bytes([0xFF, _EOI])])


def _check_png(content: bytes) -> None:
    """Raise `ValueError` or `zlib.error` if a PNG's chunk differs from its checksum, or if pixels or the end are missing."""
    place, data, name = len(_PNG_START), [], b""
    while name != b"IEND":
        length, name = struct.unpack(">I4s", content[place : place + 8].ljust(8, b"\0"))
        end = place + 8 + length
        if end + 4 > len(content):
            raise ValueError("truncated: a PNG without its end mark")
        body = memoryview(content)[place + 8 : end]
        if zlib.crc32(content[place + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise ValueError(f"the PNG's {name.decode('latin-1')} differs from its checksum")
        if name == b"IHDR":
            width, height, bits, colour, _, _, is_interlaced = struct.unpack_from(">IIBBBBB", body)
        elif name == b"IDAT":
            data.append(body)
        place = end + 4
    expected = 0
    for column, across, row, down in _ADAM7 if is_interlaced else _WHOLE:
        columns, rows = -(-(width - column) // across), -(-(height - row) // down)
        expected += rows * (1 + -(-columns * bits * _PNG_CHANNELS[colour] // 8)) if columns > 0 else 0
    if (found := _unpacked_size(data, expected)) < expected:
        raise ValueError(f"the PNG holds {found} bytes of pixels where {expected} belong")


def _unpacked_size(blocks: Iterable[bytes | memoryview], enough: int) -> int:
    """Return the number of bytes of data in zlib's format when decompressed; stop counting beyond `enough`.

    Raises `zlib.error` if they are damaged, and `ValueError` if they end before their checksum.
    """
    unpacker, size = zlib.decompressobj(), 0
    for block in blocks:
        waiting = block
        while waiting and not unpacker.eof and size <= enough:
            size += len(unpacker.decompress(waiting, _BLOCK))
            waiting = unpacker.unconsumed_tail
    if not unpacker.eof and size <= enough:
        size += len(unpacker.flush())
        if not unpacker.eof and size <= enough:
            raise ValueError("compressed data that end before their checksum")
    return size


def _check_tiff(tags: dict, height: int, width: int, content: bytes) -> None:
    """Raise if strips of a TIFF are missing, or too short where not compressed, or if their compression reveals damage.

    tags: number of a tag → value, as in Pillow's `tag_v2`. height, width: in pixels. content: the whole file.

    Deflate, LZMA and JPEG reveal damage, also of tiles; missing tiles and other compressions are not examined. The errors
    are `ValueError`, `zlib.error` or `lzma.LZMAError`.
    """
    starts = tags.get(_STRIPS) or tags.get(_TILES) or ()
    sizes = tags.get(_STRIP_SIZES) or tags.get(_TILE_SIZES) or ()
    compression, samples = tags.get(_COMPRESSION, _RAW), tags.get(_SAMPLES, 1)
    if _STRIPS in tags:
        planes = samples if tags.get(_PLANES, 1) == 2 else 1
        strips = -(-height // min(tags.get(_ROWS_PER_STRIP, height), height)) * planes
        if len(starts) < strips:
            raise ValueError(f"a TIFF with {len(starts)} strips of {strips}")
        expected = -(-width * sum(tags.get(_BITS, (1,))) // planes // 8) * planes * height
        if compression == _RAW and sizes and sum(sizes) < expected and tags.get(_PHOTOMETRIC) != _YCBCR:
            raise ValueError(f"the TIFF's strips have {sum(sizes)} bytes where {expected} belong")
    tables = tags.get(_JPEG_TABLES, b"")[:-2]
    for start, size in zip(starts, sizes, strict=False):
        strip = content[start : start + size]
        if compression in _DEFLATE:
            _unpacked_size([strip], LARGEST_FILE)
        elif compression == _LZMA:
            unpacker = lzma.LZMADecompressor()
            while not unpacker.eof and (unpacker.decompress(strip, _BLOCK) or not unpacker.needs_input):
                strip = b""  # the decompressor keeps the rest
        elif compression == _JPEG:
            _check_jpeg(tables + strip[2:] if tables else strip, is_cmyk=samples == 4)
