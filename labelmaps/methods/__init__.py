"""Saliency methods: what each fixation is worth.

A method is one module of this package with

- `INPUT`: what it looks at: "label maps" (`LabelMaps`: the logits at every fixation, numpy) or "glimpse" (`Glimpse`: the
  last block's activations at x₀, torch);
- `CUE`: "cued" (told the label), "uncued" (not told) or "baseline";
- `saliency(input, label, *, options…)`: the saliency map (image, row, column), raw, of a block of images; `label` (image,)
  are the labels' indices for a cued method, and None for the others: they cannot peek. A method that categorises as well as
  localises returns the map and its own labels (image,).

Its keyword-only parameters are the method's options in the configuration. A module is read before any job starts, in an
environment that need not have more than numpy: it imports torch, scipy and the like only inside `saliency`.
"""

from typing import Any, Literal

import numpy as np

import labelmaps.methods
from labelmaps.modules import load_module

Cue = Literal["cued", "uncued", "baseline"]
Input = Literal["label maps", "glimpse"]


def log_sum_exp(log_probability: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Log of a sum of probabilities over some axes, from their logarithms, of which −∞ is one.

    As scipy's `logsumexp`, whose care for ties and signs takes thrice the time.
    """
    peak = log_probability.max(axis=axis, keepdims=True, initial=np.finfo(log_probability.dtype).min)
    share = log_probability - peak
    total = np.exp(share, out=share).sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):  # where all are impossible
        return (np.log(total) + peak).squeeze(axis)


def apply_method(method: str, seen: Any, label: Any, **options: object) -> tuple[Any, Any]:
    """Compute a method's saliency maps (image, row, column) of some images, and its own labels (image,), or None.

    seen: what the method looks at, `LabelMaps` or `Glimpse`. label: (image,), which only a cued method gets.
    """
    module = load_module(labelmaps.methods, method)
    result = module.saliency(seen, label if module.CUE == "cued" else None, **options)
    return result if isinstance(result, tuple) else (result, None)
