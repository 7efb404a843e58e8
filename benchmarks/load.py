"""Memory and open files while the label maps of many images are computed, and the costs of many parts.

    python -m benchmarks.load IMAGES [--images 2000] [--parts 200]

First it computes the label maps of the given number of images (those of the folder IMAGES, repeated) with a small network,
as the rule does, and prints resident memory and open files after every tenth of the images. Then, for a data set with as
many images in the given number of parts, it prints the time of Snakemake's dry run, the times to join random parts and to
read them all, and the largest number of files open at once.
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

from benchmarks.label_maps import index_images
from labelmaps import views
from labelmaps.data.batches import first_images
from labelmaps.inference import engines
from labelmaps.inference.label_maps import compute_label_maps
from labelmaps.networks.build import build
from labelmaps.networks.compute import be_deterministic, resolve_batch, resolve_device
from labelmaps.networks.load import COMPARED_IMAGES
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.weights import random_weights
from labelmaps.storage.label_map_file import join_label_maps, open_label_maps, write_label_maps
from pipeline.sources import ROOT

LABELS = 14


def read_resident_memory() -> float:
    """Read the resident memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20


def count_open_files() -> int:
    """Count the files that this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def watch_label_maps(index: pd.DataFrame, folder: Path) -> None:
    """Compute the label maps of an index into a folder, and print memory and open files after every tenth of the images."""
    be_deterministic()
    device = resolve_device("cpu")
    network = build("small_resnet", LABELS)
    network.load_state_dict(random_weights("small_resnet", LABELS, seed=0))
    view, images = views.create_view("zoom"), first_images(index, COMPARED_IMAGES)
    engine = engines.create_engine(
        "exact", network.eval(), view, Preprocessing(), device, "float32", False, images
    )
    batch = engine.round_batch(resolve_batch(None, device))
    step = len(index) // 10
    print("| images | MiB | open files |\n|---|---|---|")
    n_images, n_lines = 0, 0
    with write_label_maps(folder / "part.h5", index["image"].tolist(), 7, LABELS, {}) as writer:
        for n in compute_label_maps(index, engine, batch, writer):
            n_images += n
            if n_images // step > n_lines:
                n_lines = n_images // step
                print(f"| {n_images:,} | {read_resident_memory():.0f} | {count_open_files()} |", flush=True)


def time_dry_run(parts: int, images: int, folder: Path) -> None:
    """Print the time of a dry run for a data set whose label maps are divided into `parts` parts."""
    path = folder / "parts.yaml"
    path.write_text(
        yaml.safe_dump({"datasets": {"scenes": {"scenes": {"images": images}, "parts": parts}}}),
        encoding="utf-8",
    )
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


def time_join(parts: int, images: int, folder: Path) -> None:
    """Print the times to join `parts` parts of random label maps and to read them, and the number of open files."""
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
                digest=[""] * len(names),
                log_probability=rng.normal(size=(*shape, LABELS)),
                log_sum_exp=rng.normal(size=shape),
                top_label=rng.integers(LABELS, size=shape),
                centre=rng.random((*shape, 2)),
                extent=rng.random((*shape, 4)),
            )
    start = time.perf_counter()
    names = [f"{i:06}" for i in range(images)]
    join_label_maps(paths, folder / "joined.h5", names, [""] * images)
    join_seconds = time.perf_counter() - start
    start = time.perf_counter()
    with open_label_maps(folder / "joined.h5") as file:
        open_seconds = time.perf_counter() - start
        n = sum(len(block.image) for block in file.blocks())
        n_files = count_open_files()
    read_seconds = time.perf_counter() - start
    print(
        f"{parts} parts of {n} images: joined in {join_seconds:.2f} s, opened in {open_seconds:.3f} s, "
        f"read in {read_seconds:.2f} s; {n_files} files open"
    )


def main() -> None:
    """Run all measurements and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--parts", type=int, default=200)
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.iterdir())
    index = index_images((paths * (arguments.images // len(paths) + 1))[: arguments.images])
    index["image"] = [f"{i:06}" for i in range(len(index))]
    with tempfile.TemporaryDirectory() as temporary:
        watch_label_maps(index, Path(temporary))
        time_dry_run(arguments.parts, arguments.images, Path(temporary))
        time_join(arguments.parts, arguments.images, Path(temporary))


if __name__ == "__main__":
    main()
