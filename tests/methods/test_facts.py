"""What a method is called, its unit, colour, cue and input stand in its module alone."""

import re
import subprocess
import sys
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest

from helpers.methods import add_method
from labelmaps import methods
from labelmaps.errors import InputError
from labelmaps.explorer.data import describe_method
from labelmaps.figures import style
from labelmaps.methods import OWN_UNIT, SPARE_COLOURS, Facts, facts_of, spare_colour
from labelmaps.modules import module_names
from pipeline.sources import ROOT

REQUIRED = {"INPUT": "label maps", "CUE": "uncued"}
OPTIONAL = {"NAME": "Mine", "UNIT": "bits", "COLOUR": "#0a1B2c"}


@pytest.fixture
def add(monkeypatch, tmp_path):
    return lambda name="my_own_method", **constants: add_method(monkeypatch, tmp_path, name, constants)


def test_the_papers_methods_are_called_and_coloured_as_in_every_figure():
    expected = {
        "likelihood": Facts(
            "likelihood map", "cued", "label maps", "log p of the given label, nats", "#E69F00"
        ),
        "gradcam": Facts("Grad-CAM", "cued", "glimpse", OWN_UNIT, "#CC79A7"),
        "max_logit": Facts("maximum logit", "uncued", "label maps", "largest logit", "#56B4E9"),
        "igub": Facts("IGUB", "uncued", "label maps", "expected log p, nats", "#009E73"),
        "dff": Facts("DFF", "uncued", "glimpse", OWN_UNIT, "#882255"),
    }
    assert {method: facts_of(method) for method in expected} == expected


def test_a_module_with_what_is_required_alone_has_the_defaults(add):
    add(**REQUIRED)
    colour = spare_colour("my_own_method")
    assert facts_of("my_own_method") == Facts("my own method", "uncued", "label maps", OWN_UNIT, colour)


@pytest.mark.parametrize("given", [["NAME"], ["UNIT"], ["COLOUR"], list(OPTIONAL)], ids=" ".join)
def test_what_a_module_states_holds(add, given):
    add(**REQUIRED, **{constant: OPTIONAL[constant] for constant in given})
    facts = facts_of("my_own_method")
    assert facts.name == ("Mine" if "NAME" in given else "my own method")
    assert facts.unit == ("bits" if "UNIT" in given else OWN_UNIT)
    assert facts.colour == ("#0a1B2c" if "COLOUR" in given else spare_colour("my_own_method"))


def test_a_new_module_is_all_that_figures_and_the_explorer_need(add):
    add(**REQUIRED, **OPTIONAL)
    assert style.method_name("my_own_method power=2") == "Mine, power=2"
    assert style.method_colour("my_own_method power=2") == "#0a1B2c"
    described = {"name": "Mine, power=2", "cue": "uncued", "colour": "#0a1B2c", "unit": "bits"}
    assert describe_method("my_own_method power=2", "uncued") == described


@pytest.mark.parametrize(
    ("constant", "wrong", "allowed"),
    [
        ("INPUT", ..., '"label maps", "glimpse"'),
        ("INPUT", "label map", '"label maps", "glimpse"'),
        ("CUE", ..., '"cued", "uncued", "baseline"'),
        ("CUE", ["cued"], '"cued", "uncued", "baseline"'),
        ("CUE", None, '"cued", "uncued", "baseline"'),
        ("NAME", " ", "text"),
        ("UNIT", 3, "text"),
        ("COLOUR", "red", "#RRGGBB"),
        ("COLOUR", "#12345", "#RRGGBB"),
        ("COLOUR", "#123456\n", "#RRGGBB"),
        ("COLOUR", 0x123456, "#RRGGBB"),
    ],
)
def test_a_constant_that_is_missing_or_impossible_is_refused_with_what_is_allowed(
    add, constant, wrong, allowed
):
    constants = REQUIRED | {constant: wrong}
    if wrong is ...:
        del constants[constant]
    path = add(**constants)
    what = f"{constant} is {'missing' if wrong is ... else repr(wrong)}. Make it "
    with pytest.raises(InputError, match=re.escape(allowed)) as error:
        facts_of("my_own_method")
    assert str(error.value).startswith(f"{path}: {what}")


def test_what_is_no_method_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"no module 'mine' .* eigencam, gradcam, "):
        facts_of("mine")


def test_what_a_table_from_elsewhere_calls_a_method_is_drawn_as_it_is():
    assert style.method_name("a_b power=2") == "a_b, power=2"
    assert style.method_colour("a_b power=2") == spare_colour("a_b")


def lab(colour):
    """CIE L*a*b* of an sRGB colour, for daylight."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    share = xyz @ linear / [0.95047, 1, 1.08883]
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_spare_colours_are_unlike_each_other_and_unlike_what_the_figures_use():
    used = [facts_of(method).colour for method in module_names(methods)]
    used += [style.BEFORE, style.AFTER, style.POINTING, "#FFFFFF"]
    pairs = [*combinations(SPARE_COLOURS, 2), *((spare, other) for spare in SPARE_COLOURS for other in used)]
    assert min(np.linalg.norm(lab(one) - lab(other)) for one, other in pairs) > 25
    assert len(set(used)) == len(used)


def test_a_spare_colour_follows_from_the_name_and_all_are_given():
    names = [f"method_{i}" for i in range(200)]
    assert {spare_colour(name) for name in names} == set(SPARE_COLOURS)
    assert spare_colour("margin") == "#BB4433"  # as in every other run


def test_reading_what_modules_state_needs_numpy_alone():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'scipy', 'h5py', 'pandas', 'pytorch_grad_cam'])); "
        "from labelmaps import methods; from labelmaps.modules import module_names; "
        "print(*[methods.facts_of(name).cue for name in module_names(methods)])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split().count("baseline") == 1
