"""Comparisons with the paper and with the reference: the paper's numbers, readings of its protocol, calibration, fidelity.

This room imports `scoring` and the rooms below it. The paper's numbers themselves are rows of `resources/paper.csv`, and
readings are entries of `config/readings.yaml`. A new comparison belongs here.
"""
