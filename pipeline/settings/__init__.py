"""The configuration, checked once before any job starts.

The schema is closed: unknown keys, wrong types, unknown names and impossible values are refused with the key's path and
what is allowed. Four catalogues (datasets, models, views, methods) list what there is; `run` selects from them, so an entry
that is not selected costs nothing.

`base` holds the types and checks that the blocks share; `datasets`, `networks`, `views_and_methods` and `outputs` hold the
blocks; `configuration` the whole, with what is checked across blocks; `reading` makes it from the files, and describes
mistakes. Each imports only those before it. A new key goes to the module of its block, with its default and description,
from which `python -m pipeline.reference` makes the tables in config/README.md and config/schema.json. What rules derive from
the settings goes to `pipeline.study`.
"""
