"""Figures: their style and layout, and one module for each; tables as HTML.

This room imports `methods`, `inference` and the rooms below them, and torch only for a figure that shows views
(`figure_1_data`).

A new figure needs a module here with a function `draw_…`; a script `workflow/scripts/plot_….py` that reads a table and saves
the figure with `style.draw`; a rule of the script's name in `rules/figures.smk`, with a caption in `workflow/report`; and,
if every run should draw it, its name in `rule all` of the `Snakefile`.
"""
