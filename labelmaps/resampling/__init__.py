"""Resampling of boxes of an image to square views: its definition (`taps`), what others call (`boxes`), `cpu` and `gpu`.

This room imports `jobs` and the rooms below it. Another way of sampling belongs here, or a faster one with the same results.
"""
