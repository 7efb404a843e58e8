"""The names of nulls and of the ways to choose a scanpath, in the order of tables; this module does not import pandas.

The nulls are computed in `labelmaps.scoring.nulls`, the scanpaths in `labelmaps.scoring.scanpaths`.
"""

CROPS = ("five_crop", "ten_crop")  # only if the configuration sets them
# Nulls without a saccade and without the label.
POOLED = (
    "mean_softmax",
    "mean_softmax_inner",
    "mean_softmax_temperature",
    "ring_weights",
    "standard_crop",
    *CROPS,
)
NOT_LOOKING = "not_looking"  # the best of x₀ and these; the gain of every method over it is reported
NULL_NAMES = (
    *("uniform", "random", "best_cell", "decoy_second", "decoy_random", "any_view", "top_n"),
    *POOLED,
    NOT_LOOKING,
)
LIKELIHOOD_SET = "likelihood_set"  # only for data sets with acceptable labels
# How fixations of a scanpath are chosen: from the logits of all views, or without any.
SCANPATH_CHOICES = ("igub", "max_softmax", "likelihood")
SCANPATH_BASELINES = ("random", "outward", "blind")
