"""Does a long run stay small? Memory and open files along the label maps of many images, and a graph of many parts.

    python -m benchmarks.load IMAGES [--images 2000] [--parts 200]

First the label maps of so many images (those of the folder IMAGES over and over) by a small network, as the rule makes them:
resident memory and open files after every tenth of the images. Then a data set of as many images in so many parts: the time
of Snakemake's dry run, and of joining drawn parts and reading them all, with the most files open at once.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from benchmarks.label_maps import index_of
from labelmaps.inference import engines
from labelmaps.inference.label_maps import compute_label_maps
from labelmaps.jobs.memory import usual_batch
from labelmaps.networks.build import build
from labelmaps.networks.classifier import be_deterministic, resolve_device
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.weights import random_weights
from labelmaps.storage.label_map_file import join_label_maps, open_label_maps, write_label_maps
from labelmaps.views import zoom
from pipeline.sources import ROOT

LABELS = 14


def resident() -> float:
    """Memory of the process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def open_files() -> int:
    """How many files the process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def watch_label_maps(index: pd.DataFrame, folder: Path) -> None:
    """Memory and open files while the label maps of an index are computed and written."""
    be_deterministic()
    device = resolve_device("cpu")
    network = build("small_resnet", LABELS)
    network.load_state_dict(random_weights("small_resnet", LABELS, seed=0))
    engine = engines.create("exact", network.eval(), zoom.View(), Preprocessing(), device, "float32", False)
    batch = engine.possible(usual_batch(device))
    step = len(index) // 10
    print("| images | MiB | open files |\n|---|---|---|")
    done, told = 0, 0
    with write_label_maps(folder / "part.h5", index["image"].tolist(), 7, LABELS, {}) as writer:
        for n in compute_label_maps(index, engine, batch, writer):
            done += n
            if done // step > told:
                told = done // step
                print(f"| {done:,} | {resident():.0f} | {open_files()} |", flush=True)


def plan(parts: int, images: int, folder: Path) -> None:
    """Time of a dry run whose label maps are divided in so many parts."""
    path = folder / "parts.yaml"
    path.write_text(yaml.safe_dump({"datasets": {"scenes": {"scenes": {"images": images}, "parts": parts}}}))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--dry-run",
        "--quiet",
    ]
    start = time.perf_counter()
    subprocess.run([*command, "--configfile", str(path)], cwd=folder, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    print(f"dry run of {parts} parts: {seconds:.1f} s")


def join(parts: int, images: int, folder: Path) -> None:
    """Time and open files of joining so many drawn parts, and of reading them."""
    (folder / "label_maps").mkdir()
    rng = np.random.default_rng(0)
    paths = []
    for part, names in enumerate(np.array_split([f"{i:06}" for i in range(images)], parts)):
        paths.append(folder / "label_maps" / f"{part}.h5")
        shape = (len(names), 7, 7)
        with write_label_maps(
            paths[-1], names.tolist(), 7, LABELS, {"batch": 1, "weights_source": "drawn"}
        ) as writer:
            writer.append(
                log_probability=rng.normal(size=(*shape, LABELS)),
                log_sum_exp=rng.normal(size=shape),
                top_label=rng.integers(LABELS, size=shape),
                centre=rng.random((*shape, 2)),
                extent=rng.random((*shape, 4)),
            )
    start = time.perf_counter()
    join_label_maps(paths, folder / "joined.h5", [f"{i:06}" for i in range(images)])
    joined = time.perf_counter() - start
    start = time.perf_counter()
    with open_label_maps(folder / "joined.h5") as file:
        opened = time.perf_counter() - start
        n = sum(len(block.image) for block in file.blocks())
        most = open_files()
    read = time.perf_counter() - start
    print(
        f"{parts} parts of {n} images: joined in {joined:.2f} s, opened in {opened:.3f} s, read in {read:.2f} s; "
        f"{most} files open"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--parts", type=int, default=200)
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.iterdir())
    index = index_of((paths * (arguments.images // len(paths) + 1))[: arguments.images])
    index["image"] = [f"{i:06}" for i in range(len(index))]
    with tempfile.TemporaryDirectory() as temporary:
        watch_label_maps(index, Path(temporary))
        plan(arguments.parts, arguments.images, Path(temporary))
        join(arguments.parts, arguments.images, Path(temporary))


if __name__ == "__main__":
    main()
