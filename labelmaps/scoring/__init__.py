"""From saliency maps to numbers: fixations, scores, the Pointing Game, nulls, the best of n, statistics and summaries.

Imports `methods`, `storage` and below; no torch. New here: a score, a null or a statistic.
"""
