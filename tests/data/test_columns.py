"""Tables with the names of columns that others give them: found, or refused with what could be meant."""

import logging

import numpy as np
import pytest
from PIL import Image

from labelmaps.data.annotations import BOX_FORMATS
from labelmaps.data.classes import Class, write_classes
from labelmaps.data.columns import find_columns
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError

CLASSES = [Class("n01", "tench"), Class("n02", "crane"), Class("n03", "crane"), Class("n04", "red fox")]


@pytest.fixture
def data(tmp_path):
    """A folder of two images, a.png and in/b.png, of 40 × 30 pixels, and the list of classes."""
    write_classes(tmp_path / "classes.txt", CLASSES)
    for seed, name in enumerate(["a.png", "in/b.png"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    return tmp_path


def rows_of(data, text, **options):
    """Index a table; return id, label and boxes of each image."""
    (data / "table.csv").write_text(text)
    index, excluded = index_dataset(data / "classes.txt", table=data / "table.csv", **options)
    assert excluded.empty
    return [
        (row.image, row.label, [[round(float(value), 3) for value in box] for box in row.boxes])
        for row in index.itertuples()
    ]


EXPECTED = [("a", 0, [[1, 2, 11, 22]]), ("in/b", 3, [[5, 6, 25, 16], [1, 1, 3, 3]])]
TABLES = {
    "ours": "path,label,boxes\na.png,n01,1 2 11 22\nin/b.png,n04,5 6 25 16 1 1 3 3\n",
    "a cell as Python or JSON writes it": (
        'image,class,bbox\na.png,n01,"[1, 2, 11, 22]"\nin/b.png,n04,"[[5.0, 6.0, 25.0, 16.0], (1; 1; 3; 3)]"\n'
    ),
    "a row per box": "file,synset,box\na.png,n01,1 2 11 22\nin/b.png,n04,5 6 25 16\nin/b.png,n04,1 1 3 3\n",
    "TensorFlow's": (
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,40,30,n01,1,2,11,22\nin/b.png,40,30,n04,5,6,25,16\n"
        "in/b.png,40,30,n04,1,1,3,3\n"
    ),
    "indices, sizes": (
        "file_name,class_id,x,y,width,height\na.png,0,1,2,10,20\nin/b.png,3,5,6,20,10\nin/b.png,3,1,1,2,2\n"
    ),
    "names, without endings": (
        'ImageId,Class Name,XMin,YMin,XMax,YMax\na,tench,1,2,11,22\nin/b,"red fox",5,6,25,16\nin/b,red fox,1,1,3,3\n'
    ),
    "other numbers": "Image,Label,x1,y1,x2,y2,note\na.png,n01,1,2,11,22,x\nin/b.png,n04,5,6,25,16,\nin/b,n04,1,1,3,3,\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_the_usual_names_of_columns_are_known(data, name):
    assert rows_of(data, TABLES[name]) == EXPECTED


def test_columns_that_are_not_used_are_named_in_the_log(data, caplog):
    caplog.set_level(logging.INFO)
    rows_of(data, TABLES["TensorFlow's"])
    assert "columns that are not used: width, height" in caplog.text


def test_images_of_which_no_box_is_known(data):
    assert rows_of(data, "image,label,xmin,ymin,xmax,ymax\na.png,0,,,,\n") == [("a", 0, [])]
    assert rows_of(data, "image,label,bbox\na.png,0,[]\n") == [("a", 0, [])]


@pytest.mark.parametrize(
    ("header", "columns", "expected"),
    [
        (
            "photo,kind,where",
            {"image": "photo", "label": "kind", "boxes": "where"},
            ("photo", "kind", ("where",)),
        ),
        ("image,filename,label", {"image": "filename"}, ("filename", "label", ())),
        ("image,class,class_id,bbox", {"label": "class_id"}, ("image", "class_id", ("bbox",))),
        (
            "path,label,bbox,x0,y0,x1,y1",
            {"boxes": ["x0", "y0", "x1", "y1"]},
            ("path", "label", ("x0", "y0", "x1", "y1")),
        ),
        ("path,label,a,b,c,d", {"boxes": list("abcd")}, ("path", "label", tuple("abcd"))),
        ("path,label,image", {"image": "label", "label": "image"}, ("label", "image", ())),
    ],
)
def test_the_configuration_may_name_the_columns(header, columns, expected):
    assert find_columns(header.split(","), columns)[:3] == expected


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        (
            "photo,label",
            None,
            r"no column image; the first line is \['photo', 'label'\]. Known names are path, .*columns: {image",
        ),
        ("path,kind", None, "no column label"),
        ("image,file,label", None, r"which column is image: image or file\? Name it .* columns: {image"),
        ("path,class,class_id,synset", None, "which column is label: class or class_id or synset"),
        (
            "path,label,bbox,xmin,ymin,xmax,ymax",
            None,
            "which column is boxes: bbox or xmin, ymin, xmax, ymax",
        ),
        ("path,label,x0,y0,x1,y1,x2,y2", None, "which column is boxes: x0, y0, x1, y1 or x1, y1, x2, y2"),
        (
            "path,label",
            {"boxes": "bbox"},
            r"no column bbox, which `columns` names for boxes; the first line is",
        ),
        ("path,label,boxs", None, "does the column boxs belong to boxes"),
        ("path,label,xmin,ymin,xmax", None, "does the column xmin belong to boxes"),
        ("path,label,x0,y0,width,height", None, "does the column x0 belong to boxes"),
    ],
)
def test_columns_that_are_not_clear_are_refused_with_what_there_is(header, columns, message):
    with pytest.raises(InputError, match=f"^my.csv: {message}"):
        find_columns(header.split(","), columns, "my.csv")


@pytest.mark.parametrize("box_format", BOX_FORMATS)
@pytest.mark.parametrize("names", ["xmin,ymin,xmax,ymax", "x,y,width,height", "a,b,c,d"])
def test_names_and_box_format_say_what_the_four_numbers_are(data, names, box_format):
    is_size = box_format.startswith("size") or (names.startswith("x,") and box_format == "corners")
    numbers = [0.25, 0.2, 0.5 if is_size else 0.75, 0.6 if is_size else 0.8]
    if "fractions" not in box_format:
        numbers = [a * b for a, b in zip(numbers, [40, 30, 40, 30], strict=True)]
    text = f"path,label,{names}\na.png,n01,{','.join(map(str, numbers))}\n"
    columns = {"boxes": list("abcd")} if names == "a,b,c,d" else None
    clash = {"xmin,ymin,xmax,ymax": ("size", "size_fractions"), "x,y,width,height": ("corner_fractions",)}
    if box_format in clash.get(names, ()):
        with pytest.raises(
            InputError,
            match=f"the columns {names.replace(',', ', ')} are .*, but box_format is {box_format}",
        ):
            rows_of(data, text, box_format=box_format, columns=columns)
        return
    assert rows_of(data, text, box_format=box_format, columns=columns) == [("a", 0, [[10, 6, 30, 24]])]


def test_a_size_that_exceeds_the_image_by_rounding_is_cut(data):
    assert rows_of(data, "path,label,x,y,width,height\na.png,n01,0.1,0,39.9000001,30\n")[0][2] == [
        [0.1, 0, 40, 30]
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "image,label\na.png,n01\nin/b.png,cow\n",
            r"1 labels stand for no class, first in/b.png \(line 3\): 'cow'",
        ),
        (
            "image,class_name\na.png,tench\nin/b.png,crane\n",
            r"first in/b.png \(line 3\): 'crane'",
        ),  # of two classes
        ("image,label\na.png,n01,1\n", "line 2: 3 fields instead of 2"),
        ("image,label,bbox\na.png,n01,1 2 3\n", "a: boxes not a repetition of 'x0 y0 x1 y1': 1 2 3"),
        (
            "image,label,xmin,ymin,xmax,ymax\na.png,n01,1,2,,4\n",
            "a: boxes not a repetition of 'x0 y0 x1 y1': 1 2  4",
        ),
        ("image,label\nnone.png,n01\n", "none: unreadable image: .*none.png"),
    ],
)
def test_what_is_wrong_in_a_row_is_said_with_its_place(data, text, message):
    with pytest.raises(InputError, match=message):
        rows_of(data, text)


def test_a_name_without_ending_that_two_images_have_is_no_file(data):
    Image.new("RGB", (40, 30)).save(data / "a.jpg")
    with pytest.raises(InputError, match=r"unreadable image: .*/a: "):
        rows_of(data, "image,label\na,n01\n")
