"""Formats of data sets, a module for each. What plans the jobs imports those that need neither pandas nor torch."""
