"""The rule that computes label maps, beside bare forward passes and beside what one would write first.

    python -m benchmarks.label_maps IMAGES ARCHITECTURE [CHECKPOINT] [--images 200] [--block 20] [--threads 2]

For each way to run the network (precision, compiled or not), in turn on blocks of images, medians over the blocks:

rule    from JPEG bytes to the label maps' file, as the workflow does it
bare    forward passes alone: same network, engine, batch, precision and threads, on views that are there
first   what one writes first: one image at a time, 49 grid_samples in a loop, one float32 forward pass of 49 views
        (on two images of each block, scaled up)

and, for ways that begin with `shared`, that engine beside `exact`, both as rules, on the views `shift` (`exact` on a fifth
of each block, scaled up). Without a checkpoint the weights are random, which takes the same time. Start-up and compiling are
listed apart, and what bare forward passes reach of the rate of a matrix product in their precision.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pandas as pd
import torch

from benchmarks.timing import in_turn, ratio, torch_threads
from labelmaps.data.images import image_id, read_digest, read_image, read_size
from labelmaps.inference import engines
from labelmaps.inference.label_maps import compute_label_maps
from labelmaps.inference.parallel import one_thread_each, streams
from labelmaps.jobs.memory import usual_batch
from labelmaps.networks.build import build, fold_batch_norm
from labelmaps.networks.classifier import Classifier, be_deterministic, resolve_device
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.weights import load_weights, random_weights
from labelmaps.storage.label_map_file import write_label_maps
from labelmaps.views import ViewFamily, shift, zoom

CELLS = 49
WAYS = [
    f"{engine}{how}" for engine in ("", "shared ") for how in ("float32", "bfloat16", "bfloat16 compiled")
]
SIMPLE = 2  # images of a block that the slow way is timed on


def index_of(paths: list[Path]) -> pd.DataFrame:
    """An index of images, as far as label maps need one."""
    rows = [(image_id(path.name), str(path), -1, -1, read_digest(path), *read_size(path)) for path in paths]
    return pd.DataFrame(rows, columns=["image", "path", "offset", "length", "digest", "width", "height"])


def network_of(architecture: str, checkpoint: Path | None) -> torch.nn.Module:
    """A network as it is loaded, batch norm and all."""
    network = build(architecture, 1000)
    if checkpoint is None:
        network.load_state_dict(random_weights(architecture, 1000, seed=0))
    else:
        load_weights(network, checkpoint)
    return network.eval()


def folded(architecture: str, checkpoint: Path | None) -> torch.nn.Module:
    """A network as the rule has it."""
    network = network_of(architecture, checkpoint)
    fold_batch_norm(network, 224)
    return network


def rule(engine: engines.Engine, index: pd.DataFrame, batch: int, threads: int) -> None:
    """What the rule does with some images."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "label_maps.h5")
        with write_label_maps(path, index["image"].tolist(), engine.view.grid, 1000, {}) as writer:
            for _ in compute_label_maps(index, engine, batch, writer, threads):
                pass


def bare(classifier: Classifier, views: torch.Tensor, passes: int, streams: int) -> None:
    """Forward passes, shared by `streams` threads."""
    left = iter(range(passes))

    def ask(_: int) -> None:
        for _ in left:
            classifier.logits(views)

    with one_thread_each(streams) as pool:
        list(pool.map(ask, range(streams)))


def first_way(network: torch.nn.Module, device: torch.device) -> Callable[[Path], object]:
    """The label map of one image as one writes it first."""
    preprocessing, view = Preprocessing(), zoom.View()
    mean, std = (
        torch.tensor(x, device=device)[:, None, None] for x in (preprocessing.mean, preprocessing.std)
    )
    share = (torch.arange(224, device=device) + 0.5) / 112 - 1

    @torch.no_grad()
    def label_map(path: Path) -> object:
        image = torch.from_numpy(read_image(path)).to(device).permute(2, 0, 1) / 255
        image = ((image - mean) / std)[None]
        height, width = image.shape[2:]
        views = []
        for x0, y0, x1, y1 in view.geometry(width, height).extent.reshape(-1, 4).tolist():
            x = (x0 + x1) / width - 1 + (x1 - x0) / width * share
            y = (y0 + y1) / height - 1 + (y1 - y0) / height * share
            grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]
            views.append(
                torch.nn.functional.grid_sample(image, grid, padding_mode="border", align_corners=False)
            )
        return network(torch.cat(views)).log_softmax(1).cpu().numpy()

    return label_map


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say how long something takes that is done once."""
    start = time.perf_counter()
    yield
    print(f"  once: {what}: {time.perf_counter() - start:.1f} s", flush=True)


def matrix_product_rate(classifier: Classifier, threads: int) -> float:
    """Floating-point operations a second of a large square product in a network's precision."""
    n = 8192 if classifier.device.type == "cuda" else 2048
    a, b = torch.randn(2, n, n).to(classifier.device, classifier.dtype)
    with torch_threads(threads):
        times = in_turn({"product": lambda _: a @ b}, rounds=9)
    return 2 * n**3 / median(times["product"])


def main() -> None:
    """Measure and print."""
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
    device, preprocessing = resolve_device("auto"), Preprocessing()
    threads = arguments.threads
    at_once = streams(device, threads)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    paths = sorted(arguments.images.iterdir())
    index = index_of((paths * (arguments.n // len(paths) + 1))[: arguments.n])
    rounds = arguments.n // arguments.block
    made = arguments.architecture, arguments.checkpoint
    print(
        f"{arguments.architecture}, {arguments.n} images in {rounds} blocks, {name}, {arguments.threads} threads"
    )

    def block(turn: int) -> pd.DataFrame:
        """The images of a round; the round that is not counted sees those of the first."""
        start = max(turn - 1, 0) * arguments.block
        return index.iloc[start : start + arguments.block]

    def ready(engine: engines.Engine, what: str) -> int:
        """The batch of an engine that has been made ready for it."""
        batch = engine.possible(arguments.batch or usual_batch(device))
        with told(f"{what}: compiling, if at all, and a first block"):
            engine.prepare(batch)
            rule(engine, block(1)[: engine.images_at_once(batch)], batch, threads)
        return batch

    def exact(precision: str, compiled: bool, view: ViewFamily) -> engines.Exact:
        classifier = Classifier(folded(*made), device, precision, compiled)
        return engines.Exact(classifier, view, preprocessing)

    def beside_bare_and_first(way: str, precision: str, compiled: bool) -> str:
        engine = exact(precision, compiled, zoom.View())
        batch, classifier = ready(engine, way), engine.classifier
        views = torch.randn(batch, 3, 224, 224).to(
            device, classifier.dtype, memory_format=torch.channels_last
        )
        first = first_way(network_of(*made).to(device), device)
        exactly = arguments.block * CELLS / batch
        passes = round(exactly)

        def simple(turn: int) -> None:
            """With torch's own threads, as it comes."""
            with torch_threads(threads):
                for path in block(turn)["path"][:SIMPLE]:
                    first(Path(path))

        times = in_turn(
            {
                "rule": lambda turn: rule(engine, block(turn), batch, threads),
                "bare": lambda _: bare(classifier, views, passes, at_once),
                "first": simple,
            },
            rounds,
        )
        times["bare"] = [seconds * exactly / passes for seconds in times["bare"]]
        times["first"] = [seconds * arguments.block / SIMPLE for seconds in times["first"]]
        each = {name: 1000 * median(seconds) / arguments.block for name, seconds in times.items()}
        rate = classifier.operations(224) * CELLS / each["bare"] * 1000
        share = rate / matrix_product_rate(classifier, threads)
        return (
            f"batch {batch}: rule {each['rule']:.2f}, bare {each['bare']:.2f}, first {each['first']:.1f} ms per image; "
            f"bare/rule {ratio(times, 'bare', 'rule'):.3f}, first/rule {ratio(times, 'first', 'rule'):.2f}; "
            f"bare: {CELLS * 1000 / each['bare']:.0f} views/s, {share:.0%} of a matrix product's rate"
        )

    def beside_exact(way: str, precision: str, compiled: bool) -> str:
        view = shift.View()
        shared = engines.Shared(folded(*made), view, preprocessing, device, precision, compiled)
        engine = exact(precision, compiled, view)
        few, batch = ready(shared, way), ready(engine, way)
        times = in_turn(
            {
                "exact": lambda turn: rule(engine, block(turn)[: arguments.block // 5], batch, threads),
                "shared": lambda turn: rule(shared, block(turn), few, threads),
            },
            rounds,
        )
        times["exact"] = [seconds * 5 for seconds in times["exact"]]
        each = {name: 1000 * median(seconds) / arguments.block for name, seconds in times.items()}
        return (
            f"exact {each['exact']:.2f}, shared {each['shared']:.2f} ms per image; "
            f"exact/shared {ratio(times, 'exact', 'shared'):.1f}"
        )

    for way in arguments.ways:
        shared, precision, compiled = (
            way.startswith("shared"),
            way.split()[-1 - way.endswith("compiled")],
            "compiled" in way,
        )
        compare = beside_exact if shared else beside_bare_and_first
        print(f"{way:25} {compare(way, precision, compiled)}", flush=True)


if __name__ == "__main__":
    main()
