"""The line of a class is its label."""

import numpy as np
import pytest

from labelmaps.data.classes import Class, class_indices, read_classes, short_names, write_classes
from labelmaps.errors import InputError
from pipeline.sources import ROOT

IMAGENET = ROOT / "resources" / "imagenet_classes.txt"


def test_imagenets_classes_are_its_thousand_synsets_in_sorted_order():
    classes = read_classes(IMAGENET)
    ids = [item.id for item in classes]
    assert len(ids) == 1000
    assert ids == sorted(ids)
    assert classes[0] == Class("n01440764", "tench, Tinca tinca")
    assert class_indices(classes)["n01751748"] == 65


def test_the_file_gives_the_order_in_any_encoding_of_line_ends(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_bytes("\ufeffzebra  a striped\u2028horse\r\nant small\r\n".encode())
    assert read_classes(path) == [Class("zebra", "a striped\u2028horse"), Class("ant", "small")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a one\n\nb two\n", r"line 2: expected 'id name', got ''"),
        (b"a one\nb two\n\n", r"line 3: expected 'id name', got ''"),
        (b"a one\nb\n", r"line 2: expected 'id name', got 'b'"),
        (b"a one\nb two\na three\n", r"line 3: id a is already on line 1"),
        (b"", r"line 1: expected 'id name', got ''"),
        (b"a one\n", r"classes\.txt: only one class; give two or more"),
        (b"a \xff\n", "give a UTF-8 text file"),
    ],
)
def test_errors_say_where(tmp_path, content, message):
    path = tmp_path / "classes.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_classes(path)


def test_ids_with_blanks_stand_before_a_tab(tmp_path):
    classes = [
        Class("golden retriever", "golden retriever"),
        Class("cat", "a house cat"),
        Class("été\u2003b", "summer"),
    ]
    path = tmp_path / "classes.txt"
    write_classes(path, classes)
    assert read_classes(path) == classes
    path.write_text(" kit fox \t Vulpes \ncat\ta  cat\n\tdog dog\n")
    assert read_classes(path) == [Class("kit fox", "Vulpes"), Class("cat", "a  cat"), Class("dog", "dog")]


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a\rb", "a\tb", "\t", "\udcff"])
def test_a_class_that_has_no_place_in_a_line_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot be written as a line; rename it"):
        write_classes(tmp_path / "classes.txt", [Class("b", "b"), Class(name, name)])
    assert list(tmp_path.iterdir()) == []


def test_there_are_no_more_classes_than_labels_can_count(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("".join(f"{i} name\n" for i in range(2**15)))
    assert len(read_classes(path)) == 2**15 == np.iinfo(np.int16).max + 1
    path.write_text("".join(f"{i} name\n" for i in range(2**15 + 1)))
    with pytest.raises(InputError, match=r"classes\.txt: 32769 classes; give 32768 at most"):
        read_classes(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*none\.txt"):
        read_classes(tmp_path / "none.txt")


def test_short_names_end_at_the_first_comma_and_differ():
    names = ["tench, Tinca tinca", "crane", "crane", "maillot", "maillot, tank suit", ", x"]
    classes = [Class(f"n{i}", name) for i, name in enumerate(names)]
    expected = ["tench", "crane (n1)", "crane (n2)", "maillot (n3)", "maillot (n4)", ", x"]
    assert short_names(classes) == expected
    imagenet = short_names(read_classes(IMAGENET))
    assert len(set(imagenet)) == 1000
    assert imagenet[0] == "tench"
