"""Measurements of time and memory, one module per question; see README.md."""
