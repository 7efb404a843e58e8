"""Resampling of boxes of an image to square views: defined in `taps`, called through `boxes`, computed by `cpu` or `gpu`.

This room imports `jobs` and the rooms below it. Another way of sampling belongs here, or a faster one with the same results.
"""
