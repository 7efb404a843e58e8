"""Views and methods as they are written on a command line."""

import pytest

from labelmaps.command.options import read_methods, read_view
from labelmaps.errors import InputError


def test_a_view_is_a_family_with_its_options():
    assert read_view("zoom") == {"family": "zoom"}
    assert read_view("zoom:grid=5,floor=0.2") == {"family": "zoom", "grid": 5, "floor": 0.2}
    assert read_view("shift:base=crop,share=network") == {
        "family": "shift",
        "base": "crop",
        "share": "network",
    }


def test_methods_follow_one_another_each_with_its_options():
    assert read_methods("igub,dff") == {"igub": {"method": "igub"}, "dff": {"method": "dff"}}
    assert read_methods("igub,dff:components=3,choose=softmax,igub:prior=mean") == {
        "igub": {"method": "igub"},
        "dff components=3 choose=softmax": {"method": "dff", "components": 3, "choose": "softmax"},
        "igub prior=mean": {"method": "igub", "prior": "mean"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "grid=5",
        "zoom:",
        "zoom:grid",
        "zoom:grid=",
        "zoom:=5",
        ":grid=5",
        "zoom:grid=5,grid=7",
        "zoom:grid=5,",
    ],
)
def test_what_is_not_written_so_is_told_with_how_it_is(text):
    with pytest.raises(InputError, match=r"^--view: .*write NAME, or NAME:OPTION=VALUE") as error:
        read_view(text)
    assert "\n" not in str(error.value)


def test_one_view_is_named_and_each_method_once():
    with pytest.raises(InputError, match="names 2 views, zoom and shift"):
        read_view("zoom,shift")
    with pytest.raises(InputError, match="names igub prior=mean twice"):
        read_methods("igub:prior=mean,dff,igub:prior=mean")
