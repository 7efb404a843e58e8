"""The explorer: its data (`data`, collected by `seen`), and the page that shows them (`page`, of what lies in `web/`).

This room imports `figures` and the rooms below it. What is shown image by image belongs here.
"""
