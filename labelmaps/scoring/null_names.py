"""The names of the nulls (`labelmaps.scoring.nulls`), in the order of tables; this module can be imported without pandas.

Beside them, what chooses the fixations of a scanpath (`labelmaps.scoring.scanpaths`): by all views, or without looking.
"""

CROPS = ("five_crop", "ten_crop")  # where the configuration asks for them
# Without a saccade, and without the label.
POOLED = (
    "mean_softmax",
    "mean_softmax_inner",
    "mean_softmax_temperature",
    "ring_weights",
    "standard_crop",
    *CROPS,
)
NOT_LOOKING = "not_looking"  # the best of these; beside it stands every gain
NULL_NAMES = (
    *("uniform", "random", "best_cell", "decoy_second", "decoy_random", "any_view", "top_n"),
    *POOLED,
    NOT_LOOKING,
)
LIKELIHOOD_SET = "likelihood_set"  # of data sets with acceptable labels alone
SCANPATH_CHOICES = ("igub", "max_softmax", "likelihood")
SCANPATH_BASELINES = ("random", "outward", "blind")
