"""The names of the nulls (`labelmaps.scoring.nulls`), in the order of tables; apart from them, to be read without pandas."""

NULLS = (
    *("uniform", "random", "best_cell", "decoy_second", "decoy_random", "any_view", "top_n"),
    *("mean_softmax", "mean_softmax_inner", "standard_crop"),
)
