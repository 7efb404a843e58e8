"""Fused and packed convolutions compute the same sums as torch's own, and are used only where they do."""

import copy
import operator
import re

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from helpers.compiler import trusting_compiler
from labelmaps.networks.build import build
from labelmaps.networks.fused_convolutions import FuseConvolutions, PackedConv2d, conv_relu, pack_convolutions
from labelmaps.networks.verification import fold_batch_norm
from labelmaps.networks.weights import random_weights

CONVOLUTION, RELU, ADD = (getattr(torch.ops.aten, name) for name in ("convolution", "relu", "add"))
N_LABELS = 7


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


# Packed


@pytest.mark.parametrize(("height", "width"), [(224, 224), (57, 64), (40, 31)])
@pytest.mark.parametrize(
    ("size", "step", "padding"),
    [(7, 2, 3), (4, 4, 0), (16, 16, 0), (3, 2, 1), (11, 4, 2), (5, 3, 1), (3, 2, 0)],
)
def test_packed_convolutions_are_the_convolutions(size, step, padding, height, width):
    conv, x = nn.Conv2d(3, 8, size, step, padding).double(), noise(2, 3, height, width)
    torch.testing.assert_close(PackedConv2d(conv)(x), conv(x), rtol=1e-12, atol=1e-12)


def test_a_packed_convolution_worked_out_by_hand():
    """The pixels are the squares of 0 to 7; the kernel subtracts the first pixel of each pair from the second."""
    conv = nn.Conv2d(1, 1, 2, stride=2, bias=False)
    conv.weight.data = torch.tensor([[[[-1.0, 1.0], [0.0, 0.0]]]])
    x = torch.arange(8.0).square().expand(1, 1, 2, 8)
    assert PackedConv2d(conv)(x).tolist() == [[[[1.0, 5.0, 9.0, 13.0]]]]


def test_networks_are_packed_where_they_look_at_the_picture_and_stay_as_they_were():
    network = build("resnet18", N_LABELS)
    network.load_state_dict(random_weights("resnet18", N_LABELS, seed=0, size=64))
    network, x = network.eval().double(), noise(2, 3, 64, 64)
    copy = pack_convolutions(network)
    assert [name for name, module in copy.named_modules() if isinstance(module, PackedConv2d)] == ["conv1"]
    assert isinstance(network.conv1, nn.Conv2d)
    with torch.inference_mode():
        torch.testing.assert_close(copy(x), network(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(3, 8, 3),  # moves by one pixel
        nn.Conv2d(16, 8, 7, stride=2),  # channels enough
        nn.Conv2d(3, 9, 7, stride=2, groups=3),
        nn.Conv2d(3, 8, 7, stride=(2, 1)),
        nn.Conv2d(3, 8, (7, 3), stride=2),
        nn.Conv2d(3, 8, 7, stride=2, dilation=2),
        nn.Conv2d(3, 8, 7, stride=2, padding="valid"),
        nn.Conv2d(3, 8, 7, stride=2, padding=3, padding_mode="reflect"),
    ],
    ids=str,
)
def test_other_convolutions_are_left_alone(conv):
    assert type(pack_convolutions(nn.Sequential(conv))[0]) is nn.Conv2d


# Fused


class Block(nn.Module):
    """A residual block of a ResNet, which adds its input, or another convolution of it, to the second convolution."""

    def __init__(self, beside):
        super().__init__()
        self.first, self.second = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))
        self.beside = nn.Conv2d(4, 4, 1, bias=beside == "bias") if beside else nn.Identity()

    def forward(self, x):
        return (self.second(self.first(x).relu()) + self.beside(x)).relu()


def fused(network, *inputs):
    """Return a network's graph of torch's core operations before and after fusing."""
    with torch.no_grad():
        graphs = [make_fx(torch.func.functionalize(network))(*inputs) for _ in range(2)]
    for node in graphs[1].graph.nodes:
        if isinstance(node.meta.get("val"), torch.Tensor):
            node.meta["val"] = node.meta["val"].detach()
    FuseConvolutions()(graphs[1].graph)
    graphs[1].graph.lint()
    graphs[1].recompile()
    return graphs


def deviation(y, exact):
    """Compute the mean deviation as a share of the largest value."""
    return ((y - exact).abs().mean() / exact.abs().max()).item()


def count(graph, target):
    return sum(node.target is target for node in graph.graph.nodes)


@pytest.mark.parametrize("beside", [None, "no bias", "bias"])
def test_a_residual_block_becomes_two_fused_convolutions(beside):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        block = Block(beside).bfloat16()
    x = noise(2, 4, 9, 9, dtype=torch.bfloat16).to(memory_format=torch.channels_last)
    before, after = fused(block, x)
    assert count(before, RELU.default) == 2
    assert count(after, conv_relu) == 2
    assert count(after, RELU.default) == 0
    assert count(after, CONVOLUTION.default) == (beside is not None)
    left = [node for node in after.graph.nodes if node.target is CONVOLUTION.default]
    assert all(node.args[2] is None for node in left)  # its bias is the other's now
    exact = copy.deepcopy(block).double()(x.double())
    assert deviation(after(x), exact) <= 1.01 * deviation(before(x), exact) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "relus"), [("resnet18", 17), ("resnet50", 49)])
def test_every_relu_of_a_resnet_is_fused(architecture, relus):
    network = build(architecture, N_LABELS)
    network.load_state_dict(random_weights(architecture, N_LABELS, seed=0, size=32))
    fold_batch_norm(network.eval(), torch.zeros(1, 3, 32, 32))
    x = noise(2, 3, 32, 32, dtype=torch.bfloat16)
    before, after = fused(network.bfloat16(), x)
    assert count(after, conv_relu) == relus
    assert count(after, RELU.default) == 0
    exact = copy.deepcopy(network).double()(x.double())
    assert deviation(after(x), exact) <= 1.5 * deviation(before(x), exact) < 0.5


@pytest.mark.parametrize(
    "function",
    [
        lambda conv, x: operator.add(
            y := conv(x), y.relu()
        ),  # somebody else needs what the convolution gives
        lambda conv, x: (conv(x) + 1).relu(),
        lambda conv, x: (conv(x) + x[:1, :, :1, :1]).relu(),  # a sum of maps of other shapes
        lambda conv, x: torch.add(conv(x), x, alpha=2).relu(),
        lambda conv, x: x.relu(),
        lambda conv, x: nn.functional.conv2d(x, conv.weight[:, :1], padding=1, groups=4).relu(),
        lambda conv, x: nn.functional.conv_transpose2d(x, conv.weight, padding=1).relu(),
    ],
)
def test_what_is_no_convolution_and_relu_is_left_alone(function):
    conv = nn.Conv2d(4, 4, 3, padding=1).bfloat16()
    x = noise(2, 4, 9, 9, dtype=torch.bfloat16)
    before, after = fused(lambda x: function(conv, x), x)
    assert count(after, conv_relu) == 0
    assert torch.equal(after(x), before(x))


def test_full_precision_is_left_alone():
    _, after = fused(Block("bias"), noise(2, 4, 9, 9, dtype=torch.float32))
    assert count(after, conv_relu) == 0


@pytest.mark.slow
def test_a_fused_graph_can_be_compiled(tmp_path):
    """The graph is that of a GPU, but runs with the slow kernels of a CPU: a packed convolution, and two of a block."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 7, stride=2, padding=3), nn.ReLU(), Block("bias")).eval()
    network = network.to(torch.bfloat16, memory_format=torch.channels_last)
    x = noise(2, 3, 32, 32, dtype=torch.bfloat16).to(memory_format=torch.channels_last)
    # Torch's headers, compiled in advance, pay for larger graphs only.
    options = {"post_grad_custom_pre_pass": FuseConvolutions(), "cpp_cache_precompile_headers": False}
    with trusting_compiler(tmp_path), torch.inference_mode():
        expected = network(x)
        features = torch.compile(pack_convolutions(network), dynamic=False, options=options)(x)
    torch.testing.assert_close(features, expected, rtol=0, atol=0.03 * expected.abs().max().item())
    made = "".join(path.read_text() for path in tmp_path.rglob("*.py"))
    assert len(set(re.findall(r"\w+ = torch\.ops\.labelmaps\.conv_relu\.default\(", made))) == 3


def test_the_compilers_cache_knows_this_pass():
    assert FuseConvolutions().uuid() == FuseConvolutions().uuid() != b""
