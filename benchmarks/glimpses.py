"""Grad-CAM and DFF, ours in batches beside the grad-cam package called image by image.

    python -m benchmarks.glimpses IMAGES ARCHITECTURE [CHECKPOINT] [--n 64] [--rounds 7] [--threads 2]

In turn in one process on the views x₀ of the same images, in memory; medians over the rounds, ms per image, and ratios:

Grad-CAM    from views to maps; ours in each precision, the package in float32
factors     DFF's factorisation alone, given the activations; many times over, as it is short beside the time for which
            threads of libraries go on spinning after their work
DFF         from views to maps and the concepts' labels; ours in each precision, the package in float32
"""

import argparse
import statistics
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.feature_factorization.deep_feature_factorization import dff as package_dff
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from benchmarks.label_maps import folded, network_of
from benchmarks.timing import in_turn, ratio, torch_threads
from labelmaps.data.images import read_image
from labelmaps.inference.glimpse import Glimpse
from labelmaps.inference.inputs import make_views
from labelmaps.inference.parallel import one_thread_each, streams
from labelmaps.jobs.memory import usual_batch
from labelmaps.methods import dff, gradcam
from labelmaps.methods._factorisation import factorise
from labelmaps.networks.classifier import be_deterministic, resolve_device
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.views.zoom import View
from workflow.scripts.compute_glimpse_saliency import IMAGES_AT_ONCE

PRECISIONS = ("float32", "bfloat16")
PASSES = 20  # over the images, of what is short


def main() -> None:
    """Measure and print."""
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
    device, preprocessing, view = resolve_device("auto"), Preprocessing(), View()
    made = arguments.architecture, arguments.checkpoint
    batch = usual_batch(device)
    paths = sorted(arguments.images.iterdir())[: arguments.n]
    initial = [view.grid**2 // 2]
    views = torch.cat(make_views([*map(read_image, paths)], view, preprocessing, device, initial))
    ours = {precision: SplitClassifier(folded(*made), device, 224, precision) for precision in PRECISIONS}
    plain = network_of(*made).to(device)
    block = plain.get_submodule(
        next(
            name
            for name, module in ours["float32"].network.named_modules()
            if module is ours["float32"].block
        )
    )
    with torch.no_grad():
        labels = plain(views).argmax(1)
    activations = ours["float32"].activations(views)
    lowered = activations.flatten(2) - activations.flatten(2).amin(2, keepdim=True)
    arrays = [activation[None].cpu().numpy() for activation in activations]
    package_cam = GradCAM(plain, [block])

    pool = one_thread_each(streams(device, arguments.threads))

    def of_images(function: Callable[..., object], *tensors: torch.Tensor) -> None:
        """What the rule does with so many images at once, in each of its threads."""
        list(pool.map(function, *(tensor.split(max(batch, IMAGES_AT_ONCE)) for tensor in tensors)))

    def seen(views: torch.Tensor, split: SplitClassifier) -> Glimpse:
        return Glimpse(torch.cat([split.activations(some) for some in views.split(batch)]), split)

    def cams(precision: str) -> None:
        split = ours[precision]
        of_images(
            lambda some, label: gradcam.saliency(seen(some, split), label).cpu(),
            views,
            labels,
        )

    def dffs(precision: str, k: int) -> None:
        split = ours[precision]
        of_images(
            lambda some: dff.saliency(seen(some, split), None, components=k)[0].cpu(),
            views,
        )

    def package(function: Callable[[], None]) -> Callable[[int], None]:
        """With torch's own threads, as it comes."""

        def run(_: int) -> None:
            with torch_threads(arguments.threads):
                function()

        return run

    def package_cams() -> None:
        for one, label in zip(views, labels.tolist(), strict=True):
            package_cam(one[None], [ClassifierOutputTarget(label)])

    def package_factors(k: int) -> None:
        for array in arrays * PASSES:
            package_dff(array, k)

    def factors(k: int) -> None:
        for _ in range(PASSES):
            of_images(lambda some: factorise(some, k), lowered)

    @torch.no_grad()
    def package_dffs(k: int) -> None:
        outputs = []
        with block.register_forward_hook(lambda _, inputs, output: outputs.append(output)):
            for one in views:
                plain(one[None])
                concepts, _ = package_dff(outputs.pop().cpu().numpy(), k)
                maps = torch.tensor(concepts.T, dtype=torch.float32, device=device)[:, :, None, None]
                ours["float32"].head(maps).softmax(1).amax(1).argmax().item()

    cases = {"Grad-CAM": {"package": package(package_cams)} | {p: lambda _, p=p: cams(p) for p in PRECISIONS}}
    for k in (1, 3):
        cases[f"factors, k={k}"] = {
            "package": package(lambda k=k: package_factors(k)),
            "float32": lambda _, k=k: factors(k),
        }
        cases[f"DFF, k={k}"] = {"package": package(lambda k=k: package_dffs(k))} | {
            p: lambda _, p=p, k=k: dffs(p, k) for p in PRECISIONS
        }
    print(
        f"{arguments.architecture}, {len(paths)} images, {device}, {arguments.threads} threads; ms per image"
    )
    warnings.simplefilter("ignore")  # scikit-learn's: not converged
    for name, functions in cases.items():
        times = in_turn(functions, arguments.rounds)
        images = len(paths) * (PASSES if name.startswith("factors") else 1)
        each = {way: 1000 * statistics.median(seconds) / images for way, seconds in times.items()}
        said = [
            f"{way} {each[way]:.3f} (package/ours {ratio(times, 'package', way):.1f})"
            for way in functions
            if way != "package"
        ]
        print(f"{name:13} package {each['package']:.3f}, ours {', '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
