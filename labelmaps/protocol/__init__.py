"""Comparisons with the paper and with the reference: the paper's numbers, readings of its protocol, calibration, fidelity.

This room imports `scoring` and the rooms below it. A new number of the paper, or a new reading, belongs here.
"""
