"""The names of nulls, of the ways to choose a scanpath and of two stages, in the order of tables, without pandas.

The nulls are computed in `labelmaps.scoring.nulls`, the scanpaths in `labelmaps.scoring.scanpaths`, two stages in
`labelmaps.scoring.two_stages`.
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
# When the network sees the outer ring of the grid.
ALWAYS, BELOW, NEVER = "always", "below the bound", "never"
