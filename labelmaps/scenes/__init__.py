"""The embedded data set: synthetic scenes, each with one object of a known class and its exact box.

This room imports nothing of the package. A new drawing belongs in `things`.
"""
