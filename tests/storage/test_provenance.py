"""Files that are read together must have the same origin; the message names the file and what differs."""

import pytest

from labelmaps.errors import InputError
from labelmaps.storage.provenance import (
    SAME_NETWORK,
    SAME_NETWORK_AND_VIEW,
    check_same_origin,
    check_same_pixels_of_tables,
    check_settings,
    list_differences,
)

NETWORK_SAW = {
    "architecture": "resnet18",
    "weights_sha256": "0123",
    "preprocessing": '{"size": 224}',
    "precision": "float32",
    "view": '{"family": "zoom"}',
}
LABEL_MAPS = NETWORK_SAW | {"label_maps": "4567", "engine": "exact"}


def test_what_differs_is_named_in_order():
    assert list_differences({"a": 1, "b": 2, "d": 0}, {"b": 3, "a": 1, "c": None}) == ["b", "d"]
    assert list_differences({}, {}) == []


def test_the_same_origin_passes():
    check_same_origin(LABEL_MAPS, NETWORK_SAW | {"method": "gradcam"}, "x.h5")
    check_same_origin(LABEL_MAPS, {"label_maps": "4567"}, "x.parquet")
    other_view = NETWORK_SAW | {"view": '{"family": "crop"}', "precision": "float16"}
    check_same_origin(LABEL_MAPS, other_view, "x.h5", SAME_NETWORK)


@pytest.mark.parametrize("key", SAME_NETWORK_AND_VIEW)
def test_another_look_is_refused(key):
    for found in (NETWORK_SAW | {key: "another"}, {k: v for k, v in NETWORK_SAW.items() if k != key}):
        with pytest.raises(
            InputError, match=rf"^x\.h5: made with other {key} than .*Delete it and run again$"
        ):
            check_same_origin(LABEL_MAPS, found, "x.h5")


def test_other_label_maps_are_refused_even_of_the_same_network():
    with pytest.raises(InputError, match=r"^x\.h5: made with other label_maps than"):
        check_same_origin(LABEL_MAPS, NETWORK_SAW | {"label_maps": "89"}, "x.h5")


def test_a_file_that_says_nothing_of_its_origin_is_refused():
    with pytest.raises(InputError, match=f"other {', '.join(SAME_NETWORK_AND_VIEW)} than"):
        check_same_origin(LABEL_MAPS, {}, "x.h5")
    with pytest.raises(InputError, match="other label_maps than"):
        check_same_origin({}, {"label_maps": "4567"}, "x.h5")


def test_tables_of_two_networks_from_other_pixels_are_refused():
    check_same_pixels_of_tables(
        {"pixels_sha256": "01"}, {"pixels_sha256": "01", "view": "another"}, "x.parquet"
    )
    with pytest.raises(
        InputError, match=r"^x\.parquet: made from other pixels .*Delete the older of the two"
    ):
        check_same_pixels_of_tables({"pixels_sha256": "01"}, {"pixels_sha256": "23"}, "x.parquet")


def test_settings_are_compared_as_they_were_stored():
    stored = {"view": '{"family": "zoom", "side": [1, 2]}', "precision": "float32", "seed": 0}
    check_settings({"view": {"family": "zoom", "side": (1, 2)}, "seed": 0}, stored, "x.h5")
    with pytest.raises(
        InputError, match=r"view\.side 2 was 2 and is 3; seed was 0 and is 1\. Delete the folder"
    ):
        check_settings({"view": {"family": "zoom", "side": (1, 3)}, "seed": 1}, stored, "x.h5")
    with pytest.raises(InputError, match=r'network was null and is \{"size": 64\}\.'):
        check_settings({"network": {"size": 64}}, stored, "x.h5")  # of an earlier version
