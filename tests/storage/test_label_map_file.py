"""Label maps are read as they were written, or not at all."""

import os
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, logsumexp

from helpers.damage import AT_ONCE, STRUCTURE, flip_data
from helpers.study import digests_of
from labelmaps.errors import InputError
from labelmaps.storage.label_map_file import (
    DTYPES,
    OF_PART,
    join_label_maps,
    open_label_maps,
    write_label_maps,
)
from labelmaps.storage.sealed_hdf5 import open_sealed

GRID, LABELS = 3, 5
LENGTHS = (3, 0, 10, 1)
ATTRIBUTES = {"architecture": "résumé", "batch": 4, "view": {"family": "zoom", "floor": 0.1}}


def blocks(n, grid=GRID, n_labels=LABELS, seed=0):
    """Make the arrays of n images, and the logits from which they follow."""
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
            rows = slice(start, start + size)
            writer.append(
                digest=digests_of(images[rows]), **{name: array[rows] for name, array in arrays.items()}
            )
            start += size
    return arrays, logits


def ids(lengths=LENGTHS):
    """Return the ids of the images in parts of these lengths."""
    return [f"part {i} image {j}" for i, n in enumerate(lengths, start=1) for j in range(n)]


def write_parts(folder, lengths=LENGTHS):
    """Write parts of unequal length and join them; return the joined file, the parts, and all arrays in order."""
    parts, written = [], []
    for i, length in enumerate(lengths, start=1):
        parts.append(folder / "label_maps" / f"{i}of{len(lengths)}.h5")
        written.append(write(parts[-1], [f"part {i} image {j}" for j in range(length)], seed=i)[0])
    joined = folder / "label_maps.h5"
    join_label_maps(parts, joined, ids(lengths), digests_of(ids(lengths)))
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
    join_label_maps([tmp_path / "parts" / "1of1.h5"], tmp_path / "joined.h5", images, digests_of(images))
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
            "view": '{"family": "zoom", "floor": 0.1}',
        }


def test_log_probabilities_keep_11_bits_and_logits_follow(tmp_path):
    _, logits = write(tmp_path / "parts" / "1of1.h5", ["a", "b"])
    join_label_maps(
        [tmp_path / "parts" / "1of1.h5"], tmp_path / "joined.h5", ["a", "b"], digests_of(["a", "b"])
    )
    maps = read(tmp_path / "joined.h5")
    exact = log_softmax(logits.astype(np.float64), axis=-1)
    np.testing.assert_allclose(maps.log_probability, exact, rtol=2.0**-11, atol=2.0**-24)
    recovered = maps.log_probability + maps.log_sum_exp[..., None]
    assert (abs(recovered - logits) <= 2.0**-11 * abs(exact) + 1e-5).all()


def test_parts_join_in_order_and_empty_parts_do_no_harm(tmp_path):
    joined, _, arrays = write_parts(tmp_path)
    maps = read(joined)
    assert maps.image == ids()
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


def test_the_join_copies_no_map_and_shows_the_same_to_other_programs(tmp_path):
    joined, _, arrays = write_parts(tmp_path)
    with h5py.File(joined) as file:
        assert all(file[name].is_virtual for name in DTYPES)
        for name, expected in arrays.items():
            np.testing.assert_array_equal(file[name][:], expected, err_msg=name)
        assert file["image"].asstr()[:3].tolist() == [f"part 1 image {i}" for i in range(3)]
        assert file.attrs["architecture"].decode() == "résumé"


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
        writer.append(digest=["", ""], **arrays)
    assert list(tmp_path.iterdir()) == []


def interrupt(writer):
    writer.append(digest=[""], **blocks(1)[0])
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


def flip_a_value(path):
    flip_data(path, "extent")


def change_a_value_through_hdf5(path):
    with h5py.File(path, "r+") as file:
        file["top_label"][3, 0, 0] += 1


def drop_a_data_set(path):
    with h5py.File(path, "r+") as file:
        del file["log_sum_exp"]


DAMAGES = [*AT_ONCE, drop_a_data_set, flip_a_value, change_a_value_through_hdf5]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_refused_by_name_when_joined(tmp_path, damage):
    joined, parts, _ = write_parts(tmp_path)
    joined.unlink()
    damage(parts[2])
    with pytest.raises(InputError, match=r"label_maps/3of4\.h5"):
        join_label_maps(parts, joined, ids(), digests_of(ids()))
    assert not joined.exists()


def test_label_maps_are_read_through_a_link_from_anywhere(tmp_path):
    joined, parts, _ = write_parts(tmp_path / "stored")
    with open_label_maps(joined) as file:
        expected = file.read(0, len(ids())).log_probability
    links = tmp_path / "links"
    links.mkdir()
    (links / "maps.h5").symlink_to(joined)
    (links / "folder").symlink_to(joined.parent)
    for path in (links / "maps.h5", links / "folder" / joined.name):
        with open_label_maps(path) as file:
            np.testing.assert_array_equal(file.read(0, len(ids())).log_probability, expected)
    stored = tmp_path / "part.h5"  # a part may lie elsewhere, too
    parts[1].rename(stored)
    parts[1].symlink_to(stored)
    with open_label_maps(links / "maps.h5") as file:
        np.testing.assert_array_equal(file.read(0, len(ids())).log_probability, expected)


def test_label_maps_that_came_without_their_parts_say_what_to_bring(tmp_path):
    joined, *_ = write_parts(tmp_path / "stored")
    copied = tmp_path / joined.name
    copied.write_bytes(joined.read_bytes())
    said = f"1of4.h5: no such file. Label maps consist of {joined.name} and the folder label_maps beside it: copy both"
    with pytest.raises(InputError, match=said), open_label_maps(copied):
        pass


@pytest.mark.parametrize("damage", [*AT_ONCE, drop_a_data_set])
def test_a_part_spoilt_after_the_join_is_refused_by_name_when_opened(tmp_path, damage):
    joined, parts, _ = write_parts(tmp_path)
    damage(parts[2])
    with pytest.raises(InputError, match=r"^\S+label_maps/3of4\.h5: .* run again"), open_label_maps(joined):
        pass


def flip_a_parts_place(path):
    flip_data(path, "part")


def flip_a_parts_integrity(path):
    flip_data(path, "part_integrity")


def exchange_two_parts_through_hdf5(path):
    with h5py.File(path, "r+") as file:
        for name in ("part", "part_integrity"):
            file[name][:] = file[name][:][[1, 0, 2, 3]]


@pytest.mark.parametrize(
    "damage", [*AT_ONCE, flip_a_parts_place, flip_a_parts_integrity, exchange_two_parts_through_hdf5]
)
def test_a_damaged_joined_file_is_refused_by_name(tmp_path, damage):
    joined, _, _ = write_parts(tmp_path)
    damage(joined)
    with pytest.raises(InputError, match=r"^\S+label_maps\.h5: .*run again"), open_label_maps(joined):
        pass


def test_a_value_damaged_after_the_join_is_refused_when_read(tmp_path):
    joined, parts, _ = write_parts(tmp_path)
    flip_a_value(parts[2])
    with open_label_maps(joined) as file:
        file.field("centre")
        with pytest.raises(InputError, match=r"label_maps/3of4\.h5: damaged"):
            file.field("extent")
        with pytest.raises(InputError, match=r"label_maps/3of4\.h5: damaged"):
            list(file.blocks(4))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 99}, "images or data"),
        ({"images": ["another image"]}, "images or data"),
        ({"attributes": ATTRIBUTES | {"weights_sha256": "another"}}, "weights_sha256"),
        ({"attributes": ATTRIBUTES | {"view": {"family": "zoom", "floor": 0.2}}}, "view"),
        ({"attributes": ATTRIBUTES | {"precision": "bfloat16"}}, "precision"),
    ],
)
def test_a_part_exchanged_after_the_join_is_refused_by_name(tmp_path, change, named):
    joined, parts, _ = write_parts(tmp_path)
    write(parts[3], **{"images": ["part 4 image 0"], "seed": 4} | change)
    with open_sealed(parts[3], OF_PART):
        pass  # whole in itself
    with pytest.raises(InputError) as error, open_label_maps(joined):
        pass
    assert (
        str(error.value)
        == f"{parts[3]}: changed since it was joined ({named}). Delete {joined} and run again"
    )


def test_parts_of_other_batches_are_joined_and_the_batches_told(tmp_path):
    """If memory runs out, the batch is smaller, and the results are the same."""
    joined, parts, _ = write_parts(tmp_path)
    write(parts[3], ["part 4 image 0"], attributes=ATTRIBUTES | {"batch": 2})
    join_label_maps(parts, joined, ids(), digests_of(ids()))
    with h5py.File(joined) as file:
        assert file["part_batch"][:].tolist() == [4, 4, 4, 2]


def test_the_joined_file_changes_when_a_part_does(tmp_path):
    joined, parts, _ = write_parts(tmp_path)
    before = joined.read_bytes()
    write(parts[3], ["part 4 image 0"], seed=99)
    join_label_maps(parts, joined, ids(), digests_of(ids()))
    assert joined.read_bytes() != before


@pytest.mark.parametrize(
    ("difference", "named"),
    [
        ({"attributes": ATTRIBUTES | {"view": {"family": "zoom", "floor": 0.2}}}, "view"),
        ({"attributes": ATTRIBUTES | {"precision": "bfloat16"}}, "precision"),
        ({"attributes": ATTRIBUTES | {"weights_sha256": "another"}}, "weights_sha256"),
        ({"attributes": {"batch": 4, "view": ATTRIBUTES["view"]}}, "architecture"),
        ({"n_labels": LABELS + 1}, "labels"),
        ({"grid": 1}, "grid"),
    ],
)
def test_a_part_made_otherwise_is_refused_by_name_and_difference(tmp_path, difference, named):
    joined, parts, _ = write_parts(tmp_path)
    joined.unlink()
    write(parts[2], ["x"], **difference)
    with pytest.raises(InputError, match=rf"label_maps/3of4\.h5: not made in the same way.*\(.*{named}.*\)"):
        join_label_maps(parts, joined, ids(), digests_of(ids()))
    assert not joined.exists()


@pytest.mark.parametrize(
    "images", [["part 3 image 0"], ["another"] * 10, [f"part 3 image {9 - j}" for j in range(10)]]
)
def test_a_part_of_other_images_than_the_index_has_there_is_refused_by_name(tmp_path, images):
    joined, parts, _ = write_parts(tmp_path)
    joined.unlink()
    write(parts[2], images)
    with pytest.raises(InputError, match=r"label_maps/[34]of4\.h5: contains other images"):
        join_label_maps(parts, joined, ids(), digests_of(ids()))
    assert not joined.exists()


@pytest.mark.parametrize("of_index", [[*ids(), "one more"], ids()[:-1], []])
def test_parts_of_fewer_or_more_images_than_the_index_are_refused_by_name(tmp_path, of_index):
    joined, parts, _ = write_parts(tmp_path)
    joined.unlink()
    with pytest.raises(
        InputError, match=r"label_maps/[14]of4\.h5: (the parts lack 1 of the index's images|contains other)"
    ):
        join_label_maps(parts, joined, of_index, digests_of(of_index))
    assert not joined.exists()


def test_a_part_is_not_taken_for_the_joined_file(tmp_path):
    _, parts, _ = write_parts(tmp_path)
    with pytest.raises(InputError, match=r"1of4\.h5"), open_label_maps(parts[0]):
        pass


def test_an_exception_of_the_reader_passes_as_it_is(tmp_path):
    joined, _, _ = write_parts(tmp_path)
    with pytest.raises(KeyError, match="mine"), open_label_maps(joined):
        raise KeyError("mine")


@pytest.mark.parametrize("cut", [0, 4])
def test_a_part_made_from_other_pixels_is_refused_with_the_image(tmp_path, cut):
    """The ids are those of the index, but the joined file is made, or opened, with an index that has other digests."""
    joined, parts, _ = write_parts(tmp_path)
    expected = digests_of(ids())
    expected[cut] = "0" * 64
    index = pd.DataFrame({"image": ids(), "digest": expected})
    part = parts[0 if cut < LENGTHS[0] else 2]
    said = f"made from other pixels of {ids()[cut]} than the file it is read with: .*un again$"
    with pytest.raises(InputError, match=f"^{part}: {said}"):
        join_label_maps(parts, joined.with_name("again.h5"), ids(), expected)
    with pytest.raises(InputError, match=f"^{joined}: {said}"), open_label_maps(joined, index):
        pass
    with open_label_maps(joined, index.assign(digest="")) as file:  # an index that has not read them
        assert file.digests == digests_of(ids())


def test_a_part_of_an_earlier_version_is_refused_by_name(tmp_path):
    joined, parts, _ = write_parts(tmp_path)
    with h5py.File(parts[0], "r+") as file:
        del file["digest"]
    with pytest.raises(InputError, match=f"^{parts[0]}: .*of another version: it lacks digest. Delete it"):
        join_label_maps(parts, joined, ids(), digests_of(ids()))


@pytest.mark.parametrize("damage", STRUCTURE)
@pytest.mark.parametrize("name", ["image", "top_label", "extent"])
def test_a_part_whose_structure_is_another_is_refused_by_name_at_each_opening(tmp_path, damage, name):
    joined, parts, _ = write_parts(tmp_path)
    damage(parts[2], name)
    with pytest.raises(InputError, match=r"^\S+label_maps/3of4\.h5: .*run again"), open_label_maps(joined):
        pass
    joined.unlink()
    with pytest.raises(InputError, match=r"^\S+label_maps/3of4\.h5: .*run again"):
        join_label_maps(parts, joined, ids(), digests_of(ids()))


@pytest.mark.parametrize(
    ("one", "other"), [("centre", "extent"), ("log_sum_exp", "top_label"), ("extent", "image")]
)
def test_data_sets_that_changed_places_are_refused(tmp_path, one, other):
    joined, parts, _ = write_parts(tmp_path)
    with h5py.File(parts[2], "r+") as file:
        file.move(one, "between")
        file.move(other, one)
        file.move("between", other)
    with pytest.raises(InputError, match=r"label_maps/3of4\.h5: .*run again"), open_label_maps(joined):
        pass


def test_a_data_set_that_stands_for_two_is_refused(tmp_path):
    joined, parts, _ = write_parts(tmp_path)
    with h5py.File(parts[2], "r+") as file:
        del file["top_label"]
        file["top_label"] = file["log_sum_exp"]
    with (
        pytest.raises(InputError, match=r"3of4\.h5: damaged or changed: top_label has the type float32"),
        open_label_maps(joined),
    ):
        pass


@pytest.mark.parametrize("value", ["reference", "list", "empty"])
def test_an_attribute_of_another_kind_is_refused(tmp_path, value):
    joined, parts, _ = write_parts(tmp_path)
    with h5py.File(parts[2], "r+") as file:
        file.attrs["batch"] = {"reference": file["image"].ref, "list": [1, 2], "empty": h5py.Empty("f")}[
            value
        ]
    with pytest.raises(InputError, match=r"3of4\.h5: .*run again"), open_label_maps(joined):
        pass


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "folder"])
def test_a_part_that_is_no_regular_file_is_refused_and_not_waited_for(tmp_path, kind):
    joined, parts, _ = write_parts(tmp_path)
    parts[2].unlink()
    if kind == "pipe":
        os.mkfifo(parts[2])
    elif kind == "folder":
        parts[2].mkdir()
    else:
        parts[2].symlink_to(kind)
    with pytest.raises(InputError, match=r"3of4\.h5: .*not a regular file"), open_label_maps(joined):
        pass
