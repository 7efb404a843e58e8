"""`labelmaps check`: a configuration of the workflow, before it runs."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import labelmaps
from labelmaps.errors import InputError

NEEDED = ("Snakefile", "pipeline/preview/__init__.py")  # what a clone has and a wheel has not
MARKS = {"title": "", "ok": "  ok    ", "note": "  note  ", "stop": "  STOP  ", "line": "  "}


def check(
    configurations: Annotated[
        list[Path] | None,
        Parameter(
            name="CONFIGURATION",
            negative=(),
            help="files as for Snakemake's --configfile, each laid over the one before. Without any, the embedded default "
            "is checked",
        ),
    ] = None,
    /,
    *,
    cores: Annotated[
        int | None,
        Parameter(
            name=["--cores", "-c"],
            help="the processors that the run will have, by which its time is estimated; without it, those of this machine",
        ),
    ] = None,
) -> int:
    """Check a configuration before it runs: data, boxes, networks, disk and time. Nothing is made or downloaded.

    What the configuration defines and what `run` selects; each data set's index, in memory, with images, labels and boxes
    compared; each network, loaded and compared with itself on two images; the space and, from a few views timed with the
    very engine, the time that a run needs.

    Relative paths start from the folder where you are, as for Snakemake. This command needs a clone of the workflow:
    `uv run labelmaps check mine.yaml`. It exits with 0 where nothing stands in the way, with 1 where a run would stop, and
    with 2 where the configuration cannot be used.
    """
    if cores is not None and cores < 1:
        raise InputError(f"--cores: {cores}; give 1 or more")
    root = find_clone()
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    is_stopped = False
    try:
        from pipeline.preview.report import preview
        from pipeline.settings.base import ConfigurationError

        try:
            for finding in preview(configurations or [], cores):
                print(f"{MARKS[finding.kind]}{finding.text}", flush=True)
                is_stopped |= finding.kind == "stop"
        except ConfigurationError as error:
            head, *mistakes = str(error).splitlines()
            raise InputError(f"{head} {mistakes[0].strip()}" if len(mistakes) == 1 else str(error)) from error
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is not installed here, which the workflow needs; run the command in the clone's environment: "
            f"cd {root} && uv run labelmaps check"
        ) from error
    return int(is_stopped)


def find_clone() -> Path:
    """Find the clone of the workflow to which this package belongs; raise `InputError` where it was installed alone."""
    root = Path(labelmaps.__file__).resolve().parents[1]
    if all((root / name).is_file() for name in NEEDED):
        return root
    raise InputError(
        f"this package lies in {root} without the workflow, whose configuration is to be checked. Run the command in a "
        "clone of the workflow: uv run labelmaps check mine.yaml"
    )
