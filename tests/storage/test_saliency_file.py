"""Saliency maps are read as they were written, with their provenance, or not at all."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.damage import AT_ONCE, STRUCTURE, flip_data
from labelmaps.errors import InputError
from labelmaps.storage.saliency_file import (
    DATA,
    NO_LABEL,
    SaliencyMaps,
    read_saliency,
    read_saliency_maps,
    write_saliency,
)

MADE_BY = {"method": "igub", "options": {"prior": "mean"}, "weights_source": "Prüfung", "threads": 2}


@pytest.fixture
def saliency_maps():
    rng = np.random.default_rng(0)
    return SaliencyMaps(
        ["ä", "b", "c"], rng.normal(size=(3, 7, 7)).astype(np.float32), rng.random((3, 7, 7, 2)) * 500
    )


def test_saliency_maps_come_back_with_what_made_them(tmp_path, saliency_maps):
    write_saliency(tmp_path / "a.h5", saliency_maps, MADE_BY)
    maps = read_saliency(tmp_path / "a.h5")
    assert maps.image == ["ä", "b", "c"]
    np.testing.assert_array_equal(maps.saliency, saliency_maps.saliency)
    np.testing.assert_array_equal(maps.point, saliency_maps.point)
    assert (maps.saliency.dtype, maps.point.dtype) == (np.float32, np.float64)
    assert maps.own_label.tolist() == [NO_LABEL] * 3
    assert maps.attributes == MADE_BY | {"options": '{"prior": "mean"}'}


def test_the_map_of_one_image_comes_alone(tmp_path, saliency_maps):
    write_saliency(tmp_path / "a.h5", replace(saliency_maps, own_label=np.array([3, 0, 999])), MADE_BY)
    one = read_saliency_maps(tmp_path / "a.h5", [2])
    assert (one.image, one.own_label.tolist()) == (["c"], [999])
    np.testing.assert_array_equal(one.saliency, saliency_maps.saliency[2:])
    np.testing.assert_array_equal(one.point, saliency_maps.point[2:])
    assert one.attributes == read_saliency(tmp_path / "a.h5").attributes


def test_a_methods_own_labels_come_back(tmp_path, saliency_maps):
    write_saliency(tmp_path / "a.h5", replace(saliency_maps, own_label=np.array([3, 0, 999])), {})
    assert read_saliency(tmp_path / "a.h5").own_label.tolist() == [3, 0, 999]


def test_same_maps_give_the_same_bytes(tmp_path, saliency_maps):
    for name in "ab":
        write_saliency(tmp_path / f"{name}.h5", saliency_maps, MADE_BY)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_saliency_that_is_not_finite_is_refused_with_the_images_name(tmp_path, saliency_maps, value):
    saliency_maps.saliency[1, 6, 0] = value
    with pytest.raises(InputError, match=r"^b: .*Check the weights"):
        write_saliency(tmp_path / "a.h5", saliency_maps, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reader", [read_saliency, lambda path: read_saliency_maps(path, [0])])
@pytest.mark.parametrize("damage", [*AT_ONCE, lambda path: flip_data(path, "saliency")])
def test_a_damaged_saliency_file_is_refused_by_name(tmp_path, saliency_maps, damage, reader):
    write_saliency(tmp_path / "a.h5", saliency_maps, MADE_BY)
    damage(tmp_path / "a.h5")
    with pytest.raises(InputError, match=r"^\S+a\.h5: .*run again"):
        reader(tmp_path / "a.h5")


@pytest.mark.parametrize("damage", STRUCTURE)
@pytest.mark.parametrize("name", DATA)
def test_a_file_whose_structure_is_another_is_refused_also_where_one_map_is_read(
    tmp_path, saliency_maps, damage, name
):
    write_saliency(tmp_path / "a.h5", saliency_maps, MADE_BY)
    damage(tmp_path / "a.h5", name)
    for read in (read_saliency, lambda path: read_saliency_maps(path, [1])):
        with pytest.raises(InputError, match=r"a\.h5: .*run again"):
            read(tmp_path / "a.h5")
