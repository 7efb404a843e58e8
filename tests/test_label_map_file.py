"""Label maps and saliency maps come back as they were written, or not at all."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp

from labelmaps.errors import InputError
from labelmaps.label_map_file import DTYPES, join_label_maps, open_label_maps, verify, write_label_maps
from labelmaps.saliency_file import NO_LABEL, SaliencyMaps, read_saliency, write_saliency

GRID, LABELS = 3, 5
ATTRIBUTES = {"architecture": "résumé", "batch": 4, "view": {"family": "zoom", "floor": 0.1}}


def blocks(n, grid=GRID, n_labels=LABELS, seed=0):
    """The arrays of n images, and the logits that they stand for."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 5, (n, grid, grid, n_labels)).astype(np.float32)
    log_sum_exp = logsumexp(logits, axis=-1)
    arrays = {
        "log_probability": log_softmax(logits, axis=-1),
        "log_sum_exp": log_sum_exp,
        "top_label": logits.argmax(axis=-1),
        "centre": rng.random((n, grid, grid, 2)) * 500,
        "extent": rng.random((n, grid, grid, 4)) * 500,
    }
    return {name: array.astype(DTYPES[name]) for name, array in arrays.items()}, logits


def write(path, images, seed=0, attributes=ATTRIBUTES, sizes=None, **shape):
    arrays, logits = blocks(len(images), seed=seed, **shape)
    with write_label_maps(
        path, images, shape.get("grid", GRID), shape.get("n_labels", LABELS), attributes
    ) as writer:
        start = 0
        for size in sizes or ([len(images)] if images else []):
            writer.append(**{name: array[start : start + size] for name, array in arrays.items()})
            start += size
    return arrays, logits


def write_parts(folder, lengths=(3, 0, 10, 1)):
    """Parts of unequal length and their join; returns the joined file, the parts, and all arrays in order."""
    parts, written = [], []
    for i, length in enumerate(lengths, start=1):
        parts.append(folder / "label_maps" / f"{i}of{len(lengths)}.h5")
        written.append(write(parts[-1], [f"part {i} image {j}" for j in range(length)], seed=i)[0])
    joined = folder / "label_maps.h5"
    join_label_maps(parts, joined)
    return joined, parts, {name: np.concatenate([arrays[name] for arrays in written]) for name in DTYPES}


def read(path):
    with open_label_maps(path) as file:
        return file.read(0, len(file.images))


def assert_holds(maps, arrays):
    for name, expected in arrays.items():
        np.testing.assert_array_equal(getattr(maps, name), expected, err_msg=name)


@pytest.mark.parametrize("sizes", [[20], [1, 9, 10], [7, 7, 6]])
def test_what_is_written_is_read(tmp_path, sizes):
    images = [f"Ünï {i}" for i in range(20)]
    arrays, _ = write(tmp_path / "parts" / "1of1.h5", images, sizes=sizes)
    join_label_maps([tmp_path / "parts" / "1of1.h5"], tmp_path / "joined.h5")
    with open_label_maps(tmp_path / "joined.h5") as file:
        maps = file.read(0, 20)
        assert file.images == maps.image == images
        assert_holds(maps, arrays)
        assert maps.initial == (1, 1)
        assert maps.log_probability.dtype == np.float32
        types = {name: file.field(name).dtype.str for name in DTYPES}
        assert list(types.values()) == ["<f2", "<f4", "<i2", "<f8", "<f8"]
        np.testing.assert_array_equal(file.field("top_label"), arrays["top_label"])
        attributes = file.attributes
        assert attributes == {
            "architecture": "résumé",
            "batch": "[4]",
            "view": '{"family": "zoom", "floor": 0.1}',
        }


def test_log_probabilities_keep_11_bits_and_logits_follow(tmp_path):
    _, logits = write(tmp_path / "parts" / "1of1.h5", ["a", "b"])
    join_label_maps([tmp_path / "parts" / "1of1.h5"], tmp_path / "joined.h5")
    maps = read(tmp_path / "joined.h5")
    exact = log_softmax(logits.astype(np.float64), axis=-1)
    np.testing.assert_allclose(maps.log_probability, exact, rtol=2.0**-11, atol=2.0**-24)
    recovered = maps.log_probability + maps.log_sum_exp[..., None]
    assert (abs(recovered - logits) <= 2.0**-11 * abs(exact) + 1e-5).all()


def test_parts_join_in_order_and_empty_parts_do_no_harm(tmp_path):
    joined, _, arrays = write_parts(tmp_path)
    maps = read(joined)
    expected = [f"part {i} image {j}" for i, n in ((1, 3), (3, 10), (4, 1)) for j in range(n)]
    assert maps.image == expected
    assert_holds(maps, arrays)


def test_a_run_of_empty_parts_alone_is_empty(tmp_path):
    joined, _, _ = write_parts(tmp_path, [0, 0])
    with open_label_maps(joined) as file:
        assert file.images == []
        assert list(file.blocks()) == []
        assert file.field("centre").shape == (0, GRID, GRID, 2)


@pytest.mark.parametrize("size", [1, 4, 5, 14, 64])
def test_reading_in_blocks_equals_reading_at_once(tmp_path, size):
    joined, _, arrays = write_parts(tmp_path)
    with open_label_maps(joined) as file:
        pieces = list(file.blocks(size))
    assert [len(piece.image) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
    assert 0 < len(pieces[-1].image) <= size
    assert [image for piece in pieces for image in piece.image] == read(joined).image
    for name, expected in arrays.items():
        together = np.concatenate([getattr(piece, name) for piece in pieces])
        np.testing.assert_array_equal(together, expected)


def test_the_join_copies_no_map(tmp_path):
    joined, _, _ = write_parts(tmp_path)
    with h5py.File(joined) as file:
        assert all(file[name].is_virtual for name in DTYPES)


def test_the_folder_can_be_moved_and_read_from_anywhere(tmp_path, monkeypatch):
    _, _, arrays = write_parts(tmp_path / "before")
    write_parts(tmp_path / "elsewhere", (4, 4, 4, 4))  # same names, other content
    shutil.move(tmp_path / "before", tmp_path / "after")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert_holds(read(tmp_path / "after" / "label_maps.h5"), arrays)
    assert_holds(read("../after/label_maps.h5"), arrays)


def test_same_content_gives_the_same_bytes(tmp_path):
    (one, one_parts, _), (two, two_parts, _) = write_parts(tmp_path / "one"), write_parts(tmp_path / "two")
    for first, second in zip([one, *one_parts], [two, *two_parts], strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_the_size_of_the_appended_blocks_leaves_the_content_alone(tmp_path):
    for name, sizes in {"a": [10], "b": [3, 3, 4]}.items():
        write(tmp_path / "parts" / f"{name}.h5", list("0123456789"), sizes=sizes)
    with h5py.File(tmp_path / "parts" / "a.h5") as a, h5py.File(tmp_path / "parts" / "b.h5") as b:
        assert a.attrs["integrity"] == b.attrs["integrity"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_images_than_announced_is_refused_and_leaves_no_file(tmp_path, count):
    arrays, _ = blocks(count)
    with (
        pytest.raises((RuntimeError, TypeError)),
        write_label_maps(tmp_path / "a.h5", ["a", "b"], GRID, LABELS, ATTRIBUTES) as writer,
    ):
        writer.append(**arrays)
    assert list(tmp_path.iterdir()) == []


def interrupt(writer):
    writer.append(**blocks(1)[0])
    raise KeyboardInterrupt


def test_an_exception_while_writing_leaves_the_old_file_or_none(tmp_path):
    write(tmp_path / "old.h5", ["a"])
    old = (tmp_path / "old.h5").read_bytes()
    for name in ("old.h5", "new.h5"):
        with (
            pytest.raises(KeyboardInterrupt),
            write_label_maps(tmp_path / name, ["b"], GRID, LABELS, ATTRIBUTES) as writer,
        ):
            interrupt(writer)
    assert list(tmp_path.iterdir()) == [tmp_path / "old.h5"]
    assert (tmp_path / "old.h5").read_bytes() == old


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0b100
    path.write_bytes(content)


def place_of(path, array):
    """Where the array's bytes lie in the file (fletcher32 changes no data)."""
    place = path.read_bytes().find(np.ascontiguousarray(array).tobytes())
    assert place > 0
    return place


def truncate(path, arrays):
    path.write_bytes(path.read_bytes()[:-100])


def remove(path, arrays):
    path.unlink()


def empty(path, arrays):
    path.write_bytes(b"")


def flip_a_value(path, arrays):
    flip(path, place_of(path, arrays["extent"][5, 1, 1]) + 3)


def flip_the_structure(path, arrays):
    flip(path, 60)  # in the header of the root group


def flip_an_image_id(path, arrays):
    flip(path, path.read_bytes().find(b"part 3 image 7") + 2)


def change_a_value_through_hdf5(path, arrays):
    with h5py.File(path, "r+") as file:
        file["top_label"][3, 0, 0] += 1


def drop_a_data_set(path, arrays):
    with h5py.File(path, "r+") as file:
        del file["log_sum_exp"]


def forget_the_integrity(path, arrays):
    with h5py.File(path, "r+") as file:
        del file.attrs["integrity"]


DAMAGES = [
    remove,
    truncate,
    empty,
    flip_a_value,
    flip_the_structure,
    flip_an_image_id,
    change_a_value_through_hdf5,
    drop_a_data_set,
    forget_the_integrity,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_refused_by_name_when_joined(tmp_path, damage):
    joined, parts, _ = write_parts(tmp_path)
    joined.unlink()
    damage(parts[2], blocks(10, seed=3)[0])
    with pytest.raises(InputError, match=r"label_maps/3of4\.h5"):
        join_label_maps(parts, joined)
    assert not joined.exists()


@pytest.mark.parametrize("damage", [remove, truncate, empty, drop_a_data_set, forget_the_integrity])
def test_a_part_spoilt_after_the_join_is_refused_by_name_when_opened(tmp_path, damage):
    joined, parts, _ = write_parts(tmp_path)
    damage(parts[2], None)
    with pytest.raises(InputError, match=r"label_maps/3of4\.h5"), open_label_maps(joined):
        pass


def test_a_value_damaged_after_the_join_is_refused_when_read(tmp_path):
    joined, parts, _ = write_parts(tmp_path)
    flip_a_value(parts[2], blocks(10, seed=3)[0])
    with open_label_maps(joined) as file:
        file.field("centre")
        with pytest.raises(InputError, match=r"label_maps\.h5"):
            file.field("extent")
        with pytest.raises(InputError, match=r"label_maps\.h5"):
            list(file.blocks(4))


def test_no_single_flipped_byte_of_the_structure_gives_anything_but_the_same_maps_or_an_input_error(tmp_path):
    joined, parts, arrays = write_parts(tmp_path, (2,))
    content = parts[0].read_bytes()
    refused = 0
    for place in range(0, 1800, 7):  # the headers of the groups and data sets, before the texts' heap
        flip(parts[0], place)
        try:
            join_label_maps(parts, joined)
            assert_holds(read(joined), arrays)
        except InputError:
            refused += 1
        parts[0].write_bytes(content)
    assert refused > 100


@pytest.mark.parametrize("change", ["data", "images"])
def test_a_part_exchanged_after_the_join_is_refused_by_name(tmp_path, change):
    joined, parts, _ = write_parts(tmp_path)
    images = [f"part 4 image {0 if change == 'data' else 1}"]
    write(parts[3], images, seed=99 if change == "data" else 4)
    verify(parts[3])
    with pytest.raises(InputError) as error, open_label_maps(joined):
        pass
    assert str(error.value).startswith(f"{parts[3]}: changed since it was joined")


def test_parts_of_other_batches_are_joined_and_the_batches_told(tmp_path):
    """Where memory ran out the batch was smaller, and the outcomes are the same."""
    joined, parts, _ = write_parts(tmp_path)
    write(parts[3], ["part 4 image 0"], attributes=ATTRIBUTES | {"batch": 2})
    join_label_maps(parts, joined)
    with open_label_maps(joined) as file:
        assert file.attributes["batch"] == "[4, 4, 4, 2]"


def test_the_joined_file_changes_when_a_part_does(tmp_path):
    joined, parts, _ = write_parts(tmp_path)
    before = joined.read_bytes()
    write(parts[3], ["part 4 image 0"], seed=99)
    join_label_maps(parts, joined)
    assert joined.read_bytes() != before


@pytest.mark.parametrize(
    ("difference", "named"),
    [
        ({"attributes": ATTRIBUTES | {"view": {"family": "zoom", "floor": 0.2}}}, "view"),
        ({"attributes": ATTRIBUTES | {"precision": "bfloat16"}}, "precision"),
        ({"attributes": {"batch": 4, "view": ATTRIBUTES["view"]}}, "architecture"),
        ({"n_labels": LABELS + 1}, "labels"),
        ({"grid": 1}, "grid"),
    ],
)
def test_a_part_made_otherwise_is_refused_by_name_and_difference(tmp_path, difference, named):
    joined, parts, _ = write_parts(tmp_path)
    joined.unlink()
    write(parts[2], ["x"], **difference)
    with pytest.raises(InputError, match=rf"label_maps/3of4\.h5: made otherwise.*\(.*{named}.*\)"):
        join_label_maps(parts, joined)
    assert not joined.exists()


def test_a_part_is_not_taken_for_the_joined_file(tmp_path):
    _, parts, _ = write_parts(tmp_path)
    with pytest.raises(InputError, match=r"1of4\.h5"), open_label_maps(parts[0]):
        pass


def test_an_exception_of_the_reader_passes_as_it_is(tmp_path):
    joined, _, _ = write_parts(tmp_path)
    with pytest.raises(KeyError, match="mine"), open_label_maps(joined):
        raise KeyError("mine")


@pytest.fixture
def saliency_maps():
    rng = np.random.default_rng(0)
    return SaliencyMaps(
        ["ä", "b", "c"], rng.normal(size=(3, 7, 7)).astype(np.float32), rng.random((3, 7, 7, 2)) * 500
    )


def test_saliency_maps_come_back(tmp_path, saliency_maps):
    write_saliency(tmp_path / "a.h5", saliency_maps, {"method": "igub", "options": {"prior": "mean"}})
    maps = read_saliency(tmp_path / "a.h5")
    assert maps.image == ["ä", "b", "c"]
    np.testing.assert_array_equal(maps.saliency, saliency_maps.saliency)
    np.testing.assert_array_equal(maps.point, saliency_maps.point)
    assert (maps.saliency.dtype, maps.point.dtype) == (np.float32, np.float64)
    assert maps.own_label.tolist() == [NO_LABEL] * 3
    with h5py.File(tmp_path / "a.h5") as file:
        assert dict(file.attrs) == {"method": "igub", "options": '{"prior": "mean"}'}


def test_a_methods_own_labels_come_back(tmp_path, saliency_maps):
    write_saliency(tmp_path / "a.h5", replace(saliency_maps, own_label=np.array([3, 0, 999])), {})
    assert read_saliency(tmp_path / "a.h5").own_label.tolist() == [3, 0, 999]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_saliency_that_is_not_finite_is_refused_with_the_images_name(tmp_path, saliency_maps, value):
    saliency_maps.saliency[1, 6, 0] = value
    with pytest.raises(InputError, match=r"^b: "):
        write_saliency(tmp_path / "a.h5", saliency_maps, {})
    assert list(tmp_path.iterdir()) == []


def flip_saliency(path, maps):
    flip(path, place_of(path, maps.saliency[1]))


@pytest.mark.parametrize("damage", [remove, truncate, empty, flip_the_structure, flip_saliency])
def test_a_damaged_saliency_file_is_refused_by_name(tmp_path, saliency_maps, damage):
    write_saliency(tmp_path / "a.h5", saliency_maps, {})
    damage(tmp_path / "a.h5", saliency_maps)
    with pytest.raises(InputError, match=r"a\.h5"):
        read_saliency(tmp_path / "a.h5")


def test_no_flipped_byte_of_a_saliency_file_gives_anything_but_the_same_maps_or_an_input_error(
    tmp_path, saliency_maps
):
    path = tmp_path / "a.h5"
    write_saliency(path, saliency_maps, {})
    content = path.read_bytes()
    for place in range(0, 800, 3):
        flip(path, place)
        try:
            maps = read_saliency(path)
            np.testing.assert_array_equal(maps.saliency, saliency_maps.saliency)
            np.testing.assert_array_equal(maps.point, saliency_maps.point)
        except InputError:
            pass
        path.write_bytes(content)
