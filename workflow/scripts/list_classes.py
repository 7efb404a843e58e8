"""List the classes that a data set names itself."""

import logging
from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.classes import write_classes
from labelmaps.data.formats.named_classes import named_classes
from labelmaps.jobs.script import run_script

logger = logging.getLogger(__name__)


def list_classes(
    *, source: dict[str, str], columns: dict[str, str | list[str]] | None, classes: Path
) -> None:
    """Write the classes file of a data set whose source (see `named_classes`) names them."""
    found = named_classes(source, columns)
    names = [item.id for item in found]
    more = f" … {names[-1]}" if len(names) > 3 else ""
    logger.info("%d classes, in the order of the logits: %s%s", len(names), ", ".join(names[:3]), more)
    write_classes(classes, found)


if __name__ == "__main__":
    run_script(list_classes, snakemake)
