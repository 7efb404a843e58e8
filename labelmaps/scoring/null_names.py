"""The names of the nulls (`labelmaps.scoring.nulls`), in the order of tables; this module can be imported without pandas."""

NULL_NAMES = (
    *("uniform", "random", "best_cell", "decoy_second", "decoy_random", "any_view", "top_n"),
    *("mean_softmax", "mean_softmax_inner", "standard_crop"),
)
LIKELIHOOD_SET = "likelihood_set"  # of data sets with acceptable labels alone
