"""Stored pixels come back as they are; everything else is refused with a reason."""

import struct
import tarfile
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from labelmaps.data.images import LONGEST_SIDE, image_id, is_image_name, read_image, read_size
from labelmaps.errors import InputError

HEIGHT, WIDTH = 30, 40


@pytest.fixture
def colours():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def save(path, pixels, mode=None, **options):
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_lossless_formats_return_the_stored_pixels(tmp_path, colours, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", colours, **options)
    pixels = read_image(path)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    np.testing.assert_array_equal(pixels, colours)
    assert read_size(path) == (WIDTH, HEIGHT)


def test_grey_is_repeated_in_the_three_channels(tmp_path, colours):
    grey = colours[:, :, 0]
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", grey)), np.stack([grey] * 3, axis=2))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_keeps_the_high_byte(tmp_path, colours, suffix):
    high, low = colours[:, :, 0], colours[:, :, 1]
    path = save(tmp_path / f"a.{suffix}", high.astype(np.uint16) * 256 + low)
    np.testing.assert_array_equal(read_image(path), np.stack([high] * 3, axis=2))


def png(width, height, colour_type=2, bits=8, rows=b""):
    """A PNG written by hand, with whatever header."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(rows), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks.items()
    )


def test_16_bit_colours_keep_the_high_byte(tmp_path, colours):
    deep = colours.astype(">u2") * 256 + np.arange(3, dtype=">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep.astype(">u2"))
    (tmp_path / "a.png").write_bytes(png(WIDTH, HEIGHT, bits=16, rows=rows))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), colours)


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "JPEG"), ("JPEG", "png"), ("WEBP", "tif")])
def test_the_content_counts_and_not_what_the_name_says(tmp_path, colours, kind, suffix):
    path = save(tmp_path / f"a.{suffix}", colours, format=kind)
    np.testing.assert_array_equal(read_image(path), np.asarray(Image.open(path)))
    assert read_size(path) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("size", [(LONGEST_SIDE, 1), (1, LONGEST_SIDE)])
def test_a_side_may_be_as_long_as_a_jpegs_and_no_longer(tmp_path, size):
    path = tmp_path / "a.png"
    Image.new("RGB", size).save(path)
    assert read_size(path) == size
    longer = tuple(side + (side > 1) for side in size)
    Image.new("RGB", longer).save(path)
    with pytest.raises(InputError, match=rf"{longer[0]} x {longer[1]} pixels: a side is longer than 65535"):
        read_size(path)


def test_alpha_is_dropped_and_not_blended(tmp_path, colours):
    transparent = np.dstack([colours, np.zeros((HEIGHT, WIDTH), np.uint8)])
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", transparent)), colours)


def test_a_palette_with_transparency_gives_its_colours(tmp_path, colours):
    palette = Image.fromarray(colours).quantize(16)
    palette.save(tmp_path / "a.png", transparency=bytes(range(0, 256, 16)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.asarray(palette.convert("RGB")))


def test_cmyk_becomes_the_same_colour(tmp_path):
    red = np.full((HEIGHT, WIDTH, 3), (200, 30, 40), np.uint8)
    pixels = read_image(save(tmp_path / "a.jpg", red, mode="CMYK", quality=95))
    assert pixels.shape == red.shape
    np.testing.assert_allclose(pixels.astype(int), red, atol=3)


def test_exif_rotation_is_not_applied(tmp_path, colours):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.png", colours, exif=exif)
    np.testing.assert_array_equal(read_image(path), colours)
    jpeg = save(tmp_path / "a.jpg", colours, exif=exif)
    assert read_image(jpeg).shape == (HEIGHT, WIDTH, 3)
    assert read_size(jpeg) == (WIDTH, HEIGHT)


def test_a_rotated_tiff_is_refused_because_pillow_would_turn_it(tmp_path, colours):
    exif = Image.Exif()
    exif[0x0112] = 6
    with pytest.raises(InputError, match="rotation tag"):
        read_image(save(tmp_path / "a.tif", colours, exif=exif))


def test_a_member_of_a_tar_is_read_in_place(tmp_path, colours):
    names = [save(tmp_path / f"{i}.png", np.roll(colours, i)) for i in range(3)]
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for name in names:
            archive.add(name, name.name)
    with tarfile.open(tmp_path / "all.tar") as archive:
        for i, member in enumerate(archive.getmembers()):
            place = (tmp_path / "all.tar", member.offset_data, member.size)
            np.testing.assert_array_equal(read_image(*place), np.roll(colours, i))
            assert read_size(*place) == (WIDTH, HEIGHT)
    with pytest.raises(InputError, match=r"all\.tar, bytes .* the file ends before"):
        read_image(tmp_path / "all.tar", member.offset_data, 10**6)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif"])
@pytest.mark.parametrize("kept", [0, 20, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path, colours, suffix, kept):
    path = save(tmp_path / f"a.{suffix}", colours)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(InputError, match=rf"unreadable image: .*a\.{suffix}: .+; replace or remove it"):
        read_image(path)


def test_missing_foreign_and_unknown_files_are_refused(tmp_path, colours):
    with pytest.raises(InputError, match="No such file"):
        read_image(tmp_path / "none.png")
    (tmp_path / "a.png").write_text("<html>not found</html>")
    with pytest.raises(InputError, match="none of JPEG"):
        read_size(tmp_path / "a.png")
    Image.fromarray(colours).save(tmp_path / "b.png", format="GIF")
    with pytest.raises(InputError, match="none of JPEG"):
        read_image(tmp_path / "b.png")


def test_32_bit_grey_is_refused(tmp_path):
    with pytest.raises(InputError, match="no known range"):
        read_image(save(tmp_path / "a.tif", np.ones((HEIGHT, WIDTH), np.float32)))


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_several_pictures_in_one_file_are_refused(tmp_path, colours, suffix):
    more = [Image.fromarray(np.roll(colours, i)) for i in (1, 2)]
    path = save(tmp_path / f"a.{suffix}", colours, save_all=True, append_images=more)
    with pytest.raises(InputError, match="several pictures"):
        read_image(path)


def test_the_preview_of_a_camera_does_not_matter(tmp_path, colours):
    photograph = np.full_like(colours, 90)
    preview = [Image.fromarray(np.zeros_like(colours))]
    path = save(tmp_path / "a.jpg", photograph, format="MPO", save_all=True, append_images=preview)
    assert read_image(path).mean() == pytest.approx(90, abs=2)


@pytest.mark.parametrize("factor", [0.9, 0.4])  # Pillow warns above its limit, and fails above twice of it
def test_decompression_bombs_are_refused(tmp_path, colours, monkeypatch, factor):
    path = save(tmp_path / "a.png", colours)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(factor * HEIGHT * WIDTH))
    with pytest.raises(InputError, match="decompression bomb"):
        read_size(path)


def test_a_real_bomb_is_refused_by_its_header_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(png(30_000, 30_000))
    with pytest.raises(InputError, match=r"900000000 pixels.*decompression bomb"):
        read_image(tmp_path / "a.png")


def test_warnings_do_not_leak_and_their_filters_survive_threads(tmp_path, colours):
    path = save(tmp_path / "a.png", colours)
    content = path.read_bytes()
    chunk = b"acTL" + bytes(8)  # an animation without frames, behind the header's 33 bytes
    chunk = (8).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    path.write_bytes(content[:33] + chunk + content[33:])
    with pytest.warns(UserWarning, match="Invalid APNG"):
        Image.open(path).close()
    filters = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        for pixels in pool.map(read_image, [path] * 50):
            np.testing.assert_array_equal(pixels, colours)
    assert warnings.filters == filters


def test_names_of_images():
    assert [image_id(name) for name in ("a.JPEG", "a.b.png", "a.b", "c/a.Tif")] == ["a", "a.b", "a.b", "c/a"]
    assert [image_id(name) for name in ("a.jfif", "a.JPE", "a.ppm", "a.jpg.png", "x/e\u0301.jpg")] == [
        "a",
        "a",
        "a.ppm",
        "a.jpg",
        "x/\u00e9",
    ]
    assert is_image_name("x/a.JPG")
    assert not any(map(is_image_name, ["a.txt", "Thumbs.db", ".DS_Store", "._a.jpg", "jpg", "a.jpg.part"]))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "CMYK", "P"])
@pytest.mark.parametrize(("strip", "height"), [(7, 5), (100, 23), (161, 23), (10**6, 23)])
def test_a_large_image_is_copied_in_strips_that_leave_no_row_out(tmp_path, monkeypatch, mode, strip, height):
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 256, (height, 7, 3), np.uint8)).convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture.save(path)
    expected = np.array(Image.open(path).convert("RGB") if mode != "RGBA" else picture)[..., :3]
    monkeypatch.setattr("labelmaps.data.images.STRIP", strip)
    found = read_image(path)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.writeable
    assert found.flags.c_contiguous
