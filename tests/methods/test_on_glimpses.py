"""Methods on the last block's activations: by hand, and against the grad-cam package run as its users run it."""

import os
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.feature_factorization import deep_feature_factorization
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection_with_sign_correction
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits
from torch import nn

from helpers.networks import cut, trained
from labelmaps.data.images import read_image
from labelmaps.inference.glimpse import Glimpse
from labelmaps.inference.inputs import make_views
from labelmaps.methods import (
    _factorisation,
    dff,
    eigencam,
    gradcam,
    gradcam_own,
    gradcam_plusplus,
    hirescam,
    layercam,
    xgradcam,
)
from labelmaps.methods._factorisation import factorise
from labelmaps.networks.build import build
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.weights import load_weights
from labelmaps.scoring.fixations import find_fixations
from labelmaps.views import cell_points
from labelmaps.views.zoom import View

CPU = torch.device("cpu")
N_LABELS = 7
PACKAGE = {  # ours: the package's
    gradcam: pytorch_grad_cam.GradCAM,
    hirescam: pytorch_grad_cam.HiResCAM,
    layercam: pytorch_grad_cam.LayerCAM,
    gradcam_plusplus: pytorch_grad_cam.GradCAMPlusPlus,
    xgradcam: pytorch_grad_cam.XGradCAM,
}
CUED, UNCUED = list(PACKAGE), [dff, eigencam, gradcam_own]
DATA = os.environ.get("LABELMAPS_TEST_DATA")
N_REAL, N_REAL_IF_THOROUGH = 34, 100


@pytest.fixture(scope="module", autouse=True)
def _one_thread_for_numpy_too():
    with threadpool_limits(1):
        yield


def noise(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Averaged(nn.Module):
    """Logits W·mean(A) + b of a map A with as many channels as W has columns: a ResNet's end alone."""

    def __init__(self, weight, bias=0.0):
        super().__init__()
        labels, channels = weight.shape
        self.block = nn.Conv2d(3, channels, 1)
        self.fc = nn.Linear(channels, labels)
        self.fc.weight.data, self.fc.bias.data = weight, torch.zeros(labels) + bias

    def forward(self, x):
        return self.fc(self.block(x).mean(dim=(2, 3)))


def glimpse(activations, weight, bias=0.0):
    classifier = cut(Averaged(torch.as_tensor(weight, dtype=torch.float32), bias), 8)
    assert classifier.linear is not None
    return Glimpse(torch.as_tensor(activations, dtype=torch.float32), classifier)


def features(n=6, channels=64, rows=5, columns=7, seed=0):
    """As a block's activations: some smooth bumps for each channel, a little noise, and ReLU."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    place = random.uniform(0, (rows - 1, columns - 1), (n, 6, 2))[..., None, None]
    bumps = np.exp(-((y - place[:, :, 0]) ** 2 + (x - place[:, :, 1]) ** 2) / 4)
    loads = random.exponential(1, (n, channels, 6)) * (random.random((n, channels, 6)) < 0.4)
    mixed = np.einsum("ncb,nbyx->ncyx", loads, bumps)
    return np.maximum(mixed + random.normal(0, 0.05, mixed.shape), 0)


def own_maps(method, seen, label=None, **options):
    """The method's maps, and None or its own labels."""
    result = method.saliency(seen, label, **options)
    return result if isinstance(result, tuple) else (result, None)


def packages_maps(kind, network, block, views, label):
    """Maps by the grad-cam package, run on the network, as they are before it scales them to [0, 1] and to the view."""

    class Native(kind):
        def get_cam_image(self, *arguments):
            self.map = super().get_cam_image(*arguments)
            return self.map

    # Gradients are needed as far back as the block: some have no weights of their own.
    (block if list(block.parameters()) else network).requires_grad_(True)
    with Native(network, [block]) as package:
        package(views, [ClassifierOutputTarget(k) for k in label.tolist()])
    network.requires_grad_(False)
    return np.maximum(package.map, 0)


def packages_factors(network, block, view, k, monkeypatch):
    """Deep feature factorisation by the grad-cam package of one view (1, 3, size, size), before it scales the maps.

    Returns the concepts (component, channel), the maps (component, row, column) and each concept's logits.
    """
    monkeypatch.setattr(deep_feature_factorization, "scale_cam_image", lambda cam, size: cam)
    package = deep_feature_factorization.DeepFeatureFactorization(
        network, block, computation_on_concepts=network.fc
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        concepts, maps, logits = package(view, k)
    return concepts.T, maps[0], logits


def assert_same_maps(maps, expected):
    """To 10⁻⁴ of each map's peak, and with the same peak; the same maps are dead."""
    maps, expected = np.asarray(maps), np.asarray(expected)
    assert maps.shape == expected.shape
    peak = expected.max(axis=(1, 2), keepdims=True)
    assert (peak > 0).any()
    assert (abs(maps - expected) <= 1e-4 * peak).all()
    flat, expected = (values.reshape(len(values), -1) for values in (maps, expected))
    np.testing.assert_array_equal(flat.argmax(axis=1), expected.argmax(axis=1))


def by_hand_activations():
    """One image of 3 channels and 2 × 3 cells."""
    return [[[[1, 2, 0], [0, 0, 4]], [[0, 1, 1], [0, 3, 0]], [[0, 0, 0], [0, 0, 0]]]]


# Weights such that ∂z/∂A is (1, −2, 5), (−1, −1, 0) and (0, 1, 0) at each of 6 cells, for labels 0, 1 and 2.
BY_HAND_WEIGHTS = [[6, -12, 30], [-6, -6, 0], [0, 6, 0]]
BY_HAND = {  # of label 0
    gradcam: [[1, 0, 0], [0, 0, 4]],  # A₀ − 2 A₁, cut at 0
    hirescam: [[1, 0, 0], [0, 0, 4]],  # the gradient is the same at each cell
    xgradcam: [[1, 0, 0], [0, 0, 4]],  # a weighted mean of what is the same at each cell
    layercam: [[1, 2, 0], [0, 0, 4]],  # A₀ + 5 A₂: what speaks against the label does not count
    # The same channels; their weight is 6 g · g²/(2 g² + g³ Σ A), with g = 1 and Σ A₀ = 7: 6/9
    gradcam_plusplus: [[2 / 3, 4 / 3, 0], [0, 0, 8 / 3]],
}


@pytest.mark.parametrize("way", ["closed form", "autograd"])
@pytest.mark.parametrize("method", CUED)
def test_class_activation_maps_by_hand(method, way):
    seen = glimpse(by_hand_activations(), BY_HAND_WEIGHTS)
    if way == "autograd":
        seen.classifier.linear = None
    maps = method.saliency(seen, torch.tensor([0]))
    assert maps.dtype == torch.float32
    torch.testing.assert_close(
        maps, torch.tensor([BY_HAND[method]], dtype=torch.float32), rtol=1e-5, atol=1e-5
    )


def test_gradcam_of_several_images_and_labels_by_hand():
    seen = glimpse(np.repeat(by_hand_activations(), 3, axis=0), BY_HAND_WEIGHTS)
    maps = gradcam.saliency(seen, torch.tensor([2, 0, 1]))
    expected = [[[0, 1, 1], [0, 3, 0]], [[1, 0, 0], [0, 0, 4]], [[0, 0, 0], [0, 0, 0]]]
    torch.testing.assert_close(maps, torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("way", ["closed form", "autograd"])
def test_gradcam_of_the_networks_own_label_by_hand(way):
    # Of means (7, 5, 0)/6 of the channels the logits are −3, −12 and 5: label 2. With a bias on label 0, that one.
    for bias, own, expected in (([0, 0, 0], 2, [[0, 1, 1], [0, 3, 0]]), ([9, 0, 0], 0, BY_HAND[gradcam])):
        seen = glimpse(by_hand_activations(), BY_HAND_WEIGHTS, torch.tensor(bias))
        if way == "autograd":
            seen.classifier.linear = None
        maps, label = gradcam_own.saliency(seen, None)
        torch.testing.assert_close(maps, torch.tensor([expected], dtype=torch.float32))
        assert label.tolist() == [own]


@pytest.mark.parametrize("method", CUED)
def test_a_label_for_which_nothing_speaks_gives_a_dead_map_and_the_eye_stays(method):
    """All weights of label 1 are negative, and activations are not."""
    n, rows, columns, view = 6, 5, 7, View(grid=5)
    weight = np.stack([np.ones(64), -1 - np.arange(64.0)])
    seen = glimpse(features(n), weight)
    label = torch.tensor([1, 1, 0, 1, 0, 1])
    maps = method.saliency(seen, label).numpy()
    dead = label.numpy() == 1
    np.testing.assert_array_equal((maps == 0).all(axis=(1, 2)), dead)
    assert not np.signbit(maps).any()
    geometry = view.geometry(300, 200)
    fixations = find_fixations(
        maps,
        cell_points(geometry.extent[2, 2][None].repeat(n, axis=0), rows, columns),
        geometry.centre[None].repeat(n, axis=0),
    )
    np.testing.assert_array_equal(fixations["dead"], dead)
    assert (fixations.loc[dead, ["row", "column", "x", "y"]] == [2, 2, 150, 100]).all(axis=None)
    assert not fixations["tie"].any()


# Against the package, run in full

NETWORKS = {
    "resnet18": "layer4",
    "vgg11": "avgpool",
    "mobilenet_v3_small": "features",
    "densenet121": "features",
}
SLOW = {"vgg11", "densenet121"}


@cache
def network_and_split(architecture):
    """Tests may look at them, and leave them as they are."""
    network = trained(architecture, narrow=True)
    return network, cut(network, 96)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in NETWORKS],
)
def example(request):
    """Network, its last block, its split, views and labels."""
    network, classifier = network_and_split(request.param)
    views = noise(3, 3, 96, 96)
    with torch.no_grad():
        label = network(views).topk(2).indices[torch.arange(3), torch.tensor([0, 1, 0])]
    return request.param, network, classifier, views, label


@pytest.mark.parametrize("method", CUED)
def test_class_activation_maps_equal_the_packages_run_on_the_network(example, method, monkeypatch):
    architecture, network, classifier, views, label = example
    seen = Glimpse(classifier.activations(views), classifier)
    maps = method.saliency(seen, label)
    if architecture == "densenet121":  # its ReLU would overwrite what the package keeps: see below
        monkeypatch.setattr(nn.functional, "relu", lambda x, inplace=False: torch.relu(x))
    block = network.get_submodule(NETWORKS[architecture])
    assert_same_maps(maps, packages_maps(PACKAGE[method], network, block, views, label))


@pytest.mark.slow
def test_densenets_relu_overwrites_what_the_package_keeps_and_not_what_we_keep():
    """The package reads its activations after DenseNet's ReLU went over them; the gradient is that before the ReLU."""
    network, classifier = network_and_split("densenet121")
    views, label = noise(3, 3, 96, 96), torch.tensor([1, 4, 6])
    activations = network.features(views).requires_grad_()
    logits = network.classifier(activations.relu().mean(dim=(2, 3)))
    (gradient,) = torch.autograd.grad(logits[torch.arange(3), label].sum(), activations)
    expected = (gradient.mean(dim=(2, 3), keepdim=True) * activations).sum(dim=1).clamp(min=0)
    maps = gradcam.saliency(Glimpse(classifier.activations(views), classifier), label)
    assert_same_maps(maps, expected.detach())
    package = packages_maps(pytorch_grad_cam.GradCAM, network, network.features, views, label)
    with pytest.raises(AssertionError):
        assert_same_maps(maps, package)


def test_gradcam_by_autograd_equals_the_closed_form():
    classifier = cut(trained("small_resnet"), 96)
    seen, label = Glimpse(classifier.activations(noise(5, 3, 96, 96)), classifier), torch.arange(5)
    closed = gradcam.saliency(seen, label)
    classifier.linear = None
    assert_same_maps(closed, gradcam.saliency(seen, label))


# EigenCAM


@pytest.mark.parametrize("values", [(5, 1, 0), (0, 4, 5), (-1, 3, 4)])
def test_eigencam_by_hand(values):
    """Minus their mean: ±(3, −1, −2); the side that reaches further is the positive one."""
    activations = np.zeros((1, 3, 1, 3))
    activations[0, 1, 0] = values
    maps, own = own_maps(eigencam, glimpse(activations, np.eye(2, 3)))
    torch.testing.assert_close(maps, torch.tensor([[[3.0, 0, 0]]]), rtol=1e-5, atol=1e-5)
    assert own is None


def test_eigencam_of_two_channels_by_hand():
    """Channels 3 v and 4 v: the first component is (3, 4)/5, on which the projection is 5 v."""
    v = np.array([[2.0, -1, 0], [0, -1, 0]])
    maps, _ = own_maps(eigencam, glimpse(np.array([[3 * v + 7, 4 * v - 2, 0 * v + 9]]), np.eye(2, 3)))
    torch.testing.assert_close(maps, torch.tensor([[[10.0, 0, 0], [0, 0, 0]]]), rtol=1e-5, atol=1e-4)


def test_eigencam_equals_the_packages_projection():
    activations = features(n=10).astype(np.float32)
    maps, _ = own_maps(eigencam, glimpse(activations, np.eye(2, 64)))
    assert_same_maps(maps, np.maximum(get_2d_projection_with_sign_correction(activations), 0))


def test_eigencam_equals_the_packages_own_up_to_its_sign():
    network, classifier = network_and_split("resnet18")
    views = noise(3, 3, 96, 96)
    maps, _ = own_maps(eigencam, Glimpse(classifier.activations(views), classifier))
    one, other = (
        packages_maps(turned, network, network.layer4, views, torch.zeros(3))
        for turned in (pytorch_grad_cam.EigenCAM, TurnedEigenCAM)
    )
    mine = np.where(one.max(axis=(1, 2), keepdims=True) > other.max(axis=(1, 2), keepdims=True), one, other)
    assert_same_maps(maps, mine)


class TurnedEigenCAM(pytorch_grad_cam.EigenCAM):
    """The package's, with the other sign."""

    def get_cam_image(self, *arguments):
        return -super().get_cam_image(*arguments)


# Deep feature factorisation


def test_dff_of_one_component_by_hand():
    """A − its minima is (2, 1, 0)ᵀ · (0, ½, 1; ¼, 0, 0): the map, and the concept (2, 1, 0) + minima (−1, 0, 3)."""
    h, w, lowest = np.array([[0, 0.5, 1], [0.25, 0, 0]]), np.array([2, 1, 0]), np.array([-1, 0, 3])
    activations = (w[:, None, None] * h + lowest[:, None, None])[None]
    # Logits of the concept (1, 1, 3): 3, 2, 1; without the minima, (2, 1, 0), they would be 0, 3, 4.
    seen = glimpse(activations, [[0, 0, 1], [1, 1, 0], [2, 0, -1 / 3]])
    maps, label = own_maps(dff, seen)
    torch.testing.assert_close(maps, torch.tensor(h, dtype=torch.float32)[None], rtol=1e-5, atol=1e-5)
    assert label.tolist() == [0]
    # Now 3, 3½, 1; for the minima alone they would be 3, ½, −3.
    seen.classifier.linear.bias.data[:] = torch.tensor([0, 1.5, 0])
    assert own_maps(dff, seen)[1].tolist() == [1]


def two_parts():
    """Channel 0 at the first of 2 × 3 cells, 4 strong; channel 1 at the last, 1 strong; channel 2 nowhere."""
    activations = np.zeros((1, 3, 2, 3))
    activations[0, 0, 0, 0], activations[0, 1, 1, 2] = 4, 1
    return activations


@pytest.mark.parametrize(
    ("choose", "row", "column", "label"),
    [("softmax", 1, 2, 1), ("energy", 0, 0, 0)],
    ids=["softmax", "energy"],
)
def test_the_choice_of_the_component_by_hand(choose, row, column, label):
    """Concepts (4, 0, 0) with logits (0.4, 0, 0), and (0, 1, 0) with (0, 3, 0): energy 4 and 1, softmax 0.43 and 0.91."""
    seen = glimpse(two_parts(), [[0.1, 0, 0], [0, 3, 0], [0, 0, 1]])
    maps, own = own_maps(dff, seen, components=2, choose=choose)
    expected = torch.zeros(1, 2, 3)
    expected[0, row, column] = 1
    torch.testing.assert_close(maps, expected)
    assert own.tolist() == [label]


@pytest.mark.parametrize("choose", ["softmax", "energy"])
def test_how_two_factors_share_their_scale_changes_nothing(choose, monkeypatch):
    seen = glimpse(two_parts(), [[0.1, 0, 0], [0, 3, 0], [0, 0, 1]])
    expected = own_maps(dff, seen, components=2, choose=choose)

    def shared_otherwise(matrix, k):
        w, h = factorise(matrix, k)
        share = torch.tensor([1e-3, 1e3])
        return w / share, h * share[:, None]

    monkeypatch.setattr(_factorisation, "factorise", shared_otherwise)
    for found, same in zip(own_maps(dff, seen, components=2, choose=choose), expected, strict=True):
        torch.testing.assert_close(found, same)


def test_one_component_is_the_default_and_softmax_its_default_choice():
    seen = glimpse(features(), noise(5, 64))
    default, one = own_maps(dff, seen), own_maps(dff, seen, components=1, choose="softmax")
    assert all(torch.equal(*pair) for pair in zip(default, one, strict=True))
    three, softmax, energy = (
        own_maps(dff, seen, components=3, **options)
        for options in ({}, {"choose": "softmax"}, {"choose": "energy"})
    )
    assert all(torch.equal(*pair) for pair in zip(three, softmax, strict=True))
    assert not torch.equal(softmax[0], energy[0])


@pytest.mark.parametrize("choose", ["softmax", "energy"])
@pytest.mark.parametrize("components", [1, 2, 3, 8])
def test_the_peak_of_dff_is_exactly_1_and_nothing_is_below_0(components, choose):
    maps, own = own_maps(dff, glimpse(features(), noise(5, 64)), components=components, choose=choose)
    assert maps.shape == (6, 5, 7)
    assert (maps.amax(dim=(1, 2)) == 1).all()
    assert (maps >= 0).all()
    assert own.shape == (6,)
    assert own.dtype == torch.int64


@pytest.mark.parametrize("components", [1, 3])
def test_dff_of_constant_activations_is_dead_and_labelled_as_the_network_does(components):
    activations = np.random.default_rng(0).random((4, 64, 1, 1)) * np.ones((5, 7))
    seen = glimpse(activations, noise(5, 64))
    maps, own = own_maps(dff, seen, components=components)
    assert (maps == 0).all()
    assert torch.equal(own, seen.classifier.head(seen.activations).argmax(dim=1))
    maps, _ = own_maps(eigencam, seen)
    assert (maps.amax(dim=(1, 2)) == maps.amin(dim=(1, 2))).all()  # the same everywhere: as dead


def test_dff_takes_maps_of_fewer_cells_than_components():
    """A ResNet's at 64 pixels: 2 × 2."""
    maps, own = own_maps(dff, glimpse(features(rows=2, columns=2), noise(5, 64)), components=8)
    assert maps.shape == (6, 2, 2)
    assert (maps.amax(dim=(1, 2)) == 1).all()
    assert own.shape == (6,)


@pytest.mark.parametrize("components", [1, 3])
def test_a_constant_added_to_a_channel_changes_dffs_label_alone(components):
    """Minima are taken from the activations, and given back to the concepts."""
    weight = noise(5, 64) / 100
    seen = glimpse(features(), weight)
    shift = noise(64).abs()[:, None, None].numpy()
    # The shift's logits, taken off the bias
    bias = -(weight @ torch.tensor(shift[:, 0, 0]))
    shifted = glimpse(features() + shift, weight, bias)
    (maps, own), (expected, label) = (own_maps(dff, s, components=components) for s in (shifted, seen))
    torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-3)
    assert torch.equal(own, label)
    biased = own_maps(dff, glimpse(features(), weight, bias), components=components)[1]
    assert not torch.equal(biased, own)


@pytest.mark.parametrize("k", [1, 3])
def test_the_head_that_labels_a_concept_is_the_networks_own(k):
    """AlexNet's, which tells places apart: it is shown the concept at every place."""
    network, classifier = network_and_split("alexnet")
    seen = Glimpse(torch.tensor(features(3, 256, 6, 6), dtype=torch.float32), classifier)
    _, own = own_maps(dff, seen, components=k)
    lowest = seen.activations.amin(dim=(2, 3))[:, :, None]
    w, h = factorise(seen.activations.flatten(2) - lowest, k)
    concepts = w * h.amax(dim=2)[:, None] + lowest
    with torch.no_grad():
        everywhere = concepts.mT.reshape(-1, 256, 1).expand(-1, -1, 36).flatten(1)
        softmax = network.classifier(everywhere).softmax(dim=1).reshape(3, -1)  # image, component and label
    assert torch.equal(own, softmax.argmax(dim=1) % N_LABELS)


# What holds for all

METHODS = [
    *((method, {}) for method in (*CUED, eigencam)),
    *((dff, {"components": k, "choose": choose}) for k in (1, 3) for choose in ("softmax", "energy")),
]
every_method = pytest.mark.parametrize(
    ("method", "options"),
    METHODS,
    ids=lambda value: (
        value.__name__.split(".")[-1] if hasattr(value, "CUE") else "-".join(map(str, value.values()))
    ),
)


def cue(method, n=6):
    return torch.arange(n) % 5 if method.CUE == "cued" else None


@every_method
def test_flipping_the_activations_flips_the_map(method, options):
    weight, activations = noise(5, 64), features()
    maps, own = own_maps(method, glimpse(activations, weight), cue(method), **options)
    for axis in (1, 2):
        turned = glimpse(np.flip(activations, axis + 1).copy(), weight)
        flipped, label = own_maps(method, turned, cue(method), **options)
        torch.testing.assert_close(flipped.flip(axis), maps, rtol=1e-3, atol=1e-4)
        assert own is None or torch.equal(label, own)


@every_method
def test_reordering_the_channels_changes_nothing(method, options):
    weight, activations = noise(5, 64), features()
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    maps, own = own_maps(method, glimpse(activations, weight), cue(method), **options)
    reordered = glimpse(activations[:, order.numpy()], weight[:, order])
    expected, label = own_maps(method, reordered, cue(method), **options)
    torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-4)
    assert own is None or torch.equal(label, own)


@every_method
def test_an_images_map_does_not_depend_on_the_other_images(method, options):
    """Not even on far stronger ones, or dead ones."""
    weight, activations = noise(5, 64), features()
    activations[0] *= 1000
    activations[1] = 0
    maps, own = own_maps(method, glimpse(activations, weight), cue(method), **options)
    for i in range(6):
        label = cue(method)
        alone = glimpse(activations[i : i + 1], weight)
        expected, own_alone = own_maps(method, alone, label if label is None else label[i : i + 1], **options)
        atol = 1e-4 * max(expected.max().item(), 1e-6)
        torch.testing.assert_close(maps[i : i + 1], expected, rtol=1e-4, atol=atol)
        assert own is None or own_alone[0] == own[i]


@every_method
def test_the_activations_are_left_as_they_were(method, options):
    seen = glimpse(features(), noise(5, 64))
    own_maps(method, seen, cue(method), **options)
    assert torch.equal(seen.activations, torch.tensor(features(), dtype=torch.float32))


def test_methods_on_the_glimpse_that_are_told_the_label():
    assert all((method.INPUT, method.CUE) == ("glimpse", "cued") for method in CUED)
    assert all((method.INPUT, method.CUE) == ("glimpse", "uncued") for method in UNCUED)


# Real images


@pytest.fixture(scope="module")
def real(thorough):
    """Network, split, views and activations of ImageNet images."""
    if DATA is None or not Path(DATA, "weights/resnet18_pq.pth").exists():
        pytest.skip("LABELMAPS_TEST_DATA names no folder of real data")
    network = build("resnet18", 1000)
    load_weights(network, Path(DATA, "weights/resnet18_pq.pth"))
    classifier = cut(network, 224)
    n = N_REAL_IF_THOROUGH if thorough else N_REAL
    paths = sorted(Path(DATA, "imagenet_val").glob("*.JPEG"))[:n]
    views = make_views([read_image(path) for path in paths], View(), Preprocessing(), CPU, [24])
    activations = torch.cat([classifier.activations(view) for view in views])
    assert activations.shape == (n, 512, 7, 7)
    return network, classifier, views, Glimpse(activations, classifier)


@pytest.mark.slow
def test_gradcam_of_real_images_equals_the_packages(real):
    """Of the best label and of the second best."""
    network, classifier, views, seen = real
    image = torch.arange(len(seen.activations))
    label = classifier.head(seen.activations).topk(2).indices[image, image % 2]
    package = [
        packages_maps(pytorch_grad_cam.GradCAM, network, network.layer4, *batch)
        for batch in zip(torch.cat(views).split(10), label.split(10), strict=True)
    ]
    assert_same_maps(gradcam.saliency(seen, label), np.concatenate(package))


@pytest.mark.slow
def test_eigencam_of_real_images_equals_the_packages_projection(real):
    activations = real[-1].activations
    expected = np.maximum(get_2d_projection_with_sign_correction(activations[:10].numpy()), 0)
    assert_same_maps(own_maps(eigencam, real[-1])[0][:10], expected)


@pytest.mark.slow
def test_dff_of_real_images_with_one_component_equals_the_packages(real, monkeypatch):
    network, classifier, views, seen = real
    maps, own = own_maps(dff, seen)
    same_peak = same_label = same_unscaled = 0
    for view, activations, found, label in zip(views, seen.activations, maps, own, strict=True):
        (concept,), (package,), (logits,) = packages_factors(network, network.layer4, view, 1, monkeypatch)
        np.testing.assert_allclose(found, package / package.max(), rtol=0, atol=1e-3)
        same_peak += found.argmax().item() == package.argmax()
        # The package labels a concept as its solver happens to scale it; ours is scaled to a map of peak 1.
        lowest = activations.amin(dim=(1, 2))
        scaled = (torch.from_numpy(concept) - lowest) * package.max() + lowest
        same_label += classifier.linear(scaled).argmax() == label
        same_unscaled += logits.argmax() == label.item()
    assert same_peak >= 0.99 * len(maps)
    assert same_label >= 0.97 * len(maps)
    assert same_unscaled >= 0.9 * len(maps)


@pytest.mark.slow
def test_dff_of_real_images_with_three_components_is_as_near_to_them_as_the_packages(real):
    activations = real[-1].activations
    matrix = activations.flatten(2)
    matrix = matrix - matrix.amin(dim=2, keepdim=True)
    w, h = factorise(matrix, 3)
    ours, theirs = ((matrix - w @ h) ** 2).sum().item(), 0
    for image, lowered in zip(activations, matrix, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            concepts, maps = deep_feature_factorization.dff(image[None].numpy(), 3)
        w = concepts - image.amin(dim=(1, 2)).numpy()[:, None]
        theirs += ((lowered.numpy() - w @ maps.reshape(3, 49)) ** 2).sum()
    assert ours <= 1.01 * theirs


@pytest.mark.slow
@pytest.mark.parametrize(("components", "choose"), [(1, "softmax"), (3, "softmax"), (5, "energy")])
def test_dff_of_a_real_image_does_not_depend_on_the_other_images(real, components, choose):
    seen = real[-1]
    maps, own = own_maps(dff, seen, components=components, choose=choose)
    for i in range(0, len(maps), 10):
        alone = Glimpse(seen.activations[i : i + 1], seen.classifier)
        expected, label = own_maps(dff, alone, components=components, choose=choose)
        torch.testing.assert_close(maps[i : i + 1], expected, rtol=0, atol=1e-4)
        assert label[0] == own[i]
