"""Engines: the views in a batch, a lack of memory, and the engine `shared` compared with `exact`."""

import shutil

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from helpers.compiler import trusting_compiler
from helpers.networks import known_on_noise
from helpers.study import noise, run_network, write_data_set
from labelmaps.errors import InputError
from labelmaps.inference.engines import Exact, Shared, create_engine, equivalent_views
from labelmaps.inference.parallel import one_thread_each
from labelmaps.jobs.memory import with_enough_memory
from labelmaps.networks.build import build
from labelmaps.networks.classifier import Classifier
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.weights import random_weights
from labelmaps.views import crop, shift, zoom
from workflow.scripts.compute_label_maps import compute_label_maps

CPU = torch.device("cpu")
N_LABELS = 7
SMALL = Preprocessing(size=64)
FULL = Preprocessing(size=224)


def network_of(architecture="small_resnet", size=64):
    network = build(architecture, N_LABELS)
    network.load_state_dict(random_weights(architecture, N_LABELS, seed=3, size=size))
    return network.eval()


def exact(view, network=None, preprocessing=SMALL, **options):
    return Exact(Classifier(network or network_of(), CPU, "float32", **options), view, preprocessing)


# Views at once


@pytest.mark.parametrize(
    ("grid", "asked", "given"),
    [
        (7, 1, 7),
        (7, 8, 7),
        (7, 48, 7),
        (7, 49, 49),
        (7, 97, 49),
        (7, 1024, 980),
        (9, 20, 9),
        (9, 27, 27),
        (9, 80, 27),
        (9, 81, 81),
        (1, 1, 1),
        (1, 8, 8),
        (3, 8, 3),
    ],
)
def test_views_at_once_are_whole_images_or_equal_numbers_of_rows(grid, asked, given):
    engine = exact(zoom.View(grid=grid, floor=0.2))
    assert engine.round_batch(asked) == given
    assert engine.round_batch(given) == given
    assert engine.images_at_once(given) == max(given // grid**2, 1)


class Shapes(nn.Module):
    """A network that returns logits 0 and records the shapes of its views."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, views):
        self.seen.append(tuple(views.shape))
        return views.mean((2, 3))


@pytest.mark.parametrize(("batch", "n_images", "times"), [(7, 1, 7), (49, 1, 1), (98, 2, 1), (98, 1, 1)])
def test_every_batch_has_the_same_shape(batch, n_images, times):
    """This includes the last batch, which may have fewer images: the network is compiled for one shape."""
    network = Shapes()
    logits = exact(zoom.View(), network).logits(noise((30, 20), (20, 30))[:n_images], batch)
    assert network.seen == [(batch, 3, 64, 64)] * times
    assert logits.shape == (n_images, 7, 7, 3)


@pytest.mark.parametrize("batch", [3, 9, 18])
def test_logits_do_not_depend_on_how_many_views_go_together(batch):
    engine = exact(zoom.View(grid=3))
    images = noise((40, 30), (30, 50))[: max(batch // 9, 1)]
    expected = torch.cat([engine.logits([image], 9) for image in images])
    torch.testing.assert_close(engine.logits(images, batch), expected, rtol=1e-3, atol=1e-4)


# Without memory


def out_of_memory(kind):
    return {
        "GPU": torch.OutOfMemoryError("CUDA out of memory"),
        "CPU": RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        ),
        "Python": MemoryError(),
        "CUDA": torch.AcceleratorError("CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA`"),
        "cuBLAS": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    }[kind]


@pytest.mark.parametrize("kind", ["GPU", "CPU", "Python", "CUDA", "cuBLAS"])
def test_without_memory_the_batch_is_halved_until_it_fits(kind, caplog):
    tried = []

    def attempt(batch):
        tried.append(batch)
        if batch > 10:
            raise out_of_memory(kind)
        return "done"

    assert with_enough_memory(attempt, 100, exact(zoom.View()).round_batch) == "done"
    assert tried == [98, 49, 7]
    assert [record.getMessage() for record in caplog.records] == [
        "no memory left for 98 views at once: starting again with 49",
        "no memory left for 49 views at once: starting again with 7",
    ]


def test_without_memory_for_the_fewest_views_the_error_says_so():
    def attempt(batch):
        raise out_of_memory("GPU")

    with pytest.raises(InputError, match="no memory left for 7 views at once, and fewer are not possible"):
        with_enough_memory(attempt, 49, exact(zoom.View()).round_batch)


def test_other_errors_pass_and_nothing_is_tried_again():
    tried = []

    def attempt(batch):
        tried.append(batch)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        with_enough_memory(attempt, 49, exact(zoom.View()).round_batch)
    assert tried == [49]


# The shared trunk


def test_all_views_of_a_shift_are_windows_of_one_picture():
    view, image = shift.View(), torch.randn(3, 90, 120, generator=torch.Generator().manual_seed(0))
    views = view.sample(image, 56, torch.zeros(3), range(49)).unflatten(0, (7, 7))
    whole = view.sample_union(image, 56 + 6 * 8, torch.zeros(3))[0]
    for row, column in np.ndindex(7, 7):
        window = whole[:, 8 * row : 8 * row + 56, 8 * column : 8 * column + 56]
        torch.testing.assert_close(views[row, column], window, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("base", ["letterbox", "squash"])
@pytest.mark.parametrize("beyond", ["black", "gray", "reflect", "roll"])
def test_the_picture_of_all_views_goes_on_beyond_the_square_as_they_do(base, beyond):
    view = shift.View(base=base, beyond=beyond)
    image = torch.randn(3, 90, 120, generator=torch.Generator().manual_seed(0))
    black = torch.tensor([-2.0, -1.0, -3.0])
    first = view.sample(image, 56, black, [0])[0]
    torch.testing.assert_close(
        view.sample_union(image, 104, black)[0, :, :56, :56], first, rtol=1e-4, atol=1e-4
    )


class Patches(nn.Module):
    """A network without padding, on patches of 8 pixels, for which `shared` gives the logits of `exact`."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Sequential(nn.Conv2d(3, 16, 8, stride=8), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(16, N_LABELS)

    def forward(self, views):
        return self.head(self.pool(self.patch(views)).flatten(1))


def patches():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Patches().eval()


def sharing(network, view, preprocessing, **options):
    known = known_on_noise(network, preprocessing.size)
    return Shared(network, view, preprocessing, CPU, "float32", known, **options)


@pytest.mark.parametrize("grid", [1, 7])
def test_without_borders_the_shared_trunk_is_exact(grid):
    view, preprocessing, images = shift.View(grid=grid), Preprocessing(size=56), noise((90, 60), (60, 80))
    shared = sharing(patches(), view, preprocessing)
    expected = exact(view, patches(), preprocessing).logits(images, 2 * grid**2)
    assert expected.std() > 0.01
    torch.testing.assert_close(shared.logits(images, 8), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(shared.logits(images[:1], 8), shared.logits(images, 8)[:1])


def test_with_borders_the_shared_trunk_differs_by_what_they_see():
    view, images = shift.View(base="crop", beyond="surroundings"), noise((260, 230))
    shared = sharing(network_of(), view, FULL).logits(images, 1)
    logits = exact(view, preprocessing=FULL).logits(images, 49)
    difference = (shared - logits).abs()
    assert difference.max() > 1e-3
    correlation = np.corrcoef(shared.flatten(), logits.flatten())[0, 1]
    assert correlation > 0.9


@pytest.mark.slow
def test_the_shared_trunk_takes_a_small_part_of_the_operations():
    view = shift.View()
    each = exact(view, preprocessing=FULL).operations_per_view()
    shared = sharing(network_of(), view, FULL).operations_per_view()
    pixels = 416**2 / (49 * 224**2)
    assert shared / each == pytest.approx(pixels, rel=0.01)


@pytest.mark.parametrize("batch", [1, 3, 8, 40])
def test_the_shared_trunk_takes_as_many_images_as_have_the_pixels_of_the_batch(batch):
    engine = sharing(network_of(), shift.View(), FULL)
    assert engine.round_batch(batch) == batch
    assert engine.images_at_once(batch) == max(int(batch * 224**2 / 416**2), 1)


@pytest.mark.parametrize(
    ("view", "preprocessing", "message"),
    [
        (zoom.View(), FULL, "engine: shared needs views of the family `shift`"),
        (crop.View(), FULL, "engine: shared needs views of the family `shift`"),
        (shift.View(grid=5), FULL, "whose step is a whole number of pixels"),
        (shift.View(grid=3), Preprocessing(size=96 + 3), "multiple of the stride"),
        (shift.View(grid=7), Preprocessing(size=112), "multiple of the stride"),
    ],
)
def test_views_that_cannot_share_a_trunk_are_refused(view, preprocessing, message):
    with pytest.raises(InputError, match=message):
        sharing(network_of(), view, preprocessing)


def test_networks_that_do_not_average_cannot_share_their_trunk():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 49, N_LABELS)
    ).eval()
    with pytest.raises(
        InputError, match="a network that ends in an average over its last map and a linear layer"
    ):
        sharing(network, shift.View(), Preprocessing(size=56))


def test_engines_are_created_by_name():
    arguments = (network_of(), shift.View(), FULL, CPU, "float32", False, noise((60, 50)))
    for name, kind in (("exact", Exact), ("shared", Shared)):
        engine = create_engine(name, *arguments)
        assert isinstance(engine, kind)
        engine.prepare(49)
        assert 0 < engine.difference < 1e-4


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of the compiler's cache."""
    with trusting_compiler(tmp_path_factory.mktemp("kept")) as folder:
        yield folder


class Residual(nn.Module):
    """A stem and one block of `small_resnet`, which has all its kinds of layers but is faster to compile."""

    def __init__(self):
        super().__init__()
        whole = network_of()
        self.stem = nn.Sequential(whole.conv1, whole.bn1, whole.relu)
        self.block, self.pool, self.head = whole.layer2[0], whole.avgpool, nn.Linear(32, N_LABELS)

    def forward(self, views):
        return self.head(self.pool(self.block(self.stem(views))).flatten(1))


def residual():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Residual().eval()


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
@pytest.mark.slow
def test_a_compiled_network_gives_the_logits_of_the_network_and_the_same_bits_each_time(kept):
    view, images = zoom.View(grid=3), noise((40, 30), (30, 50))
    expected = exact(view, residual()).logits(images, 18)
    assert expected.std() > 0.01
    compiled = exact(view, residual(), compiled=True)
    logits = compiled.logits(images, 18)
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-4)
    assert torch.equal(compiled.logits(images, 18), logits)
    assert any(kept.iterdir())


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
@pytest.mark.slow
def test_a_shared_trunk_can_be_compiled(kept):
    before = set(kept.iterdir())
    view, images, preprocessing = shift.View(), noise((90, 60)), Preprocessing(size=56)
    expected = sharing(patches(), view, preprocessing).logits(images, 8)
    compiled = sharing(patches(), view, preprocessing, compiled=True)
    compiled.prepare(8)
    torch.testing.assert_close(compiled.logits(images, 8), expected, rtol=1e-4, atol=1e-5)
    assert set(kept.iterdir()) > before


@pytest.mark.parametrize(("name", "worth"), [("exact", 49), ("shared", (416 / 224) ** 2)])
def test_compiling_pays_by_the_pixels_that_a_network_goes_over(name, worth):
    assert equivalent_views(name, shift.View()) == pytest.approx(worth)


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
@pytest.mark.slow
def test_what_is_prepared_is_compiled_once_for_all_threads(kept):
    image = noise((40, 30))
    compiled = exact(zoom.View(grid=3), patches(), Preprocessing(size=56), compiled=True)
    torch._dynamo.utils.counters.clear()
    compiled.prepare(9)
    with one_thread_each(2) as pool:
        first, *others = pool.map(lambda _: compiled.logits(image, 9), range(4))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    assert all(torch.equal(logits, first) for logits in others)


class Forgetful(Exact):
    """A network that has memory for the first images, and after that only for one row of the grid."""

    asked = 0

    def logits(self, images, batch):
        self.asked += 1
        if batch > self.view.grid and self.asked > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().logits(images, batch)


@pytest.mark.slow
def test_a_part_without_memory_is_written_with_a_smaller_batch_and_says_so(tmp_path, monkeypatch):
    """The script runs as in the rule: results are the same, the file states the batch, and no other file is left."""
    pictures = noise(*[(40, 30), (30, 50), (64, 64)] * 4)
    write_data_set(tmp_path, pictures, N_LABELS, image=list("abcdefghijkl"))
    torch.save(network_of().state_dict(), tmp_path / "weights.pth")
    written = {}
    for name, engine in (("plenty", Exact), ("little", Forgetful)):
        monkeypatch.setattr("labelmaps.inference.engines.Exact", engine)
        folder = tmp_path / name
        run_network(
            compute_label_maps,
            tmp_path,
            {"batch": 18},
            label_maps=folder / "1of1.h5",
            part=1,
            parts=1,
            engine_name="exact",
        )
        assert [path.name for path in folder.iterdir()] == ["1of1.h5"]
        with h5py.File(folder / "1of1.h5") as file:
            written[name] = file["top_label"][:], file["log_probability"][:], int(file.attrs["batch"])
    np.testing.assert_array_equal(written["plenty"][0], written["little"][0])
    np.testing.assert_allclose(written["plenty"][1], written["little"][1], rtol=2e-3, atol=1e-5)
    assert (written["plenty"][2], written["little"][2]) == (18, 3)
