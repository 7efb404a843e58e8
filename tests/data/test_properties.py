"""What holds for any boxes, tables and configurations: they come back as they were given, or a reason is told."""

import copy
import csv
import gzip
import io
import lzma
import math
import random
import re
import shutil
import tarfile
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.configurations import overlaid
from helpers.hang import stopped_after
from labelmaps.data.annotations import UnusableError, check_areas, parse_box, read_annotations
from labelmaps.data.classes import Class, read_classes
from labelmaps.data.indexing import find_images
from labelmaps.data.own_table import read_table
from labelmaps.errors import InputError
from pipeline.settings.base import ConfigurationError
from pipeline.settings.configuration import Settings
from pipeline.settings.reading import read_settings

pytestmark = pytest.mark.slow  # together

CLASSES = [Class(f"n0{i}", f"name {i}") for i in range(4)]
LABELS = {item.id: label for label, item in enumerate(CLASSES)}

numbers = st.integers(-3, 2000) | st.floats(allow_nan=False, allow_infinity=False)
corners = st.tuples(numbers, numbers, numbers, numbers).map(list)
upright = corners.map(
    lambda box: [min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])]
)
boxes = st.one_of(upright, corners)
objects = st.lists(st.tuples(st.sampled_from([*LABELS, "n09"]), boxes), max_size=4)
few_objects = objects | st.lists(boxes, min_size=1, max_size=3).map(
    lambda found: [("n01", box) for box in found]
)
# In an XML file's name there is no room for more.
plain_names = st.text("abcXYZ019 _-'ü日", min_size=1, max_size=12).map(str.strip).filter(bool)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def has_area(box):
    """Whether a box has an area as it is stored, in float32."""
    with np.errstate(over="ignore"):
        x0, y0, x1, y1 = np.array(box, np.float64).astype(np.float32)
    return bool(x0 < x1 and y0 < y1)


def expected_of(found):
    """Label → boxes of one image's objects, or how its reason begins."""
    ids = {class_id for class_id, _ in found}
    if not ids:
        return "annotated without an object"
    if not ids <= LABELS.keys():
        return "class not in the classes file: "
    if not all(has_area(box) for _, box in found):
        return "box without area"
    return {LABELS[i]: [[float(value) for value in box] for j, box in found if i == j] for i in sorted(ids)}


def check(annotations, content):
    """Every image comes back exactly, or with the reason why it cannot be used."""
    rows = {}
    for row in annotations.table.itertuples():
        rows.setdefault(row.image, {})[row.label] = row.boxes
    cases = list(zip(annotations.table["image"], annotations.table["label"], strict=True))
    assert cases == sorted(set(cases))
    assert not rows.keys() & annotations.problems.keys()
    assert rows.keys() | annotations.problems.keys() == content.keys()
    for image, found in content.items():
        expected = expected_of(found)
        if isinstance(expected, str):
            assert annotations.problems[image].startswith(expected)
        else:
            assert rows[image] == expected


def write_csv(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def xml(image, found):
    parts = [
        f"<object><name>{class_id}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        "</bndbox></object>"
        for class_id, (x0, y0, x1, y1) in found
    ]
    return f"<annotation><filename>{escape(image)}</filename>{''.join(parts)}</annotation>".encode()


def write_archive(path, files, mode="w:gz", form=tarfile.PAX_FORMAT):
    with tarfile.open(path, mode, format=form) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def folder():
    """One folder for all examples of this module; each writes over what the last has left."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(corners)
@example([0, 0, 5e-324, 5e-324])
@example([1.5, 0, 1, 1])
@example([16777216, 0, 16777217, 1])
def test_a_box_comes_back_exactly_or_has_no_area(box):
    try:
        parsed = parse_box([repr(value) for value in box])
        check_areas([parsed])
    except UnusableError as reason:
        parsed = str(reason)[:16]
    assert parsed == (box if has_area(box) else "box without area")


words = texts | st.sampled_from(["0", "1", "2.5", "1e3", "-1", "nan", "inf", "-Infinity", "1e999"])


@given(st.lists(words, min_size=4, max_size=4))
@example(["0", "0", "inf", "1"])
def test_words_of_a_box_are_four_numbers_or_a_reason(words):
    try:
        box = parse_box(words)
    except UnusableError:
        return
    assert box == [float(word) for word in words]
    assert all(map(math.isfinite, box))


@pytest.mark.slow
@given(st.dictionaries(plain_names, few_objects, min_size=1, max_size=4))
def test_boxes_come_back_from_csv_xml_and_archive_or_their_image_has_a_reason(folder, content):
    rows = [
        [image, "".join(f"{class_id} {' '.join(map(str, box))} " for class_id, box in found)]
        for image, found in content.items()
    ]
    check(
        read_annotations(write_csv(folder / "boxes.csv", ["ImageId", "PredictionString"], rows), CLASSES),
        content,
    )
    files = {f"{image}.xml": xml(image, found) for image, found in content.items()}
    check(read_annotations(write_archive(folder / "boxes.tgz", files), CLASSES), content)
    shutil.rmtree(folder / "xml", ignore_errors=True)
    (folder / "xml").mkdir()
    for name, text in files.items():
        (folder / "xml" / name).write_bytes(text)
    check(read_annotations(folder / "xml", CLASSES), content)


@given(
    st.lists(
        st.tuples(texts, st.sampled_from([*LABELS, "0", "3", "4", "x"]), st.lists(boxes, max_size=3)),
        max_size=5,
    )
)
def test_rows_of_a_table_come_back_or_are_refused_with_a_reason(folder, rows):
    written = [
        [path, label, " ".join(str(value) for box in found for value in box)] for path, label, found in rows
    ]
    path = write_csv(folder / "table.csv", ["path", "label", "boxes"], written)
    labels = {label for _, label, _ in rows}
    if not rows or not (labels <= LABELS.keys() or labels <= {"0", "3"}):
        with pytest.raises(InputError, match=re.escape(str(path))):
            read_table(path, CLASSES)
        return
    files, (table, problems, _), _ = read_table(path, CLASSES)
    known = {row.image: (row.label, row.boxes) for row in table.itertuples()}
    assert {image for image, _ in files} == known.keys() | problems.keys()
    assert len(files) == len(dict(files))
    of_image = {}
    for name, label, found in rows:
        of_image.setdefault(folder / name, []).append(
            (LABELS[label] if label in LABELS else int(label), found)
        )
    for image, file in files:
        its_rows = next((item for name, item in of_image.items() if name == file), None)
        if its_rows is None or len(its_rows) > 1:
            continue  # written in another way, or in several rows: test_annotations.py
        if image in known:
            assert known[image] == its_rows[0]
            assert all(map(has_area, its_rows[0][1]))
        else:
            assert problems[image].startswith(("box without area", "rows disagree"))


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 0, 1, 2, 3, 2**31, 2**63, 10**400]),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        [
            "",
            "zoom",
            "igub",
            "scenes",
            "small_resnet",
            "V1",
            "cuda",
            "\ud800",
            "a\0",
            "../a",
            "gain",
            "center",
        ]
    ),
    st.binary(max_size=2),
    st.dates(),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(leaves, inner, max_size=3),
    max_leaves=6,
)


def places(node, at=()):
    """Paths of all values in a configuration."""
    if isinstance(node, dict | list):
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield (*at, key)
            yield from places(inner, (*at, key))


DEFAULT = overlaid()
PLACES = list(places(DEFAULT))
KEYS = st.sampled_from(
    ["x", "images", "boxes", "checkpoint", "engine", "arrival", "random", "", "a/b", None, 1]
)
changes = st.tuples(st.sampled_from(PLACES), st.sampled_from(["set", "delete", "add"]), KEYS, values)


def changed(config, place, action, key, value):
    """The configuration with one value replaced, left out, or with another beside it; as it is where the place is gone."""
    config = copy.deepcopy(config)
    node = config
    try:
        for step in place[:-1]:
            node = node[step]
        if action == "delete":
            del node[place[-1]]
        else:
            node[place[-1] if action == "set" or isinstance(node, list) else key] = value
    except (KeyError, IndexError, TypeError):
        pass
    return config


@pytest.mark.slow
def test_any_configuration_is_read_or_refused_with_the_keys_that_are_wrong(thorough):
    @settings(max_examples=800 if thorough else 200)
    @given(st.lists(changes, min_size=1, max_size=3))
    def is_read_or_refused(mutations):
        config = DEFAULT
        for mutation in mutations:
            config = changed(config, *mutation)
        before = copy.deepcopy(config)
        try:
            read = read_settings(config)
        except ConfigurationError as error:
            lines = str(error).splitlines()
            assert lines[0] == "the configuration cannot be used:"
            assert len(lines) > 1
        else:
            assert isinstance(read, Settings)
            assert set(read.run.methods) <= read.methods.keys()
        assert repr(config) == repr(before)  # NaN is not equal to itself

    is_read_or_refused()


LAYERS = st.fixed_dictionaries(
    {},
    optional={
        "compute": st.fixed_dictionaries(
            {},
            optional={
                "device": st.sampled_from(["cpu", "cuda", "auto"]),
                "precision": st.sampled_from(["float32", "bfloat16", "float16", "auto"]),
                "batch": st.integers(1, 2**31 - 1),
                "threads": st.integers(1, 2**31 - 1),
            },
        ),
        "pointing": st.fixed_dictionaries({"tolerance": st.floats(0, 1e6)}),
        "nulls": st.fixed_dictionaries({"seed": st.integers(0, 2**63 - 1)}),
        "views": st.dictionaries(
            st.from_regex(r"\Amine[A-Za-z0-9_.-]*\Z"),
            st.fixed_dictionaries(
                {"family": st.just("zoom")},
                optional={
                    "grid": st.integers(0, 50).map(lambda half: 2 * half + 1),
                    "floor": st.floats(0, 1, exclude_min=True),
                    "antialias": st.booleans(),
                },
            ),
            max_size=3,
        ),
        "datasets": st.dictionaries(
            st.from_regex(r"\Amine[A-Za-z0-9_.-]*\Z").filter(
                lambda name: not name.endswith(("_sample", "_reference"))
            ),
            st.fixed_dictionaries(
                {"images": texts.filter(lambda text: text and "\0" not in text)},
                optional={"max_excluded": st.floats(0, 1), "verify": st.sampled_from(["full", "header"])},
            ),
            max_size=3,
        ),
    },
)


@pytest.mark.slow
def test_every_valid_configuration_is_accepted_as_it_is(thorough):
    @settings(max_examples=150 if thorough else 50)
    @given(LAYERS)
    def is_accepted(layer):
        read = read_settings(overlaid(layer))
        for section in ("compute", "pointing", "nulls"):
            for key, value in layer.get(section, {}).items():
                assert getattr(getattr(read, section), key) == value
        for name, dataset in layer.get("datasets", {}).items():
            assert {key: getattr(read.datasets[name], key) for key in dataset} == dataset
        for name, view in layer.get("views", {}).items():
            assert read.views[name].arguments.items() >= view.items()

    is_accepted()


OBJECTS = [("n02", (0, 0, 5, 6)), ("n02", (1, 2, 3, 4.5))]
FILES = {f"val/{'é' * (50 * i)}{i}.xml": xml(f"{'é' * (50 * i)}{i}", OBJECTS) for i in range(3)}
TEXT = b'\xef\xbb\xbfImageId,PredictionString\r\n"a ""b"";\nc.JPEG",n01 0 0 5 5 \r\nd,n02 0 0 1 1 n02 1 1 2e1 3\n'
LINES = "n01 tench, Tinca\nn02 gold fish\nn03 ü\n".encode()
TABLE = b'path,label,boxes\nb/1.png,n03,\n"a, ""x""/1.JPG",n01,0 0 5 5 1 2 3 4\n'


def archived(folder, mode="w", form=tarfile.PAX_FORMAT, files=FILES):
    return write_archive(folder / "valid.tar", files, mode, form).read_bytes()


# What is read → a valid file's name, how it is made, what reads it, and how it is unpacked and packed, as damage may
# lie before the packing.
READERS = {
    "csv": ("a.csv", lambda folder: TEXT, read_annotations, None),
    "xml": ("xml/a.xml", lambda folder: xml("a", OBJECTS), read_annotations, None),
    "tgz": ("a.tgz", lambda folder: archived(folder, "w:gz"), read_annotations, None),
    "tgz, before it was packed": ("a.tgz", archived, read_annotations, gzip.compress),
    "tar of GNU": ("a.tar", lambda folder: archived(folder, form=tarfile.GNU_FORMAT), read_annotations, None),
    "tar.bz2": ("a.tar", lambda folder: archived(folder, "w:bz2"), read_annotations, None),
    "tar.xz, before it was packed": ("a.tar", archived, read_annotations, lzma.compress),
    "table": ("table.csv", lambda folder: TABLE, read_table, None),
    "classes": ("classes.txt", lambda folder: LINES, lambda path, _: read_classes(path), None),
    "images": (
        "a.tar",
        lambda folder: archived(folder, files={"a.png": bytes(700), "b.jpg": b"x"}),
        find_images,
        None,
    ),
}
PIECES = [
    b"\0",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\xff",
    b"<",
    b">",
    b"&",
    b"]]>",
    b"nan",
    b"-",
    b"1e999",
    b" " * 300,
    b"9" * 400,
]
PIECES += [
    b"<!DOCTYPE a>",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b"<a>" * 50,
    b"\xef\xbb\xbf",
    b"\x1f\x8b\x08\x04",
]


def damaged(content, rng):
    """A few bytes are flipped, exchanged, put in, left out or doubled, or the end is cut."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at, kind = rng.randrange(len(content) + 1), rng.random()
        if kind < 0.4:
            content[at : at + 1] = bytes(byte ^ (1 << rng.randrange(8)) for byte in content[at : at + 1])
        elif kind < 0.55:
            content[at : at + 1] = rng.randbytes(1)
        elif kind < 0.7:
            content[at:at] = rng.choice(PIECES)
        elif kind < 0.8:
            del content[at : at + rng.randrange(1, 40)]
        elif kind < 0.9:
            start = rng.randrange(len(content) + 1)
            content[at:at] = content[start : start + rng.randrange(1, 600)]
        else:
            del content[at:]
    return bytes(content)


@pytest.fixture
def _no_hang():
    """Whatever takes minutes is stopped, and fails."""
    with stopped_after(120):
        yield


TRIALS, TRIALS_IF_THOROUGH = 200, 500


@pytest.mark.usefixtures("_no_hang")
@pytest.mark.parametrize(
    "reader", [pytest.param(name, marks=[pytest.mark.slow] * ("xz" in name)) for name in READERS]
)
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path, thorough, reader):
    name, make, read, pack = READERS[reader]
    valid, path = make(tmp_path), tmp_path / name
    path.parent.mkdir(exist_ok=True)
    source = path.parent if name.startswith("xml/") else path
    path.write_bytes(pack(valid) if pack else valid)
    read(source, CLASSES)
    rng, refused, trials = random.Random(reader), 0, TRIALS_IF_THOROUGH if thorough else TRIALS
    for _ in range(trials):
        content = damaged(valid, rng)
        path.write_bytes(pack(content) if pack else content)
        try:
            read(source, CLASSES)
        except InputError:
            refused += 1
    assert refused < trials  # else the damage is too large to reach what comes behind the first check
    assert refused > 0 or reader == "xml"
