"""Classifiers: building, loading, running at a precision, splitting at the last map, and training.

This room imports `scenes`, `storage` and the rooms below them. A new architecture belongs in `build` (add its name to
`pipeline/settings/networks.py`, too); `compute` decides on device, precision, compilation and the default batch size.
"""
