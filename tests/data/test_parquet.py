"""Images in parquet, as data sets on the hub of Hugging Face have them, become an index and stay where they are."""

import json
import logging

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.pictures import WIDTH, png
from labelmaps.data import parquet_cells
from labelmaps.data.batches import read_batches
from labelmaps.data.classes import Class
from labelmaps.data.formats import parquet
from labelmaps.data.formats.parquet import classes_of
from labelmaps.data.images import read_image
from labelmaps.data.index import read_index, write_index
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError

CLASSES = "n01 tench\nn02 goldfish\nn03 crane\n"
# In the order of the shards, which is not that of the names.
ROWS = [
    ("ILSVRC2012_val_00000003_n01.JPEG", 0),
    ("ILSVRC2012_val_00000001_n02.JPEG", 1),
    ("ILSVRC2012_val_00000004_n01.JPEG", 2),
    ("ILSVRC2012_val_00000002_n03.JPEG", 2),
]
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def with_names(schema, names, key="label"):
    """A schema with the metadata that Hugging Face's `datasets` writes."""
    features = {"image": {"_type": "Image"}, key: {"names": names, "_type": "ClassLabel"}}
    return schema.with_metadata({b"huggingface": json.dumps({"info": {"features": features}}).encode()})


def write(path, rows, names=("tench", "goldfish", "crane"), seed=0, **columns):
    """Write a shard as Hugging Face has it: rows of path and label, or columns in their place."""
    images = [{"bytes": png(seed + i), "path": path} for i, (path, _) in enumerate(rows)]
    content = {"image": pa.array(images, IMAGE), "label": pa.array([label for _, label in rows], pa.int64())}
    table = pa.table(content | columns)
    if names is not None:
        table = table.cast(with_names(table.schema, list(names)))
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, row_group_size=2)
    return path


@pytest.fixture
def data(tmp_path):
    (tmp_path / "classes.txt").write_text(CLASSES)
    write(tmp_path / "hub/validation-00000-of-00002.parquet", ROWS[:3])
    write(tmp_path / "hub/validation-00001-of-00002.parquet", ROWS[3:], seed=3)
    return tmp_path


def index_of(data, place="hub", **options):
    return index_dataset(data / "classes.txt", parquet=str(data / place), **options)


@pytest.mark.parametrize("verify", ["full", "header"])
@pytest.mark.parametrize("place", ["hub", "hub/validation-*.parquet", "hub/**/*.parquet"])
def test_imagenet_as_hugging_face_has_it_is_read_in_place(data, place, verify):
    index, excluded = index_of(data, place, verify=verify, workers=2)
    assert excluded.empty
    assert list(index["image"]) == [
        f"ILSVRC2012_val_0000000{i}_n0{k}" for i, k in [(1, 2), (2, 3), (3, 1), (4, 1)]
    ]
    assert list(index["label"]) == [1, 2, 0, 2]
    assert list(index["offset"]) == [1, 0, 0, 2]
    assert set(index["length"]) == {0}
    assert {*index["width"]} == {WIDTH}
    assert all(index["digest"].map(bool)) == (verify == "full")
    write_index(data / "index.parquet", index)
    ((rows, pixels),) = read_batches(read_index(data / "index.parquet"), 4, workers=2)
    for seed, image, digest in zip([1, 3, 0, 2], pixels, rows["digest"], strict=True):
        (data / "a.png").write_bytes(png(seed))
        np.testing.assert_array_equal(image, read_image(data / "a.png"))
        assert len(digest) == 64
    assert not [path for path in data.rglob("*") if path.suffix not in (".parquet", ".txt", ".png", "")]


def test_an_image_that_was_exchanged_is_told_with_file_and_row(data):
    index, _ = index_of(data)
    write(data / "hub/validation-00001-of-00002.parquet", ROWS[3:], seed=99)
    with pytest.raises(
        InputError, match=r"validation-00001-of-00002.parquet, row 0: the image changed since"
    ):
        list(read_batches(index, 4))


def test_boxes_and_labels_are_where_columns_says(data):
    boxes = [[[1, 2, 3, 4], [5, 1, 7, 8]], [], None, [[0, 0, 9, 9]]]
    table = pa.table(
        {"photo": [png(i) for i in range(4)], "kind": ["n01", "n02", "n03", "n01"], "where": boxes},
    )
    pq.write_table(table, data / "mine.parquet")
    columns = {"image": "photo", "label": "kind", "boxes": "where"}
    index, _ = index_of(data, "mine.parquet", columns=columns)
    assert list(index["image"]) == [f"mine/{i}" for i in range(4)]
    assert list(index["label"]) == [0, 1, 2, 0]
    assert [len(found) for found in index["boxes"]] == [2, 0, 0, 1]
    index, _ = index_of(data, "mine.parquet", columns=columns, box_format="size")
    assert index["boxes"][0].tolist() == [[1, 2, 4, 6], [5, 1, 12, 9]]


def test_four_columns_may_hold_the_numbers_of_a_box(data):
    numbers = {"xmin": [1, 5, None], "ymin": [2, 6, None], "xmax": [3, 7, None], "ymax": [4, None, None]}
    pq.write_table(pa.table({"image": [png(0)] * 3, "label": [0, 1, 2]} | numbers), data / "a.parquet")
    index, excluded = index_of(data, "a.parquet", columns={"boxes": [*numbers]}, max_excluded=0.5)
    assert [boxes.tolist() for boxes in index["boxes"]] == [[[1, 2, 3, 4]], []]
    assert list(excluded["reason"]) == ["box not in numbers: 5 6 7 None (row 1)"]


def test_boxes_may_come_from_another_file(data):
    (data / "boxes.csv").write_text(
        "ImageId,PredictionString\n"
        "ILSVRC2012_val_00000001_n02,n02 1 2 3 4\n"
        "ILSVRC2012_val_00000002_n03,n03 1 2 3 4 n03 5 6 7 8\n"
        "ILSVRC2012_val_00000004_n01,n02 1 2 3 4\n"  # another class than the label's
    )
    index, excluded = index_of(data, boxes=data / "boxes.csv", max_excluded=0.3)
    assert list(index["label"]) == [1, 2, 0]
    assert [len(boxes) for boxes in index["boxes"]] == [1, 2, 0]
    assert excluded["reason"][0].startswith("labels disagree: ")
    pq.write_table(pa.table({"image": [png(0)], "label": [0], "boxes": [[[1, 2, 3, 4]]]}), data / "a.parquet")
    with pytest.raises(InputError, match=r"boxes\.csv: the images have boxes, or several labels, already"):
        index_of(data, "a.parquet", boxes=data / "boxes.csv")


def test_nested_columns_give_each_object_its_label(data):
    objects = [
        {"bbox": [[1.0, 2, 3, 4], [5, 6, 7, 8]], "category": [1, 1]},
        {"bbox": [[0.0, 0, 9, 9]], "category": [2]},
    ]
    listed = [
        [{"bbox": box, "category": kind} for box, kind in zip(*item.values(), strict=True)]
        for item in objects
    ]
    columns = {"label": "objects.category", "boxes": "objects.bbox"}
    for name, content in {"struct of lists": objects, "list of structs": listed}.items():
        pq.write_table(pa.table({"image": [png(0), png(1)], "objects": content}), data / f"{name}.parquet")
        index, _ = index_of(data, f"{name}.parquet", columns=columns)
        assert list(index["label"]) == [1, 2]
        assert [boxes.tolist() for boxes in index["boxes"]] == [[[1, 2, 3, 4], [5, 6, 7, 8]], [[0, 0, 9, 9]]]


def test_names_that_do_not_tell_rows_apart_are_no_ids(data, caplog):
    write(data / "a/x.parquet", [("image.png", 0)] * 11)
    write(data / "a/y.parquet", [("image.png", 0)] * 2)
    with caplog.at_level(logging.INFO):
        index, _ = index_of(data, "a")
    assert list(index["image"])[:2] == ["x/00", "x/01"]
    assert list(index["image"])[-1] == "y/01"
    assert "ids are file and row" in caplog.text


def test_images_are_looked_at_in_the_order_in_which_they_are_stored(data, monkeypatch):
    decoded = []
    decode = parquet_cells._decode
    monkeypatch.setattr(parquet_cells, "_decode", lambda *place: decoded.append(place[1]) or decode(*place))
    monkeypatch.setattr(parquet_cells, "KEPT_BYTES", 1)
    write(data / "a.parquet", [(f"{i * 7 % 40:02}.png", 0) for i in range(40)])
    index, _ = index_of(data, "a.parquet", verify="header")
    assert list(index["image"]) == [f"{i:02}" for i in range(40)]
    assert decoded == list(range(20))


@pytest.mark.parametrize(("size", "is_told"), [(20, False), (400, True)])
def test_large_row_groups_in_another_order_than_the_names_are_told(data, caplog, monkeypatch, size, is_told):
    monkeypatch.setattr(parquet, "MOST_DECODED", 20)
    names = [f"{i * 149 % 400:03}.png" for i in range(400)]
    rows = [{"bytes": png(0), "path": name} for name in names]
    table = pa.table({"image": pa.array(rows, IMAGE), "label": [0] * 400})
    pq.write_table(table, data / "a.parquet", row_group_size=size)
    assert len(index_of(data, "a.parquet", verify="header")[0]) == 400
    assert ("row groups are large: to read one image" in caplog.text) == is_told
    caplog.clear()
    pq.write_table(table.take(np.argsort(names)), data / "a.parquet")
    index_of(data, "a.parquet", verify="header")
    assert "row groups are large" not in caplog.text


@pytest.mark.parametrize(
    ("names", "classes", "labels"),
    [
        (("goldfish", "crane", "tench"), CLASSES, [1, 2, 0]),  # by name, in another order than the classes
        (("n03", "n01", "n02"), CLASSES, [2, 0, 1]),  # by id
        (("fish, gold", "crane", "Tinca"), "a x\nb y\nc z\n", [0, 1, 2]),  # other names, as many: in order
        (("a b", "c", "d"), "c C\na_b A\nd D\n", [1, 0, 2]),
        (None, CLASSES, [0, 1, 2]),  # indices
        (None, "2 two\n0 nought\n1 one\n", [1, 2, 0]),  # ids that are numbers
    ],
)
def test_numbers_of_labels_are_what_the_schema_names(data, names, classes, labels):
    (data / "classes.txt").write_text(classes)
    write(data / "a.parquet", [("a.png", 0), ("b.png", 1), ("c.png", 2)], names)
    assert list(index_of(data, "a.parquet")[0]["label"]) == labels


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (("tench", "goldfish", "shark"), CLASSES + "n04 more\n"),
        (
            ("goldfish", "tench", "shark"),
            CLASSES,
        ),  # known ones are in another order, so the third is not the third
    ],
)
def test_names_that_fit_the_classes_in_part_are_refused(data, names, classes):
    (data / "classes.txt").write_text(classes)
    write(data / "a.parquet", [("a.png", 0), ("b.png", 1), ("c.png", 2)], names)
    with pytest.raises(
        InputError, match=r"names 3 classes, of which the classes file, .* does not know 'shark'"
    ):
        index_of(data, "a.parquet")


def test_the_synset_in_a_name_must_be_that_of_the_label(data):
    synsets = [f"n0000000{i}" for i in range(3)]
    (data / "classes.txt").write_text("".join(f"{synset} name{i}\n" for i, synset in enumerate(synsets)))
    rows = [(f"ILSVRC2012_val_0000000{i}_{synsets[i % 3]}.JPEG", min(i, 1)) for i in range(3)]
    write(data / "a.parquet", rows, names=None)
    index, excluded = index_of(data, "a.parquet", max_excluded=0.5)
    assert list(index["image"]) == ["ILSVRC2012_val_00000000", "ILSVRC2012_val_00000001"]
    assert excluded["reason"][0].startswith("labels disagree: 2 by its name, 1 by")


def test_a_test_split_is_refused(data):
    write(data / "a.parquet", [("a.png", -1), ("b.png", -1)])
    with pytest.raises(InputError, match=r"a\.parquet: all 2 labels are −1, as in test splits"):
        index_of(data, "a.parquet")


def test_a_row_that_cannot_be_used_is_listed_with_file_and_row(data):
    rows = [
        (f"{name}.png", label) for name, label in zip("abcdefgh", [0, 1, -1, 7, None, 0, 0, 1], strict=True)
    ]
    images = [{"bytes": png(i), "path": path} for i, (path, _) in enumerate(rows)]
    images[5], images[6]["bytes"], images[7]["bytes"] = None, None, b"\xff\xd8 no more"
    write(data / "a.parquet", rows, names=None, image=pa.array(images, IMAGE))
    # A row without its image has no name, so that all ids are file and row.
    index, excluded = index_of(data, "a.parquet", max_excluded=1)
    assert [image[-1] for image in index["image"]] == ["0", "1"]
    assert {*excluded["path"]} == {str(data / "a.parquet")}
    assert [reason.replace(str(data), "") for reason in excluded["reason"][:-1]] == [
        "no label: −1, as rows of test splits have (row 2)",
        "class not in the classes file: 7 (row 3)",
        "no label: it is empty (row 4)",
        "unreadable image: /a.parquet, row 5: a row without an image: its bytes are null; replace or remove it",
        "unreadable image: /a.parquet, row 6: a row without an image: its bytes are null; replace or remove it",
    ]
    assert "a.parquet, row 7: " in excluded["reason"][5]


@pytest.mark.parametrize(
    ("boxes", "reason"),
    [
        ([[1, 2, 3]], "boxes not of four numbers: [1.0, 2.0, 3.0] (row 0)"),
        ([[1, 2, 300, 4]], "box outside the image, probably a resized copy: 1 2 300 4 in 20 x 12 pixels"),
        ([[3, 2, 1, 4]], "box without area, or its corners reversed: 3 2 1 4"),
        ([[1, 2, 3, None]], "box not in numbers: 1.0 2.0 3.0 None (row 0)"),
    ],
)
def test_what_is_wrong_with_boxes_costs_the_row(data, boxes, reason):
    column = pa.array([boxes, []], pa.list_(pa.list_(pa.float64())))
    write(data / "a.parquet", [("a.png", 0), ("b.png", 1)], boxes=column)
    index, excluded = index_of(data, "a.parquet", max_excluded=0.5, check_boxes=False)
    assert list(index["image"]) == ["b"]
    assert list(excluded["reason"]) == [reason]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {"image": "img"},
            r"no column img; name that of the image .*`columns: {image: …}`\. It has image \(struct",
        ),
        ({"label": "fine_label"}, "no column fine_label; name that of the label"),
        ({"label": "image.bytes.x"}, "no column image.bytes.x"),
        ({"boxes": "bbox"}, "no column bbox; name that of the boxes"),
        ({"image": "label"}, "column label holds no images"),
        ({"image": "image.bytes"}, "column image.bytes holds no images"),
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(data, columns, reason):
    with pytest.raises(InputError, match=rf"validation-00000-of-00002\.parquet: {reason}"):
        index_of(data, columns=columns)


def test_a_shard_without_the_columns_of_the_others_is_told(data):
    pq.write_table(pa.table({"other": [1]}), data / "hub/validation-00001-of-00002.parquet")
    with pytest.raises(InputError, match=r"validation-00001-of-00002.parquet: no column image"):
        index_of(data)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"version https://git-lfs.github.com/spec/v1\n", b"PAR1" * 100]
)
def test_a_broken_shard_is_told_by_its_name(data, content):
    (data / "hub/validation-00001-of-00002.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot read .*validation-00001-of-00002\.parquet as parquet"):
        index_of(data)


def test_a_shard_that_was_cut_is_told_by_its_name(data):
    path = data / "hub/validation-00000-of-00002.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"cannot read .*validation-00000-of-00002\.parquet as parquet"):
        index_of(data)


def test_places_that_hold_no_parquet_are_told(data):
    (data / "empty").mkdir()
    (data / "hub/.hidden.parquet").write_bytes(b"")
    (data / "table.csv").write_text("a,b\n")
    for place, reason in {
        "empty": r"empty: no \.parquet file in the folder",
        "none/*.parquet": "no such file or folder, and no such pattern",
        "hub/*.csv": "no such pattern",
        "table.csv": r"table\.csv: no \.parquet by its name",
    }.items():
        with pytest.raises(InputError, match=reason):
            index_of(data, place)
    assert len(index_of(data)[0]) == 4


def test_a_folder_of_several_splits_is_refused_and_a_missing_shard_told(data, caplog):
    write(data / "hub/train-00000-of-00001.parquet", ROWS)
    with pytest.raises(
        InputError, match=r"hub holds several splits .* train, validation: name those of one by a pattern"
    ):
        index_of(data)
    assert len(index_of(data, "hub/train-*")[0]) == 4
    index_of(data, "hub/validation-00000*")
    assert "1 of the 2 files that their names announce exist" in caplog.text


def test_a_table_of_pandas_with_gaps_in_its_labels_is_read(data):
    pd.DataFrame({"image": [png(0), png(1), png(2)], "label": [0, np.nan, 2]}).to_parquet(data / "a.parquet")
    index, excluded = index_of(data, "a.parquet", max_excluded=0.5)
    assert list(index["label"]) == [0, 2]
    assert excluded["reason"][0].startswith("no label")


def test_the_classes_are_those_that_the_schema_names(data):
    assert classes_of(str(data / "hub")) == [("tench", "tench"), ("goldfish", "goldfish"), ("crane", "crane")]
    write(data / "a.parquet", ROWS, names=None)
    assert classes_of(str(data / "a.parquet")) is None
    write(data / "a.parquet", ROWS, names=["a b", "c", "d"])
    assert classes_of(str(data / "a.parquet"))[0] == ("a b", "a b")
    imagenet = [Class(f"n{i}", f"name {i}") for i in range(20)]
    write(data / "a.parquet", ROWS, names=[*(f"name {i}" for i in range(19)), "another"])
    assert classes_of(str(data / "a.parquet"), imagenet=imagenet) == imagenet
