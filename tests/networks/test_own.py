"""The user's function builds the network; an error in the user's code is reported in one line, and its traceback logged."""

import logging
import sys

import pytest
import torch
from torch import nn

from labelmaps.errors import InputError
from labelmaps.networks.architectures import read_architecture
from labelmaps.networks.build import build
from labelmaps.networks.own import build_own
from labelmaps.networks.weights import random_weights

HEAD = "from torch import nn\n"
NETWORK = "nn.Sequential(nn.Flatten(), nn.Linear(12, {}))"


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    """Forget the modules that a test has imported."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())


@pytest.fixture
def own(tmp_path):
    """Build the network of a file with this text, which may import other files beside it."""

    def own(text, function="build", n_labels=5, size=2, **others):
        for name, content in {"mine": text, **others}.items():
            path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content if content.startswith("from __future__") else HEAD + content)
        return build(f"{tmp_path}/mine.py:{function}", n_labels, size)

    return own


@pytest.mark.parametrize(
    ("parameters", "n_found"),
    [
        ("num_classes, size", 5),
        ("size, num_classes=9", 5),
        ("*, num_classes", 5),
        ("depth=3, num_classes=9", 5),
        ("size", 7),
        ("", 7),
    ],
)
def test_the_function_is_given_the_parameters_that_it_names(own, parameters, n_found):
    n = "num_classes" if "num_classes" in parameters else "7"
    network = own(f"def build({parameters}):\n    return {NETWORK.format(n)}\n")
    assert network(torch.zeros(1, 3, 2, 2)).shape == (1, n_found)


def test_the_size_is_the_views(own):
    network = own("def build(num_classes, size):\n    return nn.Linear(size, num_classes)\n", size=96)
    assert network.in_features == 96


def test_a_class_will_do(own):
    text = "class Net(nn.Linear):\n    def __init__(self, num_classes):\n        super().__init__(2, num_classes)\n"
    assert own(text, "Net").out_features == 5


@pytest.mark.parametrize(
    "how",
    [
        "from blocks import head",
        "from .blocks import head",
        "from . import blocks; head = blocks.head",
        "from sub.deep import head",
        "from .sub.deep import head",
        "from sub.beside import head",
        "import importlib; head = importlib.import_module('blocks').head",
    ],
)
def test_what_lies_beside_and_below_the_file_is_imported(own, how):
    head = f"def head(n):\n    return {NETWORK.format('n')}\n"
    others = {"blocks": head, "sub__deep": head, "sub__beside": "from .deep import head\n"}
    network = own(f"{how}\ndef build(num_classes):\n    return head(num_classes)\n", **others)
    assert network[1].out_features == 5


def test_a_file_may_be_called_as_a_library_and_hides_none(tmp_path):
    for name in ("torch", "timm"):
        path = tmp_path / f"{name}.py"
        path.write_text(f"{HEAD}def build():\n    return {NETWORK.format(4)}\n")
        assert build(f"{path}:build", 4)[1].out_features == 4
        assert sys.modules["torch"] is torch


def test_files_of_one_name_in_two_folders_are_two(tmp_path):
    for n, folder in enumerate(("a", "b"), 3):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"{HEAD}def build():\n    return {NETWORK.format(n)}\n")
    assert [build(f"{tmp_path}/{folder}/mine.py:build", 5)[1].out_features for folder in "ab"] == [3, 4]


def test_dataclasses_of_the_file_find_their_module(own):
    text = (
        "from __future__ import annotations\nfrom torch import nn\nfrom dataclasses import dataclass, KW_ONLY\n"
        "@dataclass\nclass Options:\n    _: KW_ONLY\n    n: int = 3\n"
        "def build():\n    return nn.Linear(1, Options().n)\n"
    )
    assert own(text).out_features == 3


def test_a_module_of_a_package_is_imported_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "invented").mkdir()
    (tmp_path / "invented/nets.py").write_text(
        f"{HEAD}def build(num_classes):\n    return nn.Linear(1, num_classes)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert build("invented.nets:build", 6).out_features == 6


class Output(dict):
    """An output like those of transformers' models: a dictionary with attributes."""

    @property
    def logits(self):
        return self["logits"]


@pytest.mark.parametrize("made", ["Output(logits=y)", "y", "SimpleNamespace(logits=y, loss=None)"])
def test_the_logits_of_transformers_outputs_are_taken(own, made):
    text = (
        "from types import SimpleNamespace\nfrom tests.networks.test_own import Output\n"
        f"class Net(nn.Linear):\n    def forward(self, x):\n        y = super().forward(x)\n        return {made}\n"
        "def build(num_classes):\n    return Net(2, num_classes)\n"
    )
    network, x = own(text), torch.ones(3, 2)
    assert torch.equal(network(x), nn.functional.linear(x, network.weight, network.bias))


FAULTS = {
    "raise OSError('no room\\nfor it')": "cannot be imported (OSError: no room)",
    "import nowhere_to_be_found": "cannot be imported (ModuleNotFoundError: No module named 'nowhere_to_be_found')",
    "def build(:": "cannot be imported (SyntaxError: ",
    "raise SystemExit": "cannot be imported (SystemExit)",
    "import sys; sys.exit(0)": "cannot be imported (SystemExit: 0)",
    "1 / 0": "cannot be imported (ZeroDivisionError: division by zero)",
    "from .nowhere import x": "cannot be imported (ModuleNotFoundError: ",
    "def build(depth):\n    return nn.Identity()": "could not be called (TypeError: build() missing 1 required",
    "def build(num_classes, /):\n    return nn.Identity()": "could not be called (TypeError: ",
    "def build():\n    raise KeyError('x')": "could not be called (KeyError: 'x')",
    "def build():\n    raise SystemExit(0)": "could not be called (SystemExit: 0)",
    "def build():\n    assert False": "could not be called (AssertionError)",
}


@pytest.mark.parametrize(("text", "said"), FAULTS.items())
def test_what_fails_in_the_users_code_is_one_line_and_its_traceback_in_the_log(own, caplog, text, said):
    with caplog.at_level(logging.ERROR), pytest.raises(InputError) as error:
        own(text)
    message = str(error.value)
    assert message.startswith("architecture: /")
    assert said in message
    assert "The traceback is above in the log" in message
    assert "\n" not in message
    assert "mine.py" in caplog.text
    assert "Traceback (most recent call last)" in caplog.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "def other():\n    pass\nbuild = 3",
            "mine.py has no function `build`. Choose one of its functions: other",
        ),
        ("", "mine.py has no function `build`. Choose one of its functions: there are none"),
        (
            "def build():\n    return 3",
            "mine.py:build: returns a int instead of a torch.nn.Module. Let it return the network",
        ),
        ("def build():\n    return nn.Linear", "mine.py:build: returns a type instead of a torch.nn.Module"),
        ("def build():\n    pass", "mine.py:build: returns a NoneType instead of a torch.nn.Module"),
    ],
)
def test_what_is_no_function_that_returns_a_network_is_called_so(own, text, said):
    with pytest.raises(InputError) as error:
        own(text)
    assert said in str(error.value)


@pytest.mark.parametrize("name", ["nowhere.py:build", "nowhere.at.all:build", "json.nowhere:build"])
def test_a_file_or_module_that_is_not_there_is_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"architecture: {name.split(':')[0]}: cannot be imported"):
        build_own(read_architecture(name), 5, 2)


def test_of_random_weights_too_the_users_own_mistake_is_what_is_said(tmp_path):
    (tmp_path / "mine.py").write_text("1 / 0")
    with pytest.raises(
        InputError, match=r"^architecture: .*mine\.py: cannot be imported \(ZeroDivisionError"
    ):
        random_weights(f"{tmp_path}/mine.py:build", 5, seed=0, size=2)
    with pytest.raises(InputError, match=r"^architecture: torchvision has no classifier 'resnet19'"):
        random_weights("resnet19", 5, seed=0, size=2)
