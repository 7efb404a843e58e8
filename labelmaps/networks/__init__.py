"""Classifiers: building, loading, running at a precision, splitting at the last block, and training.

Imports `scenes`, `storage` and below. New here: an architecture (`build`), or a way to run one faster.
"""
