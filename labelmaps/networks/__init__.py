"""Classifiers: built by name, loaded from a state dict, run at a stated precision, split at the last block, trained.

Imports `scenes`, `storage` and below. New here: an architecture (`build`), or a way to run one faster.
"""
