"""The paper's Figure 2 from JPEG bytes to PDF, stage by stage, on generated images of ImageNet's sizes.

    python -m benchmarks.whole_run FOLDER [--images 500 4000] [--networks resnet101 resnet18] [--cores 16] [--device cuda]

Generates images, their boxes and random weights in FOLDER, and runs the workflow as a user does, once for few of the images
and once for many. Prints for each rule the number of its jobs, the seconds that they took together in either run, and the
seconds that 50,000 images would take, extrapolated on a straight line through the two runs. The last row is the wall-clock
time of the whole run, in which Snakemake runs some jobs at the same time.
"""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from pipeline.sources import ROOT

IMAGENET = 50_000
# Sizes (width, height) of ImageNet's validation images: half are 500 × 375, the median; most others have a side of 500.
SIZES = [(500, 375)] * 5 + [(500, 333), (375, 500), (333, 500), (640, 480), (500, 400)]
FIGURE = "results/generated/figures/figure_2_zoom.pdf"


def generate_image(arguments: tuple[Path, int]) -> None:
    """Write a JPEG of noise at several scales, which is about as large a file as ImageNet's images.

    arguments: the path, and the seed, which also chooses the size.
    """
    path, seed = arguments
    rng = np.random.default_rng(seed)
    width, height = SIZES[seed % len(SIZES)]
    picture = np.zeros((height, width, 3))
    for scale in (1, 4, 16, 64):
        coarse = rng.normal(size=(height // scale + 1, width // scale + 1, 3)) * scale**0.25
        picture += coarse.repeat(scale, axis=0).repeat(scale, axis=1)[:height, :width]
    picture = 128 + 40 * picture / picture.std()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=95)


def generate_images(folder: Path, n: int) -> list[Path]:
    """Generate n images in a new folder, with names as in ImageNet, and return their paths."""
    folder.mkdir(parents=True)
    paths = [folder / f"ILSVRC2012_val_{i + 1:08}.JPEG" for i in range(n)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(generate_image, zip(paths, range(n), strict=True), chunksize=16))
    return paths


def prepare(folder: Path, images: list[Path], networks: list[str], device: str, cores: int) -> None:
    """Write what a run needs into a new folder: links to the images, their boxes, and the configuration `config.yaml`."""
    (folder / "images").mkdir(parents=True)
    for path in images:
        (folder / "images" / path.name).hardlink_to(path)
    synsets = [
        line.split()[0]
        for line in (ROOT / "resources/imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    ]
    boxes = [f"{synsets[i % len(synsets)]} 50 40 300 280" for i in range(len(images))]
    table = pd.DataFrame({"ImageId": [path.stem for path in images], "PredictionString": boxes})
    table.to_csv(folder / "boxes.csv", index=False)
    config = {
        "datasets": {
            "generated": {"images": "images", "boxes": "boxes.csv", "parts": 1, "verify": "header"},
        },
        "models": {name: {"architecture": name, "random": {"seed": 0}} for name in networks},
        "compute": {"device": device, "precision": "auto", "compile": "always", "threads": cores},
        "run": {"datasets": ["generated"], "models": networks},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def run(folder: Path, cores: int) -> float:
    """Run the workflow in a folder until the figure is made, and return the seconds that it took."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--quiet", "all"]
    command += ["--configfile", "config.yaml", "--cores", str(cores), "--resources", "gpu=1", "--", FIGURE]
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True)
    return time.perf_counter() - start


def read_job_times(folder: Path) -> pd.DataFrame:
    """Read the times of a run's jobs from Snakemake's metadata.

    Returns one row per rule, with the number of its jobs and their seconds.
    """
    seconds_of_job = {}
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            metadata = json.loads(
                path.read_text(encoding="utf-8")
            )  # there is one file per output; jobs are distinguished by their logs
            seconds_of_job[metadata["rule"], *metadata["log"]] = metadata["endtime"] - metadata["starttime"]
    table = pd.DataFrame(
        [(rule, seconds) for (rule, *_), seconds in seconds_of_job.items()], columns=["rule", "seconds"]
    )
    by_rule = table.groupby("rule")["seconds"]
    return pd.DataFrame({"jobs": by_rule.size(), "seconds": by_rule.sum()})


def make_parser() -> argparse.ArgumentParser:
    """Create the parser of the command line's arguments, which `benchmarks.gpu` uses, too."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, nargs=2, default=[500, 4000])
    parser.add_argument("--networks", nargs="+", default=["resnet101", "resnet18"])
    parser.add_argument("--cores", type=int, default=16)
    parser.add_argument("--device", default="cuda")
    return parser


def main() -> None:
    """Generate the images, run the workflow twice, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, parents=[make_parser()]
    )
    arguments = parser.parse_args()
    few, many = sorted(arguments.images)
    if few == many:
        parser.error("--images: two numbers, one below the other")
    images = generate_images(arguments.folder / "images", many)
    tables = {}
    for n in (few, many):
        folder = arguments.folder / f"run_{n}"
        prepare(folder, images[:n], arguments.networks, arguments.device, arguments.cores)
        seconds = run(folder, arguments.cores)
        tables[n] = read_job_times(folder).sort_values("seconds")
        tables[n].loc["the whole run"] = tables[n]["jobs"].sum(), seconds
    table = pd.DataFrame({"jobs": tables[many]["jobs"]} | {f"s at {n}": tables[n]["seconds"] for n in tables})
    table = table.reindex(tables[many].index)  # with the whole run in the last row
    each = ((table[f"s at {many}"] - table[f"s at {few}"]) / (many - few)).clip(
        lower=0
    )  # below 0 it is noise
    table["ms per image"] = 1000 * each
    table[f"s at {IMAGENET}"] = table[f"s at {many}"] + each * (IMAGENET - many)
    print(table.round(1).to_string())


if __name__ == "__main__":
    main()
