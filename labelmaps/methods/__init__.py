"""Saliency methods: the value of each fixation of an image.

A method is one module of this package with the constants

- `INPUT`: the kind of the first argument: "label maps" (`LabelMaps`: log-probabilities and more at every fixation, numpy) or
  "glimpse" (`Glimpse`: the last block's activations at x₀, torch);
- `CUE`: "cued" (given k*), "uncued" (not given it) or "baseline";
- `NAME`, the name in figures, if it is not the module's with blanks for underscores;
- `UNIT`, the unit of the map's values, if the explorer should show it;
- `COLOUR`, "#RRGGBB", its colour in figures; without it, one of `SPARE_COLOURS`;

and the function `saliency(input, label, *, options…)`. It returns the saliency maps (image, row, column), not scaled, of a
block of images. `label` (image,) holds k* for a cued method, and is None for the others, so that they cannot use it. A
method that categorises as well as localises returns the maps and its own labels (image,).

The keyword-only parameters of `saliency` are the method's options in the configuration; a line `name: text` of the docstring
describes each. A module is imported before any job starts, and by the figures, in environments that need not have more than
numpy: it imports torch, scipy and the like only inside `saliency`. This room imports `inference` and the rooms below it, for
types alone; the names of modules that methods share begin with `_`.
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np

from labelmaps.errors import InputError
from labelmaps.modules import load_module

Cue = Literal["cued", "uncued", "baseline"]
Input = Literal["label maps", "glimpse"]
OWN_UNIT = "in the method's own units"
# The colours of methods without `COLOUR`: they differ clearly from each other, from those of the methods here, and from the
# other colours of figures.
SPARE_COLOURS = (
    "#66CC33",
    "#EE0044",
    "#8888FF",
    "#885522",
    "#FF2299",
    "#FF77FF",
    "#EE9966",
    "#BBAAEE",
    "#9944CC",
    "#BB4433",
    "#00CC77",
    "#667744",
)


@dataclass(frozen=True)
class Facts:
    """The constants of a method's module, with defaults.

    name: the method's name in figures.
    cue: whether the method is given k*, or is a baseline.
    input: the input from which the method is computed.
    unit: the unit of the map's values, in words.
    colour: the method's colour in figures, "#RRGGBB".
    """

    name: str
    cue: Cue
    input: Input
    unit: str
    colour: str


def facts_of(method: str) -> Facts:
    """Read the constants of a method's module, and fill in defaults.

    method: the module's name.

    Raises `InputError` if there is no such module, if `INPUT` or `CUE` is missing, or if a constant has a value that is not
    allowed; the message begins with the module's file.
    """
    import labelmaps.methods as package

    module = load_module(package, method)
    for constant, allowed in {"INPUT": get_args(Input), "CUE": get_args(Cue)}.items():
        if getattr(module, constant, None) not in allowed:
            refuse_constant(module, constant, "one of " + ", ".join(f'"{value}"' for value in allowed))
    name = getattr(module, "NAME", method.replace("_", " "))
    unit = getattr(module, "UNIT", OWN_UNIT)
    for constant, text in {"NAME": name, "UNIT": unit}.items():
        if not isinstance(text, str) or not text.strip():
            refuse_constant(module, constant, "some text")
    colour = getattr(module, "COLOUR", spare_colour(method))
    if not isinstance(colour, str) or not re.fullmatch("#[0-9A-Fa-f]{6}", colour):
        refuse_constant(module, "COLOUR", 'a colour "#RRGGBB" in hexadecimal digits')
    return Facts(name, module.CUE, module.INPUT, unit, colour)


def refuse_constant(module: ModuleType, constant: str, allowed: str) -> None:
    """Raise `InputError` for a constant of a method's module that is missing or has a value that is not allowed."""
    wrong = f"is {getattr(module, constant)!r}" if hasattr(module, constant) else "is missing"
    raise InputError(f"{module.__file__}: {constant} {wrong}. Make it {allowed}")


def spare_colour(method: str) -> str:
    """Choose one of `SPARE_COLOURS` for a method by its name, so that it is the same in every run."""
    return SPARE_COLOURS[zlib.crc32(method.encode()) % len(SPARE_COLOURS)]


def load_method(method: str, **options: object) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Load a method as a function of its input and of labels that returns saliency maps and the method's own labels.

    method: the module's name. options: the keyword-only parameters of its `saliency`.

    The function takes `LabelMaps` or a `Glimpse`, and labels (image,), the k* of each image, which it passes on to cued
    methods only. It returns the maps (image, row, column), and the method's own labels (image,), or None if it gives none.
    Raises `InputError` as `facts_of` does.
    """
    import labelmaps.methods as package

    module, is_cued = load_module(package, method), facts_of(method).cue == "cued"

    def saliency(source: Any, label: Any) -> tuple[Any, Any]:
        result = module.saliency(source, label if is_cued else None, **options)
        return result if isinstance(result, tuple) else (result, None)

    return saliency


def log_sum_exp(log_probability: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Compute the logarithm of the sum of probabilities over some axes, from the logarithms of the probabilities.

    log_probability: of any shape, in nats; −∞ is allowed. The result lacks the axes.

    It gives the same as scipy's `logsumexp`, which takes three times as long, since that also handles ties and signs.
    """
    peak = log_probability.max(axis=axis, keepdims=True, initial=np.finfo(log_probability.dtype).min)
    share = log_probability - peak
    total = np.exp(share, out=share).sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):  # where all are impossible
        return (np.log(total) + peak).squeeze(axis)
