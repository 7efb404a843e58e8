"""On a GPU: the same results as on a CPU, the same bytes in every run, and smaller batches if memory is short."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.networks import cut, known_on_noise
from helpers.study import save_pictures, soft_pictures
from labelmaps.errors import InputError
from labelmaps.inference.engines import Exact, Shared
from labelmaps.inference.glimpse import first_glimpse
from labelmaps.inference.inputs import make_views
from labelmaps.inference.label_maps import compute_label_maps
from labelmaps.jobs.memory import with_enough_memory
from labelmaps.methods import dff, gradcam, gradcam_plusplus
from labelmaps.networks.build import build
from labelmaps.networks.classifier import Classifier
from labelmaps.networks.compute import be_deterministic
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.verification import fold_batch_norm
from labelmaps.networks.weights import random_weights
from labelmaps.storage.label_map_file import DTYPES, join_label_maps, open_label_maps, write_label_maps
from labelmaps.views import crop, shift, zoom

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")

CPU, GPU = torch.device("cpu"), torch.device("cuda")
N_LABELS = 7
SIZES = [(50, 40), (40, 50), (90, 31), (64, 64), (20, 30), (90, 31), (33, 77)]
SMALL, FULL = Preprocessing(size=64), Preprocessing(size=224)
VIEWS = [
    zoom.View(grid=3),
    zoom.View(antialias=True, mask=True),
    zoom.View(sampling="edges"),
    crop.View(grid=3),
    *(shift.View(grid=3, beyond=beyond) for beyond in ("black", "gray", "reflect", "roll")),
    shift.View(grid=3, base="crop", beyond="surroundings", antialias=False),
]


@pytest.fixture(autouse=True)
def _as_the_rules_do(monkeypatch):
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [flag.allow_tf32 for flag in flags]
    deterministic = torch.are_deterministic_algorithms_enabled()
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    be_deterministic()
    yield
    torch.use_deterministic_algorithms(deterministic)
    for flag, allowed in zip(flags, before, strict=True):
        flag.allow_tf32 = allowed


def network_of(architecture="small_resnet", size=64):
    network = build(architecture, N_LABELS)
    network.load_state_dict(random_weights(architecture, N_LABELS, seed=3, size=size))
    network.eval()
    fold_batch_norm(network, torch.zeros(1, 3, size, size))
    return network


@pytest.fixture(scope="module")
def pictures():
    return soft_pictures(*SIZES)


@pytest.fixture(scope="module")
def index(pictures, tmp_path_factory):
    label = [i % N_LABELS for i in range(len(SIZES))]
    return save_pictures(tmp_path_factory.mktemp("pictures"), pictures, label=label)


def exact(device, view, precision="float32", compiled=False, network=None):
    return Exact(Classifier(network or network_of(), device, precision, compiled), view, SMALL)


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_views_are_those_of_a_cpu(pictures, view):
    cells = range(view.grid**2)
    on_cpu, on_gpu = (make_views(pictures, view, SMALL, device, cells) for device in (CPU, GPU))
    for expected, made in zip(on_cpu, on_gpu, strict=True):
        assert made.is_cuda
        torch.testing.assert_close(made.cpu(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("architecture", ["small_resnet", "resnet18", "resnet50"])
@pytest.mark.parametrize(
    ("precision", "compiled", "tolerance"),
    [("float32", False, 1e-4), ("float32", True, 1e-4), ("bfloat16", False, 0.05), ("bfloat16", True, 0.05)],
)
def test_logits_are_those_of_a_cpu(pictures, architecture, precision, compiled, tolerance):
    """They are as near as the precision allows, as a share of the largest logit."""
    network, view, images = network_of(architecture), zoom.View(grid=3), pictures[:3]
    expected = exact(CPU, view, network=network).logits(images, 27)
    engine = exact(GPU, view, precision, compiled, network_of(architecture))
    engine.prepare(27)
    logits = engine.logits(images, 27).cpu()
    torch.testing.assert_close(logits, expected, rtol=0, atol=tolerance * expected.abs().max().item())


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("bfloat16", 0.05)])
def test_the_shared_trunk_is_that_of_a_cpu(pictures, precision, tolerance):
    images, view = pictures[:2], shift.View()
    known = known_on_noise(network_of("resnet18", 224), 224)
    expected = Shared(network_of("resnet18", 224), view, FULL, CPU, "float32", known).logits(images, 8)
    logits = Shared(network_of("resnet18", 224), view, FULL, GPU, precision, known).logits(images, 8).cpu()
    torch.testing.assert_close(logits, expected, rtol=0, atol=tolerance * expected.abs().max().item())


@pytest.mark.parametrize("method", [gradcam, gradcam_plusplus, dff])
@pytest.mark.parametrize("components", [1, 3])
def test_glimpses_are_those_of_a_cpu(pictures, index, method, components):
    options = {"components": components} if method is dff else {}
    label = torch.tensor(index["label"].to_numpy()) if method.CUE == "cued" else None
    maps = []
    for device in (CPU, GPU):
        classifier = cut(network_of(), 64, device)
        glimpse = first_glimpse(index, pictures, classifier, zoom.View(), SMALL, len(index))
        given = method.saliency(glimpse, None if label is None else label.to(device), **options)
        maps.append([tensor.cpu() for tensor in (given if isinstance(given, tuple) else (given,))])
    for on_cpu, on_gpu in zip(*maps, strict=True):
        torch.testing.assert_close(
            on_gpu, on_cpu, rtol=0, atol=1e-3 * on_cpu.abs().max().item(), check_dtype=True
        )


def write(path, index, engine, batch, threads):
    with write_label_maps(path, index["image"].tolist(), engine.view.grid, N_LABELS, {"batch": 0}) as writer:
        assert sum(compute_label_maps(index, engine, batch, writer, threads)) == len(index)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_same_bytes_each_time_and_the_label_maps_of_a_cpu(tmp_path, index, compiled):
    """The test runs from files to a file, with threads that decode ahead, and batches that the images do not fill."""
    view = zoom.View(grid=3)
    paths = [tmp_path / f"{name}.h5" for name in ("once", "again", "cpu")]
    for path in paths[:2]:
        engine = exact(GPU, view, "bfloat16", compiled)
        engine.prepare(18)
        write(path, index, engine, 18, threads=3)
    assert paths[0].read_bytes() == paths[1].read_bytes()

    write(paths[0], index, exact(GPU, view, compiled=compiled), 18, threads=3)
    write(paths[2], index, exact(CPU, view), 18, threads=1)
    maps = []
    for path in (paths[0], paths[2]):
        joined = path.with_name(f"{path.stem}-joined.h5")
        join_label_maps([path], joined, index["image"].tolist(), index["digest"].tolist())
        with open_label_maps(joined) as file:
            maps.append(file.read(0, len(index)))
    for name in DTYPES:
        np.testing.assert_allclose(*(getattr(some, name) for some in maps), rtol=2e-3, atol=2e-3)


def test_where_the_gpus_memory_runs_out_the_batch_is_halved_until_it_fits(pictures):
    """The GPU's memory is really short here: only a part of it may be used."""
    engine = exact(GPU, zoom.View(grid=3))
    engine.logits(pictures[:1], 9)  # the libraries' own memory
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + 2**30) / whole)
    try:
        tried = []

        def attempt(batch):
            tried.append(batch)
            n = engine.images_at_once(batch)
            return engine.logits((pictures * (n // len(pictures) + 1))[:n], batch).cpu()

        logits = with_enough_memory(attempt, 300_000, engine.round_batch)
        assert len(tried) > 1
        assert tried[-1] < 2**30 // (4 * 3 * 64 * 64)
        assert len(logits) == tried[-1] // 9
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


class Overflowing(nn.Module):
    """A network whose logits for the last view of a batch are not finite."""

    def forward(self, views):
        means = views.mean((2, 3))
        return means / (means != means[-1:]).float()


def test_logits_that_are_not_finite_are_refused_with_the_images_name(tmp_path, index):
    engine = exact(GPU, zoom.View(grid=3), network=Overflowing())
    with pytest.raises(InputError, match="image 01: the network's logits are not finite"):
        write(tmp_path / "part.h5", index, engine, 18, threads=2)
    assert not any(tmp_path.iterdir())
