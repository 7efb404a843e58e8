"""One image through one network, from Python: `labelmaps.look`, and the command that calls it.

`look` is what a caller calls; `given_images`, `given_labels`, `given_views`, `given_methods` and `given_network` read its
arguments, and refuse what cannot be meant; `result` holds what is returned. All is computed by the functions that the rules
call. This room imports `figures` and the rooms below it.
"""
