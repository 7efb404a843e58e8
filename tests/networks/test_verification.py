"""The modifications of a network must not change its logits: seeded faults are caught."""

import copy
import logging
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from helpers.study import soft_pictures
from labelmaps.errors import InputError
from labelmaps.inference import engines
from labelmaps.inference.engines import create_engine
from labelmaps.inference.inputs import views_to_compare
from labelmaps.networks import tap, verification
from labelmaps.networks.classifier import PRECISIONS, Classifier
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.tap import Layout, compute_output, find_last_map, is_arranged_like_view
from labelmaps.networks.verification import (
    BOUNDS,
    KnownLogits,
    check_logits,
    compute_known_logits,
    copy_with_folded_norms,
    deviation,
)
from labelmaps.views.zoom import View

CPU = torch.device("cpu")
N_LABELS = 12
SIZE = 32
VIEW, PREPROCESSING = View(grid=3), Preprocessing(size=SIZE)
PICTURES = soft_pictures((40, 32), (30, 50), (32, 32))


class NormAct(nn.BatchNorm2d):
    """A batch norm that includes its activation, as timm's do."""

    def __init__(self, n):
        super().__init__(n)
        self.drop, self.act = nn.Identity(), nn.ReLU()

    def forward(self, x):
        return self.act(self.drop(super().forward(x)))


class Net(nn.Module):
    """Two convolutions with their norms; a map of 8 × 8 cells; an average and a linear layer.

    between: a module that is applied to the map (view, channel, row, column) before the average.
    """

    def __init__(self, between=None, axes=(2, 3), norm=NormAct):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False), norm(16)
        self.conv2, self.norm2 = nn.Conv2d(16, 24, 3, 2, 1, bias=False), norm(24)
        self.between, self.axes = between or nn.Identity(), axes
        self.head = nn.Linear(24, N_LABELS)

    def forward(self, views):
        maps = self.norm2(self.conv2(self.norm1(self.conv1(views))))
        return self.head(self.between(maps).mean(self.axes))


def made(*arguments, kind=Net, **options):
    """A network with the same random weights and statistics each time; views, not labels, make its logits differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = kind(*arguments, **options)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_var, 0.5, 2)
                nn.init.normal_(module.running_mean)
                nn.init.normal_(module.bias)
    network.eval().requires_grad_(False)
    if not arguments and not options:
        views = torch.randn(50, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
        views = torch.cat([views, views[:, :, :1, :1].expand_as(views)])
        network.head.bias -= network(views).mean(dim=0)
    return network


def known_of(network):
    return compute_known_logits(network, views_to_compare(PICTURES, VIEW, PREPROCESSING), "net")


def engine_of(network, precision="float32", name="exact", compiled=False):
    return create_engine(name, network, VIEW, PREPROCESSING, CPU, precision, compiled, PICTURES, "net")


def logs_of(caplog):
    return [record.getMessage() for record in caplog.records]


# What is folded.


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_sound_network_is_folded_and_agrees(caplog, precision):
    caplog.set_level(logging.INFO)
    engine = engine_of(made(), precision)
    engine.prepare(9)
    assert 0 < engine.difference < BOUNDS[precision] / 2
    assert not any(isinstance(module, nn.BatchNorm2d) for module in engine.classifier.network.modules())
    assert any("2 batch norms folded" in line for line in logs_of(caplog))


def test_a_lost_activation_is_not_folded(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(verification, "_rest", lambda norm: nn.Identity())
    network = made()
    assert copy_with_folded_norms(network, known_of(network), "net") is network
    assert any("not folded, because that would change the logits by" in line for line in logs_of(caplog))
    engine = engine_of(network)
    engine.prepare(9)
    assert engine.difference < BOUNDS["float32"]


class Noisy(NormAct):
    """A norm that computes more than a batch norm, so that torch would fold only a part of it."""

    def forward(self, x):
        return super().forward(x) + x.mean(1, keepdim=True)


class Twice(Net):
    """A convolution that is used twice, before one norm and another."""

    def __init__(self):
        super().__init__()
        self.conv3, self.norm3 = nn.Conv2d(24, 24, 3, padding=1, bias=False), NormAct(24)
        self.norm4 = NormAct(24)

    def forward(self, views):
        maps = self.norm2(self.conv2(self.norm1(self.conv1(views))))
        maps = self.norm4(self.conv3(self.norm3(self.conv3(maps))))
        return self.head(maps.mean((2, 3)))


class Skip(Net):
    """A convolution whose output goes to its norm, and past it."""

    def forward(self, views):
        maps = self.conv1(views)
        maps = self.conv2(self.norm1(maps) + maps)
        return self.head(self.norm2(maps).mean((2, 3)))


@pytest.mark.parametrize(
    "kind", [Twice, Skip, lambda: Net(norm=Noisy)], ids=["twice", "skip", "more than a norm"]
)
def test_what_folding_would_change_is_not_folded(caplog, kind):
    caplog.set_level(logging.INFO)
    network = made(kind=kind)
    assert copy_with_folded_norms(network, known_of(network), "net") is network
    assert any("not folded" in line for line in logs_of(caplog))


def test_a_norm_that_torch_cannot_fold_is_left(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(verification, "fuse_conv_bn_eval", lambda *_: 1 / 0)
    network = made()
    assert copy_with_folded_norms(network, known_of(network), "net") is network
    assert any("not folded (" in line for line in logs_of(caplog))


# What the network itself says.


class Dropping(nn.Module):
    """Dropout that is active in evaluation mode, too."""

    def __init__(self, share):
        super().__init__()
        self.share = share

    def forward(self, maps):
        return dropout(maps, self.share, training=True)


class AlwaysTraining(nn.BatchNorm2d):
    """A batch norm in training mode even in evaluation, so that the logits of a view depend on the other views."""

    def forward(self, maps):
        return nn.functional.batch_norm(maps, None, None, training=True)


class Centred(nn.Module):
    """A module that subtracts the mean over the views."""

    def forward(self, maps):
        return maps - maps.mean(0, keepdim=True) / 2


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "between",
    [Dropping(0.5), Dropping(0.01), AlwaysTraining(24), Centred()],
    ids=["half", "little", "norm", "mean"],
)
def test_chance_and_views_that_depend_on_others_stop_the_job_at_any_precision(between, precision):
    with pytest.raises(InputError, match=r"net: its logits for a batch of views differ .* evaluation"):
        engine_of(made(between), precision)


class Raising(nn.Module):
    def forward(self, maps):
        raise KeyError("a defect\nand more lines")


def test_whatever_a_network_raises_is_one_line_and_its_traceback_is_in_the_log(caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(InputError) as error:
        known_of(made(Raising()))
    assert "\n" not in str(error.value)
    assert "a defect" in str(error.value)
    assert any(record.exc_info for record in caplog.records)


# What is run.


def without_activation(network):
    if isinstance(network.norm2, NormAct):
        network.norm2.act = nn.Identity()
    else:  # it is folded, and only the activation is left
        network.norm2 = nn.Identity()


def with_swapped_channels(network):
    network.conv1.weight.copy_(network.conv1.weight.flip(1))


def with_swapped_features(network):
    network.conv2.weight.copy_(network.conv2.weight.roll(1, 1))


def with_transposed_views(network):
    network.register_forward_pre_hook(lambda _, inputs: (inputs[0].mT,))


def with_dropout(network):
    network.between = Dropping(0.5)


FAULTS = [
    without_activation,
    with_swapped_channels,
    with_swapped_features,
    with_transposed_views,
    with_dropout,
]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_prepared_network_that_differs_stops_the_job(monkeypatch, fault, precision):
    def spoil(network, known, name):
        network = copy.deepcopy(network)
        fault(network)
        return network

    monkeypatch.setattr(engines, "copy_with_folded_norms", spoil)
    with pytest.raises(InputError, match=rf"net: run in {precision}, its logits differ"):
        engine_of(made(), precision).prepare(9)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_compiled_network_that_differs_stops_the_job(monkeypatch, fault, precision):
    def spoil(network, *_):
        network = copy.deepcopy(network)
        fault(network)
        return network

    monkeypatch.setattr("labelmaps.networks.classifier._compile", spoil)
    with pytest.raises(InputError, match=rf"net: run in {precision}, compiled, its logits differ"):
        engine_of(made(), precision, compiled=True).prepare(9)


@pytest.mark.parametrize("name", ["exact", "shared"])
def test_logits_that_are_not_finite_are_told(monkeypatch, name):
    from labelmaps.views import shift

    view = shift.View(grid=2 + 1) if name == "shared" else VIEW
    preprocessing = Preprocessing(size=48)
    engine = create_engine(name, made(), view, preprocessing, CPU, "float16", False, PICTURES, "net")
    monkeypatch.setattr(
        Classifier, "logits", lambda self, views: torch.full((len(engine.known.logits), 12), torch.nan)
    )
    with pytest.raises(InputError, match=r"run in float16, its logits are not finite"):
        engine.prepare(9)


class Ended(Net):
    """A network whose outputs are a function of its logits."""

    def __init__(self, end):
        super().__init__()
        self.end = end

    def forward(self, views):
        return self.end(super().forward(views))


@pytest.mark.parametrize("end", [nn.Sigmoid(), torch.sigmoid, lambda logits: logits.sigmoid()])
def test_a_sigmoid_is_told_as_that_of_several_labels_at_once(end):
    with pytest.raises(InputError, match="net: ends in a sigmoid: it was trained for several labels at once"):
        known_of(made(end, kind=Ended))


@pytest.mark.parametrize("end", [nn.Softmax(1), lambda logits: logits.softmax(1)])
def test_a_softmax_is_told(end):
    with pytest.raises(
        InputError, match=r"net: ends in a softmax: .* Let it return the input of the softmax"
    ):
        known_of(made(end, kind=Ended))


@pytest.mark.parametrize(
    "end",
    [
        nn.LogSoftmax(1),
        lambda logits: logits.sigmoid() * 20,  # not within 0 and 1
        lambda logits: (logits - logits.amin(1, keepdim=True)) / 100,  # logits that lie there by chance
    ],
)
def test_other_logits_are_taken(end):
    known_of(made(end, kind=Ended))


@pytest.mark.parametrize("kind", ["multi_label_classification", "single_label_classification", None])
def test_a_model_of_transformers_that_says_it_is_of_several_labels_is_refused(kind):
    network = made()
    network.between.config = SimpleNamespace(problem_type=kind)
    if kind == "multi_label_classification":
        with pytest.raises(InputError, match='net: has problem_type "multi_label_classification"'):
            known_of(network)
    else:
        known_of(network)


def test_the_distance_of_reduced_precision_does_not_grow_with_labels_or_views():
    generator = torch.Generator().manual_seed(0)
    found = {}
    for n_views, n_labels in ((2, 100), (50, 1000)):
        logits = torch.randn(n_views, n_labels, generator=generator)
        rounded = logits + 0.1 * torch.randn(n_views, n_labels, generator=generator)
        known = KnownLogits(torch.empty(n_views, 0), logits)
        found[n_labels] = [deviation(rounded, known, precision) for precision in PRECISIONS]
    (few, *few_mean), (many, *many_mean) = found.values()
    assert many > 1.4 * few
    assert all(0.08 < one < 0.12 for one in few_mean + many_mean)


def test_the_distance_is_that_of_the_worst_view():
    logits = torch.randn(50, 100, generator=torch.Generator().manual_seed(0))
    spoilt = logits.clone()
    spoilt[7] = spoilt[8]
    known = KnownLogits(torch.empty(50, 0), logits)
    for precision in PRECISIONS:
        with pytest.raises(InputError, match="its logits differ"):
            check_logits(spoilt, known, "net", precision)


@pytest.mark.parametrize("n_labels", [1, 2])
def test_few_labels_have_a_distance_too(n_labels):
    logits = torch.randn(4, n_labels, generator=torch.Generator().manual_seed(0))
    known = KnownLogits(torch.empty(4, 0), logits)
    for precision in PRECISIONS:
        assert deviation(logits, known, precision) == 0
        assert deviation(-logits, known, precision) > BOUNDS[precision]


# The last map.


class Last(nn.Module):
    """A module that moves the channels to the last axis."""

    def forward(self, maps):
        return maps.permute(0, 2, 3, 1)


class Tokens(nn.Module):
    """A module that returns the cells as tokens, after some tokens without a place."""

    def __init__(self, n_prefix=0, order=lambda cells: cells):
        super().__init__()
        self.prefix, self.order = nn.Parameter(torch.randn(1, n_prefix, 24)), order

    def forward(self, maps):
        return torch.cat([self.prefix.expand(len(maps), -1, -1), self.order(maps.flatten(2).mT)], dim=1)


class ChannelsBeforeTokens(nn.Module):
    """A module that flattens the cells to (view, channel, cell), with as many channels as a square has cells."""

    def __init__(self):
        super().__init__()
        self.widen = nn.Conv2d(24, 25, 1)

    def forward(self, maps):
        return self.widen(maps).flatten(2)


@pytest.mark.parametrize(
    ("between", "axes", "layout"),
    [
        (None, (2, 3), Layout("channels first", 8)),
        (Last(), (1, 2), Layout("channels last", 8)),
        (Tokens(), 1, Layout("tokens", 8)),
        (Tokens(1), 1, Layout("tokens", 8, 1)),
        (Tokens(5), 1, Layout("tokens", 8, 5)),
    ],
)
def test_the_layout_is_read_and_its_cells_lie_as_the_view(between, axes, layout):
    network = made(between, axes)
    known = known_of(network)
    tap_found = find_last_map(network, known, "net")
    assert tap_found.layout == layout
    split = SplitClassifier(network, CPU, known)
    maps = made().norm2(made().conv2(made().norm1(made().conv1(known.inputs))))
    torch.testing.assert_close(split.activations(known.inputs), maps)


MISREAD = {
    "columns for rows": Tokens(order=lambda cells: cells.unflatten(1, (8, 8)).transpose(1, 2).flatten(1, 2)),
    "windows": Tokens(
        order=lambda cells: (
            cells.unflatten(1, (2, 4, 2, 4)).permute(0, 1, 3, 2, 4, 5).flatten(1, 4).roll(16, 1)
        )
    ),
    "shuffled": Tokens(
        order=lambda cells: cells[:, torch.randperm(64, generator=torch.Generator().manual_seed(0))]
    ),
}


@pytest.mark.parametrize("between", MISREAD.values(), ids=MISREAD)
def test_cells_that_lie_otherwise_than_the_view_are_no_map_and_the_map_before_is_found(between):
    network = made(between, 1)
    known = known_of(network)
    output = compute_output(network, known.inputs, "between")
    assert not is_arranged_like_view(network, known, "between", Layout("tokens", 8), output)
    assert find_last_map(network, known, "net").name == "norm2"
    with pytest.raises(
        InputError, match=r"layer: the cells in the output of `between` of net are not arranged like"
    ):
        find_last_map(network, known, "net", layer="between")


def test_channels_are_not_taken_for_cells():
    network = made(ChannelsBeforeTokens(), 2)
    network.head = nn.Linear(25, N_LABELS)
    known = known_of(network)
    assert tap.infer_layout(torch.empty(2, 25, 64), 2) == Layout(
        "tokens", 5
    )  # as its shape alone would have it
    assert find_last_map(network, known, "net") == ("between.widen", Layout("channels first", 8))


def test_a_misread_axis_is_noticed(monkeypatch):
    """In a map of 24 channels and 24 × 24 cells, each axis could be that of the channels."""
    network = made()
    known = KnownLogits(*map(torch.Tensor, known_of(network)))
    monkeypatch.setattr(Layout, "split", lambda self, output: (output.movedim(1, -1)[:, :, :, :8], None))
    output = compute_output(network, known.inputs, "norm2")
    assert not is_arranged_like_view(network, known, "norm2", Layout("channels first", 8), output)
