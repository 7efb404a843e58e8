"""Formats in which data sets come, a module for each; what plans the jobs imports those that need no pandas."""
