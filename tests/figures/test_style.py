"""Figures are saved as wide as they are asked for, in every format."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from PIL import Image

from labelmaps.figures import style


def figure(width):
    made = plt.figure(figsize=(width, 1))
    made.text(0.1, 0.5, "text")
    return made


@pytest.fixture
def drawn(tmp_path):
    """Files of a figure in some sizes: size → folder."""
    style.prepare()

    def draw(*sizes):
        folders = {size: tmp_path / size for size in sizes}
        paths = [folder / f"a.{kind}" for folder in folders.values() for kind in ("pdf", "svg", "png")]
        style.draw(figure, paths, sizes)
        return folders

    yield draw
    plt.close("all")


@pytest.mark.parametrize(
    "sizes",
    [("page",), ("slide", "column"), pytest.param(("page", "column", "slide"), marks=pytest.mark.slow)],
    ids=" ".join,
)
def test_each_size_has_its_width_in_every_format(drawn, sizes):
    inches = {"page": 7.2, "column": 3.5, "slide": 6.4}
    for size, folder in drawn(*sizes).items():
        points = f"{72 * inches[size]:.1f}".removesuffix(".0")
        assert f'width="{points}pt"' in (folder / "a.svg").read_text()
        assert f"/MediaBox [ 0 0 {points} 72 ]".encode() in (folder / "a.pdf").read_bytes()
        with Image.open(folder / "a.png") as picture:
            assert picture.width == round(inches[size] * style.SIZES[size].dpi)


def test_options_follow_the_methods_name():
    assert style.method_name("dff components=3 choose=energy") == "DFF, components=3, choose=energy"
    assert style.method_colour("dff components=3 choose=energy") == "#882255"


def test_a_slides_picture_fills_a_full_hd_screen():
    slide = style.SIZES["slide"]
    assert slide.width * slide.dpi == 1920


def test_a_users_style_does_not_reach_the_figures(drawn):
    (plain,) = drawn("page").values()
    expected = {path.name: path.read_bytes() for path in plain.iterdir()}
    users = {"font.size": 30, "figure.facecolor": "red", "savefig.bbox": "tight", "text.color": "blue"}
    plt.rcParams.update(users | {"svg.fonttype": "path", "savefig.dpi": 30, "font.family": "serif"})
    style.prepare()
    (again,) = drawn("page").values()
    assert {path.name: path.read_bytes() for path in again.iterdir()} == expected


def test_images_and_cases_are_counted_where_images_show_several_classes():
    row = pd.Series({"model": "m", "architecture": "m", "weights": "w", "n_images": 1200, "n_pointing": 1200})
    assert style.network_lines(row, 60)[-1] == "n = 1,200 images"
    assert (
        style.network_lines(pd.concat([row, pd.Series({"n_cases": 3400})]), 60)[-1]
        == "n = 1,200 images, 3,400 cases"
    )
