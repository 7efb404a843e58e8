"""Saliency methods: what each fixation is worth.

A method is one module of this package with

- `CUE`: "cued" (told the label), "uncued" (not told) or "baseline";
- `saliency(maps, label, *, options…)`: the saliency map (image, row, column), raw, of a block of label maps;
  `label` (image,) are the labels' indices for a cued method, and None for the others: they cannot peek.

Its keyword-only parameters are the method's options in the configuration.
"""

from typing import Literal

Cue = Literal["cued", "uncued", "baseline"]
