"""Grad-CAM and DFF: our methods, which compute batches, beside the grad-cam package, which computes image by image.

    python -m benchmarks.glimpses IMAGES ARCHITECTURE [CHECKPOINT] [--n 64] [--rounds 7] [--threads 2]

All are timed in turn in one process, on the views x₀ of the same images, in memory. Printed are medians over the rounds, in
ms per image, and ratios:

Grad-CAM    from views to maps; ours in each precision, the package in float32
factors     DFF's factorisation alone, from the activations; repeated many times, because it takes less time than the threads
            of some libraries spin after their work
DFF         from views to maps and the concepts' labels; ours in each precision, the package in float32
"""

import argparse
import statistics
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.feature_factorization.deep_feature_factorization import dff as package_dff
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from benchmarks.label_maps import load_folded_network, load_network
from benchmarks.timing import median_ratio, time_in_turn, torch_threads
from labelmaps import views
from labelmaps.data.images import read_image
from labelmaps.inference.glimpse import Glimpse
from labelmaps.inference.glimpse_saliency import MAX_IMAGES
from labelmaps.inference.inputs import make_views
from labelmaps.inference.parallel import concurrent_batches, one_thread_each
from labelmaps.methods import dff, gradcam
from labelmaps.methods._factorisation import factorise
from labelmaps.networks.compute import be_deterministic, resolve_batch, resolve_device
from labelmaps.networks.load import COMPARED_IMAGES
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import compute_known_logits

PRECISIONS = ("float32", "bfloat16")
PASSES = 20  # over the images, for the short factorisations


def main() -> None:
    """Measure each case and print a line for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("architecture")
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    be_deterministic()
    device, preprocessing, view = resolve_device("auto"), Preprocessing(), views.create_view("zoom")
    source = arguments.architecture, arguments.checkpoint
    batch = resolve_batch(None, device)
    paths = sorted(arguments.images.iterdir())[: arguments.n]
    initial = [view.grid**2 // 2]
    x0 = torch.cat(make_views([*map(read_image, paths)], view, preprocessing, device, initial))
    known = compute_known_logits(load_network(*source), x0[:COMPARED_IMAGES].cpu(), arguments.architecture)
    ours = {
        precision: SplitClassifier(load_folded_network(*source), device, known, precision)
        for precision in PRECISIONS
    }
    network = load_network(*source).to(device)
    block = network.get_submodule(ours["float32"].block_name)
    with torch.no_grad():
        labels = network(x0).argmax(1)
    activations = ours["float32"].activations(x0)
    nonnegative = activations.flatten(2) - activations.flatten(2).amin(2, keepdim=True)
    arrays = [activation[None].cpu().numpy() for activation in activations]
    package_cam = GradCAM(network, [block])

    pool = one_thread_each(concurrent_batches(device, arguments.threads))

    def run_in_threads(function: Callable[..., object], *tensors: torch.Tensor) -> None:
        """Call a function with as many images at once as the rule does, in as many threads."""
        list(pool.map(function, *(tensor.split(max(batch, MAX_IMAGES)) for tensor in tensors)))

    def make_glimpse(x0: torch.Tensor, split: SplitClassifier) -> Glimpse:
        return Glimpse(torch.cat([split.activations(part) for part in x0.split(batch)]), split)

    def run_our_cam(precision: str) -> None:
        split = ours[precision]
        run_in_threads(
            lambda x0, label: gradcam.saliency(make_glimpse(x0, split), label).cpu(),
            x0,
            labels,
        )

    def run_our_dff(precision: str, k: Literal[1, 3]) -> None:
        split = ours[precision]
        run_in_threads(
            lambda x0: dff.saliency(make_glimpse(x0, split), None, components=k)[0].cpu(),
            x0,
        )

    def with_torch_threads(function: Callable[[], None]) -> Callable[[int], None]:
        """Wrap a function of the package, in which torch divides each operation among its threads."""

        def run(_: int) -> None:
            with torch_threads(arguments.threads):
                function()

        return run

    def run_package_cam() -> None:
        for image, label in zip(x0, labels.tolist(), strict=True):
            # The package annotates its targets as modules; they are callables, such as this one.
            package_cam(image[None], [ClassifierOutputTarget(label)])  # ty: ignore[invalid-argument-type]

    def factorise_with_package(k: int) -> None:
        for array in arrays * PASSES:
            package_dff(array, k)

    def factorise_ours(k: int) -> None:
        for _ in range(PASSES):
            run_in_threads(lambda part: factorise(part, k), nonnegative)

    @torch.no_grad()
    def run_package_dff(k: int) -> None:
        outputs: list[torch.Tensor] = []
        with block.register_forward_hook(lambda _, inputs, output: outputs.append(output)):
            for image in x0:
                network(image[None])
                concepts, _ = package_dff(outputs.pop().cpu().numpy(), k)
                maps = torch.tensor(concepts.T, dtype=torch.float32, device=device)[:, :, None, None]
                ours["float32"].head(maps).softmax(1).amax(1).argmax().item()

    cases = {
        "Grad-CAM": {"package": with_torch_threads(run_package_cam)}
        | {p: lambda _, p=p: run_our_cam(p) for p in PRECISIONS}
    }
    for k in (1, 3):
        cases[f"factors, k={k}"] = {
            "package": with_torch_threads(lambda k=k: factorise_with_package(k)),
            "float32": lambda _, k=k: factorise_ours(k),
        }
        cases[f"DFF, k={k}"] = {"package": with_torch_threads(lambda k=k: run_package_dff(k))} | {
            p: lambda _, p=p, k=k: run_our_dff(p, k) for p in PRECISIONS
        }
    print(
        f"{arguments.architecture}, {len(paths)} images, {device}, {arguments.threads} threads; ms per image"
    )
    warnings.simplefilter("ignore")  # scikit-learn warns that its factorisation has not converged
    for name, functions in cases.items():
        times = time_in_turn(functions, arguments.rounds)
        images = len(paths) * (PASSES if name.startswith("factors") else 1)
        each = {way: 1000 * statistics.median(seconds) / images for way, seconds in times.items()}
        our_times = [
            f"{way} {each[way]:.3f} (package/ours {median_ratio(times, 'package', way):.1f})"
            for way in functions
            if way != "package"
        ]
        print(f"{name:13} package {each['package']:.3f}, ours {', '.join(our_times)}", flush=True)


if __name__ == "__main__":
    main()
