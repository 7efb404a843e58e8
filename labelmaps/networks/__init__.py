"""Classifiers: building, loading, running at a precision, splitting at the last block, and training.

This room imports `scenes`, `storage` and the rooms below them. A new architecture belongs in `build` (its name also goes to
`pipeline/settings/networks.py`); device, precision, compilation and the default batch size are decided in `compute`.
"""
