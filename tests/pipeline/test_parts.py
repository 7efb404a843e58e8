"""A network's label maps are divided by the time that a part should take, and stay divided as they were begun."""

import pytest

from helpers.configurations import accepted, mistakes
from pipeline.parts import n_parts_begun, strays
from pipeline.settings.base import ConfigurationError

MINE = {
    "datasets": {
        "mine": {"images": "a", "boxes": "b.csv", "expect_images": 50_000},
        "few": {"sample": {"of": "mine", "images": 1000}},
    },
    "models": {
        "fast": {"architecture": "resnet18", "checkpoint": "f.pth"},
        "slow": {"architecture": "resnet101", "checkpoint": "s.pth"},
    },
    "views": {"coarse": {"family": "zoom", "grid": 3}},
    "run": {"datasets": ["mine"], "models": ["fast", "slow"]},
}
HOUR = {"parts": {"minutes": 60, "images_per_second": {"fast": 10, "slow": 2.5}}}


def test_the_number_of_parts_follows_from_the_time_that_a_part_should_take():
    settings = accepted(MINE, HOUR)
    assert settings.n_parts("mine", "zoom", "fast") == 2  # 36,000 images in an hour
    assert settings.n_parts("mine", "zoom", "slow") == 6  # 9,000
    assert settings.n_parts("mine", "coarse", "slow") == 2  # a grid of 9: 49,000
    assert settings.n_parts("mine", "standard_crop", "slow") == 1
    assert settings.n_parts("few", "zoom", "slow") == 1
    assert accepted(MINE, HOUR, {"parts": {"minutes": 6.5}}).n_parts("few", "zoom", "slow") == 2  # 975 images


def test_scenes_know_their_number():
    speed = {"parts": {"minutes": 1, "images_per_second": {"small_resnet": 2}}}
    settings = accepted({"datasets": {"scenes": {"parts": None}}}, speed)
    assert settings.n_parts("scenes", "zoom", "small_resnet") == 2  # 200 images, 100 in a minute
    assert settings.n_parts("scenes_sample", "zoom", "small_resnet") == 2
    settings = accepted({"datasets": {"scenes": {"parts": None}}, "sample": {"images": 100}}, speed)
    assert settings.n_parts("scenes_sample", "zoom", "small_resnet") == 1


def test_a_number_of_parts_is_of_7_x_7_views_and_one_is_enough_unless_told():
    settings = accepted(MINE, {"datasets": {"mine": {"parts": 50}}})
    parts = {view: settings.n_parts("mine", view, "slow") for view in ("zoom", "coarse", "standard_crop")}
    assert parts == {"zoom": 50, "coarse": 10, "standard_crop": 2}
    assert settings.n_parts("few", "zoom", "slow") == 1
    assert accepted(MINE).n_parts("mine", "zoom", "slow") == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"parts": {"minutes": 0}}, "parts.minutes: Input should be greater than 0"),
        (
            {"parts": {"images_per_second": {"slow": 0}}},
            "parts.images_per_second.slow: Input should be greater",
        ),
        (
            {"parts": {"images_per_second": {"slw": 1}}},
            "parts.images_per_second 'slw' is unknown; did you mean",
        ),
        ({"parts": {"images": 100}}, "parts: key 'images' is unknown"),
        (
            {"datasets": {"mine": {"parts": 50}}},
            "parts.minutes and datasets.mine.parts both divide the label maps; set one of them to null",
        ),
        (
            {"datasets": {"mine": {"expect_images": None}}},
            "datasets.mine.expect_images: set it, since parts.minutes needs",
        ),
        (
            {"parts": {"minutes": 0.3}},
            "parts.minutes: 1112 parts for slow through zoom; more than 900 cannot be joined",
        ),
    ],
)
def test_what_cannot_be_divided_by_time_is_refused(changed, message):
    assert message in mistakes(MINE, HOUR, changed)


def test_more_parts_than_can_be_joined_are_refused_in_number_too():
    assert accepted(MINE, {"datasets": {"mine": {"parts": 900}}}).n_parts("mine", "zoom", "slow") == 900
    text = mistakes(MINE, {"datasets": {"mine": {"parts": 901}}})
    assert "datasets.mine.parts: 901 parts for fast through zoom; more than 900" in text


def test_a_network_whose_speed_is_not_known_is_named():
    speed = {"parts": {"minutes": 60, "images_per_second": {"fast": 10}}}
    assert (
        "parts.images_per_second.slow: set it, since parts.minutes needs it; the log of a part"
        in mistakes(MINE, speed)
    )


def test_parts_that_are_there_tell_how_they_were_begun(tmp_path):
    folder = tmp_path / "label_maps"
    assert n_parts_begun(folder) is None
    folder.mkdir()
    for name in ("1of7.h5.txt", ".2of8.tmp.h5", "of9.h5", "label_maps.h5"):
        (folder / name).touch()
    assert n_parts_begun(folder) is None
    (folder / "12of50.h5").touch()
    assert n_parts_begun(folder) == 50
    (folder / "1of2.h5").touch()
    assert n_parts_begun(folder) == 2  # half of it is there


IMPOSSIBLE = ["0of0.h5", "1of0.h5", "0of2.h5", "5of3.h5", "1of901.h5", "1of40000000.h5", "01of2.h5"]
IMPOSSIBLE += [
    "1of02.h5",
    "٣of٤.h5",
    "³of⁴.h5",
    f"1of{'9' * 200}.h5",
    f"{'9' * 200}of{'9' * 40}.h5",
    "-1of2.h5",
]
IMPOSSIBLE += ["1of2of3.h5", "1 of2.h5", "1of2.h5.h5", "copy of 1of2.h5", "1of2\n.h5"]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_stray_name_divides_nothing_and_is_told(tmp_path, name):
    (tmp_path / name).touch()
    assert n_parts_begun(tmp_path) is None
    assert strays(tmp_path) == [name]
    (tmp_path / "2of3.h5").touch()
    assert n_parts_begun(tmp_path) == 3
    assert strays(tmp_path) == [name]


def test_a_folder_and_a_link_that_leads_nowhere_are_no_parts(tmp_path):
    (tmp_path / "1of2.h5").mkdir()
    (tmp_path / "1of3.h5").symlink_to(tmp_path / "gone")
    (tmp_path / ".1of4.h5").touch()
    assert n_parts_begun(tmp_path) is None
    assert strays(tmp_path) == ["1of2.h5", "1of3.h5"]
    (tmp_path / "whole").touch()
    (tmp_path / "2of4.h5").symlink_to(tmp_path / "whole")
    assert n_parts_begun(tmp_path) == 4


@pytest.mark.parametrize("exists", [True, False], ids=["file", "broken link"])
def test_a_file_where_the_folder_of_the_parts_goes_is_refused(tmp_path, exists):
    folder, file = tmp_path / "label_maps", tmp_path / "file"
    folder.symlink_to(file)
    if exists:
        file.touch()
    with pytest.raises(ConfigurationError, match=r"label_maps: not a folder, but the parts .* Move it away"):
        n_parts_begun(folder)
