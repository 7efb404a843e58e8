"""The names of the nulls (`labelmaps.scoring.nulls`), in the order of tables; this module can be imported without pandas.

Beside them, what chooses the fixations of a scanpath (`labelmaps.scoring.scanpaths`): by all views, or without looking.
"""

NULL_NAMES = (
    *("uniform", "random", "best_cell", "decoy_second", "decoy_random", "any_view", "top_n"),
    *("mean_softmax", "mean_softmax_inner", "standard_crop"),
)
SCANPATH_CHOICES = ("igub", "max_softmax", "likelihood")
SCANPATH_BASELINES = ("random", "outward", "blind")
