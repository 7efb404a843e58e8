"""A small study, for tests: the files that a run leaves, of pictures and logits that are drawn at random.

`write_data_set` writes pictures, their index and their classes; `random_label_maps` and `write_joined` write what a network
says of them; `of_glimpse` makes the maps of a method that looks once; `look` writes any method's fixations and scores.
`run_network` runs a script that runs a network for real.
"""

import hashlib
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from labelmaps.data.images import read_digest
from labelmaps.data.index import SCHEMA, write_index
from labelmaps.storage.label_map_file import (
    DTYPES,
    LabelMaps,
    join_label_maps,
    open_label_maps,
    write_label_maps,
)
from labelmaps.storage.saliency_file import SaliencyMaps
from labelmaps.views import cell_points
from workflow.scripts.score_fixations import score_fixations
from workflow.scripts.select_fixations import select_fixations

NO_BOX = np.empty((0, 4), np.float32)
MADE_BY = {
    "architecture": "resnet18",
    "weights_sha256": "0123",
    "weights_source": "random",
    "preprocessing": {"size": 16},
    "network": {"architecture": "resnet18"},
    "view": {"family": "zoom", "grid": 3},
    "precision": "float32",
    "engine": "exact",
    "compiled": False,
    "operations_per_view": 1000,
}


def noise(*sizes, seed=0):
    """Make pictures of noise, (H, W, RGB) uint8, of sizes (width, height)."""
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (height, width, 3), np.uint8) for width, height in sizes]


def soft_pictures(*sizes, seed=0):
    """Make smooth and colourful pictures of sizes (width, height), whose views differ."""
    coarse = noise(*[(5, 5)] * len(sizes), seed=seed)
    return [np.array(Image.fromarray(few).resize(size)) for few, size in zip(coarse, sizes, strict=True)]


def index_of(paths, sizes, **columns):
    """Make the index of image files of sizes (width, height); columns: what it says otherwise than of any file."""
    width, height = np.reshape(sizes, (-1, 2)).T
    table = {"image": [f"image {i:02}" for i in range(len(paths))], "path": list(map(str, paths))}
    table |= {"offset": -1, "length": -1, "digest": "", "label": 0, "width": width, "height": height}
    return pd.DataFrame(table | {"boxes": [NO_BOX] * len(paths)} | columns)[SCHEMA.names]


def save_pictures(folder, pictures, **columns):
    """Save pictures without loss, as 00.png, 01.png …; return their index, with digests and these columns."""
    paths = [folder / f"{i:02}.png" for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    sizes = [picture.shape[1::-1] for picture in pictures]
    return index_of(paths, sizes, **{"digest": list(map(read_digest, paths))} | columns)


def write_data_set(folder, pictures, classes, **columns):
    """Save pictures, `index.parquet` and `classes.txt`; return the index. classes: their names, or how many there are."""
    index = save_pictures(folder, pictures, **columns)
    write_index(folder / "index.parquet", index)
    names = [f"class {i}" for i in range(classes)] if isinstance(classes, int) else classes
    (folder / "classes.txt").write_text("".join(f"n{i:08} {name}\n" for i, name in enumerate(names)))
    return index


def random_label_maps(images, sizes, view, n_labels, random):
    """Make label maps of random logits for images of sizes (width, height)."""
    logits = random.normal(0, 2, (len(images), view.grid, view.grid, n_labels)).astype(np.float32)
    log_sum_exp = np.log(np.exp(logits).sum(axis=-1))
    looks = [view.geometry(*size) for size in sizes]
    centre, extent = (np.stack([getattr(look, name) for look in looks]) for name in ("centre", "extent"))
    log_probability = logits - log_sum_exp[..., None]
    return LabelMaps(list(images), log_probability, log_sum_exp, logits.argmax(axis=-1), centre, extent)


def digests_of(images, pixels="pixels"):
    """Make up the digests of images; pixels: another text for other pixels."""
    return [hashlib.sha256(f"{pixels} of {image}".encode()).hexdigest() for image in images]


def write_part(path, maps, made_by=MADE_BY, digests=None):
    """Write label maps as one part, some images at a time."""
    digests = digests or digests_of(maps.image)
    _, grid, _, n_labels = maps.log_probability.shape
    with write_label_maps(path, maps.image, grid, n_labels, {"batch": 4} | made_by) as writer:
        for start in range(0, len(maps.image), 20):
            rows = slice(start, start + 20)
            writer.append(digest=digests[rows], **{name: getattr(maps, name)[rows] for name in DTYPES})


def write_joined(path, maps, made_by=MADE_BY, cuts=(), digests=None):
    """Write label maps in parts, cut before these images, and join them at a path; return the paths of the parts.

    digests: of the images; made up unless given.
    """
    digests = digests or digests_of(maps.image)
    starts = [0, *cuts, len(maps.image)]
    parts = [path.with_suffix("") / f"{i}of{len(starts) - 1}.h5" for i in range(1, len(starts))]
    for part, start, stop in zip(parts, starts[:-1], starts[1:], strict=True):
        fields = [getattr(maps, name)[start:stop] for name in LabelMaps.__dataclass_fields__]
        write_part(part, LabelMaps(*fields), made_by, digests[start:stop])
    join_label_maps(parts, path, maps.image, digests)
    return parts


def both(path):
    """Name the two files of a table of results: the CSV file and the sealed one."""
    return [path.with_suffix(".csv"), path.with_suffix(".parquet")]


def origin_of(label_maps):
    """Say which label maps lie at a path, as what is made from them says it."""
    with open_label_maps(label_maps) as file:
        return {"label_maps": file.integrity}


def of_glimpse(maps, saliency, own_label=None, digests=None):
    """Make saliency maps (image, row, column) whose cells divide the central view, as of a method that looks once."""
    row, column = maps.initial
    point = cell_points(maps.extent[:, row, column], *saliency.shape[1:])
    return SaliencyMaps(maps.image, saliency, point, own_label, digests)


def look(saliency, label_maps, index):
    """Select fixations on saliency maps and score them, in folders beside that of the maps; return both tables' paths."""
    base, name = Path(saliency).parent.parent, f"{Path(saliency).stem}.parquet"
    fixations, scores = base / "fixations" / name, base / "scores" / name
    select_fixations(saliency=saliency, label_maps=label_maps, fixations=fixations, arrival="nearest")
    score_fixations(fixations=fixations, label_maps=label_maps, index=index, scores=scores, tolerance=0.0)
    return fixations, scores


def network_of(architecture="small_resnet", size=64, **others):
    """Make the configuration of a network, as its rule gives it."""
    return {"architecture": architecture, "source": "checkpoint", "size": size} | others


def run_network(script, folder, compute=None, weights="weights.pth", **arguments):
    """Run a script that runs a network, on a CPU, on the data set and the weights in a folder.

    compute, arguments: what is otherwise than here, and what only this script takes.
    """
    usual = {
        "index": folder / "index.parquet",
        "classes": folder / "classes.txt",
        "weights": folder / weights,
    }
    usual |= {"network_config": network_of(), "view_config": {"family": "zoom", "grid": 3}, "threads": 2}
    usual["images_mib"] = 192
    usual["compute_config"] = {"device": "cpu", "precision": "float32", "compile": "never", "batch": 9} | (
        compute or {}
    )
    if "layer" in inspect.signature(script).parameters:
        usual["layer"] = None
    script(**usual | arguments)
