"""A sealed file is read exactly as it was written, or refused; never with wrong numbers, a crash or a hang."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelmaps.errors import InputError
from labelmaps.storage.sealed_hdf5 import SealedWriter, open_sealed, texts
from pipeline.sources import ROOT

PROPERTY = settings(deadline=None, derandomize=True, max_examples=50)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def write(path, attributes=(), **data):
    """Write and seal a file of texts (lists) and arrays."""
    with h5py.File(path, "w", libver="v110") as file:
        writer = SealedWriter(file)
        for name, values in data.items():
            if isinstance(values, list):
                writer.add_texts(name, values)
            else:
                writer.add(name, values, 4)
        writer.seal(dict(attributes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sealed")


@PROPERTY
@given(st.lists(TEXTS))
def test_texts_of_any_length_and_script_come_back(folder, values):
    write(folder / "a.h5", image=values)
    with open_sealed(folder / "a.h5", ["image"]) as file:
        assert file.texts("image") == values
        assert file.texts("image", slice(1, 3)) == values[1:3]
        assert file.shape("image") == (len(values),)


@pytest.mark.parametrize("values", [[], [""], ["x" * 5000, "y"], ["a "] * 3000, ["ä", "日本", "🙂", "é"]])
def test_texts_at_the_edges_come_back(folder, values):
    write(folder / "a.h5", image=values)
    with open_sealed(folder / "a.h5", ["image"]) as file:
        assert file.texts("image") == values


def test_a_text_that_could_not_come_back_is_refused():
    with pytest.raises(InputError, match=r"^'a\\x00': .* Rename it$"):
        texts(["b", "a\0"])


NUMBERS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)


@PROPERTY
@given(st.dictionaries(st.sampled_from(["view", "Ünï", "batch"]), NUMBERS | TEXTS))
def test_attributes_come_back_as_they_were_with_their_type(folder, attributes):
    write(folder / "a.h5", attributes, image=["a"])
    with open_sealed(folder / "a.h5", ["image"]) as file:
        assert file.attributes == attributes
        assert {key: type(value) for key, value in file.attributes.items()} == {
            key: type(value) for key, value in attributes.items()
        }


def test_structured_attributes_are_json(folder):
    write(folder / "a.h5", {"view": {"floor": 0.1, "b": [1, "é"]}, "nothing": None})
    with open_sealed(folder / "a.h5", []) as file:
        assert json.loads(file.attributes["view"]) == {"b": [1, "é"], "floor": 0.1}
        assert file.attributes["nothing"] == "null"


def test_texts_and_attributes_lie_in_no_heap_without_a_checksum(folder):
    write(folder / "a.h5", {f"attribute_{i}": "é" * i for i in range(30)}, image=["a", "bc"])
    assert b"GCOL" not in (folder / "a.h5").read_bytes()  # HDF5's mark of such a heap
    with h5py.File(folder / "a.h5") as file:
        assert file["image"].fletcher32


@pytest.mark.parametrize("n", [0, 1, 4, 5, 100])
def test_arrays_come_back_and_are_compared_whole(folder, n):
    array = np.random.default_rng(n).random((n, 2, 3), np.float32)
    write(folder / "a.h5", image=["a"], data=array)
    with open_sealed(folder / "a.h5", ["image", "data"]) as file:
        np.testing.assert_array_equal(file.read("data"), array)
        np.testing.assert_array_equal(file.read("data", slice(2, 5)), array[2:5])


def change_a_value(file):
    file["data"][50] += 1


def change_the_type(file):
    data = file["data"][:]
    del file["data"]
    file.create_dataset("data", data=data.view(np.int32), chunks=(4, 6))


def change_the_shape(file):
    data = file["data"][:]
    del file["data"]
    file.create_dataset("data", data=data.reshape(50, 12), chunks=(4, 12))


def drop_rows(file):
    file["data"].resize(99, axis=0)


def drop_the_chunks(file):
    data = file["data"][:]
    del file["data"]
    file["data"] = data


@pytest.mark.parametrize(
    "change", [change_a_value, change_the_type, change_the_shape, drop_rows, drop_the_chunks]
)
def test_what_was_changed_through_hdf5_is_refused_where_it_is_compared(folder, change):
    write(folder / "a.h5", data=np.zeros((100, 6), np.float32))
    with h5py.File(folder / "a.h5", "r+") as file:
        change(file)
    with (
        pytest.raises(InputError, match=r"a\.h5: .*(data differs from its checksum|damaged)"),
        open_sealed(folder / "a.h5", ["data"]),
    ):
        pass


@pytest.mark.parametrize("value", [9, "4", 4.0, None])
def test_a_changed_attribute_is_refused(folder, value):
    write(folder / "a.h5", {"batch": 4, "view": "zoom"}, image=["a"])
    with h5py.File(folder / "a.h5", "r+") as file:
        if value is None:
            del file.attrs["batch"]
        else:
            file.attrs["batch"] = texts([value]).reshape(()) if isinstance(value, str) else value
    with (
        pytest.raises(InputError, match=r"a\.h5: its attributes differ from its integrity"),
        open_sealed(folder / "a.h5", ["image"], []),
    ):
        pass


def test_another_kind_of_file_is_refused_with_what_it_lacks(folder):
    write(folder / "a.h5", image=["a"])
    with (
        pytest.raises(InputError, match=r"a\.h5: .* lacks saliency"),
        open_sealed(folder / "a.h5", ["image", "saliency"]),
    ):
        pass
    with h5py.File(folder / "b.h5", "w") as file:
        file["image"] = ["of variable length, as in versions before"]
    with (
        pytest.raises(InputError, match=r"b\.h5: .* lacks checksums, integrity"),
        open_sealed(folder / "b.h5", ["image"]),
    ):
        pass


def test_a_file_that_may_not_be_read_is_not_called_damaged(folder, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    write(folder / "a.h5", image=["a"])
    monkeypatch.setattr(h5py, "File", refuse)
    with (
        pytest.raises(InputError, match=r"a\.h5: permission denied.*Make the file readable"),
        open_sealed(folder / "a.h5", []),
    ):
        pass


def test_rows_that_were_announced_and_not_written_are_a_defect(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        writer = SealedWriter(file)
        writer.create_dataset("data", (3, 2), np.float32, 8)
        writer.append("data", np.zeros((2, 2)))
        with pytest.raises(RuntimeError, match="2 rows written of 3"):
            writer.seal({})


TIME = 300  # seconds; they take three


@pytest.mark.slow
def test_no_single_flipped_bit_gives_anything_but_the_same_or_an_input_error(tmp_path, thorough):
    """The files are a part when it is joined and when it is opened, a joined file, saliency maps, and a table."""
    every = 101 if thorough else 211  # of so many bytes one, and all bytes of ids and attributes
    command = [sys.executable, "-m", "helpers.flips", tmp_path, str(every)]
    try:
        child = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIME,
            cwd=ROOT,
            check=False,
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        )
    except subprocess.TimeoutExpired as hung:
        pytest.fail(f"hung at {hung.stdout.decode().splitlines()[-1]}")
    lines = child.stdout.splitlines()
    assert child.returncode == 0, [*lines[-1:], child.stderr]
    results = [json.loads(line) for line in lines if line.startswith("{")]
    assert [result["file"] for result in results] == [
        "join",
        "part",
        "joined",
        "saliency",
        "saliency map",
        "table",
    ]
    for result in results:
        assert result["wrong"] == []
        assert result["refused"] > 200
        assert result["refused"] + result["same"] == result["tried"]
