"""Label maps: a classifier's logits on a grid of fixation points, and what to make of them."""
