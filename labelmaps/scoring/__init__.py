"""Scores: fixations from saliency maps, accuracy, the Pointing Game, nulls, the best of n, statistics and summaries.

This room imports `methods`, `storage` and the rooms below them, but not torch. A new score, null or statistic belongs here.
"""
