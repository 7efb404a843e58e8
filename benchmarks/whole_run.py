"""A whole run from JPEG bytes to figures, stage by stage, on generated images of ImageNet's sizes.

    python -m benchmarks.whole_run FOLDER [--images 4000] [--networks resnet101 resnet18] [--cores 16] [--device cuda]

Generates the images, their boxes and random weights in FOLDER, runs the workflow there as a user does, and prints for each
rule its jobs, the seconds they took, and the seconds that 50,000 images would take: label maps, saliency and the index grow
with the images, the rest is listed as it is. What the jobs took is what Snakemake notes of them.
"""

import argparse
import json
import subprocess
import sys
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
GROWING = (
    "index_dataset",
    "compute_label_maps",
    "compute_glimpse_saliency",
    "compute_saliency",
    "join_label_maps",
)


def generate_image(arguments: tuple[Path, int]) -> None:
    """A JPEG of natural roughness: noise at several scales, as large a file as ImageNet's."""
    path, seed = arguments
    rng = np.random.default_rng(seed)
    width, height = SIZES[seed % len(SIZES)]
    picture = np.zeros((height, width, 3))
    for scale in (1, 4, 16, 64):
        coarse = rng.normal(size=(height // scale + 1, width // scale + 1, 3)) * scale**0.25
        picture += coarse.repeat(scale, axis=0).repeat(scale, axis=1)[:height, :width]
    picture = 128 + 40 * picture / picture.std()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=95)


def generate(folder: Path, n: int, networks: list[str], device: str, cores: int) -> Path:
    """Images, boxes and a configuration for them; returns the configuration's path."""
    images = folder / "images"
    images.mkdir(parents=True)
    paths = [images / f"ILSVRC2012_val_{i + 1:08}.JPEG" for i in range(n)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(generate_image, zip(paths, range(n), strict=True), chunksize=16))
    synsets = [line.split()[0] for line in (ROOT / "resources/imagenet_classes.txt").read_text().splitlines()]
    boxes = [f"{synsets[i % len(synsets)]} 50 40 300 280" for i in range(n)]
    table = pd.DataFrame({"ImageId": [path.stem for path in paths], "PredictionString": boxes})
    table.to_csv(folder / "boxes.csv", index=False)
    config = {
        "datasets": {
            "generated": {"images": "images", "boxes": "boxes.csv", "parts": 1, "verify": "header"},
        },
        "models": {name: {"architecture": name, "random": {"seed": 0}} for name in networks},
        "compute": {"device": device, "precision": "auto", "threads": cores},
        "run": {"datasets": ["generated"], "models": networks},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def job_times(folder: Path) -> pd.DataFrame:
    """One row per rule: jobs and seconds, from what Snakemake noted of each output."""
    jobs = {}
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            noted = json.loads(path.read_text())
            jobs[noted["rule"], *noted["log"]] = noted["endtime"] - noted["starttime"]  # one log a job
    table = pd.DataFrame(
        [(rule, seconds) for (rule, *_), seconds in jobs.items()], columns=["rule", "seconds"]
    )
    return (
        table.groupby("rule")["seconds"]
        .agg(["size", "sum"])
        .rename(columns={"size": "jobs", "sum": "seconds"})
    )


def main() -> None:
    """Generate, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--networks", nargs="+", default=["resnet101", "resnet18"])
    parser.add_argument("--cores", type=int, default=16)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    config = generate(
        arguments.folder, arguments.images, arguments.networks, arguments.device, arguments.cores
    )
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--quiet", "all"]
    command += ["--configfile", config.name, "--cores", str(arguments.cores), "--resources", "gpu=1"]
    subprocess.run(command, cwd=arguments.folder, check=True)
    table = job_times(arguments.folder)
    factor = np.where(table.index.isin(GROWING), IMAGENET / arguments.images, 1)
    table[f"for {IMAGENET} images"] = table["seconds"] * factor
    print(table.sort_values("seconds", ascending=False).round(1).to_string())
    print(table.sum().round(1).to_string())


if __name__ == "__main__":
    main()
