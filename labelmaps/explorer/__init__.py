"""The explorer: what the page is told (`data`), and the page itself (HTML, CSS and JavaScript).

Imports `figures` and below. New here: whatever is shown image by image.
"""
