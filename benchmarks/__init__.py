"""Measurements, a module per question; see README.md."""
