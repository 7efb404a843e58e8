"""Time and memory of every stage without a network, at the size of ImageNet's validation set, on generated data.

    python -m benchmarks.full_size [--images 5000 20000 50000] [--csv LOC_val_solution.csv] [--folder DIR]

Draws images, boxes, label maps (7 × 7 fixations, 1000 labels, noise with a raised label: 5 GB for 50,000 images) and the
saliency maps of the methods on x₀; then runs each stage of the default configuration up to the tables as its rule does: the
function of its script, in a process of its own, from files to files. The join reads all label maps, which are then in the
page cache.

Prints for each stage and number of images: seconds; ms per image; CPU seconds of the process, including its start and
imports; its peak memory in MiB. Runs of one rule that take the same time, method by method, share a row, with the sum of the
seconds and the largest peak.

--csv: Kaggle's file of boxes; otherwise boxes are drawn. --folder: keeps the generated files for another measurement.
"""

import argparse
import importlib
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from labelmaps import views
from labelmaps.data.annotations import read_annotations
from labelmaps.data.classes import read_classes
from labelmaps.networks.config import NetworkConfig
from labelmaps.storage.label_map_file import write_label_maps
from labelmaps.storage.saliency_file import SaliencyMaps, write_saliency
from pipeline.settings.configuration import Settings
from pipeline.settings.reading import read_settings
from pipeline.settings.views_and_methods import Method, View
from pipeline.sources import ROOT

CLASSES = ROOT / "resources" / "imagenet_classes.txt"
LABELS = 1000
PART = 1000  # images
BLOCK = 64  # images
TYPICAL = (500, 375)  # width and height of an image, unless its boxes need more
NETWORK = {
    "dataset": "drawn",
    "view": "zoom",
    "model": "drawn",
    "architecture": "resnet18",
    "weights": "drawn",
}
TABLES = ("summary", "comparisons", "pointing", "who_gains", "best_of_n", "paper", "paper_orders")

Stage = tuple[
    str, str, dict
]  # its name in the table, the function's dotted name, and the function's arguments


def draw_images(folder: Path, sizes: list[int], csv: Path | None) -> pd.DataFrame:
    """Write the images and boxes of each data set; return image, label, width and height of the largest one, sorted.

    sizes: the numbers of images of the data sets. csv: Kaggle's file of boxes; None to draw boxes.

    An image is as large as its boxes need; images of one size are one file with many names.
    """
    boxes = folder / "boxes.csv"
    if csv is None:
        draw_boxes(boxes, max(sizes))
    else:
        boxes.write_bytes(csv.read_bytes())
    lines = pd.read_csv(boxes, dtype=str).sort_values("ImageId")
    table = read_annotations(boxes, read_classes(CLASSES)).table
    corners = np.array([np.max(image_boxes, axis=0)[2:] for image_boxes in table["boxes"]])
    width, height = np.ceil(np.maximum(corners, TYPICAL)).astype(int).T
    images = table[["image", "label"]].assign(width=width, height=height)[: max(sizes)]
    generator = np.random.default_rng(0)
    for n in sizes:
        lines[:n].to_csv(folder / f"boxes_{n}.csv", index=False)
        here = folder / f"images_{n}"
        if here.exists():
            continue
        here.mkdir()
        for size, of_size in images[:n].groupby(["width", "height"]):
            first, *others = (here / f"{image}.JPEG" for image in of_size["image"])
            coarse = generator.integers(0, 256, (size[1] // 4, size[0] // 4, 3), np.uint8)
            Image.fromarray(coarse).resize(size).save(first)
            for other in others:
                other.hardlink_to(first)
    return images


def draw_boxes(path: Path, n: int) -> None:
    """Write a file with one or two boxes for each of n images, in Kaggle's format."""
    generator = np.random.default_rng(0)
    ids = [item.id for item in read_classes(CLASSES)]
    rows = []
    for i in range(n):
        label, count = ids[generator.integers(LABELS)], generator.integers(1, 3)
        low, high = np.sort(generator.random((2, count, 2)), axis=0) * (TYPICAL[0] - 1, TYPICAL[1] - 1)
        corners = np.hstack([np.floor(low), np.floor(high) + 1]).astype(int)
        text = "".join(f"{label} {' '.join(map(str, box))} " for box in corners.tolist())
        rows.append((f"ILSVRC2012_val_{i + 1:08}", text))
    pd.DataFrame(rows, columns=["ImageId", "PredictionString"]).to_csv(path, index=False)


def draw_label_maps(folder: Path, images: pd.DataFrame, view: View, ends: list[int]) -> None:
    """Write the parts of the label maps of a view. ends: the positions in the index at which the parts end."""
    network = NetworkConfig(architecture=NETWORK["architecture"], source="")
    configured = views.create_view(**view.arguments | network.own_options(view.arguments))
    cells = (configured.grid, configured.grid)
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 2, (BLOCK, *cells, LABELS)).astype(np.float32)
    total, best = np.exp(noise).sum(axis=-1), noise.max(axis=-1)
    for start, stop in zip([0, *ends], ends, strict=False):
        part, rows = folder / f"{start}-{stop}.h5", images[start:stop]
        if part.exists():
            continue
        attributes = made_by(view) | {"batch": BLOCK}
        with write_label_maps(part, rows["image"].tolist(), configured.grid, LABELS, attributes) as writer:
            for first in range(0, len(rows), BLOCK):
                block = rows[first : first + BLOCK]
                n, label = len(block), block["label"].to_numpy()[:, None, None, None]
                # The label's logit is raised in all views of an image, and more in some than in others.
                strength = abs(generator.normal(5, 3, (n, 1, 1, 1)) + generator.normal(0, 3, (n, *cells, 1)))
                target = np.take_along_axis(noise[:n], label, axis=-1)
                raised = target + strength.astype(np.float32)
                log_sum_exp = np.log(total[:n, ..., None] - np.exp(target) + np.exp(raised))
                log_probability = noise[:n] - log_sum_exp
                np.put_along_axis(log_probability, label, raised - log_sum_exp, axis=-1)
                is_best = raised > best[:n, ..., None]
                geometries = [
                    configured.geometry(*size) for size in zip(block["width"], block["height"], strict=True)
                ]
                writer.append(
                    digest=[""] * n,  # images with the same name differ between the data sets
                    log_probability=log_probability,
                    log_sum_exp=log_sum_exp[..., 0],
                    top_label=np.where(is_best, label, noise[:n].argmax(axis=-1, keepdims=True))[..., 0],
                    centre=np.stack([geometry.centre for geometry in geometries]),
                    extent=np.stack([geometry.extent for geometry in geometries]),
                )


def made_by(view: View) -> dict[str, object]:
    """Return the provenance that stages compare between the files that they read together."""
    return {
        "architecture": NETWORK["architecture"],
        "weights_source": NETWORK["weights"],
        "weights_sha256": NETWORK["weights"],
        "preprocessing": {},
        "precision": "float32",
        "engine": "exact",
        "network": {},
        "view": view.arguments,
    }


def draw_glimpse_saliency(path: Path, images: pd.DataFrame, view: View, method: Method) -> None:
    """Write random saliency maps and labels, in the form of a method on x₀ that also gives labels."""
    generator = np.random.default_rng(0)
    n = len(images)
    whole = np.column_stack([np.zeros((n, 2)), images["width"], images["height"]])
    maps = SaliencyMaps(
        images["image"].tolist(),
        generator.random((n, 7, 7), np.float32),
        views.cell_points(whole, 7, 7),
        generator.integers(LABELS, size=n),
    )
    write_saliency(path, maps, made_by(view) | {"method": method.method, "options": method.options})


def draw(folder: Path, sizes: list[int], csv: Path | None) -> None:
    """Write all files with which the stages start."""
    settings = default_settings()
    folder.mkdir(parents=True, exist_ok=True)
    images = draw_images(folder, sizes, csv)
    ends = sorted({*range(PART, len(images), PART), *sizes})
    for view in ("zoom", "standard_crop"):
        draw_label_maps(folder / view, images, settings.views[view], ends)
    for n in sizes:
        for name in glimpse_methods(settings):
            path = folder / f"results_{n}" / f"saliency_{name}.h5"
            draw_glimpse_saliency(path, images[:n], settings.views["zoom"], settings.methods[name])


def default_settings() -> Settings:
    """Read the settings of the embedded default."""
    return read_settings(yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8")))


def glimpse_methods(settings: Settings) -> list[str]:
    """List the methods of the run whose input is the glimpse, x₀."""
    return [name for name in settings.run.methods if settings.methods[name].input == "glimpse"]


def script(name: str) -> str:
    """Return the dotted name of the function of a rule's script; rule, script and function share their name."""
    return f"workflow.scripts.{name}.{name}"


def stages(folder: Path, n: int) -> Iterator[Stage]:
    """Yield every stage on the first n images, with the arguments of its rule, in an order in which its inputs exist."""
    settings = default_settings()
    methods, catalogue, shown = settings.run.methods, settings.methods, settings.figure_1.methods
    results = folder / f"results_{n}"
    boxes, index, label_maps = folder / f"boxes_{n}.csv", results / "index.parquet", folder / f"zoom_{n}.h5"
    standard = folder / f"standard_crop_{n}.h5"
    tolerance = settings.pointing.tolerance

    def of(methods: list[str], kind: str) -> list[Path]:
        return [results / f"{kind}_{method}.parquet" for method in methods]

    saliency = {method: results / f"saliency_{method}.h5" for method in methods}
    fixations = dict(zip(methods, of(methods, "fixations"), strict=True))
    scores = dict(zip(methods, of(methods, "scores"), strict=True))
    nulls, curves, measures = (results / f"{name}.parquet" for name in ("nulls", "curves", "measures"))
    examples = [results / f"examples.{suffix}" for suffix in ("csv", "parquet")]
    table = {name: [results / f"{name}.{suffix}" for suffix in ("csv", "parquet")] for name in TABLES}
    stated, orders = (ROOT / "resources" / f"{name}.csv" for name in ("paper", "paper_orders"))
    rows = [
        NETWORK | {"method": name, "variant": catalogue[name].variant, "cue": catalogue[name].cue}
        for name in methods
    ]

    settings_of = {
        name: {"method": entry.method, "options": entry.options, "arrival": entry.arrival}
        for name, entry in catalogue.items()
    }
    look = {key: made_by(settings.views["zoom"])[key] for key in ("view", "network", "engine", "precision")}
    looked = {"networks": [look], "methods": {name: settings_of[name] for name in methods}}
    drawn = settings.nulls.model_dump(include={"seed", "folds"})
    of_nulls = drawn | {"standard_view": settings.views["standard_crop"].arguments, "ten_crop_view": None}
    scored = {"made_by": looked | {"tolerance": tolerance, "nulls": [of_nulls]}}
    of_shown = {"look": look, "methods": {name: settings_of[name] for name in shown}, "tolerance": tolerance}

    yield (
        "read_annotations",
        "labelmaps.data.annotations.read_annotations",
        {"path": boxes, "classes": read_classes(CLASSES)},
    )
    for verify in ("header", "full"):
        files = {"index": index, "excluded": results / "excluded.csv", "classes": CLASSES}
        data = {"images": folder / f"images_{n}", "boxes": boxes, "table": None}
        checks = {"verify": verify, "expect_images": n, "max_excluded": 0.0}
        checks |= {"box_format": "corners", "check_boxes": True, "min_matched": 0.5}
        threads = {"threads": settings.compute.threads}
        yield f"index_dataset, verify: {verify}", script("index_dataset"), files | data | checks | threads
    for view, path in (("standard_crop", standard), ("zoom", label_maps)):
        ends = (int(part.stem.split("-")[1]) for part in (folder / view).glob("*.h5"))
        ends = [end for end in sorted(ends) if end <= n]
        parts = [folder / view / f"{start}-{end}.h5" for start, end in zip([0, *ends], ends, strict=False)]
        yield (
            f"join_label_maps, {view}",
            script("join_label_maps"),
            {"parts": parts, "index": index, "label_maps": path},
        )
    for name in methods:
        method = catalogue[name]
        if method.input == "label maps":
            options = {"method": method.method, "options": method.options}
            files = {"label_maps": label_maps, "index": index, "saliency": saliency[name]}
            yield f"compute_saliency, {name}", script("compute_saliency"), files | options
    for name in methods:
        yield (
            f"select_fixations, {len(methods)} methods",
            script("select_fixations"),
            {
                "saliency": saliency[name],
                "label_maps": label_maps,
                "fixations": fixations[name],
                "arrival": catalogue[name].arrival,
            },
        )
    for name in methods:
        files = {"fixations": fixations[name], "label_maps": label_maps, "index": index}
        yield (
            f"score_fixations, {len(methods)} methods",
            script("score_fixations"),
            files | {"scores": scores[name], "tolerance": tolerance},
        )
    yield (
        "score_nulls",
        script("score_nulls"),
        {"index": index, "label_maps": label_maps, "standard": standard}
        | {"ten_crop": [], "acceptable_labels": []}
        | {"scores": nulls, "best_of_n": curves, "tolerance": tolerance}
        | drawn,
    )
    yield (
        "summarise_scores",
        script("summarise_scores"),
        {"scores": list(scores.values()), "nulls": [nulls], "curves": [curves], "rows": rows}
        | {"summary": table["summary"], "best_of_n": table["best_of_n"], "networks": [NETWORK]}
        | {"acceptable_labels": []}
        | scored,
    )
    yield (
        "compare_methods",
        script("compare_methods"),
        {"scores": list(scores.values()), "nulls": [nulls], "comparisons": table["comparisons"]}
        | {"networks": [NETWORK], "methods": methods, "acceptable_labels": []}
        | scored,
    )
    yield (
        "find_who_gains",
        script("find_who_gains"),
        {"index": index, "scores": list(scores.values()), "factors": [], "rows": rows}
        | {"who_gains": table["who_gains"], "made_by": looked},
    )
    yield (
        "play_pointing_game",
        script("play_pointing_game"),
        {"index": index, "label_maps": [label_maps], "fixations": list(fixations.values())}
        | {"pointing": table["pointing"], "networks": [NETWORK], "methods": methods}
        | {"made_by": looked},
    )
    yield (
        "compare_with_paper",
        script("compare_with_paper"),
        {"summary": table["summary"][1], "scores": list(scores.values()), "paper": stated}
        | {"paper_orders": orders, "numbers": table["paper"], "orders": table["paper_orders"]}
        | {"index": index, "rows": rows, "acceptable_labels": []}
        | scored,
    )
    yield (
        "choose_examples",
        script("choose_examples"),
        {"label_maps": label_maps, "index": index, "scores": of(shown, "scores")}
        | {"fixations": of(shown, "fixations"), "examples": examples, "measures": measures, "chosen": {}}
        | {"made_by": of_shown},
    )
    paths = [path for _, path in table.values()]
    yield (
        "render_tables",
        script("render_tables"),
        {"tables": paths, "pages": [path.with_suffix(".html") for path in paths]}
        | {"titles": [path.stem for path in paths], "notes": [""] * len(paths)}
        | {
            "made_by": [
                looked if path.stem in ("pointing", "who_gains") else scored["made_by"] for path in paths
            ]
        },
    )


def run(function: str, arguments: dict) -> tuple[float, float, float]:
    """Call the function of this dotted name; return its seconds, CPU seconds and peak memory in MiB."""
    module, _, name = function.rpartition(".")
    call = getattr(importlib.import_module(module), name)
    start = time.perf_counter()
    call(**arguments)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def in_a_fresh_process(function: Callable, *arguments):
    """Call a function of this module in a process of its own, so that its peak memory is its own; return the result."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        return executor.submit(function, *arguments).result()


def measure(folder: Path, n: int) -> Iterator[tuple]:
    """Run every stage on n images; yield its name, n, seconds, ms per image, CPU seconds and peak memory in MiB."""
    for stage, runs in groupby(stages(folder, n), key=itemgetter(0)):
        measured = [in_a_fresh_process(run, function, arguments) for _, function, arguments in runs]
        seconds, cpu, peak = zip(*measured, strict=True)
        yield stage, n, sum(seconds), 1000 * sum(seconds) / n, sum(cpu), max(peak)


def main() -> None:
    """Write the files, run all measurements and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[5000, 20000, 50000])
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    sizes = sorted(arguments.images)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        in_a_fresh_process(draw, folder, sizes, arguments.csv)
        print(
            "| stage | images | s | ms per image | CPU s | peak MiB |\n|---|---|---|---|---|---|",
            flush=True,
        )
        for n in sizes:
            for stage, *numbers in measure(folder, n):
                print("| {} | {:,} | {:.1f} | {:.3f} | {:.1f} | {:.0f} |".format(stage, *numbers), flush=True)


if __name__ == "__main__":
    main()
