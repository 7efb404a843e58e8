"""A data set becomes one index, however it is stored; what cannot be used is listed with its reason."""

import gzip
import logging
import os
import shutil
import struct
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from labelmaps.data.images import read_image
from labelmaps.data.index import (
    SCHEMA,
    are_imagenet_validation,
    draw_sample,
    read_excluded,
    read_index,
    write_excluded,
    write_index,
)
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import check_same_images
from pipeline.sources import ROOT

WIDTH, HEIGHT = 20, 12
CLASSES = ["n01", "n02", "n03", "n04"]
# image file -> class, boxes; n01 has no image
CONTENT = {
    "b.JPEG": ("n03", [(0, 0, 20, 12)]),
    "a.png": ("n02", [(1, 2, 3, 4), (5, 6, 7, 8)]),
    'odd "name", a;b\nc.jpg': ("n04", [(1, 1, 2, 2)]),
}
IDS = ["a", "b", 'odd "name", a;b\nc']


def save_image(path, seed=0):
    path.parent.mkdir(exist_ok=True, parents=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def write_boxes(path, content):
    strings = {
        name.rpartition(".")[0]: "".join(f"{class_id} {x0} {y0} {x1} {y1} " for x0, y0, x1, y1 in boxes)
        for name, (class_id, boxes) in content.items()
    }
    pd.DataFrame(strings.items(), columns=["ImageId", "PredictionString"]).to_csv(path, index=False)
    return path


def write_tar(path, folder, mode="w"):
    with tarfile.open(path, mode) as archive:
        archive.add(folder, "val")
    return path


@pytest.fixture
def data(tmp_path):
    """One content in all layouts: flat/, classes/, all.tar and table.csv, with boxes.csv and classes.txt."""
    (tmp_path / "classes.txt").write_text("".join(f"{class_id} name\n" for class_id in CLASSES))
    rows = []
    for seed, (name, (class_id, boxes)) in enumerate(CONTENT.items()):
        for folder in (tmp_path / "flat", tmp_path / "classes" / class_id):
            save_image(folder / name, seed)
        rows.append((name, class_id, " ".join(str(value) for box in boxes for value in box)))
    write_boxes(tmp_path / "boxes.csv", CONTENT)
    write_tar(tmp_path / "all.tar", tmp_path / "flat")
    pd.DataFrame(rows, columns=["path", "label", "boxes"]).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def index_of(data, images="flat", boxes="boxes.csv", **options):
    return index_dataset(data / "classes.txt", data / images, boxes and data / boxes, **options)


def plain(index):
    return index.assign(boxes=[boxes.tolist() for boxes in index["boxes"]])


def test_all_layouts_give_the_same_index(data):
    expected, excluded = index_of(data)
    assert excluded.empty
    assert list(expected.columns) == SCHEMA.names
    assert list(expected["image"]) == IDS
    assert list(expected["label"]) == [1, 2, 3]  # n01 has no image, and renumbers nothing
    assert plain(expected)["boxes"].tolist() == [
        [[1, 2, 3, 4], [5, 6, 7, 8]],
        [[0, 0, 20, 12]],
        [[1, 1, 2, 2]],
    ]
    assert set(expected["width"]) == {WIDTH}
    assert set(expected["height"]) == {HEIGHT}
    others = [
        index_of(data, "classes"),
        index_of(data, "all.tar"),
        index_dataset(data / "classes.txt", images=data / "flat", table=data / "table.csv"),
        index_of(data, verify="header", workers=3),
    ]
    content = ["image", "label", "width", "height", "boxes"]
    for index, excluded in others:
        assert excluded.empty
        pd.testing.assert_frame_equal(plain(index)[content], plain(expected)[content])
        for mine, theirs in zip(index.itertuples(), expected.itertuples(), strict=True):
            pixels = read_image(mine.path, mine.offset, mine.length)
            np.testing.assert_array_equal(pixels, read_image(theirs.path))


def test_the_same_inputs_give_the_same_bytes_for_any_number_of_workers(data):
    (data / "flat" / "z.png").write_bytes(b"")
    write_boxes(data / "boxes.csv", {**CONTENT, "z.png": CONTENT["a.png"]})
    write_tar(data / "all.tar", data / "flat")
    for images in ("flat", "all.tar"):
        written = []
        for workers in (1, 4):
            index, excluded = index_of(data, images, max_excluded=0.5, workers=workers)
            assert list(excluded["image"]) == ["z"]
            write_index(data / "index.parquet", index)
            write_excluded(data / "excluded.csv", excluded)
            written.append([(data / name).read_bytes() for name in ("index.parquet", "excluded.csv")])
        assert written[0] == written[1]


def test_a_folder_per_class_needs_no_boxes(data):
    save_image(data / "classes" / "n01" / "more.png")
    for boxes in (None, "boxes.csv"):
        index, _ = index_of(data, "classes", boxes)
        assert dict(zip(index["image"], index["label"], strict=True))["more"] == 0
        assert plain(index).set_index("image")["boxes"]["more"] == []


EXCLUDED = {
    "missing annotation": (None, "no label: "),
    "outside": (
        ("n01", [(0, 0, 21, 5)]),
        "box outside the image, probably a resized copy: 0 0 21 5 in 20 x 12",
    ),
    "negative": (("n01", [(1, 1, 2, 2), (-1, 0, 5, 5)]), "box outside the image"),
    "reversed": (("n01", [(5, 5, 1, 1)]), "box without area, or its corners reversed: 5 5 1 1"),
    "foreign": (("n99", [(0, 0, 1, 1)]), "class not in the classes file: n99"),
}


@pytest.mark.parametrize("name", EXCLUDED)
@pytest.mark.parametrize("images", ["flat", "all.tar"])
def test_an_unusable_image_is_excluded_with_its_reason(data, name, images):
    annotation, reason = EXCLUDED[name]
    save_image(data / "flat" / f"{name}.png")
    write_tar(data / "all.tar", data / "flat")
    write_boxes(data / "boxes.csv", CONTENT | ({f"{name}.png": annotation} if annotation else {}))
    index, excluded = index_of(data, images, max_excluded=0.25)
    assert list(index["image"]) == IDS
    assert list(excluded["image"]) == [name]
    assert excluded["reason"][0].startswith(reason)


def lay_out(data, layout, add):
    """Call `add` with the folder of one class's images, or of all, and return what stands for `images`."""
    add(data / "classes" / "n02" if layout == "classes" else data / "flat")
    write_tar(data / "all.tar", data / "flat")
    return layout


LAYOUTS = ["flat", "classes", "all.tar"]


@pytest.mark.parametrize("images", LAYOUTS)
def test_all_endings_of_the_formats_that_are_read_are_read(data, images):
    names = [
        f"new {ending}.{ending}"
        for ending in ("jfif", "JPE", "jfi", "jif", "mpo", "apng", "TIF", "BMP", "jpeg.png")
    ]

    def add(folder):
        for name in names:
            form = {"jfif": "JPEG", "JPE": "JPEG", "png": "PNG", "apng": "PNG", "TIF": "TIFF", "BMP": "BMP"}
            Image.new("RGB", (WIDTH, HEIGHT)).save(folder / name, form.get(name.rpartition(".")[2], "JPEG"))

    lay_out(data, images, add)
    write_boxes(
        data / "boxes.csv",
        {**CONTENT, **dict.fromkeys([f"{name}.x" for name in names], ("n02", [(1, 1, 19, 11)]))},
    )
    index, excluded = index_of(data, images)
    assert excluded.empty
    assert len(index) == len(CONTENT) + len(names)
    assert not any(image.lower().endswith(("jfif.jfif", "jpe.jpe")) for image in index["image"])


def add_what_is_not_read(folder):
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.save(folder / "x.gif")
    image.save(folder / "x.PPM")
    image.save(folder / "no ending", "JPEG")
    image.save(folder / "y.jpg.part", "JPEG")
    image.save(folder / "z.download", "PNG")
    (folder / "photo.HEIC").write_bytes(b"")
    for name in ("notes.txt", "a.jpg.xml", "Thumbs.db", ".hidden.gif", "LICENSE"):
        (folder / name).write_bytes(b"text")


@pytest.mark.parametrize("images", LAYOUTS)
def test_what_looks_like_an_image_and_is_not_read_counts_as_excluded(data, images):
    lay_out(data, images, add_what_is_not_read)
    with pytest.raises(
        InputError, match=r"6 of 9 images are unusable.* 4 x image under an ending that is not read"
    ):
        index_of(data, images)
    index, excluded = index_of(data, images, max_excluded=0.7)
    assert list(index["image"]) == IDS
    reasons = {
        Path(image).name: reason for image, reason in zip(excluded["image"], excluded["reason"], strict=True)
    }
    by_content = {"no ending", "z.download"}
    assert reasons.keys() == {"x.gif", "x.PPM", "y.jpg.part", "photo.HEIC", *by_content}
    for name, reason in reasons.items():
        kind = (
            "image by its content, not by its name"
            if name in by_content
            else "image under an ending that is not read"
        )
        assert reason.startswith(f"{kind}: {name}; ")


def test_images_of_no_format_that_is_read_are_no_empty_folder(data):
    shutil.rmtree(data / "flat")
    (data / "flat").mkdir()
    add_what_is_not_read(data / "flat")
    with pytest.raises(InputError, match=r"6 of 6 images are unusable"):
        index_of(data, boxes=None)


@pytest.mark.parametrize("images", ["flat", "classes"])
def test_images_in_folders_where_none_is_sought_count_as_excluded(data, images):
    def add(folder):
        for inner in ("more", "more/still", ".thumbnails", "@eaDir"):
            save_image(folder / inner / "a.png")

    lay_out(data, images, add)
    _, excluded = index_of(data, images, max_excluded=0.5)
    prefix = "" if images == "flat" else "n02/"
    assert [Path(path).parts[-3:] for path in excluded["path"]] == [
        ("flat" if images == "flat" else "n02", "more", "a.png"),
        ("more", "still", "a.png"),
    ], prefix
    assert all(reason.startswith("image in a folder where none is sought: ") for reason in excluded["reason"])


SYNSETS = ["n01440764", "n01751748", "n02085620"]
HUGGING_FACE = {
    "ILSVRC2012_val_00000001_n01751748.JPEG": ("ILSVRC2012_val_00000001", 1),
    "ILSVRC2012_val_00000002_n01440764.png": ("ILSVRC2012_val_00000002", 0),
    "n02085620_10_n02085620.JPEG": ("n02085620_10", 2),
    "n02085620_11.JPEG": ("n02085620_11", 2),
}


def with_names_of_hugging_face(data):
    shutil.rmtree(data / "flat")
    shutil.rmtree(data / "classes")
    (data / "classes.txt").write_text("".join(f"{synset} name\n" for synset in SYNSETS))
    for name, (_, label) in HUGGING_FACE.items():
        save_image(data / "flat" / name)
        save_image(data / "classes" / SYNSETS[label] / name)
    write_tar(data / "all.tar", data / "flat")
    content = {f"{image}.x": (SYNSETS[label], [(1, 2, 9, 8)]) for image, label in HUGGING_FACE.values()}
    write_boxes(data / "boxes.csv", content)


@pytest.mark.parametrize("boxes", [None, "boxes.csv"])
@pytest.mark.parametrize("images", LAYOUTS)
def test_names_of_hugging_face_give_id_and_label(data, images, boxes):
    with_names_of_hugging_face(data)
    index, excluded = index_of(data, images, boxes)
    assert excluded.empty
    assert dict(zip(index["image"], index["label"], strict=True)) == dict(HUGGING_FACE.values())
    assert all(len(item) == (boxes is not None) for item in index["boxes"])


def test_the_class_in_a_name_must_be_that_of_folder_and_boxes(data):
    with_names_of_hugging_face(data)
    moved = "ILSVRC2012_val_00000001_n01751748.JPEG"
    shutil.move(data / "classes" / "n01751748" / moved, data / "classes" / "n01440764")
    _, excluded = index_of(data, "classes", None, max_excluded=0.5)
    assert list(excluded["reason"]) == ["labels disagree: 0 by the folder, 1 by its name"]
    content = {f"{image}.x": (SYNSETS[0], [(1, 2, 9, 8)]) for image, _ in HUGGING_FACE.values()}
    write_boxes(data / "boxes.csv", content)
    _, excluded = index_of(data, "all.tar", max_excluded=0.8)
    assert excluded["reason"][0] == "labels disagree: 1 by its name, 0 by the boxes"
    save_image(data / "flat" / "ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(InputError, match="two images share the id 'ILSVRC2012_val_00000001'"):
        index_of(data)


def numbered_data(data, n_images, boxes_of):
    """A folder of `n_images` small images of one class, and boxes of the images with the numbers `boxes_of`."""
    folder = data / "many" / "n01"
    for i in range(n_images):
        save_image(folder / f"{i}.png")
    write_boxes(data / "boxes.csv", {f"{i}.png": ("n01", [(1, 1, 19, 11)]) for i in boxes_of})
    return "many"


@pytest.mark.parametrize(
    ("boxes_of", "is_enough"),
    [
        (range(1000), True),  # a part of ImageNet's images, and the boxes of all
        (range(2), True),  # the boxes of a part
        (range(5, 1000), True),
        (range(6, 1000), False),
        (range(100, 200), False),
    ],
)
def test_boxes_of_which_too_few_find_their_image_are_an_error(data, boxes_of, is_enough):
    images = numbered_data(data, 10, boxes_of)
    if is_enough:
        index, _ = index_of(data, images)
        assert index["boxes"].map(len).sum() == len(set(boxes_of) & {*range(10)})
        return
    with pytest.raises(
        InputError, match=r" of 10 images find their boxes .*without image: '1.*, lower min_matched"
    ):
        index_of(data, images)
    index_of(data, images, min_matched=0)


def test_names_that_look_the_same_are_the_same(data):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    save_image(data / "flat" / f"{decomposed}.png")
    write_boxes(data / "boxes.csv", {**CONTENT, f"{composed}.png": ("n01", [(1, 1, 9, 9)])})
    index, _ = index_of(data)
    assert composed in set(index["image"])
    save_image(data / "flat" / f"{composed}.png")
    with pytest.raises(InputError, match="two images share the id"):
        index_of(data)


FORMATS = {
    "corners": (2, 3, 8, 9),
    "size": (2, 3, 6, 6),
    "corner_fractions": (0.1, 0.25, 0.4, 0.75),
    "size_fractions": (0.1, 0.25, 0.3, 0.5),
}


@pytest.mark.parametrize("box_format", FORMATS)
def test_boxes_in_every_format_become_corners_in_pixels(data, box_format):
    write_boxes(
        data / "boxes.csv", {name: (item[0], [FORMATS[box_format]]) for name, item in CONTENT.items()}
    )
    table = pd.DataFrame(
        {
            "path": list(CONTENT),
            "label": [item[0] for item in CONTENT.values()],
            "boxes": " ".join(map(str, FORMATS[box_format])),
        }
    )
    table.to_csv(data / "table.csv", index=False)
    of_table, _ = index_dataset(
        data / "classes.txt", data / "flat", table=data / "table.csv", box_format=box_format
    )
    for index in (index_of(data, box_format=box_format)[0], of_table):
        assert all(np.allclose(boxes, [[2, 3, 8, 9]]) for boxes in index["boxes"])


@pytest.mark.parametrize(
    ("box_format", "box", "reason"),
    [
        ("size_fractions", (0.334, 0.334, 0.667, 0.667), None),  # 1.001, by rounding
        ("size_fractions", (0.34, 0.34, 0.67, 0.67), "box outside the image"),
        ("size_fractions", (0.1, 0.1, 0, 0.5), "box without area"),
        ("corner_fractions", (0.5, 0.1, 0.5000000001, 0.5), "box without area in 32 bits"),
        ("corner_fractions", (1, 0.1, 1.0005, 0.5), "box without area"),  # cut off
        ("size", (5, 5, 1e-9, 5), "box without area in 32 bits"),
        ("size", (5, 5, -3, 5), "box without area, or its corners reversed"),
        ("corners", (0, 0, 0.5, 1), "box within the first pixel, probably of fractions"),
    ],
)
def test_a_box_that_is_none_in_its_format_is_excluded(data, box_format, box, reason):
    good = FORMATS[box_format]
    names = [f"{i}.png" for i in range(11)]
    for name in names:
        save_image(data / "flat" / name)
    content = {name: ("n01", [good]) for name in (*names, *CONTENT)} | {"0.png": ("n01", [box])}
    write_boxes(data / "boxes.csv", content)
    _, excluded = index_of(data, box_format=box_format, max_excluded=0.5)
    assert [text.startswith(reason or "") for text in excluded["reason"]] == ([True] if reason else [])


def test_implausible_boxes_stop_the_run_unless_the_configuration_says_that_they_are_so(data):
    fractions = {name: (item[0], [(0.1, 0.2, 0.9, 0.8)]) for name, item in CONTENT.items()}
    write_boxes(data / "boxes.csv", fractions)
    with pytest.raises(
        InputError, match=r"(?s)of 3 images .* 3 have boxes within .* Suspected: fractions of the image"
    ):
        index_of(data, max_excluded=1)
    index, _ = index_of(data, check_boxes=False)
    assert len(index) == 3
    with pytest.raises(InputError, match="choose one of corners, size, corner_fractions, size_fractions"):
        index_of(data, box_format="center")


@pytest.mark.parametrize("kept", [0, 0.7])
@pytest.mark.parametrize("images", ["flat", "all.tar"])
def test_broken_files_are_excluded_when_they_are_decoded(data, kept, images):
    file = data / "flat" / "a.png"
    file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
    write_tar(data / "all.tar", data / "flat")
    _, excluded = index_of(data, images, max_excluded=0.5)
    assert list(excluded["image"]) == ["a"]
    assert excluded["reason"][0].startswith("unreadable image: ")
    index, _ = index_of(data, images, max_excluded=0.5, verify="header")
    assert ("a" in set(index["image"])) == (kept > 0)


def kinds_of_images(folder):
    """One image file of every kind; those that are left out have the reason as their name."""
    folder.mkdir()
    colours = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    image, grey = Image.fromarray(colours), Image.fromarray(colours[:, :, 0])
    rotated = Image.Exif()
    rotated[0x0112] = 6
    image.save(folder / "plain.png")
    image.save(folder / "a PNG called JPEG.JPEG", format="PNG")
    image.convert("CMYK").save(folder / "CMYK.jpg")
    grey.save(folder / "grey.jpg")
    image.convert("RGBA").save(folder / "RGBA.png")
    image.quantize(8).save(folder / "palette.png")
    image.convert("1").save(folder / "black and white.png")
    Image.fromarray(colours[:, :, 0].astype(np.uint16) * 257).save(folder / "16 bits.png")
    image.save(folder / "rotated by EXIF.jpg", exif=rotated)
    Image.new("RGB", (1, 300)).save(folder / "1 x 300.png")
    Image.new("RGB", (300, 1)).save(folder / "300 x 1.png")
    (folder / "empty, damaged.png").write_bytes(b"")
    (folder / "truncated.jpg").write_bytes((folder / "grey.jpg").read_bytes()[:-100])
    image.save(folder / "it holds several pictures.png", save_all=True, append_images=[grey.convert("RGB")])
    image.save(folder / "none of JPEG.jpg", format="GIF")
    (folder / "decompression bomb.bmp").write_bytes(
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 0, 0, 54, 40, 30_000, 30_000, 1, 24, 0, 0, 0, 0, 0, 0)
    )
    Image.new("L", (65_536, 1)).save(folder / "a side is longer.png")
    image.save(folder / "a TIFF with a rotation tag.tif", exif=rotated)
    Image.fromarray(colours[:, :, 0].astype(np.float32)).save(folder / "32-bit grey values.tif")
    (folder / "No such file.png").symlink_to(folder / "nowhere")


ACCEPTED = {
    **dict.fromkeys(["plain", "a PNG called JPEG", "CMYK", "grey", "RGBA", "palette"], (WIDTH, HEIGHT)),
    **dict.fromkeys(["black and white", "16 bits", "rotated by EXIF"], (WIDTH, HEIGHT)),
    "1 x 300": (1, 300),
    "300 x 1": (300, 1),
}
FOUND_BY_DECODING = {"truncated", "32-bit grey values"}


@pytest.mark.parametrize("verify", ["full", "header"])
def test_every_kind_of_image_is_accepted_or_left_out_with_its_reason(data, verify):
    kinds_of_images(data / "classes" / "n01")
    index, excluded = index_of(data, "classes", None, verify=verify, max_excluded=0.5)
    sizes = {row.image: (row.width, row.height) for row in index.itertuples() if row.label == 0}
    reasons = dict(zip(excluded["image"], excluded["reason"], strict=True))
    if verify == "header":
        assert sizes.keys() - ACCEPTED.keys() == FOUND_BY_DECODING
        sizes = {image: size for image, size in sizes.items() if image not in FOUND_BY_DECODING}
    else:
        assert reasons.keys() >= FOUND_BY_DECODING
    assert sizes == ACCEPTED
    assert len(reasons) == 9 - len(FOUND_BY_DECODING) * (verify == "header")
    for image, reason in reasons.items():
        assert reason.startswith(f"unreadable image: {data}/classes/n01/{image}."), reason
        assert reason.split(": ", 2)[2].find(image) >= 0, reason
        assert reason.endswith("; replace or remove it")
    for row in index.itertuples():
        if row.image in ACCEPTED:
            assert read_image(row.path).shape == (row.height, row.width, 3)


def test_a_pipe_among_the_images_is_none_and_is_not_waited_for(data):
    os.mkfifo(data / "flat" / "pipe.png")
    index, excluded = index_of(data)
    assert list(index["image"]) == IDS
    assert excluded.empty


def test_a_machine_without_semaphores_makes_the_index(data, monkeypatch):
    """As where /dev/shm cannot be written."""

    def refuse(*_, **__):
        raise PermissionError("no semaphores")

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", refuse)
    monkeypatch.delattr("tqdm.std.TqdmDefaultWriteLock.mp_lock", raising=False)
    index, _ = index_of(data, workers=2)
    assert list(index["image"]) == IDS


def test_folder_and_boxes_must_agree_on_the_class(data):
    (data / "classes" / "n01").mkdir()
    shutil.move(data / "classes" / "n02" / "a.png", data / "classes" / "n01")
    _, excluded = index_of(data, "classes", max_excluded=0.5)
    assert list(excluded["reason"]) == ["labels disagree: 0 by the folder, 1 by the boxes"]


def test_a_limit_on_what_is_excluded(data):
    (data / "flat" / "a.png").write_bytes(b"")
    index_of(data, max_excluded=1 / 3)
    with pytest.raises(InputError, match=r"1 of 3 images .*: 1 x unreadable image\. First: a: unreadable"):
        index_of(data, max_excluded=0.33)
    with pytest.raises(InputError, match=r"3 of 3 images are unusable.*3 x no label"):
        index_of(data, boxes=None, max_excluded=1.0)


def test_a_limit_on_the_images_found(data):
    index_of(data, expect_images=3)
    with pytest.raises(InputError, match="3 images instead of 4"):
        index_of(data, expect_images=4)


def test_what_is_no_image_and_has_no_image_is_counted_in_the_log(data, caplog):
    caplog.set_level(logging.INFO)
    for name in ("Thumbs.db", ".DS_Store", "._a.png", "readme.txt"):
        (data / "flat" / name).write_bytes(b"x")
    (data / "flat" / "more").mkdir()
    write_boxes(
        data / "boxes.csv", {**CONTENT, "absent.png": ("n01", [(0, 0, 1, 1)]), "bad.png": ("n01", [])}
    )
    index, excluded = index_of(data)
    assert list(index["image"]) == IDS
    assert excluded.empty
    assert "ignored 5 entries that are no images" in caplog.text
    assert "boxes.csv belong to no image that is present" in caplog.text
    write_tar(data / "all.tar", data / "flat")
    index_of(data, "all.tar")
    assert "ignored 4 entries that are no images" in caplog.text


def test_only_regular_members_of_a_tar_count_and_their_names_are_not_trusted(data):
    with tarfile.open(data / "all.tar", "w") as archive:
        archive.add(data / "flat" / "a.png", "../../a.png")
        archive.add(data / "flat" / "b.JPEG", "/b.JPEG")
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    index, excluded = index_of(data, "all.tar", max_excluded=0.5)
    assert list(index["image"]) == ["a", "b"]
    assert set(index["path"]) == {str(data / "all.tar")}
    assert list(excluded["reason"].str.partition(": ")[0]) == ["no whole file in the archive"]


def damage_compress(data):
    (data / "all.tar").write_bytes(gzip.compress((data / "all.tar").read_bytes()))


def damage_cut_in_a_member(data):
    content = (data / "all.tar").read_bytes()
    (data / "all.tar").write_bytes(content[:2000])


def damage_cut_between_members(data):
    with tarfile.open(data / "all.tar") as archive:
        end = archive.getmembers()[-1].offset
    content = (data / "all.tar").read_bytes()
    (data / "all.tar").write_bytes(content[:end])


def damage_header(data):
    with tarfile.open(data / "all.tar") as archive:
        start = archive.getmembers()[-1].offset
    content = bytearray((data / "all.tar").read_bytes())
    content[start + 10] ^= 1
    (data / "all.tar").write_bytes(content)


@pytest.mark.parametrize(
    "damage", [damage_compress, damage_cut_in_a_member, damage_cut_between_members, damage_header]
)
def test_a_compressed_or_damaged_tar_is_an_error(data, damage):
    damage(data)
    with pytest.raises(InputError, match=r"plain tar archive: .* decompress the archive"):
        index_of(data, "all.tar")


@pytest.fixture
def closed(request, data):
    """A file or folder of the data that may not be read; root, who may read anything, works with nobody's rights."""
    for images in ("flat", "classes", "all.tar"):
        index_of(data, images)  # imports what reading takes, as nobody may not
    for folder in (data, *data.parents):
        if "pytest" in str(folder):
            folder.chmod(0o755)
    path, is_root = data / request.param, os.geteuid() == 0
    mode = path.stat().st_mode
    path.chmod(0)
    if is_root:
        os.seteuid(65534)
    yield path
    if is_root:
        os.seteuid(0)
    path.chmod(mode)


@pytest.mark.parametrize(
    ("closed", "images", "boxes", "message"),
    [
        ("flat", "flat", None, "cannot list the folder .*flat: .*Permission denied.*; check path and rights"),
        ("flat", "flat/inner", None, "cannot look at .*inner: .*Permission denied.*; check its rights"),
        ("classes/n02", "classes", None, "cannot list the folder .*n02: .*Permission denied"),
        ("all.tar", "all.tar", None, r"cannot read .*all\.tar .*Permission denied"),
        ("classes.txt", "flat", None, r"cannot read the classes file .*classes\.txt: .*Permission denied"),
        ("boxes.csv", "flat", "boxes.csv", r"cannot read .*boxes\.csv: .*Permission denied"),
        ("classes", "flat", "classes/xml", r"cannot look at .*xml: .*Permission denied.*; check its rights"),
        ("classes/n02", "flat", "classes", r"cannot read the boxes in .*classes: .*Permission denied"),
    ],
    indirect=["closed"],
)
def test_what_may_not_be_read_is_an_error(closed, data, images, boxes, message):
    with pytest.raises(InputError, match=message):
        index_of(data, images, boxes)


@pytest.mark.parametrize("closed", ["flat/a.png"], indirect=True)
def test_an_image_that_may_not_be_read_is_excluded(closed, data):
    _, excluded = index_of(data, max_excluded=0.5)
    assert list(excluded["image"]) == ["a"]
    assert "Permission denied" in excluded["reason"][0]


def test_images_and_folders_may_be_links(data):
    expected, _ = index_of(data)
    (data / "links").mkdir()
    for path in (data / "flat").iterdir():
        (data / "links" / path.name).symlink_to(path)
    (data / "link").symlink_to(data / "links")
    (data / "link.csv").symlink_to(data / "boxes.csv")
    index, excluded = index_of(data, "link", "link.csv")
    assert excluded.empty
    columns = ["image", "digest", "label", "boxes"]
    pd.testing.assert_frame_equal(plain(index)[columns], plain(expected)[columns])


def spoil_layout(name):
    return {
        "missing": lambda data: shutil.rmtree(data / "flat"),
        "empty": lambda data: [path.unlink() for path in (data / "flat").iterdir()],
        "mixed": lambda data: (data / "flat" / "n01").mkdir(),
        "unknown folder": lambda data: [
            shutil.rmtree(data / "flat"),
            save_image(data / "flat" / "dog" / "a.png"),
        ],
        "same id": lambda data: save_image(data / "flat" / "a.jpg"),
        "same id in two folders": lambda data: [
            shutil.rmtree(data / "flat"),
            save_image(data / "flat" / "n01" / "a.png"),
            save_image(data / "flat" / "n02" / "a.png"),
        ],
        "no UTF-8": lambda data: save_image(data / "flat" / os.fsdecode(b"\xff.png")),
    }[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "no such file or folder: .*flat"),
        ("empty", "no image in .*flat"),
        ("mixed", "holds images .* and folders of classes"),
        ("unknown folder", r"1 folders are not named by a class's id, first \['dog'\]"),
        ("same id", "two images share the id 'a'"),
        ("same id in two folders", "Images without boxes: 'n01/a', 'n02/a'; boxes without image: 'a'"),
        ("no UTF-8", "not in UTF-8"),
    ],
)
def test_an_unclear_layout_is_an_error(data, name, message):
    spoil_layout(name)(data)
    with pytest.raises(InputError, match=message):
        index_of(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "neither images nor a table"),
        ({"table": "table.csv", "boxes": "boxes.csv"}, "both a table .* and boxes"),
        ({"images": "flat", "boxes": "boxes.csv", "verify": "no"}, "choose one of full, header"),
    ],
)
def test_settings_that_contradict_are_an_error(data, options, message):
    paths = {name: value if name == "verify" else data / value for name, value in options.items()}
    with pytest.raises(InputError, match=message):
        index_dataset(data / "classes.txt", **paths)


def test_the_index_comes_back_as_it_was_written(data):
    save_image(data / "classes" / "n01" / "boxless.png")
    index, _ = index_of(data, "classes", verify="header")
    write_index(data / "new" / "index.parquet", index)
    back = read_index(data / "new" / "index.parquet")
    pd.testing.assert_frame_equal(plain(back), plain(index))
    for boxes in back["boxes"]:
        assert boxes.dtype == np.float32
        assert boxes.shape[1:] == (4,)
        assert boxes.flags.writeable
    assert [path.name for path in (data / "new").iterdir()] == ["index.parquet"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda index: index.drop(columns="width"),
        lambda index: index.iloc[::-1],
        lambda index: index.assign(image="same"),
        lambda index: index.assign(label=40_000),
        lambda index: index.assign(path=None),
    ],
)
def test_nothing_but_an_index_is_written(data, spoil):
    index, _ = index_of(data)
    with pytest.raises(ValueError, match=r".+"):
        write_index(data / "index.parquet", spoil(index))
    assert not (data / "index.parquet").exists()


def test_nothing_but_an_index_is_read(data):
    with pytest.raises(InputError, match=r"none\.parquet: no such file\. Run again"):
        read_index(data / "none.parquet")
    (data / "text.parquet").write_text("text")
    with pytest.raises(InputError, match=r"text\.parquet: .*Delete it and run again"):
        read_index(data / "text.parquet")
    write_parquet(data / "other.parquet", pd.DataFrame({"image": ["a"]}))
    with pytest.raises(InputError, match=r"other\.parquet: not an index of this version"):
        read_index(data / "other.parquet")


def test_the_excluded_images_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "excluded.csv"
    columns = ["image", "path", "reason"]
    for rows in ([], [('a,"b"\r\n;c', "x y", "kind: ü"), ("NA", "", "b\rc")]):
        excluded = pd.DataFrame(rows, columns=columns, dtype=str)
        write_excluded(path, excluded)
        assert read_excluded(path).to_numpy().tolist() == excluded.to_numpy().tolist()
        assert list(read_excluded(path)) == columns
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no list of excluded images"):
        read_excluded(path)


@pytest.mark.slow
@pytest.mark.skipif("LABELMAPS_TEST_DATA" not in os.environ, reason="LABELMAPS_TEST_DATA names no real data")
def test_real_images_of_imagenet():
    data = Path(os.environ["LABELMAPS_TEST_DATA"])
    classes = ROOT / "resources" / "imagenet_classes.txt"
    index, excluded = index_dataset(classes, data / "imagenet_val", data / "LOC_val_solution.csv", workers=2)
    assert excluded.empty
    assert len(index) == len(list((data / "imagenet_val").iterdir()))
    first = index.iloc[0]
    assert (first["image"], first["label"]) == ("ILSVRC2012_val_00000001", 65)
    assert first["boxes"].tolist() == [[111, 108, 441, 193]]
    assert (index["boxes"].map(len) > 0).all()
    assert index["width"].gt(index["height"]).mean() == pytest.approx(0.695, abs=0.1)


def test_a_file_of_other_images_or_in_another_order_is_refused():
    check_same_images(["a", "b"], ["a", "b"], "x.h5")
    for other in (["b", "a"], ["a"], ["a", "b", "c"]):
        with pytest.raises(InputError, match=r"x\.h5: contains other images"):
            check_same_images(["a", "b"], other, "x.h5")


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (["ILSVRC2012_val_00000001", "ILSVRC2012_val_00050000"], True),
        (["ILSVRC2012_val_00000293_n01440764"], True),
        (["ILSVRC2012_val_00000001", "n01440764_18"], False),
        (["scene_00000001"], False),
        (["ILSVRC2012_test_00000001"], False),
        (["ILSVRC2012_val_00050001"], False),
        (["ILSVRC2012_val_00000000"], False),
    ],
)
def test_the_papers_images_are_known_by_their_ids(images, expected):
    index = pd.DataFrame({"image": images, "width": range(len(images)), "height": 375})
    assert are_imagenet_validation(index, has_imagenet_classes=True) == expected


def test_ids_alone_can_lie():
    index = pd.DataFrame(
        {
            "image": ["ILSVRC2012_val_00000001", "ILSVRC2012_val_00000002"],
            "width": [500, 375],
            "height": [375, 500],
        }
    )
    assert are_imagenet_validation(index, has_imagenet_classes=True)
    assert not are_imagenet_validation(index, has_imagenet_classes=False)
    copies = index.assign(width=224, height=224)  # resized, as those of ImageNet-C, which keep the names
    assert not are_imagenet_validation(copies, has_imagenet_classes=True)
    assert are_imagenet_validation(copies[:1], has_imagenet_classes=True)


def numbered(n):
    """An index, as far as sampling knows it, whose rows have kept the labels of a longer table."""
    return pd.DataFrame({"image": [f"{i:03d}" for i in range(n)], "width": range(n)}, index=range(7, n + 7))


@pytest.mark.parametrize("images", [1, 30, 99])
@pytest.mark.parametrize("seed", [0, 5])
def test_a_sample_holds_so_many_images_of_the_index_in_its_order(images, seed):
    index = numbered(100)
    sample = draw_sample(index, images, seed)
    assert len(sample) == images
    assert sample["image"].is_unique
    assert sample["image"].is_monotonic_increasing
    assert sample.equals(index.loc[sample.index])  # whole rows


@pytest.mark.parametrize("images", [100, 101, 5000])
def test_a_sample_of_as_many_images_as_there_are_is_the_index(images):
    pd.testing.assert_frame_equal(draw_sample(numbered(100), images, 3), numbered(100))


def test_a_sample_depends_on_its_seed_alone():
    index = numbered(100)
    first, again, other = (draw_sample(index, 30, seed)["image"].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_image_is_as_likely_to_be_sampled():
    index, n_seeds = numbered(10), 2000
    counts = np.zeros(10)
    for seed in range(n_seeds):
        counts[draw_sample(index, 3, seed)["width"]] += 1
    # Binomial: 600 expected, with a standard deviation of 20.5
    assert abs(counts - 0.3 * n_seeds).max() < 90


def test_a_sample_is_an_index(data):
    index, _ = index_of(data)
    write_index(data / "whole.parquet", index)
    write_index(data / "sample.parquet", draw_sample(read_index(data / "whole.parquet"), 2, 0))
    sample = plain(read_index(data / "sample.parquet"))
    expected = plain(index)
    kept = expected[expected["image"].isin(sample["image"])].reset_index(drop=True)
    assert len(sample) == 2
    pd.testing.assert_frame_equal(sample, kept)
