"""Figures: their style and layout, and one module for each; tables as HTML.

Imports `views`, `data`, `storage` and below, no torch. New here: a figure.
"""
