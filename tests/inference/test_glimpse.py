"""A split network returns the logits of the whole network, and a network is split only where it can be."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from helpers.networks import N_LABELS, cut, trained
from labelmaps.data.batches import read_batches
from labelmaps.data.images import read_digest
from labelmaps.errors import InputError
from labelmaps.inference.glimpse import Glimpse, first_glimpse
from labelmaps.inference.glimpse_saliency import images_at_once
from labelmaps.inference.inputs import make_views
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.tap import Layout, infer_layout
from labelmaps.views import cell_points
from labelmaps.views.zoom import View

CPU = torch.device("cpu")
LAST_BLOCK = {  # architecture: the last block, its channels
    "small_resnet": ("layer4", 128),
    "resnet18": ("layer4", 512),
    "regnet_y_400mf": ("trunk_output", 440),
    "shufflenet_v2_x0_5": ("conv5", 1024),
    "googlenet": ("inception5b", 1024),
    "mobilenet_v2": ("features", 1280),
    "efficientnet_b0": ("features", 1280),
    "swin_t": ("permute", 768),
    "densenet121": ("features", 1024),  # but for a ReLU
    "mobilenet_v3_small": ("features", 576),
    "convnext_tiny": ("features", 768),
    "squeezenet1_1": ("classifier.2", N_LABELS),  # its last map is one of labels
    "vgg11": ("avgpool", 512),  # 7 × 7 at any size
    "alexnet": ("avgpool", 256),
}
NOT_AVERAGE_AND_LINEAR = {
    "densenet121",
    "mobilenet_v3_small",
    "convnext_tiny",
    "squeezenet1_1",
    "vgg11",
    "alexnet",
}
SIDE = {"vgg11": 7, "alexnet": 6, "squeezenet1_1": 3}  # of the map; else 2, at 64 pixels


def noise(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seeded(module):
    """Make a module in evaluation mode, with the same random weights in every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return module().eval()


SLOW = {"googlenet", "swin_t", "densenet121", "convnext_tiny", "vgg11"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in LAST_BLOCK],
)
def split(request, thorough):
    """A network's name, the network, and its split; one network at a time, because they are large."""
    network = trained(request.param, narrow=not thorough)
    return request.param, network, cut(network, 64)


@pytest.fixture(scope="module")
def small():
    return cut(trained("small_resnet"), 64)


@pytest.fixture(scope="module")
def densenet():
    return cut(trained("densenet121"), 64)


def test_the_last_block_is_the_last_module_that_gives_a_map(split):
    architecture, network, classifier = split
    name, channels = LAST_BLOCK[architecture]
    assert classifier.block is network.get_submodule(name)
    side = SIDE.get(architecture, 2)
    assert classifier.activations(noise(3, 3, 64, 64)).shape == (3, channels, side, side)


def test_the_linear_layer_is_told_where_only_an_average_comes_before_it(split):
    architecture, network, classifier = split
    if architecture in NOT_AVERAGE_AND_LINEAR:
        assert classifier.linear is None
    else:
        assert classifier.linear is [m for m in network.modules() if isinstance(m, nn.Linear)][-1]


def test_the_head_on_the_activations_gives_the_networks_logits(split):
    _, network, classifier = split
    views = noise(3, 3, 64, 64)
    logits = network(views)
    spread = (logits - logits.mean(dim=0)).abs().max().item()
    assert spread > 1e-3 * logits.abs().max()  # else a head that looks at nothing would pass
    head = classifier.head(classifier.activations(views))
    torch.testing.assert_close(head, logits, rtol=0, atol=1e-3 * spread)


def test_the_head_takes_activations_that_no_view_gave(split):
    """The maps go through the head one by one or together, and there may be any number of them."""
    _, _, classifier = split
    activations = (
        classifier.activations(noise(4, 3, 64, 64)).flip(0)
        * torch.tensor([1, 2, 0.5, 0])[:, None, None, None]
    )
    together = classifier.head(activations)
    apart = torch.cat([classifier.head(one[None]) for one in activations])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-4 * apart.abs().max().item())
    assert len(together.unique(dim=0)) == 4


def test_the_network_says_what_it_said_and_no_gradients_are_left(split):
    architecture, network, classifier = split
    views = noise(2, 3, 64, 64)
    activations = classifier.activations(views)
    classifier.gradient(activations, torch.tensor([0, 1]))
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not activations.requires_grad
    if architecture == "small_resnet":
        torch.testing.assert_close(network(views), trained(architecture)(views))


def test_threads_that_use_a_network_at_the_same_time_do_not_meet(split):
    """Each gets the activations of its own views, the logits of its own activations, and its own gradient."""
    _, _, classifier = split
    views = noise(4, 1, 3, 64, 64)

    def use(view):
        activations = classifier.activations(view)
        return activations, classifier.head(activations), classifier.gradient(activations, torch.tensor([1]))

    expected = [use(view) for view in views]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(use, views))
    for ours, theirs in zip(found, expected, strict=True):
        for tensor, other in zip(ours, theirs, strict=True):
            assert torch.equal(tensor, other)


def test_the_gradient_is_that_of_the_logit_by_autograd(split):
    """This holds for the closed form and for the head on a known view, compared with another run of the network."""
    _, network, classifier = split
    views, label = noise(3, 3, 64, 64), torch.tensor([5, 0, 3])
    seen = []

    def watch(module, inputs, output):
        seen.append(output.detach().requires_grad_())
        return seen[0].clone()

    with classifier.block.register_forward_hook(watch):
        network(views)[torch.arange(3), label].sum().backward()
    expected = seen[0].grad
    gradient = classifier.gradient(classifier.activations(views), label)
    assert gradient.shape == expected.shape
    scale = expected.abs().max().item()
    assert scale > 0
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("architecture", ["small_resnet", pytest.param("resnet18", marks=pytest.mark.slow)])
def test_the_closed_form_of_the_gradient_equals_autograd(architecture):
    classifier = cut(trained(architecture, 96), 96)
    activations, label = classifier.activations(noise(4, 3, 96, 96)), torch.tensor([6, 0, 3, 3])
    closed, logits = classifier.gradient(activations, label), classifier.head(activations)
    classifier.linear = None
    torch.testing.assert_close(classifier.gradient(activations, label), closed, rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(classifier.head(activations), logits, rtol=1e-5, atol=1e-5)


def test_the_gradient_by_hand(small):
    """From z_k = W[k]·mean(A) + b, the gradient is W[k, c] divided by the number of cells; the map need not be square."""
    label = torch.tensor([2, 5])
    gradient = small.gradient(noise(2, 128, 2, 3), label)
    assert gradient.shape == (2, 128, 2, 3)
    expected = small.network.fc.weight[label] / 6
    for row in range(2):
        for column in range(3):
            torch.testing.assert_close(gradient[:, :, row, column], expected)


def test_activations_are_those_before_what_goes_on_in_place(densenet, monkeypatch):
    """DenseNet's ReLU overwrites the output of its last block."""
    views = noise(2, 3, 64, 64)
    activations = densenet.activations(views)
    assert (activations < 0).any()
    monkeypatch.setattr(nn.functional, "relu", lambda x, inplace=False: torch.relu(x))
    torch.testing.assert_close(activations, densenet.network.features(views))


def test_the_head_leaves_the_activations_that_it_is_given(densenet):
    activations = noise(2, 1024, 2, 2)
    before = activations.clone()
    densenet.head(activations)
    densenet.gradient(activations, torch.tensor([0, 1]))
    assert torch.equal(activations, before)


def test_a_network_is_put_in_evaluation_mode():
    network = trained("small_resnet").train()
    cut(network, 64)
    assert not any(module.training for module in network.modules())


def test_networks_without_any_map_are_refused():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, N_LABELS))
    with pytest.raises(
        InputError, match=r"^Sequential has no map .* label maps can.*without: \[gradcam, dff\]"
    ):
        cut(network, 8)


class Beside(nn.Module):
    """A network whose last module that returns a map is only a branch: a second path leads past it."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.branch = nn.Conv2d(8, 8, 1)
        self.fc = nn.Linear(8, N_LABELS)

    def forward(self, x):
        x = self.stem(x)
        return self.fc((x + self.branch(x)).relu().mean(dim=(2, 3)))


def test_a_block_that_is_not_all_the_head_sees_is_passed_over():
    """It may not be named as `layer` either."""
    assert cut(seeded(Beside), 16).block_name == "stem"
    with pytest.raises(
        InputError, match="layer: the logits of Beside do not follow from the output of `branch` alone"
    ):
        cut(seeded(Beside), 16, layer="branch")
    assert cut(seeded(Beside), 16, layer="stem").block_name == "stem"
    with pytest.raises(InputError, match=r"layer: Beside has no module `trunk`.*stem, branch, fc"):
        cut(seeded(Beside), 16, layer="trunk")


class Twice(Beside):
    """A network that runs one ReLU twice, the second time on the map from which the logits follow."""

    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.fc(self.relu(self.branch(self.relu(self.stem(x)))).mean(dim=(2, 3)))


def test_a_module_that_runs_twice_is_passed_over():
    assert cut(seeded(Twice), 16).block_name == "branch"


class Tokens(nn.Module):
    """A transformer of two blocks on patches, with a class token and two registers."""

    def __init__(self, pool=False):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, stride=4)
        self.first = nn.Parameter(torch.randn(1, 3, 16))
        self.blocks = nn.Sequential(
            *(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True) for _ in range(2))
        )
        self.fc, self.pool = nn.Linear(16, N_LABELS), pool

    def forward(self, x):
        cells = self.patch(x).flatten(2).mT
        tokens = self.blocks(torch.cat([self.first.expand(len(x), -1, -1), cells], dim=1))
        return self.fc(tokens[:, 3:].mean(dim=1) if self.pool else tokens[:, 0])


@pytest.mark.parametrize(("pool", "block"), [(False, "blocks.0"), (True, "blocks")])
def test_the_cells_of_tokens_are_a_map_and_the_tokens_before_them_are_kept(pool, block):
    """If the logits follow from the class token, they depend on no other token after the last block."""
    network = seeded(lambda: Tokens(pool))
    classifier = cut(network, 16)
    assert (classifier.block_name, classifier.layout) == (block, Layout("tokens", 4, 3))
    views = noise(3, 3, 16, 16)
    maps, prefix = classifier.map_and_prefix(views)
    assert maps.shape == (3, 16, 4, 4)
    assert prefix.shape == (3, 3, 16)
    torch.testing.assert_close(classifier.head(maps, prefix), network(views), rtol=0, atol=1e-5)
    # Row by row: what is drawn at the top left comes first.
    views[:, :, :4, :4] += 1
    changed = network.patch(views).flatten(2).mT - network.patch(noise(3, 3, 16, 16)).flatten(2).mT
    assert changed.abs().sum(dim=(0, 2)).nonzero().flatten().tolist() == [0]
    gradient = classifier.gradient(maps, torch.tensor([0, 1, 2]), prefix)
    step = 1e-2 * noise(*maps.shape, seed=5)
    rise = (classifier.head(maps + step, prefix) - classifier.head(maps - step, prefix)) / 2
    expected = torch.stack([rise[i, i] for i in range(3)])
    torch.testing.assert_close((gradient * step).sum(dim=(1, 2, 3)), expected, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((2, 8, 7, 7), Layout("channels first", 7)),
        ((2, 7, 7, 8), Layout("channels last", 7)),
        ((2, 7, 7, 7), Layout("channels first", 7)),
        ((2, 8, 1, 1), None),
        ((2, 7, 8, 9), None),
        ((2, 197, 8), Layout("tokens", 14, 1)),
        ((2, 196, 8), Layout("tokens", 14, 0)),
        ((2, 261, 8), Layout("tokens", 16, 5)),
        ((2, 3, 8), None),
        ((8, 8, 7, 7), None),  # windows of views
        ((2, 8), None),
    ],
)
def test_rows_columns_and_channels_are_told_apart_by_one_rule(shape, layout):
    assert infer_layout(torch.zeros(shape), 2) == layout
    if layout is not None:
        output = noise(*shape)
        maps, prefix = layout.split(output)
        assert maps.shape[2:] == (layout.side, layout.side)
        assert torch.equal(layout.join(maps, prefix), output)


class Squared(nn.Module):
    """The end of a ResNet, but with the squares of the averages."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.fc = nn.Linear(8, N_LABELS)

    def forward(self, x):
        return self.fc(self.conv(x).mean(dim=(2, 3)).square())


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_closed_form_is_tried_not_assumed_at_any_scale_of_the_logits(scale):
    network = seeded(Squared)
    network.fc.weight.data *= scale
    network.fc.bias.data *= 0
    classifier = cut(network, 8)
    assert classifier.block is network.conv
    assert classifier.linear is None
    views = noise(2, 3, 8, 8)
    torch.testing.assert_close(classifier.head(classifier.activations(views)), network(views))


def test_a_map_of_one_cell_is_no_map(small):
    """Only layer2 is left with more than one, at 32 pixels; the head then includes layer3 and layer4."""
    network = small.network
    assert cut(network, 64).block is network.layer4
    assert cut(network, 32).block is network.layer2
    assert cut(network, 32).linear is None


# Looking once

PREPROCESSING = Preprocessing(size=64)
SIZES = [(50, 40), (40, 50), (90, 31), (64, 64), (20, 30)]


@pytest.fixture(scope="module")
def pictures():
    """Make pictures that are smooth and colourful, so that views differ."""
    rng = np.random.default_rng(0)
    coarse = [Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8)) for _ in SIZES]
    return [np.array(image.resize(size)) for image, size in zip(coarse, SIZES, strict=True)]


@pytest.fixture(scope="module")
def index(tmp_path_factory, pictures):
    rows = []
    for i, picture in enumerate(pictures):
        path = tmp_path_factory.getbasetemp() / f"glimpse {i}.png"
        Image.fromarray(picture).save(path)
        rows.append((f"image {i}", str(path), -1, -1, read_digest(path), *SIZES[i]))
    return pd.DataFrame(rows, columns=["image", "path", "offset", "length", "digest", "width", "height"])


def look(index, classifier, view, batch):
    """Yield the glimpses of the images of an index, batch by batch, with their rows."""
    for rows, images in read_batches(index, batch):
        yield rows, first_glimpse(rows, images, classifier, view, PREPROCESSING, batch)


@pytest.mark.slow
@pytest.mark.parametrize(("grid", "centre"), [(3, 4), (7, 24)])
def test_looking_once_is_looking_from_the_centre_image_by_image(index, pictures, small, grid, centre):
    view = View(grid=grid)
    seen = list(look(index, small, view, batch=2))
    assert [rows["image"].tolist() for rows, _ in seen] == [
        ["image 0", "image 1"],
        ["image 2", "image 3"],
        ["image 4"],
    ]
    activations = torch.cat([glimpse.activations for _, glimpse in seen])
    for picture, found in zip(pictures, activations, strict=True):
        (views,) = make_views([picture], view, PREPROCESSING, CPU, range(grid**2))
        alone = torch.cat([small.activations(one[None]) for one in views])
        torch.testing.assert_close(found, alone[centre], rtol=1e-4, atol=1e-4)
        distance = (alone - found).flatten(1).norm(dim=1)
        assert distance.argmin() == centre
        assert distance.sort().values[1] > 0.1  # the other views are others
    assert all(isinstance(glimpse, Glimpse) and glimpse.classifier is small for _, glimpse in seen)


@pytest.mark.parametrize(
    ("n", "side", "batch", "streams", "at_once"),
    [
        (1000, 400, 8, 2, 32),
        (1000, 400, 1024, 1, 1024),
        (50, 400, 8, 4, 12),  # every stream has its share
        (5, 400, 8, 4, 8),
        (1000, 1024, 4, 2, 8),  # 2²⁰ pixels each
        (1000, 4900, 8, 2, 2),  # photographs of 24 megapixels
        (1000, 8000, 4, 2, 1),
    ],
)
def test_methods_are_given_many_small_images_at_once(n, side, batch, streams, at_once):
    images = pd.DataFrame({"width": [side] * n, "height": side})
    assert images_at_once(images, batch, streams) == at_once


def test_the_network_is_shown_no_more_views_at_once_than_it_may(index, pictures, small, monkeypatch):
    shown, look = [], small.map_and_prefix
    monkeypatch.setattr(small, "map_and_prefix", lambda views: shown.append(len(views)) or look(views))
    few, many = (first_glimpse(index, pictures, small, View(grid=3), PREPROCESSING, n) for n in (2, 9))
    assert shown == [2, 2, 1, 5]
    torch.testing.assert_close(few.activations, many.activations, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 3, 5, 8])
def test_what_is_seen_does_not_depend_on_the_batch_size(index, small, batch):
    one, other = (list(look(index, small, View(grid=3), n)) for n in (2, batch))
    assert [len(rows) for rows, _ in other] == {1: [1] * 5, 3: [3, 2], 5: [5], 8: [5]}[batch]
    assert pd.concat([rows for rows, _ in other])["image"].tolist() == index["image"].tolist()
    activations, expected = (torch.cat([glimpse.activations for _, glimpse in seen]) for seen in (other, one))
    torch.testing.assert_close(activations, expected, rtol=1e-4, atol=1e-5)


def test_an_image_that_changed_since_it_was_indexed_is_refused(index, small):
    stale = index.assign(digest=["0" * len(index["digest"].iloc[0]), *index["digest"].iloc[1:]])
    with pytest.raises(InputError, match=r"glimpse 0\.png: the image changed since it was indexed"):
        next(look(stale, small, View(grid=3), batch=2))


# Where the map's cells lie


def test_the_cells_of_a_whole_image_by_hand():
    """400 × 200 pixels, 7 × 7 cells: ((j + ½)/7 · 400, (i + ½)/7 · 200)."""
    points = cell_points(View().geometry(400, 200).extent[3, 3][None], 7, 7)
    assert points.shape == (1, 7, 7, 2)
    for i in range(7):
        for j in range(7):
            np.testing.assert_allclose(points[0, i, j], [(j + 0.5) / 7 * 400, (i + 0.5) / 7 * 200])
    np.testing.assert_allclose(points[0, 3, 3], [200, 100])
    np.testing.assert_allclose(points[0, 0, 6], [2600 / 7, 100 / 7])


def test_the_cells_of_a_part_of_an_image_by_hand():
    """Boxes of 40 × 10 pixels from (100, 50), of 2 × 4 cells, and of 8 × 8 that begins outside the image."""
    points = cell_points(np.array([[100, 50, 140, 60], [-4, 0, 4, 8]]), 2, 4)
    assert points.shape == (2, 2, 4, 2)
    np.testing.assert_allclose(points[0, :, :, 0], [[105, 115, 125, 135]] * 2)
    np.testing.assert_allclose(points[0, :, :, 1], [[52.5] * 4, [57.5] * 4])
    np.testing.assert_allclose(points[1, :, :, 0], [[-3, -1, 1, 3]] * 2)
    np.testing.assert_allclose(points[1, :, :, 1], [[2] * 4, [6] * 4])
