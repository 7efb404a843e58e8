"""Three sources of boxes, one content; what is wrong with one image stays with that image."""

import io
import os
import random
import subprocess
import sys
import tarfile
import unicodedata
from pathlib import Path

import pytest

from labelmaps.data.annotations import BOX_FORMATS, LARGEST_XML, main, read_annotations
from labelmaps.data.classes import Class, read_classes
from labelmaps.data.own_table import read_table
from labelmaps.errors import InputError
from pipeline.sources import ROOT

CLASSES = [Class("n01", "tench"), Class("n02", "goldfish"), Class("n03", "shark")]
# image -> its objects, each a class id and a box
CONTENT = {
    "val_2": [("n03", (10, 20, 30, 40))],
    "val_1": [("n02", (0, 0, 5, 6)), ("n02", (1, 2, 3, 4.5))],
}
EXPECTED = [("val_1", 1, [[0, 0, 5, 6], [1, 2, 3, 4.5]]), ("val_2", 2, [[10, 20, 30, 40]])]


def rows(annotations):
    return list(annotations.table.itertuples(index=False, name=None))


def write_csv(path, content=CONTENT):
    lines = ["ImageId,PredictionString"]
    for image, objects in content.items():
        words = "".join(f"{class_id} {' '.join(map(str, box))} " for class_id, box in objects)
        lines.append(f"{image},{words}")
    path.write_text("\n".join(lines) + "\n")
    return path


def xml(image, objects):
    corners = ("xmin", "ymin", "xmax", "ymax")
    boxes = "".join(
        f"<object><name>{class_id}</name><bndbox>"
        + "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(corners, box, strict=True))
        + "</bndbox></object>\n"
        for class_id, box in objects
    )
    return f"<annotation>\n<folder>val</folder><filename>{image}</filename>\n{boxes}</annotation>\n"


def write_xml_folder(folder, content=CONTENT):
    (folder / "val").mkdir(parents=True)
    for image, objects in content.items():
        (folder / "val" / f"{image}.xml").write_text(xml(image, objects))
    (folder / "val" / "._val_1.xml").write_bytes(b"\x00resource fork")
    return folder


def write_tgz(path, files):
    with tarfile.open(path, "w:gz") as archive:
        folder = tarfile.TarInfo("val")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def test_the_three_sources_agree(tmp_path):
    files = {f"val/{image}.xml": xml(image, objects) for image, objects in CONTENT.items()}
    sources = [
        write_csv(tmp_path / "boxes.csv"),
        write_xml_folder(tmp_path / "boxes"),
        write_tgz(tmp_path / "boxes.tgz", files),
    ]
    for source in sources:
        annotations = read_annotations(source, CLASSES)
        assert rows(annotations) == EXPECTED
        assert annotations.problems == {}


def test_names_in_an_archive_are_ids_and_never_paths(tmp_path):
    files = {"../../escape.xml": xml("escape", CONTENT["val_1"])}
    annotations = read_annotations(write_tgz(tmp_path / "a.tar.gz", files), CLASSES)
    assert list(annotations.table["image"]) == ["escape"]
    assert [path.name for path in tmp_path.rglob("*")] == ["a.tar.gz"]


def test_byte_order_mark_windows_lines_and_quoted_names(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_bytes(
        b'\xef\xbb\xbfImageId,PredictionString\r\n"a ""b"";\nc.JPEG",n01 0 0 5 5 \r\n\r\nd,n02 0 0 1 1\r\n'
    )
    assert rows(read_annotations(path, CLASSES)) == [
        ('a "b";\nc', 0, [[0, 0, 5, 5]]),
        ("d", 1, [[0, 0, 1, 1]]),
    ]


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([("n01", (5, 0, 1, 5))], "box without area, or its corners reversed: 5 0 1 5"),
        ([("n01", (5, 0, 5, 5))], "box without area, or its corners reversed: 5 0 5 5"),
        ([("n01", (0, 5, 5, 5))], "box without area, or its corners reversed: 0 5 5 5"),
        (
            [("n01", (16777216, 0, 16777217, 5))],
            "box without area in 32 bits, as boxes are stored: 16777216 0 1",
        ),
        (
            [("n01", (1, 5, 2, 5.0000000001))],
            "box without area in 32 bits, as boxes are stored: 1 5 2 5.0000",
        ),
        ([("n01", (0, 0, "x", 5))], "box not in numbers: 0 0 x 5"),
        ([("n01", (0, 0, "inf", 5))], "box not in numbers: 0 0 inf 5"),
        ([("n09", (0, 0, 5, 5))], "class not in the classes file: n09"),
        ([("n01", (0, 0, 5, 5)), ("n09", (0, 0, 5, 5))], "class not in the classes file: n09"),
        (
            [("n01", (0, 0, 5, 5)), ("n02", (5, 0, 1, 5))],
            "box without area, or its corners reversed: 5 0 1 5",
        ),
        ([], "annotated without an object"),
    ],
)
def test_a_bad_image_is_a_problem_with_its_reason(tmp_path, objects, reason):
    content = {**CONTENT, "bad": objects}
    for source in (write_csv(tmp_path / "boxes.csv", content), write_xml_folder(tmp_path / "xml", content)):
        annotations = read_annotations(source, CLASSES)
        assert rows(annotations) == EXPECTED
        assert annotations.problems.keys() == {"bad"}
        assert annotations.problems["bad"].startswith(reason)


def test_an_image_that_occurs_again_must_say_the_same(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(
        "ImageId,PredictionString\nsame,n01 0 0 5 5\nother,n01 0 0 5 5\nbroken,n01 0 0 5 5\n"
        "same,n01 0 0 5 5\nother,n01 0 0 5 6\nbroken,n01 0\n"
    )
    annotations = read_annotations(path, CLASSES)
    assert rows(annotations) == [("same", 0, [[0, 0, 5, 5]])]
    assert annotations.problems["other"].startswith("conflicting annotations: ")
    assert annotations.problems["broken"].startswith("not a repetition of 'synset x0 y0 x1 y1': ")


def test_an_image_without_a_place_in_the_boxes_is_no_problem_of_the_others(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_bytes(
        b"ImageId,PredictionString\n,n01 0 0 5 5\na\0b,n01 0 0 5 5\nlong,n01 " + b"9" * 9000 + b" 0 1 1\n"
    )
    annotations = read_annotations(path, CLASSES)
    assert [row[0] for row in rows(annotations)] == ["", "a\0b"]
    assert annotations.problems == {"long": f"box not in numbers: {'9' * 80}"}


ENTITIES = '<!DOCTYPE a [<!ENTITY b "n01">]><annotation><object><name>&b;</name></object></annotation>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<annotation><object>", "unreadable XML: "),
        (ENTITIES, "unreadable XML: EntitiesForbidden"),
        (ENTITIES.replace('"n01"', 'SYSTEM "file:///etc/passwd"'), "unreadable XML: EntitiesForbidden"),
        ('<!DOCTYPE a [<!ENTITY % b "c">%b;]><annotation/>', "unreadable XML: EntitiesForbidden"),
        ("<?xml version='1.0' encoding='utf-7'?><annotation/>", "unreadable XML: "),
        ("<?xml version='1.0' encoding='hex'?><annotation/>", "unreadable XML: "),
        ("<a>" * 100_000, "unreadable XML: no element found"),
        ("<a>" * 100_000 + "</a>" * 100_000, "annotated without an object"),
        ("", "unreadable XML: no element found"),
        (xml("another", CONTENT["val_1"]), "XML file of another image: another"),
        ("<annotation><object><name>n01</name></object></annotation>", "box not in numbers: "),
    ],
)
def test_a_bad_xml_file_is_a_problem_of_its_image(tmp_path, text, reason):
    folder = write_xml_folder(tmp_path / "xml")
    (folder / "bad.xml").write_text(text)
    annotations = read_annotations(folder, CLASSES)
    assert rows(annotations) == EXPECTED
    assert annotations.problems["bad"].startswith(reason)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column ImageId, PredictionString"),
        (b"ImageId,PredictionString\n", "no annotation in"),
        (b"ImageId\na\n", "no column PredictionString"),
        (b"ImageId,PredictionString,more\na,b,c\n", "unknown column more"),
        (b"ImageId,PredictionString,ImageId\na,n01 0 0 5 5,b\n", "a column occurs twice"),
        (b"ImageId,PredictionString\na,n01 0 0 5 5\nb,c,d\n", "line 3: 3 fields instead of 2"),
        (b'ImageId,PredictionString\n"a,n01 0 0 5 5\n', "quotes in pairs"),
        (b'ImageId,PredictionString\n"a,' + b"n01 0 0 5 5\n" * 20_000, "quotes in pairs"),
        (b"ImageId,PredictionString\n\xff,n01 0 0 5 5\n", "UTF-8"),
        ("ImageId,PredictionString\na,n01 0 0 5 5\n".encode("utf-16"), "UTF-8"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "UTF-8"),
    ],
)
def test_a_bad_csv_file_is_an_error(tmp_path, content, message):
    path = tmp_path / "boxes.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_annotations(path, CLASSES)


def test_missing_empty_unknown_and_damaged_sources_are_errors(tmp_path):
    tgz = write_tgz(tmp_path / "a.tgz", {f"{i}.xml": xml(str(i), CONTENT["val_1"]) for i in range(500)})
    tgz.write_bytes(tgz.read_bytes()[:-200])
    (tmp_path / "b.tgz").write_bytes(b"no archive")
    (tmp_path / "empty").mkdir()
    (tmp_path / "boxes.json").write_text("{}")
    for name, message in {
        "none.csv": "no such file or folder: .*none.csv",
        "none.tgz": "no such file or folder: .*none.tgz",
        "a.tgz": "download it again",
        "b.tgz": "download it again",
        "empty": "no annotation in",
        "boxes.json": r"give a \.csv, a folder of \.xml files, or their \.tgz",
    }.items():
        with pytest.raises(InputError, match=message):
            read_annotations(tmp_path / name, CLASSES)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_an_archive_that_is_damaged_within_is_an_error(tmp_path, mode):
    path = tmp_path / "a.tar"
    with tarfile.open(path, mode) as archive:
        for name in "abc":
            member = tarfile.TarInfo(f"{name}.xml")
            member.size = 100_000
            archive.addfile(member, io.BytesIO(random.Random(name).randbytes(member.size)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"cannot read the archive .*a\.tar: .*; download it again"):
        read_annotations(path, CLASSES)


@pytest.mark.parametrize("damage", ["cut", "header"])
def test_boxes_behind_the_damage_of_a_plain_archive_are_not_lost_without_a_word(tmp_path, damage):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in "abc":
            member = tarfile.TarInfo(f"{name}.xml")
            member.size = 100
            archive.addfile(member, io.BytesIO(bytes(100)))
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[2048:]
    content[2048:2049] = b"" if damage == "cut" else b"x"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.tar: no end mark at byte 2048; download it again"):
        read_annotations(path, CLASSES)


def test_an_archive_of_files_too_large_to_be_boxes_is_an_error_before_they_are_read(tmp_path):
    with tarfile.open(tmp_path / "a.tgz", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("bomb.xml")
        member.size = LARGEST_XML + 1
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    assert (tmp_path / "a.tgz").stat().st_size < 100_000
    with pytest.raises(InputError, match=r"bomb\.xml has 10000001 bytes, too many for boxes"):
        read_annotations(tmp_path / "a.tgz", CLASSES)


def test_links_pipes_and_devices_in_an_archive_are_passed_over(tmp_path):
    path = write_tgz(tmp_path / "a.tgz", {"val/a.xml": xml("a", CONTENT["val_1"])})
    with tarfile.open(path, "w:gz") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"{kind}.xml")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        text = xml("a", CONTENT["val_1"]).encode()
        member = tarfile.TarInfo("/val/a.xml")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    annotations = read_annotations(path, CLASSES)
    assert list(annotations.table["image"]) == ["a"]
    assert annotations.problems == {}


def table(path, text):
    path.write_text(text)
    return path


def test_a_table_gives_files_labels_and_boxes(tmp_path):
    path = table(
        tmp_path / "table.csv",
        'path,label,boxes\nb/1.png,n03,\n"a, ""x""/1.JPG",n01,0 0 5 5 1 2 3 4\n./c.jpg,n02,5 0 1 5\n',
    )
    files, annotations, _ = read_table(path, CLASSES)
    assert files == [
        ("b/1", tmp_path / "b/1.png"),
        ('a, "x"/1', tmp_path / 'a, "x"/1.JPG'),
        ("c", tmp_path / "c.jpg"),
    ]
    assert rows(annotations) == [('a, "x"/1', 0, [[0, 0, 5, 5], [1, 2, 3, 4]]), ("b/1", 2, [])]
    assert annotations.problems == {"c": "box without area, or its corners reversed: 5 0 1 5"}


def test_the_paths_of_a_table_are_relative_to_a_given_folder_unless_absolute(tmp_path):
    path = table(tmp_path / "table.csv", "path,label\na.png,0\n/b.png,0\n")
    files, _, _ = read_table(path, CLASSES, images="photos")
    assert files == [("a", Path("photos/a.png")), ("/b", Path("/b.png"))]


def test_labels_are_ids_throughout_or_indices_throughout(tmp_path):
    path = tmp_path / "table.csv"
    _, annotations, _ = read_table(table(path, "path,label\na,0\nb,2\n"), CLASSES)
    assert list(annotations.table["label"]) == [0, 2]
    numbers = [Class("2", "two"), Class("1", "one"), Class("0", "none")]
    _, annotations, _ = read_table(path, numbers)
    assert list(annotations.table["label"]) == [2, 0]
    for bad, message in {
        "n01": r"1 labels .* first b \(line 3\): '2'",
        "3": r"first a \(line 2\): '3'",
        "-1": r"a \(line 2\): '-1'",
    }.items():
        with pytest.raises(InputError, match=message):
            read_table(table(path, f"path,label\na,{bad}\nb,2\nc,{'n02' if bad == 'n01' else 1}\n"), CLASSES)


ROWS = {  # text of a table -> the boxes of its one image a, or the reason why it cannot be used
    "a.jpg,n01,0 0 5 5\na.jpg,n01,1 2 3 4\n": [[0, 0, 5, 5], [1, 2, 3, 4]],
    "a.jpg,n01,1 2 3 4\na.jpg,n01,0 0 5 5 6 6 7 7\n": [[1, 2, 3, 4], [0, 0, 5, 5], [6, 6, 7, 7]],
    "a.jpg,n01,0 0 5 5\na.jpg,n01,0 0 5 5\n": [[0, 0, 5, 5]],
    "a.jpg,n01,0 0 5 5\na.jpg,n01,0.0 0 5  5\n": [[0, 0, 5, 5]],
    "a.jpg,n01,\na.jpg,n01,\n": [],
    "a.jpg,n01,0 0 5 5\n./a.jpg,n01,1 2 3 4\nx/../a.jpg,n01,2 2 3 3\n": [
        [0, 0, 5, 5],
        [1, 2, 3, 4],
        [2, 2, 3, 3],
    ],
    "a.jpg,n01,0 0 5 5\na.jpg,n01,\n": "rows disagree: one has boxes and another none; remove the row without",
    "a.jpg,n01,0 0 5 5\na.jpg,n01,0 0 5\n": "boxes not a repetition of 'x0 y0 x1 y1': 0 0 5",
    "a.jpg,n01,0 0 5 5\na.jpg,n01,5 0 0 5\n": "box without area, or its corners reversed: 5 0 0 5",
    "a.jpg,n01,0 0 1e-9 1\n": None,
    "a.jpg,n01,16777216 0 16777217 1\n": "box without area in 32 bits, as boxes are stored: 16777216 0 16777217 1",
}


@pytest.mark.parametrize("text", ROWS)
def test_several_rows_of_an_image_are_joined_where_they_agree(tmp_path, text):
    path = table(tmp_path / "table.csv", f"path,label,boxes\n{text}")
    files, annotations, _ = read_table(path, CLASSES)
    assert files == [("a", tmp_path / "a.jpg")]
    if isinstance(ROWS[text], str):
        assert annotations.problems == {"a": ROWS[text]}
    elif ROWS[text] is not None:
        assert rows(annotations) == [("a", 0, ROWS[text])]


def test_an_image_of_several_classes_is_a_case_of_each_with_its_own_boxes(tmp_path):
    objects = [("n02", (0, 0, 5, 5)), ("n01", (1, 2, 3, 4)), ("n02", (2, 2, 3, 3)), ("n03", (0, 0, 1, 1))]
    content = {**CONTENT, "many": objects}
    cases = [
        ("many", 0, [[1, 2, 3, 4]]),
        ("many", 1, [[0, 0, 5, 5], [2, 2, 3, 3]]),
        ("many", 2, [[0, 0, 1, 1]]),
    ]
    for source in (write_csv(tmp_path / "boxes.csv", content), write_xml_folder(tmp_path / "xml", content)):
        annotations = read_annotations(source, CLASSES)
        assert rows(annotations) == [*cases, *EXPECTED]
        assert annotations.boxes["many"] == [[0, 0, 5, 5], [2, 2, 3, 3], [1, 2, 3, 4], [0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("text", "cases"),
    [
        (
            "a.jpg,n02,0 0 5 5\na.jpg,n01,1 2 3 4\na.jpg,n02,6 6 7 7\na.jpg,n02,0 0 5 5\n",
            [("a", 0, [[1, 2, 3, 4]]), ("a", 1, [[0, 0, 5, 5], [6, 6, 7, 7]])],
        ),
        ("a.jpg,n02,\na.jpg,n01,1 2 3 4\n", [("a", 0, [[1, 2, 3, 4]]), ("a", 1, [])]),
        ("a.jpg,n02,\na.jpg,n01,1 2 3 4\na.jpg,n02,0 0 1 1\n", None),  # with and without boxes of one class
    ],
)
def test_rows_of_several_labels_are_several_classes_of_an_image(tmp_path, text, cases):
    _, annotations, _ = read_table(table(tmp_path / "table.csv", f"path,label,boxes\n{text}"), CLASSES)
    assert rows(annotations) == (cases or [])
    assert bool(annotations.problems) == (cases is None)


def test_a_file_has_one_id_however_its_path_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("photos", "home"):
        (tmp_path / folder / "in").mkdir(parents=True)
        (tmp_path / folder / "in" / "a.jpg").write_bytes(b"")
    ways = [
        "in/a.jpg",
        "in//a.jpg",
        "./in/a.jpg",
        "in/../in/./a.jpg",
        f"{tmp_path}/photos/in/a.jpg",
        "../photos/in/a.jpg",
    ]
    path = table(tmp_path / "table.csv", "path,label\n" + "".join(f"{way},0\n" for way in ways))
    files, annotations, _ = read_table(path, CLASSES, images=tmp_path / "photos")
    assert files == [("in/a", tmp_path / "photos" / "in" / "a.jpg")]
    assert rows(annotations) == [("in/a", 0, [])]
    files, _, _ = read_table(table(path, "path,label\n~/in/a.jpg,0\n//etc/a.jpg,0\n"), CLASSES)
    assert files == [("home/in/a", tmp_path / "home/in/a.jpg"), ("/etc/a", Path("/etc/a.jpg"))]
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "photos" / "in")
    path = table(path, "path,label\nin/a.jpg,0\nlink/a.jpg,0\n")
    with pytest.raises(InputError, match=r"one file under two names, .*; name it in one way"):
        read_table(path, CLASSES, images=tmp_path / "photos")


def test_behind_a_link_two_dots_lead_where_the_system_says(tmp_path):
    for folder in ("photos", "other/deep"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("photos", "other"):
        (tmp_path / folder / "a.jpg").write_bytes(folder.encode())
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "other" / "deep")
    path = table(tmp_path / "table.csv", "path,label\nlink/../a.jpg,0\na.jpg,1\n")
    files, _, _ = read_table(path, CLASSES, images=tmp_path / "photos")
    assert [file.read_bytes() for _, file in files] == [b"other", b"photos"]
    assert len({image for image, _ in files}) == 2


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_file_is_found_under_a_name_that_looks_the_same(tmp_path, form):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    name, asked = (unicodedata.normalize(item, "Über/café.jpg") for item in (form, other))
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"")
    path = table(tmp_path / "table.csv", f"path,label,boxes\n{asked},0,0 0 1 1\n{name},0,1 1 2 2\n")
    files, annotations, _ = read_table(path, CLASSES)
    assert [file.exists() for _, file in files] == [True]
    assert rows(annotations) == [(unicodedata.normalize("NFC", "Über/café"), 0, [[0, 0, 1, 1], [1, 1, 2, 2]])]
    files, _, _ = read_table(table(path, "path,label\nÜber/missing.jpg,0\n"), CLASSES)
    assert files == [("Über/missing", tmp_path / "Über/missing.jpg")]


def test_files_of_one_id_in_a_table_are_an_error(tmp_path):
    path = table(tmp_path / "table.csv", "path,label\na.jpg,0\na.jfif,0\n")
    with pytest.raises(InputError, match=r"two images share the id 'a': .*a\.jpg and .*a\.jfif; rename one"):
        read_table(path, CLASSES)


@pytest.mark.parametrize("box_format", BOX_FORMATS)
def test_four_numbers_are_read_by_their_format_from_csv_and_not_from_xml(tmp_path, box_format):
    csv = write_csv(tmp_path / "boxes.csv", {"a": [("n01", (1, 2, 3, 5))]})
    expected = [1, 2, 4, 7] if box_format.startswith("size") else [1, 2, 3, 5]
    assert rows(read_annotations(csv, CLASSES, box_format)) == [("a", 0, [expected])]
    path = table(tmp_path / "table.csv", "path,label,boxes\na,n01,1 2 3 5\nb,n01,1 2 3\n")
    _, annotations, _ = read_table(path, CLASSES, box_format=box_format)
    assert rows(annotations) == [("a", 0, [expected])]
    numbers = "x y width height" if box_format.startswith("size") else "x0 y0 x1 y1"
    assert annotations.problems["b"] == f"boxes not a repetition of '{numbers}': 1 2 3"
    if box_format != "corners":
        with pytest.raises(InputError, match=f"box_format {box_format} is for CSV only"):
            read_annotations(write_xml_folder(tmp_path / "xml"), CLASSES, box_format)


def test_synsets_in_the_names_of_boxes_are_no_part_of_the_id(tmp_path):
    name = "ILSVRC2012_val_00000001_n01751748"
    objects = [("n01", (0, 0, 5, 5))]
    for source in (
        write_csv(tmp_path / "a.csv", {name: objects}),
        write_xml_folder(tmp_path / "a", {name: objects}),
    ):
        assert rows(read_annotations(source, CLASSES)) == [("ILSVRC2012_val_00000001", 0, [[0, 0, 5, 5]])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\n", "holds no image"),
        ("", "no column image"),
        ("path\na\n", "no column label; the first line is .*; or name it"),
        ("path,label,label\na,0,1\n", "a column occurs twice"),
    ],
)
def test_a_bad_table_is_an_error(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_table(table(tmp_path / "table.csv", text), CLASSES)


@pytest.mark.slow
def test_the_command_prints_what_the_file_holds(tmp_path, monkeypatch):
    content = {"a": [("n01440764", (0, 0, 5, 5))] * 2, "b": [("n01440764", (5, 0, 1, 5))]}
    command = ["labelmaps.data.annotations", str(write_csv(tmp_path / "boxes.csv", content))]
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0
    assert "several boxes       100.0% of the images" in result.stdout
    assert "1 x box without area, or its corners reversed" in result.stdout
    # What Python makes of a message with which it ends, status 1 and a line on stderr, is no matter of ours.
    classes = str(ROOT / "resources" / "imagenet_classes.txt")
    monkeypatch.setattr(sys, "argv", [command[0], str(tmp_path / "none.csv"), "--classes", classes])
    with pytest.raises(SystemExit, match=r"^ERROR: no such file or folder") as failed:
        main()
    assert isinstance(failed.value.code, str)


@pytest.mark.slow
@pytest.mark.skipif("LABELMAPS_TEST_DATA" not in os.environ, reason="LABELMAPS_TEST_DATA names no real data")
def test_the_boxes_of_imagenet():
    path = Path(os.environ["LABELMAPS_TEST_DATA"]) / "LOC_val_solution.csv"
    annotations = read_annotations(path, read_classes(ROOT / "resources" / "imagenet_classes.txt"))
    labels = annotations.table.set_index("image")["label"]
    assert len(labels) == 50_000
    assert annotations.table["boxes"].map(len).sum() == 80_477
    assert labels.value_counts().tolist() == [50] * 1000
    assert labels["ILSVRC2012_val_00000001"] == 65
    assert annotations.problems == {}
