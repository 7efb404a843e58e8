"""Names that Snakemake defines in the scripts that it runs, for the type checker."""

from typing import Any

snakemake: Any
