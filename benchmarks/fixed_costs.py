"""Fixed costs: of a run that has nothing to make, and of a job before it starts its work.

    python -m benchmarks.fixed_costs [--folder FINISHED_CHECKOUT] [--configfile FILE] [--repeats 5]

All are measured in turn; printed are medians over the repeats, in seconds of wall-clock time. Runs of Snakemake are compared
with `snakemake --version`, which takes as long as importing it. The default configuration, with FILE on top of it, must be
finished in the folder. Scripts are imported, not run, each by a new Python. A part of the label maps contains 4 images of
the default; its start-up is the run's time without the time of the images and of a run that has nothing to make.
"""

import argparse
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.timing import time_in_turn
from pipeline.sources import ROOT

SNAKEMAKE = [sys.executable, "-m", "snakemake"]
IMPORT = [sys.executable, "-c", "import runpy, sys; sys.path.insert(0, ''); runpy.run_path(sys.argv[1])"]
MAPS = "scenes/zoom/small_resnet"  # of the default configuration
PART = "1of50"  # 4 of its 200 images
IMAGES = re.compile(r"4 images in ([\d.]+) s")


def run_command(command: list[str], folder: Path) -> str:
    """Run a command in a folder and return its output; if it fails, print its output and exit."""
    process = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    if process.returncode:
        sys.exit(process.stdout)
    return process.stdout


def time_commands(commands: dict[str, list[str]], folder: Path, repeats: int) -> dict[str, float]:
    """Measure the median of the seconds that each command takes in a folder."""
    calls: dict[str, Callable[[int], object]] = {
        name: lambda _, command=command: run_command(command, folder) for name, command in commands.items()
    }
    return {name: statistics.median(seconds) for name, seconds in time_in_turn(calls, repeats).items()}


def time_part(run: list[str], folder: Path, repeats: int) -> tuple[float, float]:
    """Measure the median of the seconds of a run that makes one part of the label maps.

    run: the command of a run, without its target.

    Returns the seconds of the run, and the seconds of the images alone, which its log states.
    """
    maps = folder / "results" / MAPS / f"label_maps/{PART}.h5"
    log = folder / "logs/compute_label_maps" / MAPS / f"{PART}.log"
    image_seconds = []

    def make(_: int) -> None:
        run_command([*run, "--force", str(maps.relative_to(folder))], folder)
        match = IMAGES.search(log.read_text(encoding="utf-8"))
        if match is None:
            sys.exit(f"{log}: does not state the seconds of 4 images")
        image_seconds.append(float(match.group(1)))

    seconds = statistics.median(time_in_turn({"part": make}, repeats)["part"])
    maps.unlink()
    return seconds, statistics.median(image_seconds[1:])


def main() -> None:
    """Run all measurements and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT, help="a checkout in which the default is finished"
    )
    parser.add_argument("--configfile", type=Path, help="the configuration on top of the default")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    measure = partial(time_commands, folder=folder, repeats=arguments.repeats)

    overlay = ["--configfile", str(arguments.configfile.resolve())] if arguments.configfile else []
    dry, run = ([*SNAKEMAKE, *option, *overlay] for option in (["--dry-run"], ["--cores", "2"]))
    if "Nothing to be done" not in run_command(dry, folder):
        sys.exit(f"{folder}: the default configuration is not made there; run `snakemake --cores 2` first")
    runs = measure(
        {
            "snakemake --version": [*SNAKEMAKE, "--version"],
            "dry run, all made": dry,
            "run, all made": run,
            "dry run, nothing made (ImageNet)": [
                *SNAKEMAKE,
                "--dry-run",
                "--configfile",
                "config/imagenet.yaml",
            ],
        }
    )
    floor, nothing = runs["snakemake --version"], runs["run, all made"]
    for name, seconds in runs.items():
        print(f"{name:34}{seconds:6.2f} s   {seconds / floor:.1f}")

    part, images = time_part(run, folder, arguments.repeats)
    print(f"{'part of 4 images, the run':34}{part:6.2f} s   {part / floor:.1f}")
    print(f"{'  its start-up':34}{part - nothing - images:6.2f} s")

    scripts = sorted((folder / "workflow" / "scripts").glob("*.py"))
    imports = {"import torch": [sys.executable, "-c", "import torch"]} | {
        f"import {script.stem}": [*IMPORT, str(script)] for script in scripts
    }
    for name, seconds in sorted(measure(imports).items(), key=lambda entry: -entry[1]):
        print(f"{name:34}{seconds:6.2f} s")


if __name__ == "__main__":
    main()
