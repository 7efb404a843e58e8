"""The rule that computes label maps, beside bare forward passes and beside a simple implementation.

    python -m benchmarks.label_maps IMAGES ARCHITECTURE [CHECKPOINT] [--images 200] [--block 20] [--threads 2]

For each way to run the network (precision, compiled or not), three alternatives are timed in turn on blocks of images;
medians over the blocks are printed:

rule    from JPEG bytes to the label maps' file, as the workflow does it
bare    forward passes alone, with the same network, engine, batch, precision and threads, on views in memory
first   a simple implementation: one image at a time, 49 grid_samples in a loop, one float32 forward pass of 49 views
        (on two images of each block, scaled up)

For ways that begin with `shared`, the alternatives are that engine and `exact`, both as the rule runs them, on the views
`shift` (`exact` on a fifth of each block, scaled up). Without a checkpoint the weights are random, which takes the same
time. The times of start-up and compiling are printed, too, and the rate of the bare forward passes as a share of the rate of
a matrix product in the same precision.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pandas as pd
import torch

from benchmarks.timing import median_ratio, time_in_turn, torch_threads
from labelmaps import views
from labelmaps.data.images import image_id, read_digest, read_image, read_size
from labelmaps.inference import engines
from labelmaps.inference.label_maps import compute_label_maps
from labelmaps.inference.parallel import concurrent_batches, one_thread_each
from labelmaps.networks.build import build
from labelmaps.networks.classifier import Classifier
from labelmaps.networks.compute import be_deterministic, resolve_batch, resolve_device
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import COMPARED_IMAGES
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.verification import fold_batch_norm
from labelmaps.networks.weights import load_weights, random_weights
from labelmaps.storage.label_map_file import write_label_maps
from labelmaps.views import View

CELLS = 49
WAYS = [
    f"{engine}{how}" for engine in ("", "shared ") for how in ("float32", "bfloat16", "bfloat16 compiled")
]
SIMPLE = 2  # the number of images of a block on which the simple implementation is timed


def index_images(paths: list[Path]) -> pd.DataFrame:
    """Make an index of images with the columns that the computation of label maps reads."""
    rows = [(image_id(path.name), str(path), -1, -1, read_digest(path), *read_size(path)) for path in paths]
    return pd.DataFrame(rows, columns=["image", "path", "offset", "length", "digest", "width", "height"])


def input_of(architecture: str) -> Preprocessing:
    """Return the size of a network's input and its normalisation, by the defaults of the configuration."""
    return NetworkConfig(architecture=architecture, source="").preprocessing()


def load_network(architecture: str, checkpoint: Path | None) -> torch.nn.Module:
    """Build a network of 1000 labels with its batch norms, and load a checkpoint or, without one, random weights."""
    network = build(architecture, 1000)
    if checkpoint is None:
        network.load_state_dict(random_weights(architecture, 1000, seed=0))
    else:
        load_weights(network, checkpoint)
    return network.eval()


def load_folded_network(architecture: str, checkpoint: Path | None) -> torch.nn.Module:
    """Load a network as the rule does: its batch norms are folded into its convolutions."""
    network = load_network(architecture, checkpoint)
    size = input_of(architecture).size
    fold_batch_norm(network, torch.zeros(1, 3, size, size))
    return network


def run_rule(engine: engines.Engine, index: pd.DataFrame, batch: int, threads: int) -> None:
    """Compute the label maps of an index and write them to a temporary file, as the rule does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "label_maps.h5")
        with write_label_maps(path, index["image"].tolist(), engine.view.grid, 1000, {}) as writer:
            for _ in compute_label_maps(index, engine, batch, writer, threads):
                pass


def run_bare(classifier: Classifier, views: torch.Tensor, n_passes: int, n_threads: int) -> None:
    """Run `n_passes` forward passes over the same batch of views, divided among `n_threads` threads."""
    passes = iter(range(n_passes))

    def compute(_: int) -> None:
        for _ in passes:
            classifier.logits(views)

    with one_thread_each(n_threads) as pool:
        list(pool.map(compute, range(n_threads)))


def make_simple_implementation(
    network: torch.nn.Module, preprocessing: Preprocessing, device: torch.device
) -> Callable[[Path], object]:
    """Create the function that computes an image's label map in a simple way.

    network: on the device. The function takes the image's path, and returns log probabilities (view, label).
    """
    view = views.create_view("zoom")
    mean, std = (
        torch.tensor(x, device=device)[:, None, None] for x in (preprocessing.mean, preprocessing.std)
    )
    share = (torch.arange(preprocessing.size, device=device) + 0.5) / (preprocessing.size / 2) - 1

    @torch.no_grad()
    def compute_label_map(path: Path) -> object:
        image = torch.from_numpy(read_image(path)).to(device).permute(2, 0, 1) / 255
        image = ((image - mean) / std)[None]
        height, width = image.shape[2:]
        crops = []
        for x0, y0, x1, y1 in view.geometry(width, height).extent.reshape(-1, 4).tolist():
            x = (x0 + x1) / width - 1 + (x1 - x0) / width * share
            y = (y0 + y1) / height - 1 + (y1 - y0) / height * share
            grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]
            crops.append(
                torch.nn.functional.grid_sample(image, grid, padding_mode="border", align_corners=False)
            )
        return network(torch.cat(crops)).log_softmax(1).cpu().numpy()

    return compute_label_map


@contextmanager
def print_duration(what: str) -> Generator[None]:
    """Print the seconds that the `with` block takes, after the text `what`."""
    start = time.perf_counter()
    yield
    print(f"  once: {what}: {time.perf_counter() - start:.1f} s", flush=True)


def measure_product_rate(classifier: Classifier, threads: int) -> float:
    """Measure the floating-point operations per second of a large matrix product on a network's device, in its precision."""
    n = 8192 if classifier.device.type == "cuda" else 2048
    a, b = torch.randn(2, n, n).to(classifier.device, classifier.dtype)
    with torch_threads(threads):
        times = time_in_turn({"product": lambda _: a @ b}, rounds=9)
    return 2 * n**3 / median(times["product"])


def main() -> None:
    """Measure each way and print a line for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("architecture")
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--images", dest="n", type=int, default=200)
    parser.add_argument("--block", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    arguments = parser.parse_args()

    be_deterministic()
    device, preprocessing = resolve_device("auto"), input_of(arguments.architecture)
    threads = arguments.threads
    n_streams = concurrent_batches(device, threads)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    paths = sorted(arguments.images.iterdir())
    index = index_images((paths * (arguments.n // len(paths) + 1))[: arguments.n])
    rounds = arguments.n // arguments.block
    source = arguments.architecture, arguments.checkpoint
    pictures = [read_image(path) for path in paths[:COMPARED_IMAGES]]
    print(
        f"{arguments.architecture}, {arguments.n} images in {rounds} blocks, {name}, {arguments.threads} threads"
    )

    def block(turn: int) -> pd.DataFrame:
        """Return the rows of a round's images; round 0, which does not count, has those of round 1."""
        start = max(turn - 1, 0) * arguments.block
        return index.iloc[start : start + arguments.block]

    def prepare(engine: engines.Engine, what: str) -> int:
        """Compile the engine's network and run it once; return the engine's batch."""
        batch = engine.round_batch(resolve_batch(arguments.batch, device))
        with print_duration(f"{what}: compiling, if at all, and a first block"):
            engine.prepare(batch)
            run_rule(engine, block(1)[: engine.images_at_once(batch)], batch, threads)
        return batch

    def make_exact(precision: str, compiled: bool, view: View) -> engines.Exact:
        classifier = Classifier(load_folded_network(*source), device, precision, compiled)
        return engines.Exact(classifier, view, preprocessing)

    def compare_with_bare_and_first(way: str, precision: str, compiled: bool) -> str:
        """Time the rule with the engine `exact`, bare forward passes and the simple implementation; return the results."""
        engine = make_exact(precision, compiled, views.create_view("zoom"))
        batch, classifier = prepare(engine, way), engine.classifier
        batch_of_views = torch.randn(batch, 3, preprocessing.size, preprocessing.size).to(
            device, classifier.dtype, memory_format=torch.channels_last
        )
        compute_label_map = make_simple_implementation(
            load_network(*source).to(device), preprocessing, device
        )
        n_batches = arguments.block * CELLS / batch
        n_passes = round(n_batches)

        def run_simple(turn: int) -> None:
            """Compute the label maps of some images of a round; torch divides each operation among its threads."""
            with torch_threads(threads):
                for path in block(turn)["path"][:SIMPLE]:
                    compute_label_map(Path(path))

        times = time_in_turn(
            {
                "rule": lambda turn: run_rule(engine, block(turn), batch, threads),
                "bare": lambda _: run_bare(classifier, batch_of_views, n_passes, n_streams),
                "first": run_simple,
            },
            rounds,
        )
        times["bare"] = [seconds * n_batches / n_passes for seconds in times["bare"]]
        times["first"] = [seconds * arguments.block / SIMPLE for seconds in times["first"]]
        each = {name: 1000 * median(seconds) / arguments.block for name, seconds in times.items()}
        rate = classifier.operations(preprocessing.size) * CELLS / each["bare"] * 1000
        share = rate / measure_product_rate(classifier, threads)
        return (
            f"batch {batch}: rule {each['rule']:.2f}, bare {each['bare']:.2f}, first {each['first']:.1f} ms per image; "
            f"bare/rule {median_ratio(times, 'bare', 'rule'):.3f}, first/rule {median_ratio(times, 'first', 'rule'):.2f}; "
            f"bare: {CELLS * 1000 / each['bare']:.0f} views/s, {share:.0%} of a matrix product's rate"
        )

    def compare_with_exact(way: str, precision: str, compiled: bool) -> str:
        """Time the rule with the engines `shared` and `exact`; return the results."""
        view = views.create_view("shift")
        shared = engines.create_engine(
            "shared", load_network(*source), view, preprocessing, device, precision, compiled, pictures
        )
        engine = make_exact(precision, compiled, view)
        shared_batch, batch = prepare(shared, way), prepare(engine, way)
        times = time_in_turn(
            {
                "exact": lambda turn: run_rule(engine, block(turn)[: arguments.block // 5], batch, threads),
                "shared": lambda turn: run_rule(shared, block(turn), shared_batch, threads),
            },
            rounds,
        )
        times["exact"] = [seconds * 5 for seconds in times["exact"]]
        each = {name: 1000 * median(seconds) / arguments.block for name, seconds in times.items()}
        return (
            f"exact {each['exact']:.2f}, shared {each['shared']:.2f} ms per image; "
            f"exact/shared {median_ratio(times, 'exact', 'shared'):.1f}"
        )

    for way in arguments.ways:
        shared, precision, compiled = (
            way.startswith("shared"),
            way.split()[-1 - way.endswith("compiled")],
            "compiled" in way,
        )
        compare = compare_with_exact if shared else compare_with_bare_and_first
        print(f"{way:25} {compare(way, precision, compiled)}", flush=True)


if __name__ == "__main__":
    main()
