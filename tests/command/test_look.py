"""`labelmaps look`: a photo, or some, through the network that the repository ships; and what it refuses."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.command import run
from helpers.runs import contents_of
from helpers.study import soft_pictures
from labelmaps.looking import look as looking
from labelmaps.looking.look import look

USUAL = ("-n", "small_resnet", "--view", "zoom:grid=3", "--size", "32", "--device", "cpu")


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """A photo in the folder where one is."""
    monkeypatch.chdir(tmp_path)
    (pixels,) = soft_pictures((90, 60))
    Image.fromarray(pixels).save("photo.png")
    return Path("photo.png")


@pytest.fixture
def never(monkeypatch):
    """No network is run."""

    def fail(*arguments, **options):
        raise AssertionError("what is refused costs no network")

    monkeypatch.setattr(looking, "look", fail)


def rows_of(out):
    """Method → row, column, x and y, of the table; what is seen there."""
    rows, seen = {}, {}
    for line in out.splitlines():
        words = line.replace("x₀, before", "before").split()
        if len(words) > 5 and all(word.isdigit() for word in words[1:5]):
            rows[words[0]], seen[words[0]] = tuple(map(int, words[1:5])), words[5:]
    return rows, seen


def test_the_table_is_what_python_returns(photo, capsys):
    status, out, err = run(
        capsys, "look", photo, *USUAL, "--label", "3", "--methods", "center,likelihood,igub:prior=mean"
    )
    assert (status, err) == (0, "")
    methods = {"likelihood": {"method": "likelihood"}, "igub prior=mean": {"method": "igub", "prior": "mean"}}
    known = look(
        photo,
        "small_resnet",
        label=3,
        methods=methods,
        view={"family": "zoom", "grid": 3},
        size=32,
        device="cpu",
    )
    rows, seen = rows_of(out.replace("igub prior=mean", "igub"))
    assert rows["before"] == (1, 1, 45, 30)
    assert rows.keys() == {"before", "likelihood", "igub"}
    for name, at in known.fixations.items():
        row = (at.row, at.column, round(at.x), round(at.y))
        assert np.allclose(rows[name.split()[0]], row, atol=1)
        assert ("✓" in seen[name.split()[0]]) == at.correct
        assert " ".join(seen[name.split()[0]]).removeprefix("✓ ").startswith(f"{at.name} (")
    assert f"label {known.class_names[3]}" in out.splitlines()[0]
    assert "photo.png (90 × 60) through small_resnet" in out.splitlines()[0]


@pytest.mark.slow
def test_without_a_label_the_methods_that_are_told_it_are_left_out_in_one_line(photo, capsys):
    status, out, _ = run(capsys, "look", photo, *USUAL)
    rows, seen = rows_of(out)
    assert status == 0
    assert {"before", "igub", "dff", "max_logit"} <= rows.keys()
    assert not {"likelihood", "gradcam"} & rows.keys()
    (left,) = (line for line in out.splitlines() if line.startswith("left out: "))
    assert left.startswith("left out: gradcam, ")
    assert "likelihood" in left
    assert not any("✓" in words for words in seen.values())


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
def test_a_figure_is_drawn_and_replaced_where_that_is_wanted_alone(photo, capsys, suffix):
    usual = ("look", photo, *USUAL, "--methods", "igub", "-o", f"figure.{suffix}")
    status, out, _ = run(capsys, *usual)
    assert (status, out.splitlines()[-1]) == (0, f"figure: figure.{suffix}")
    Path(f"figure.{suffix}").write_bytes(b"mine")
    status, out, err = run(capsys, *usual)
    assert (status, out) == (2, "")
    assert (
        err
        == f"labelmaps look: figure.{suffix}: is there already; name another file, or add --force to replace it\n"
    )
    assert Path(f"figure.{suffix}").read_bytes() == b"mine"
    assert run(capsys, *usual, "--force")[0] == 0
    assert Path(f"figure.{suffix}").stat().st_size > 1000


def test_several_photos_are_drawn_to_a_folder_by_their_names(photo, capsys):
    shutil.copy(photo, "second.png")
    status, out, _ = run(
        capsys, "look", photo, "second.png", *USUAL, "--methods", "igub", "-o", "figures/", "--format", "svg"
    )
    assert status == 0
    assert sorted(path.name for path in Path("figures").iterdir()) == ["photo.svg", "second.svg"]
    assert [line for line in out.splitlines() if line.startswith("figure")] == [
        "figure: figures/photo.svg",
        "figure: figures/second.svg",
    ]


def test_a_photo_that_is_to_be_turned_is_told(photo, capsys):
    turned = Image.open(photo)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save("turned.png", exif=exif)
    status, _, err = run(capsys, "look", "turned.png", *USUAL, "--methods", "igub")
    assert status == 0
    assert err.startswith("note: ")
    assert "EXIF" in err
    assert err.count("\n") == 1


REFUSED = {
    "no photo": (["none.png"], "none.png: no such file (relative paths start from "),
    "a folder": (["."], ".: is no file; name an image"),
    "another format": (["photo.png", "-o", "figure.jpg"], "figure.jpg: a figure is drawn as pdf, png, svg"),
    "no format": (["photo.png", "-o", "figure"], "figure: a figure is drawn as"),
    "one file for two": (["photo.png", "same.png", "-o", "figure.pdf"], "figure.pdf: one file for 2 photos"),
    "one name for two": (["photo.png", "below/photo.png", "-o", "figures"], "several photos are named photo"),
    "the photo": (["photo.png", "-o", "photo.png", "--force"], "photo.png: is the photo itself"),
    "one of its figures is there": (
        ["photo.png", "same.png", "-o", "below"],
        "below/same.pdf: is there already",
    ),
    "a file as a folder": (["photo.png", "-o", "photo.png/figure.pdf"], "photo.png cannot be written to"),
    "a view": (["photo.png", "--view", "zoom,shift"], "--view: zoom,shift: names 2 views"),
    "methods": (["photo.png", "--methods", "igub,,dff"], "--methods: igub,,dff: '' cannot be read"),
    "a mean alone": (["photo.png", "--mean", ".5", ".5", ".5"], "--mean, --std and --size go together"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_told_in_one_line_before_a_network_runs(photo, never, capsys, case):
    arguments, said = REFUSED[case]
    Path("below").mkdir()
    for copy in ("same.png", "below/photo.png"):
        shutil.copy(photo, copy)
    Path("below/same.pdf").touch()
    before = contents_of(Path())
    status, out, err = run(capsys, "look", *arguments, "-n", "small_resnet")
    assert (status, out) == (2, "")
    assert err.startswith("labelmaps look: ")
    assert said in err
    assert err.count("\n") == 1
    assert contents_of(Path()) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-n", "resnt18"], "Near: resnet18"),
        (["-n", "small_resnet", "--label", "a thing"], "a thing"),
        (["-n", "small_resnet", "--view", "zoom:gird=5"], "zoom has no option 'gird'"),
        (["-n", "small_resnet", "--methods", "igbu"], "no module 'igbu'"),
        (["-n", "resnet18", "--checkpoint", "none.pth"], "none.pth"),
        (["-n", "weights.pth"], "as --network, and the file as --checkpoint"),
    ],
)
def test_what_the_package_refuses_is_told_in_one_line_and_draws_nothing(photo, capsys, arguments, said):
    status, out, err = run(capsys, "look", photo, *arguments, "-o", "figure.pdf")
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not Path("figure.pdf").exists()


def test_a_disk_that_cannot_be_written_is_told(photo, capsys, monkeypatch):
    def refuse(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("labelmaps.looking.result.Look.plot", refuse)
    status, _, err = run(capsys, "look", photo, *USUAL, "--methods", "igub", "-o", "figure.pdf")
    assert status == 2
    assert err == "labelmaps look: figure.pdf: cannot be written (Input/output error); name another file\n"
