"""Boxes of an image become square views: the definition (`taps`), the way in (`boxes`), and a fast path for CPU and GPU.

Imports `jobs` and below. New here: another way of sampling, or a faster one with the same results.
"""
