"""The embedded data set: synthetic scenes, each with one object of a known class and its exact box.

Imports nothing of the package. New here: a thing that is drawn (`things`).
"""
