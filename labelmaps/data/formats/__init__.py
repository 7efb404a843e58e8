"""Formats of data sets, one module for each. Those that are imported when jobs are planned need neither pandas nor torch."""
