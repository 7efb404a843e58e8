"""The speed of our batched DFF beside that of the grad-cam package, image by image, given the activations.

    python -m benchmarks.dff IMAGES ARCHITECTURE CHECKPOINT [--n 64] [--repeats 7] [--threads 2]

Both run in turn in one process; medians over the repeats, in ms per image, and their ratio. "factors": the factorisation
alone; "whole": with the concepts' labels and the choice of the component.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from pytorch_grad_cam.feature_factorization.deep_feature_factorization import dff as package_dff

from labelmaps import networks
from labelmaps.factorisation import factorise
from labelmaps.glimpse import Glimpse, SplitClassifier
from labelmaps.images import read_image
from labelmaps.inference import make_views
from labelmaps.methods import dff
from labelmaps.views.zoom import View


def timed(function: Callable[[], object]) -> float:
    """Seconds that one call takes, on whatever device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("architecture")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    networks.be_deterministic(arguments.threads)
    device = networks.resolve_device("auto")
    network = networks.build(arguments.architecture, 1000)
    networks.load_weights(network, arguments.checkpoint)
    classifier = SplitClassifier(network, device, 224)
    paths = sorted(arguments.images.iterdir())[: arguments.n]
    view, preprocessing = View(), networks.Preprocessing()
    views = [make_views(read_image(path), view, preprocessing, device, [view.grid**2 // 2]) for path in paths]
    activations = classifier.activations(torch.cat(views))
    glimpse = Glimpse(activations, classifier)
    matrices = activations.flatten(2)
    arrays = activations.cpu().numpy()

    def ours(k: int) -> None:
        factorise(matrices - matrices.amin(dim=2, keepdim=True), k)

    def package(k: int) -> None:
        for array in arrays:
            package_dff(array[None], k)

    @torch.no_grad()
    def package_whole(k: int) -> None:
        for array in arrays:
            concepts, _ = package_dff(array[None], k)
            maps = torch.tensor(concepts.T, dtype=torch.float32, device=device)[:, :, None, None]
            classifier.head(maps).softmax(1).amax(1).argmax().item()

    print(
        f"{arguments.architecture}, {len(paths)} images, {device}, {arguments.threads} threads; ms per image"
    )
    warnings.simplefilter("ignore")  # scikit-learn's: not converged
    for k in (1, 3):
        pairs = {
            "factors": (lambda k=k: ours(k), lambda k=k: package(k)),
            "whole": (lambda k=k: dff.saliency(glimpse, None, components=k), lambda k=k: package_whole(k)),
        }
        for what, functions in pairs.items():
            times = [[timed(function) for function in functions] for _ in range(arguments.repeats + 1)][1:]
            mine, theirs = (
                1000 * statistics.median(column) / len(paths) for column in zip(*times, strict=True)
            )
            print(f"k={k} {what:8} ours {mine:.3f}   package {theirs:.3f}   ratio {theirs / mine:.1f}")


if __name__ == "__main__":
    main()
