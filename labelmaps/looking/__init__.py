"""One image through one network, from Python: `labelmaps.look`, and the command that calls it.

`look` is what a caller calls; `given_images`, `given_labels`, `given_views`, `given_methods` and `given_network` read its
arguments, and refuse what cannot be meant (`kept_weights` has the weights of networks that are named); `compute` connects
the functions that the rules call; `result` is what is returned, and `figure` its Figure 1. `stored_network` serves
`labelmaps.results`. This room imports `figures` and the rooms below it.
"""
