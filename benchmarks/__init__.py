"""Measurements of time and memory, one module for each question; see README.md."""
