"""Label maps: a classifier's logits on a grid of fixation points, and what to make of them.

A script of the workflow begins its log here, before it imports what takes seconds and memory.
"""

import sys
from pathlib import Path

from labelmaps.extras import name_missing_extras

name_missing_extras()

_main = sys.modules["__main__"]
if hasattr(_main, "snakemake") and (
    Path(getattr(_main, "__file__", "")).resolve().parent
    == Path(__file__).resolve().parents[1] / "workflow" / "scripts"
):
    from labelmaps.jobs.logs import begin_log

    begin_log(_main.snakemake.log[0])
