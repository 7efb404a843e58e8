"""Saliency methods: what each fixation is worth.

A method is one module of this package with

- `INPUT`: what it looks at: "label maps" (`LabelMaps`: the logits at every fixation, numpy) or "glimpse" (`Glimpse`: the
  last block's activations at x₀, torch);
- `CUE`: "cued" (told the label), "uncued" (not told) or "baseline";
- `saliency(input, label, *, options…)`: the saliency map (image, row, column), raw, of a block of images; `label` (image,)
  are the labels' indices for a cued method, and None for the others: they cannot peek. A method that categorises as well as
  localises returns the map and its own labels (image,).

Its keyword-only parameters are the method's options in the configuration. A module is read before any job starts, in an
environment without torch: it imports torch only inside `saliency`.
"""

from typing import Literal

Cue = Literal["cued", "uncued", "baseline"]
Input = Literal["label maps", "glimpse"]
