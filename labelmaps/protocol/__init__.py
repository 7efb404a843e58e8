"""The paper: its numbers, readings of its protocol, their calibration, and what a faster way of computing changes.

Imports `scoring` and below. New here: a number that the paper states, or a reading.
"""
