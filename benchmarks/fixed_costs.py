"""What a run costs that makes nothing, and a job before it does anything.

    python -m benchmarks.fixed_costs [--folder FINISHED_CHECKOUT] [--configfile FILE] [--repeats 5]

In turn, medians over the repeats, in seconds of the clock. Runs of Snakemake stand beside `snakemake --version`, which is
what importing it takes; the folder's default must be made, with the file laid over it if one is given. Scripts are imported,
not run, each by a Python of its own. A part of the label maps is 4 images of the default; its start-up is what the run takes
beyond the images and beyond a run that makes nothing.
"""

import argparse
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.timing import in_turn
from pipeline.sources import ROOT

SNAKEMAKE = [sys.executable, "-m", "snakemake"]
IMPORT = [sys.executable, "-c", "import runpy, sys; sys.path.insert(0, ''); runpy.run_path(sys.argv[1])"]
MAPS = "scenes/zoom/small_resnet"  # of the default configuration
PART = "1of60"  # 4 of its 240 images
IMAGES = re.compile(r"4 images in ([\d.]+) s")


def output_of(command: list[str], folder: Path) -> str:
    """What a command in a folder prints; one that fails stops the measurement."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    return done.stdout


def medians(commands: dict[str, list[str]], folder: Path, repeats: int) -> dict[str, float]:
    """Seconds of each command."""
    calls: dict[str, Callable[[int], object]] = {
        name: lambda _, command=command: output_of(command, folder) for name, command in commands.items()
    }
    return {name: statistics.median(seconds) for name, seconds in in_turn(calls, repeats).items()}


def part(run: list[str], folder: Path, repeats: int) -> tuple[float, float]:
    """Seconds of a `run` that makes one part of the label maps, and of its images."""
    maps = folder / "results" / MAPS / f"label_maps/{PART}.h5"
    log = folder / "logs/compute_label_maps" / MAPS / f"{PART}.log"
    images = []

    def make(_: int) -> None:
        output_of([*run, "--force", str(maps.relative_to(folder))], folder)
        images.append(float(IMAGES.search(log.read_text()).group(1)))

    seconds = statistics.median(in_turn({"part": make}, repeats)["part"])
    maps.unlink()
    return seconds, statistics.median(images[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=ROOT, help="a checkout where the default is made")
    parser.add_argument("--configfile", type=Path, help="what was laid over the default")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    measure = partial(medians, folder=folder, repeats=arguments.repeats)

    overlay = ["--configfile", str(arguments.configfile.resolve())] if arguments.configfile else []
    dry, run = ([*SNAKEMAKE, *option, *overlay] for option in (["--dry-run"], ["--cores", "2"]))
    if "Nothing to be done" not in output_of(dry, folder):
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

    made, images = part(run, folder, arguments.repeats)
    print(f"{'part of 4 images, the run':34}{made:6.2f} s   {made / floor:.1f}")
    print(f"{'  its start-up':34}{made - nothing - images:6.2f} s")

    scripts = sorted((folder / "workflow" / "scripts").glob("*.py"))
    imports = {"import torch": [sys.executable, "-c", "import torch"]} | {
        f"import {script.stem}": [*IMPORT, str(script)] for script in scripts
    }
    for name, seconds in sorted(measure(imports).items(), key=lambda entry: -entry[1]):
        print(f"{name:34}{seconds:6.2f} s")


if __name__ == "__main__":
    main()
