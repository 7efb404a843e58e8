"""The explorer: its data (`data`, collected by `seen`), and the HTML, CSS and JavaScript that show them (`page`).

This room imports `figures` and the rooms below it. What is shown image by image belongs here.
"""
