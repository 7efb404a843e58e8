"""The configuration, which is checked once before any job starts.

The schema is closed: unknown keys, wrong types, unknown names and impossible values are refused, with the key's path and
the values that are allowed. Four catalogues (datasets, models, views, methods) list entries; `run` selects from them, and an
entry that is not selected costs nothing.

`base` holds the types and checks that the blocks share; `datasets`, `networks`, `views_and_methods` and `outputs` hold the
blocks; `configuration` the whole, with checks across blocks; `reading` builds it from the files, and describes
mistakes. Each imports only those before it. A new key goes to the module of its block, with its default and description,
from which `python -m pipeline.reference` makes the tables in config/README.md and config/schema.json. Values that rules
derive from the settings go to `pipeline.study`.
"""
