"""Flips one bit after another in small files and reads them; a program, so that a crash or a hang of a reader is noticed.

python -m helpers.flips FOLDER EVERY: bits of every so many-th byte, from a place drawn at random, and of every byte of what
is small and must not change: image ids, attributes. Prints what is tried, then for each file a line of JSON: how many flips
were refused, how many left what is read as it was (in bytes that nobody reads), and which did anything else.
"""

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from helpers.study import digests_of, of_glimpse, random_label_maps, write_joined
from labelmaps.errors import InputError
from labelmaps.storage.label_map_file import join_label_maps, open_label_maps
from labelmaps.storage.parquet import read_parquet, write_parquet
from labelmaps.storage.saliency_file import read_saliency, read_saliency_maps, write_saliency
from labelmaps.views.zoom import View

IMAGES = ["Ünï 1", "b"]
ATTRIBUTES = {"weights_sha256": "0123456789abcdef" * 4, "view": {"family": "zoom", "floor": 0.1}, "batch": 4}
ATTRIBUTES |= {f"attribute_{i}": "é" * i for i in range(12)}  # as many as a real file has


def write_files(folder):
    """Write a part, its joined file, a file of saliency maps and a table."""
    random = np.random.default_rng(0)
    maps = random_label_maps(IMAGES, [(61, 45), (37, 53)], View(grid=3), 5, random)
    write_joined(folder / "joined.h5", maps, ATTRIBUTES)
    glimpse = of_glimpse(maps, random.random((2, 3, 3)), np.array([3, 4]))
    write_saliency(folder / "saliency.h5", glimpse, ATTRIBUTES)
    table = pd.DataFrame({"image": IMAGES, "x": random.random(2), "tie": [True, False]})
    table["own_label"] = pd.Series([1, None], dtype="Int16")
    table.attrs = {"label_maps": "0123456789abcdef"}
    write_parquet(folder / "table.parquet", table)


def label_maps_of(joined):
    with open_label_maps(joined) as file:
        return plain(file.read(0, 2)), file.images, file.origin


def joined_again(part):
    joined = part.parent.parent / "again.h5"
    join_label_maps([part], joined, IMAGES, digests_of(IMAGES))
    return label_maps_of(joined)


def plain(maps):
    """The fields of a dataclass, arrays as bytes."""
    return {
        name: value.tobytes() if isinstance(value, np.ndarray) else value
        for name, value in vars(maps).items()
    }


def table_of(path):
    table = read_parquet(path)
    return table.to_json(), list(map(str, table.dtypes)), table.attrs


def readers(folder):
    """(name, file to spoil, function that reads it, the file's texts that must all be tried)."""
    part, joined, saliency = folder / "joined/1of1.h5", folder / "joined.h5", folder / "saliency.h5"
    return [
        ("join", part, lambda: joined_again(part)),
        ("part", part, lambda: label_maps_of(joined)),
        ("joined", joined, lambda: label_maps_of(joined)),
        ("saliency", saliency, lambda: plain(read_saliency(saliency))),
        ("saliency map", saliency, lambda: plain(read_saliency_maps(saliency, [1]))),
        ("table", folder / "table.parquet", lambda: table_of(folder / "table.parquet")),
    ]


def places(path, every, random):
    """Places in a file to be tried, and among them those that must not go unnoticed."""
    content = path.read_bytes()
    telling = []
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            ids = file["image"].id.get_chunk_info(0)
            telling += range(ids.byte_offset, ids.byte_offset + ids.size)
            for key in ("weights_sha256", "view", "integrity"):
                start = content.find(file.attrs[key])
                telling += range(start, start + len(file.attrs[key]))
    else:
        telling = range(len(content))
    return {*telling, *range(random.integers(every), len(content), every)}, set(telling)


def main():
    folder, every = Path(sys.argv[1]), int(sys.argv[2])
    write_files(folder)
    random = np.random.default_rng(0)
    for name, path, read in readers(folder):
        content, expected = path.read_bytes(), read()
        chosen, telling = places(path, every, random)
        result = {"file": name, "tried": len(chosen), "refused": 0, "same": 0, "wrong": []}
        for place in sorted(chosen):
            bit = int(random.integers(8))
            print(f"{name}: byte {place}, bit {bit}", flush=True)
            spoilt = bytearray(content)
            spoilt[place] ^= 1 << bit
            path.write_bytes(spoilt)
            try:
                unchanged = read() == expected
                result["same"] += unchanged
                if not unchanged or place in telling:
                    result["wrong"].append(f"byte {place}, bit {bit}: {'un' * unchanged}changed")
            except InputError as error:
                result["refused"] += 1
                if not str(error).startswith(f"{path}: "):
                    result["wrong"].append(f"byte {place}, bit {bit}: {error}")
            except Exception as error:
                result["wrong"].append(f"byte {place}, bit {bit}: {error!r}")
        path.write_bytes(content)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
