"""What an image file itself tells of damage is heard, in every format; whole files of every kind are accepted."""

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelmaps.data.damage import examine_image
from labelmaps.data.images import read_digest, read_image
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError

WIDTH, HEIGHT = 80, 64
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)).resize(
    (WIDTH, HEIGHT), Image.Resampling.BICUBIC
)
DEEP = Image.fromarray(np.asarray(PICTURE.convert("L")).astype(np.uint16) * 257)


def saved(kind, image=PICTURE, **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def examined(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    return examine_image(tmp_path / "a.jpg")


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 0b100]) + content[place + 1 :]


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(rows, *, interlaced=False, size=(WIDTH, HEIGHT), data=None):
    """A grey PNG written by hand. rows: its bytes before they are packed, a filter's byte before each row."""
    header = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, interlaced)
    data = zlib.compress(rows) if data is None else data
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def scans(jpeg):
    """Places of a JPEG's scans: each from its mark up to what follows it."""
    starts = [i for i in range(len(jpeg)) if jpeg[i : i + 2] == b"\xff\xda"]
    ends = [
        next(
            j
            for j in range(i + 14, len(jpeg))
            if jpeg[j] == 0xFF and jpeg[j + 1] not in {0, *range(0xD0, 0xD8)}
        )
        for i in starts
    ]
    return list(zip(starts, ends, strict=True))


JPEG = saved("JPEG")
PROGRESSIVE = saved("JPEG", progressive=True)
WHOLE = {
    "jpeg": JPEG,
    "jpeg, progressive": PROGRESSIVE,
    "jpeg, progressive and grey": saved("JPEG", PICTURE.convert("L"), progressive=True),
    "jpeg, restarts": saved("JPEG", restart_marker_blocks=3),
    "jpeg, colours not reduced": saved("JPEG", subsampling=0, quality=100),
    "jpeg of RGB": saved("JPEG", keep_rgb=True),
    "jpeg of CMYK": saved("JPEG", PICTURE.convert("CMYK")),
    "jpeg of CMYK, progressive": saved("JPEG", PICTURE.convert("CMYK"), progressive=True),
    "jpeg with marks in its metadata": saved("JPEG", exif=b"Exif\0\0" + b"\xff\xd8\xff\xda\xff\xd9" * 20),
    "jpeg of an odd revision": JPEG.replace(b"JFIF\0\1\1", b"JFIF\0\3\0"),
    "jpeg with bytes behind its end": JPEG + b"of a camera" * 9,
    "jpeg with zeros before its end": JPEG[:-2] + bytes(12) + JPEG[-2:],
    "jpeg with bytes between segments": JPEG[:20] + b"\0\0" + JPEG[20:],
    "jpeg with a preview": saved("MPO", save_all=True, append_images=[PICTURE.resize((8, 8))]),
    "png": saved("PNG"),
    "png, alpha": saved("PNG", PICTURE.convert("RGBA")),
    "png, palette": saved("PNG", PICTURE.quantize(16), bits=4),
    "png, black and white": saved("PNG", PICTURE.convert("1")),
    "png, deep": saved("PNG", DEEP),
    "png, interlaced": png(
        bytes(8 * 11 + 8 * 11 + 8 * 21 + 16 * 21 + 16 * 41 + 32 * 41 + 32 * 81), interlaced=True
    ),
    "png of one pixel, interlaced": png(bytes(2), interlaced=True, size=(1, 1)),
    "png with more than its rows": png(bytes((WIDTH + 1) * HEIGHT + 9)),
    "png with bytes behind its end": saved("PNG") + b"more",
    "webp": saved("WEBP"),
    "webp, exact": saved("WEBP", lossless=True),
    "bmp": saved("BMP"),
    "bmp, palette": saved("BMP", PICTURE.quantize(16)),
    "tiff": saved("TIFF"),
    "tiff, black and white": saved("TIFF", PICTURE.convert("1")),
    "tiff, deep": saved("TIFF", DEEP),
    "tiff of CMYK": saved("TIFF", PICTURE.convert("CMYK")),
    "tiff, fax": saved("TIFF", PICTURE.convert("1"), compression="group4"),
    "tiff, jpeg": saved("TIFF", compression="jpeg"),
    "tiff, jpeg of CMYK": saved("TIFF", PICTURE.convert("CMYK"), compression="jpeg"),
    **{
        f"tiff, {name}": saved("TIFF", compression=name, strip_size=WIDTH * 3 * 10)
        for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd")
    },
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_files_are_accepted_with_their_size_and_digest(tmp_path, kind):
    assert examined(tmp_path, WHOLE[kind]) == (
        *read_image(tmp_path / "a.jpg").shape[1::-1],
        read_digest(tmp_path / "a.jpg"),
    )


def tiff_of_strips(rows, sizes=None):
    """An uncompressed grey TIFF of four strips of 16 rows, of which the header lists those of so many `rows`."""
    starts = [8 + 16 * WIDTH * i for i in range(rows // 16)]
    sizes = sizes or [16 * WIDTH] * len(starts)
    after = 8 + WIDTH * HEIGHT
    listed = struct.pack(f"<{len(starts)}I{len(sizes)}I", *starts, *sizes)
    tags = [(256, 1, WIDTH), (257, 1, HEIGHT), (258, 1, 8), (259, 1, 1), (262, 1, 1)]
    tags += [(273, len(starts), after), (277, 1, 1), (278, 1, 16), (279, len(sizes), after + 4 * len(starts))]
    entries = b"".join(struct.pack("<HHII", tag, 4, count, value) for tag, count, value in tags)
    return (
        b"II*\0"
        + struct.pack("<I", after + len(listed))
        + bytes(WIDTH * HEIGHT)
        + listed
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
    )


def in_scan(jpeg, which, share=0.5):
    """A place within one scan's data."""
    start, end = scans(jpeg)[which]
    return int(start + 14 + share * (end - start - 14))


def without_scan(which):
    start, end = scans(PROGRESSIVE)[which]
    return PROGRESSIVE[:start] + PROGRESSIVE[end:]


def of_a_scan_each(components):
    """A JPEG whose components come in scans of their own, up to so many of them."""
    grey = saved("JPEG", PICTURE.convert("L"))
    frame, scan = grey.index(b"\xff\xc0"), grey.index(b"\xff\xda")
    header = grey[frame + 4 : frame + 9] + bytes([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
    marks = [b"\xff\xda\0\x08\x01" + bytes([i + 1]) + b"\0\0\x3f\0" for i in range(components)]
    return (
        grey[:frame]
        + b"\xff\xc0"
        + struct.pack(">H", len(header) + 2)
        + header
        + grey[frame + 13 : scan]
        + b"".join(mark + grey[scan + 10 : -2] for mark in marks)
        + b"\xff\xd9"
    )


GREY_ROWS = bytes((WIDTH + 1) * HEIGHT)
DAMAGED = {
    "jpeg that ends early": (JPEG[: in_scan(JPEG, 0)] + JPEG[-2:], "premature end of data segment"),
    "jpeg with a flipped byte": (flipped(JPEG, in_scan(JPEG, 0)), "bad Huffman code"),
    "jpeg of CMYK that ends early": (
        WHOLE["jpeg of CMYK"][: in_scan(WHOLE["jpeg of CMYK"], 0)] + JPEG[-2:],
        "premature end",
    ),
    "jpeg of an odd revision that ends early": (
        WHOLE["jpeg of an odd revision"][: in_scan(JPEG, 0)] + JPEG[-2:],
        "premature end",
    ),
    "jpeg without its end": (WHOLE["jpeg, restarts"][:-2], "truncated"),
    "jpeg without a restart": (
        WHOLE["jpeg, restarts"].replace(b"\xff\xd1", b"", 1),
        "Corrupt JPEG data|premature end",
    ),
    "jpeg with bytes too many": (JPEG[:-2] + b"abc" * 20 + JPEG[-2:], "extraneous bytes before marker 0xd9"),
    "jpeg without its last scan": (without_scan(-1), "ends before its last scan"),
    "jpeg without its first scan": (without_scan(0), "ends before its last scan|Inconsistent progression"),
    "jpeg without a scan within": (without_scan(3), "ends before its last scan|Inconsistent progression"),
    "jpeg without its last colour": (of_a_scan_each(2), "ends before its last scan"),
    "png with a wrong checksum of its data": (
        flipped(saved("PNG"), saved("PNG").index(b"IEND") - 6),
        "IDAT differs from its checksum",
    ),
    "png with a wrong checksum of a text": (
        saved("PNG").replace(b"\0\0\0\0IEND", chunk(b"tEXt", b"a\0b")[:-1] + b"?" + b"\0\0\0\0IEND"),
        "checksum",
    ),
    "png without its end": (saved("PNG")[:-12], "a PNG without its end mark"),
    "png with 20 rows of 64": (png(GREY_ROWS[: 20 * (WIDTH + 1)]), "holds 1620 bytes of pixels where 5184"),
    "png without its last byte": (png(GREY_ROWS[:-1]), "holds 5183 bytes of pixels where 5184|truncated"),
    "png, interlaced, without its last pass": (
        png(bytes(1000), interlaced=True),
        "holds 1000 bytes of pixels|truncated",
    ),
    "png whose data have no end": (
        png(b"", data=zlib.compress(GREY_ROWS)[:-4]),
        "end before their checksum",
    ),
    "png whose data differ from their own checksum": (
        png(b"", data=zlib.compress(GREY_ROWS)[:-4] + b"abcd"),
        "check|broken",
    ),
    "webp cut, of the length that it announces": (
        b"RIFF" + struct.pack("<I", 12 + 400) + b"WEBPVP8 " + struct.pack("<I", 400) + saved("WEBP")[20:420],
        ".",
    ),
    "bmp cut": (saved("BMP")[:-1], "truncated"),
    "tiff without its last strips": (tiff_of_strips(32), "2 strips of 4|truncated"),
    "tiff whose strips are short": (tiff_of_strips(64, [16 * WIDTH] * 3 + [5]), "have 3845 bytes where 5120"),
    "tiff, deflate, flipped": (
        flipped(saved("TIFF", compression="tiff_adobe_deflate"), -300),
        ".",
    ),
    "tiff, jpeg that ends early": (
        saved("TIFF", compression="jpeg").replace(
            JPEG_IN_TIFF := saved("TIFF", compression="jpeg")[1200:1210], b"\xff\xd9" + JPEG_IN_TIFF[2:]
        ),
        "premature end",
    ),
}


def test_a_hand_made_tiff_is_whole(tmp_path):
    assert examined(tmp_path, tiff_of_strips(64))[:2] == (WIDTH, HEIGHT)
    assert examined(tmp_path, of_a_scan_each(3))[:2] == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_a_file_tells_of_damage_is_heard(tmp_path, kind):
    content, reason = DAMAGED[kind]
    with pytest.raises(
        InputError, match=rf"unreadable image: .*a\.jpg: .*({reason}).*; replace or remove it"
    ):
        examined(tmp_path, content)


@pytest.mark.parametrize("kind", ["png", "png, interlaced", "tiff, tiff_adobe_deflate"])
def test_where_all_is_under_checksums_any_flip_that_changes_a_pixel_is_heard(tmp_path, kind):
    content = WHOLE[kind]
    expected = examined(tmp_path, content)[:2], read_image(tmp_path / "a.jpg").tobytes()
    for place in range(0, len(content), max(len(content) // 150, 1)):
        try:
            found = examined(tmp_path, flipped(content, place))[:2], read_image(tmp_path / "a.jpg").tobytes()
        except InputError:
            continue
        assert found == expected, place


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_at_any_length_is_refused_unless_only_what_is_behind_the_image_is_gone(tmp_path, kind):
    content = WHOLE[kind]
    size = examined(tmp_path, content)[:2], read_image(tmp_path / "a.jpg").tobytes()
    for kept in {*range(0, len(content), len(content) // 20), *range(len(content) - 5, len(content))}:
        try:
            cut = examined(tmp_path, content[:kept])[:2], read_image(tmp_path / "a.jpg").tobytes()
        except InputError:
            continue
        assert cut == size, kept


def test_a_file_too_large_for_an_image_is_not_read_into_memory(tmp_path):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    os.truncate(tmp_path / "a.jpg", 2**40)
    with pytest.raises(InputError, match=r"a\.jpg: 1099511627776 bytes are too many for an image"):
        examine_image(tmp_path / "a.jpg")


@pytest.mark.slow
@pytest.mark.skipif("LABELMAPS_TEST_DATA" not in os.environ, reason="LABELMAPS_TEST_DATA names no real data")
def test_no_photograph_of_imagenet_is_taken_for_damaged():
    images = sorted((Path(os.environ["LABELMAPS_TEST_DATA"]) / "imagenet_val").iterdir())
    assert len([examine_image(image) for image in images]) == len(images) > 0


@pytest.mark.parametrize(("verify", "left"), [("full", ["whole"]), ("header", ["early", "rows", "whole"])])
def test_the_index_leaves_them_out_where_it_verifies_the_whole(tmp_path, verify, left):
    contents = {
        "whole.jpg": JPEG,
        "early.jpg": DAMAGED["jpeg that ends early"][0],
        "rows.png": DAMAGED["png with 20 rows of 64"][0],
    }
    for name, content in contents.items():
        (tmp_path / "images" / "n01").mkdir(exist_ok=True, parents=True)
        (tmp_path / "images" / "n01" / name).write_bytes(content)
    (tmp_path / "classes.txt").write_text("n01 tench\nn02 goldfish\n")
    index, excluded = index_dataset(
        tmp_path / "classes.txt", images=tmp_path / "images", verify=verify, max_excluded=0.9
    )
    assert list(index["image"]) == left
    assert len(excluded) == 3 - len(left)


@pytest.mark.parametrize(
    "coding", ["baseline", "progressive", "grey", "cmyk", "zeros before the end", "arithmetic", "png"]
)
def test_a_jpeg_is_decoded_twice_only_where_its_decoder_had_something_to_say(tmp_path, monkeypatch, coding):
    path = tmp_path / ("a.png" if coding == "png" else "a.jpg")
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    picture = picture.convert({"grey": "L", "cmyk": "CMYK"}.get(coding, "RGB"))
    picture.save(path, **({"progressive": True} if coding == "progressive" else {}))
    content = path.read_bytes()
    if coding == "zeros before the end":
        path.write_bytes(content[:-2] + bytes(1000) + content[-2:])
    if coding == "arithmetic":  # that is what the frame says; the decoder of Pillow has to find out
        path.write_bytes(content.replace(b"\xff\xc0", b"\xff\xc9", 1))
        monkeypatch.setattr("simplejpeg.decode_jpeg", lambda *given, **options: None)
    decoded = []
    monkeypatch.setattr("labelmaps.data.damage.to_rgb", decoded.append)
    assert examine_image(path)[:2] == (60, 40)
    assert len(decoded) == (coding in ("zeros before the end", "arithmetic", "png"))


def test_what_pillow_says_of_a_damaged_jpeg_comes_first(tmp_path):
    path = tmp_path / "a.jpg"
    picture = np.random.default_rng(0).integers(0, 256, (400, 600, 3), np.uint8)
    Image.fromarray(picture).save(path)
    path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(InputError, match="image file is truncated"):
        examine_image(path)
