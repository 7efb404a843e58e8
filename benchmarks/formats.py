"""Time and memory of indexing many images in shards, and of reading them in the index's order.

    python -m benchmarks.formats [--images 20000 40000] [--orders stored shuffled]

Generates shards of small JPEGs in parquet (row groups of 100, as Hugging Face's) and in tars (WebDataset, a thousand
samples each), and a JSON with files in COCO's format; indexes each with `verify: header` in a process of its own, and prints
wall-clock and CPU seconds and the largest resident memory. For parquet it also prints the CPU seconds to read the images in
the index's order, which is the order of the rows or another.
"""

import argparse
import io
import json
import multiprocessing
import resource
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

CLASSES = 1000
ROWS_PER_SHARD, ROWS_PER_GROUP, SAMPLES_PER_TAR = 4000, 100, 1000
BOXES = 7  # the number of boxes of each image in the JSON, COCO's average


def draw_jpegs(n: int = 64) -> list[bytes]:
    """Draw n small JPEGs, of which the data sets are made."""
    rng = np.random.default_rng(0)
    jpegs = []
    for _ in range(n):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (32, 48, 3), np.uint8)).save(buffer, "jpeg")
        jpegs.append(buffer.getvalue())
    return jpegs


def name_images(n: int, order: str) -> list[str]:
    """Return names of n images that sort in the order in which the images are stored, or in another."""
    numbers = np.arange(n) if order == "stored" else np.random.default_rng(1).permutation(n)
    return [f"{number:08}" for number in numbers]


def write_parquet(folder: Path, n: int, order: str) -> dict:
    """Write shards in Hugging Face's format, and return the arguments with which they are indexed."""
    jpegs, names = draw_jpegs(), name_images(n, order)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    for shard, start in enumerate(range(0, n, ROWS_PER_SHARD)):
        rows = range(start, min(start + ROWS_PER_SHARD, n))
        images = [{"bytes": jpegs[i % len(jpegs)], "path": f"{names[i]}.JPEG"} for i in rows]
        table = pa.table({"image": pa.array(images, kind), "label": [i % CLASSES for i in rows]})
        pq.write_table(table, folder / f"train-{shard:05}.parquet", row_group_size=ROWS_PER_GROUP)
    return {"parquet": str(folder)}


def write_webdataset(folder: Path, n: int, order: str) -> dict:
    """Write tars of samples, and return the arguments with which they are indexed."""
    jpegs, names = draw_jpegs(), name_images(n, order)
    for shard, start in enumerate(range(0, n, SAMPLES_PER_TAR)):
        with tarfile.open(folder / f"train-{shard:05}.tar", "w") as archive:
            for i in range(start, min(start + SAMPLES_PER_TAR, n)):
                for ending, content in (("jpg", jpegs[i % len(jpegs)]), ("cls", str(i % CLASSES).encode())):
                    member = tarfile.TarInfo(f"{names[i]}.{ending}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return {"webdataset": str(folder)}


def write_coco(folder: Path, n: int, order: str) -> dict:
    """Write a JSON in COCO's format and its images, and return the arguments with which they are indexed."""
    jpegs, names = draw_jpegs(), name_images(n, order)
    (folder / "images").mkdir()
    for i, name in enumerate(names):
        (folder / "images" / f"{name}.jpg").write_bytes(jpegs[i % len(jpegs)])
    rng = np.random.default_rng(2)
    # Boxes of 10 × 10 anywhere in 48 × 32 pixels, of three of the 80 classes in each image, COCO's average.
    corners = rng.integers(0, (38, 22), (n, BOXES, 2)).tolist()
    kinds = rng.integers(1, 81, (n, 3)).tolist()
    boxes = [
        {
            "id": BOXES * i + k,
            "image_id": i,
            "category_id": kinds[i][k % 3],
            "bbox": [*corners[i][k], 10.25, 9.5],
        }
        | {"iscrowd": 0, "area": 600, "segmentation": [[5.5, 4.5, 35.5, 4.5, 35.5, 24.5, 5.5, 24.5]]}
        for i in range(n)
        for k in range(BOXES)
    ]
    content = {
        "images": [
            {"id": i, "file_name": f"{name}.jpg", "width": 48, "height": 32} for i, name in enumerate(names)
        ],
        "annotations": boxes,
        "categories": [{"id": i + 1, "name": f"n{i:08}"} for i in range(80)],
    }
    (folder / "instances.json").write_text(json.dumps(content), encoding="utf-8")
    return {"coco": str(folder / "instances.json"), "images": str(folder / "images"), "box_format": "size"}


def index(folder: Path, source: dict, reads: bool) -> tuple[float, float, float, float]:
    """Index a data set, and read its images if `reads`.

    Returns the wall-clock and CPU seconds to index it, the largest resident memory in MiB, and the CPU seconds to read all
    images.
    """
    from labelmaps.data.batches import read_ahead
    from labelmaps.data.indexing import index_dataset

    start, used = time.perf_counter(), time.process_time()
    rows, excluded = index_dataset(folder / "classes.txt", **source, verify="header", workers=2)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert excluded.empty, excluded
    start = time.process_time()
    if reads:
        assert sum(1 for _ in read_ahead(rows, workers=2)) == len(rows)
    return seconds, used, memory, time.process_time() - start


def in_own_process(function: Callable, *arguments):
    """Call a function in a process of its own, so that its memory is measured separately."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def main() -> None:
    """Measure all formats and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[20_000, 40_000])
    parser.add_argument("--orders", nargs="+", default=["stored", "shuffled"])
    parser.add_argument("--formats", nargs="+", default=["parquet", "webdataset", "coco"])
    arguments = parser.parse_args()
    writers = {"parquet": write_parquet, "webdataset": write_webdataset, "coco": write_coco}
    print(
        "| format | order | images | s | s of a core | MiB | s of a core to read |\n|---|---|---|---|---|---|---|"
    )
    for name in arguments.formats:
        for order in arguments.orders:
            for n in arguments.images:
                with tempfile.TemporaryDirectory() as temporary:
                    folder = Path(temporary)
                    (folder / "data").mkdir()
                    text = "".join(f"n{i:08} name{i}\n" for i in range(CLASSES))
                    (folder / "classes.txt").write_text(text, encoding="utf-8")
                    source = in_own_process(partial(writers[name], folder / "data"), n, order)
                    seconds, used, memory, read = in_own_process(index, folder, source, name == "parquet")
                print(
                    f"| {name} | {order} | {n:,} | {seconds:.1f} | {used:.1f} | {memory:.0f} | {read:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
