"""Differences: how far a network's logits are from its own in float32, folded, at each precision, compiled, and cut in two.

    python -m benchmarks.networks IMAGES NAME… [--images 3] [--precisions float32 …] [--compiled] [--threads 2]

IMAGES is a folder of pictures. NAME is an architecture as the configuration names it, with random weights and batch-norm
statistics from one pass over the views; `NAME=CHECKPOINT` has those of a file, and `NAME@SIZE` looks at other than the usual
SIZE × SIZE pixels. Each network is prepared as the rules do it and compared with itself on x₀ of the first pictures and on a
view of noise. Printed is a row of a Markdown table for each:

map         channels × rows × columns of the last map, and how its axes lie
float32     the largest difference between two logits, in standard deviations of the logits
cut         the same, from the last map on
bfloat16, float16   the root mean square over labels, of the view where it is largest; the largest difference in brackets
"""

import argparse
import copy
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.timing import torch_threads
from labelmaps import views
from labelmaps.data.images import read_image
from labelmaps.errors import InputError
from labelmaps.inference.inputs import views_to_compare
from labelmaps.networks.build import build
from labelmaps.networks.classifier import PRECISIONS, Classifier
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import (
    KnownLogits,
    compute_known_logits,
    copy_with_folded_norms,
    deviation,
)
from labelmaps.networks.weights import load_weights, random_weights

CPU = torch.device("cpu")
N_LABELS = 1000


def main() -> None:
    """Measure each network and print a row for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="IMAGES")
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=[*PRECISIONS])
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")
    ways = [(precision, False) for precision in arguments.precisions]
    ways += [(precision, True) for precision in arguments.precisions if arguments.compiled]
    columns = ["network", "size", "map", "cut"]
    columns += [f"{precision}{', compiled' * compiled}" for precision, compiled in ways]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    paths = sorted(arguments.folder.iterdir())[: arguments.images]
    with torch_threads(arguments.threads):
        for name in arguments.names:
            try:
                print(f"| {' | '.join(measure(name, paths, ways))} |", flush=True)
            except InputError as error:
                print(f"| {name} | {error} |", flush=True)


def measure(name: str, paths: Sequence[Path], ways: Sequence[tuple[str, bool]]) -> list[str]:
    """Measure one network; return the cells of its row. ways: a precision, and whether it is compiled, each."""
    network, known = prepare(name, paths)
    prepared = copy_with_folded_norms(network, known, name)
    size = str(known.inputs.shape[-1])
    return [
        name.partition("=")[0],
        size,
        *cut(prepared, known, name),
        *(run(prepared, known, *way) for way in ways),
    ]


def prepare(name: str, paths: Sequence[Path]) -> tuple[nn.Module, KnownLogits]:
    """Build a network, and compute what it says of x₀ of these pictures and of noise."""
    name, _, checkpoint = name.partition("=")
    architecture, _, size = name.partition("@")
    config = NetworkConfig(architecture=architecture, source="benchmark", size=int(size) if size else None)
    preprocessing = config.preprocessing()
    x0 = views_to_compare([*map(read_image, paths)], views.create_view("zoom"), preprocessing)
    network = build(architecture, N_LABELS, preprocessing.size)
    if checkpoint:
        load_weights(network, checkpoint)
    else:
        network.load_state_dict(random_weights(architecture, N_LABELS, 0, preprocessing.size, x0))
    return network, compute_known_logits(network.eval(), x0, architecture)


def run(network: nn.Module, known: KnownLogits, precision: str, compiled: bool) -> str:
    """Run a copy of the network at a precision, and say how far its logits are from the known ones."""
    classifier = Classifier(copy.deepcopy(network), CPU, precision, compiled)
    logits: Tensor = classifier.logits(known.inputs)
    largest = deviation(logits, known)
    if precision == "float32":
        return f"{largest:.1e}"
    return f"{deviation(logits, known, precision):.3f} ({largest:.2f})"


def cut(network: nn.Module, known: KnownLogits, name: str) -> tuple[str, str]:
    """Cut a copy of the network at its last map; return what that is, and how far the logits that follow from it are."""
    try:
        split = SplitClassifier(copy.deepcopy(network), CPU, known, name=name)
    except InputError as error:
        return str(error), ""
    channels, rows, columns = split.activations(known.inputs[:1]).shape[1:]
    layout = split.layout
    others = f", {layout.n_prefix} tokens before" if layout.n_prefix else ""
    return (
        f"{channels} × {rows} × {columns}, {layout.kind}{others} (`{split.block_name}`)",
        f"{split.difference:.1e}",
    )


if __name__ == "__main__":
    main()
