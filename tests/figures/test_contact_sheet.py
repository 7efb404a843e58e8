"""The contact sheet shows images of all classes, each whole, with its boxes where they belong, and all can be read."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from helpers.figures import same_bytes, unreadable
from helpers.study import NO_BOX, noise, save_pictures, write_data_set
from labelmaps.data.index import write_excluded
from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.contact_sheet import (
    DPI,
    MOST_IMAGES,
    Picture,
    choose_rows,
    column_width,
    cut_in_the_middle,
    draw_contact_sheet,
    read_pictures,
)
from labelmaps.figures.layout import Line
from workflow.scripts.plot_contact_sheet import plot_contact_sheet

mpl.use("agg")
SIZES = [(40, 30), (30, 50), (64, 64)]
COUNTS = ["2 of 3 classes", "no boxes"]


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def drawn(folder, pictures, names=("one", "two"), title="mine: all 3 images", counts=COUNTS, **columns):
    return draw_contact_sheet(read_pictures(save_pictures(folder, pictures, **columns), names), title, counts)


def texts(figure):
    return [text.get_text() for text in figure.texts]


def canvas(figure):
    """The pixels of all pictures together, and the outlines of frames and of boxes on them."""
    (axes,) = figure.axes
    frames, boxes = (
        [path.vertices[:4] for path in collection.get_paths()] for collection in axes.collections
    )
    assert axes.get_xlim() == (0, axes.images[0].get_array().shape[1])
    assert axes.get_ylim() == (axes.images[0].get_array().shape[0], 0)
    return axes.images[0].get_array(), frames, boxes


@pytest.mark.parametrize("n_classes", [1, 2, 5, 36, 37, 200])
def test_as_many_classes_as_can_be_are_shown_and_as_evenly(n_classes):
    label = np.random.default_rng(n_classes).permutation(np.arange(10 * n_classes + 3) % n_classes)
    rows = choose_rows(label)
    assert len(rows) == len(set(rows)) == min(MOST_IMAGES, len(label))
    shown = label[rows]
    assert shown.tolist() == sorted(shown)
    _, counts = np.unique(shown, return_counts=True)
    assert len(counts) == min(n_classes, len(rows))
    assert counts.max() - counts.min() <= 1
    assert (shown[0], shown[-1]) == (0, n_classes - 1)
    assert rows.tolist() == choose_rows(label).tolist()
    if n_classes == 200:  # at even distances
        assert set(np.diff(shown)) <= {5, 6}


def test_a_rare_class_is_shown_and_the_others_take_its_room():
    label = np.array([0] * 500 + [1] + [2] * 500)
    shown = label[choose_rows(label)]
    assert np.bincount(shown).tolist() in ([18, 1, 17], [17, 1, 18])
    assert choose_rows(label[:3]).tolist() == [0, 1, 2]


def test_images_are_drawn_from_the_whole_index():
    rows = choose_rows(np.zeros(1000, int))
    assert rows.min() < 100
    assert rows.max() >= 900
    assert len({*np.diff(rows)}) > 5


def test_each_image_is_named_with_label_class_id_size_and_boxes(tmp_path):
    boxes = [NO_BOX, np.array([[1, 1, 9, 9]], np.float32), np.array([[1, 1, 9, 9]] * 2, np.float32)]
    figure = drawn(tmp_path, noise(*SIZES), image=["a", "b", "c"], label=[0, 0, 1], boxes=boxes)
    assert texts(figure) == [
        "mine: all 3 images",
        "2 of 3 classes · no boxes",
        *("0 one", "a", "40 × 30, no box"),
        *("0 one", "b", "30 × 50, 1 box"),
        *("1 two", "c", "64 × 64, 2 boxes"),
    ]


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (50, 50), (1000, 90)])
def test_boxes_lie_where_they_do_in_the_image(tmp_path, size):
    """The image is red inside its box, and blue outside."""
    width, height = size
    box = np.array([[width * 0.2, height * 0.1, width * 0.5, height * 0.8]], np.float32)
    pixels = np.zeros((height, width, 3), np.uint8) + np.array([0, 0, 255], np.uint8)
    x0, y0, x1, y1 = box[0].round().astype(int)
    pixels[y0:y1, x0:x1] = 255, 0, 0
    others = noise((20, 20), (20, 20), (30, 60))
    figure = drawn(tmp_path, [*others, pixels], boxes=[NO_BOX] * 3 + [box])
    shown, frames, (outline,) = canvas(figure)
    red = (shown[..., 0] > 200) & (shown[..., 1:] < 60).all(axis=-1)
    frame = frames[3].round().astype(int)
    rows, columns = (slice(frame[0, axis], frame[2, axis]) for axis in (1, 0))
    found = np.argwhere(red[rows, columns])[:, ::-1] + frame[0]
    np.testing.assert_allclose(found.min(axis=0), outline[0], atol=2)
    np.testing.assert_allclose(found.max(axis=0) + 1, outline[2], atol=2)
    assert (frame[2] - frame[0]).max() == round(column_width(4) * DPI)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (28, 28), (3000, 40), (700, 900)])
def test_an_image_of_any_size_is_drawn_whole(tmp_path, size):
    gradient = np.array(Image.radial_gradient("L").resize(size))
    pixels = np.repeat(gradient[..., None], 3, axis=-1)
    figure = drawn(tmp_path, [pixels, *noise(*SIZES)])
    shown, frames, _ = canvas(figure)
    frame = frames[0].round().astype(int)
    assert (frame[2] - frame[0]).min() >= 1
    assert len({outline[2, 1] for outline in frames}) == 1  # all stand on one line
    drawn_part = shown[frame[0, 1] : frame[2, 1], frame[0, 0] : frame[2, 0]]
    expected = Image.fromarray(pixels).resize(drawn_part.shape[1::-1], Image.Resampling.LANCZOS)
    assert abs(np.asarray(expected, int) - drawn_part).mean() < 3
    assert unreadable(figure) == []


LONG = ["a" * 300, "a long name of many words " * 9, "$x_1$ \\frac{ <b>&amp;", "a\x00b\x1b[31m\nc", ""]
LONG_IDS = ["folder/" * 30 + f"{i:05}" for i in range(4)] + ["$_$ \x07\nä", *"bcdefg"]


@pytest.mark.slow
@pytest.mark.parametrize("n_images", [1, 3, 4, 11])
def test_all_can_be_read(tmp_path, n_images):
    pictures = noise(*[(400, 300), (3000, 2000), (30, 900), (1, 1)] * 3)[:n_images]
    boxes = [np.array([[0, 0, 1, 1]] * 1000, np.float32)] * n_images
    figure = drawn(
        tmp_path,
        pictures,
        LONG,
        "$name_of$ " * 30,
        COUNTS * 40,
        image=LONG_IDS[:n_images],
        label=np.arange(n_images) % len(LONG),
        boxes=boxes,
    )
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == style.PAGE
    assert not any(set(text) & {"\x00", "\x07", "\x1b", "\n"} for text in texts(figure))


def test_a_long_id_keeps_its_two_ends():
    line = Line("ILSVRC2012_val_00000001")
    narrow = cut_in_the_middle(line, line.width * 0.8)
    assert narrow.width <= line.width * 0.8
    start, end = narrow.text.split("…")
    assert line.text.startswith(start)
    assert line.text.endswith(end)
    assert len(end) >= len(start) > 6
    assert cut_in_the_middle(line, line.width) == line
    assert cut_in_the_middle(Line("abc"), 0).text == "…"


@pytest.fixture
def files(tmp_path):
    """Files of a small data set, and what the script is given."""
    index = write_data_set(
        tmp_path, noise(*SIZES * 20), ["cat, feline", "dog", "dog"], label=np.arange(60) % 2
    )
    excluded = index.iloc[:2].assign(reason="unreadable image: a")
    write_excluded(tmp_path / "excluded.csv", excluded)
    return {
        "index": tmp_path / "index.parquet",
        "excluded": tmp_path / "excluded.csv",
        "classes": tmp_path / "classes.txt",
        "figures": [tmp_path / "a.png"],
        "dataset": "mine",
        "whole": "mine",
    }


def test_the_script_shows_the_data_set(files, monkeypatch):
    kept = []
    monkeypatch.setattr(style, "save", lambda figure, paths, *_: kept.append((figure, paths)))
    plot_contact_sheet(**files)
    plot_contact_sheet(**files | {"dataset": "few"})
    (whole, paths), (sample, _) = kept
    assert paths == files["figures"]
    assert texts(whole)[:3] == [
        "mine: 36 of 60 images",
        "2 of 3 classes (30 of each) · no boxes · 2 left out: 2 × unreadable image",
        "0 cat",
    ]
    assert sum(text.startswith("1 dog") for text in texts(whole)) == 18
    assert texts(sample)[0] == "few, a sample of mine: 36 of 60 images"


def test_an_image_that_is_gone_or_changed_is_named(files):
    for path in files["index"].parent.glob("*.png"):
        path.unlink()
    with pytest.raises(InputError, match=r"unreadable image: .*\.png"):
        plot_contact_sheet(**files)
    assert not files["figures"][0].exists()


@pytest.mark.slow
def test_the_same_images_give_the_same_bytes(tmp_path):
    assert same_bytes(lambda: drawn(tmp_path, noise(*SIZES)), tmp_path)


def test_captions_stay_within_their_columns_in_pixels_too(tmp_path):
    pixels = [np.full((60, 60, 3), 255, np.uint8)] * 6
    shown = [
        Picture(one, 60, 60, NO_BOX, 0, "class", f"ILSVRC2012_val_{i:08}") for i, one in enumerate(pixels)
    ]
    figure = draw_contact_sheet(shown, "title", ["counts"])
    figure.set_dpi(DPI)  # as it is saved
    figure.draw_without_rendering()
    for text in figure.texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1, text.get_text()
