"""Convolutions as a GPU does them fastest: the same sums, in other kernels.

A network spends half of its time on a GPU on carrying numbers to and from memory. cuDNN adds a bias and another map to what
a convolution gives, and takes the larger of it and 0, before it writes it; torch's compiler lets it do so with
`FuseConvolutions`. And matrix units want 8 channels or more, where a picture has 3: see `PackedConv2d`.
"""

import copy

import torch
from torch import Tensor, fx, nn
from torch._inductor.custom_graph_pass import CustomGraphPass, get_hash_for_files
from torch.nn.functional import conv2d, pad, pixel_unshuffle

CHANNELS_AT_ONCE = 8  # that matrix units take: others are filled with zeros
aten = torch.ops.aten

_library = torch.library.Library("labelmaps", "DEF")
_library.define(
    "conv_relu(Tensor x, Tensor weight, Tensor? bias, Tensor? other, int[] stride, int[] padding, int[] dilation) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.needs_fixed_stride_order),
)


def _step_by_step(
    x: Tensor, weight: Tensor, bias: Tensor | None, other: Tensor | None, *how: list[int]
) -> Tensor:
    """max(0, x ∗ weight + bias + other), channels last in memory."""
    y = conv2d(x, weight, bias, *how)
    return (y if other is None else y + other).relu().contiguous(memory_format=torch.channels_last)


def _by_cudnn(
    x: Tensor, weight: Tensor, bias: Tensor | None, other: Tensor | None, *how: list[int]
) -> Tensor:
    """The same in one kernel."""
    x = x.contiguous(memory_format=torch.channels_last)
    if other is None:
        return torch.cudnn_convolution_relu(x, weight, bias, *how, 1)
    return torch.cudnn_convolution_add_relu(
        x, weight, other.contiguous(memory_format=torch.channels_last), 1.0, bias, *how, 1
    )


_library.impl("conv_relu", _step_by_step, "CPU")
_library.impl("conv_relu", _step_by_step, "Meta")
_library.impl("conv_relu", _by_cudnn, "CUDA")
conv_relu = torch.ops.labelmaps.conv_relu.default


class FuseConvolutions(CustomGraphPass):
    """Has torch's compiler do a convolution, what is added to it and the ReLU after it at once, in reduced precision."""

    def __call__(self, graph: fx.Graph) -> None:
        """Change a graph of torch's core operations."""
        for relu in graph.find_nodes(op="call_function", target=aten.relu.default):
            _fuse(graph, relu)
        graph.eliminate_dead_code()

    def uuid(self) -> bytes:
        """What the compiler's cache on disk tells versions of this pass apart by."""
        return get_hash_for_files((__file__,))


def _fuse(graph: fx.Graph, relu: fx.Node) -> None:
    given, other = relu.args[0], None
    if given.target is aten.add.Tensor and len(given.users) == 1 and not given.kwargs:
        given, other = given.args if _is_ready(given.args[0]) else given.args[::-1]
        if not isinstance(other, fx.Node) or other.meta["val"].shape != relu.meta["val"].shape:
            return
    if not _is_ready(given):
        return
    x, weight, bias, *how = given.args[:6]
    with graph.inserting_before(relu):
        if other is not None and _is_ready(other) and None not in (bias, other.args[2]):
            # The other map, a convolution too, leaves its bias to this one.
            bias = _new(graph, aten.add.Tensor, (bias, other.args[2]), like=bias)
            other = _new(graph, other.target, (*other.args[:2], None, *other.args[3:]), like=other)
        fused = _new(graph, conv_relu, (x, weight, bias, other, *how), like=relu)
    relu.replace_all_uses_with(fused)


def _is_ready(node: object) -> bool:
    """Whether a node is a convolution that cuDNN can go on from, and nobody else needs what it gives."""
    if not isinstance(node, fx.Node) or node.target is not aten.convolution.default or len(node.users) > 1:
        return False
    transposed, _, groups = node.args[6:]
    value = node.meta["val"]
    return value.ndim == 4 and value.dtype.itemsize == 2 and not transposed and groups == 1


def _new(graph: fx.Graph, target: object, arguments: tuple, like: fx.Node) -> fx.Node:
    node = graph.call_function(target, arguments)
    node.meta.update(like.meta)
    return node


class PackedConv2d(nn.Module):
    """A convolution that moves by s pixels, as one that moves by a cell of s × s pixels, whose values are its channels.

    The same products and zeros; where a picture's 3 channels would leave matrix units idle, their 3 s² do less so.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        (self.step, _), (size, _), (self.padding, _) = conv.stride, conv.kernel_size, conv.padding
        self.size = size
        self.front = -(-self.padding // self.step) * self.step  # in whole cells
        lead = self.front - self.padding  # zeros before the kernel, so that it begins with a cell
        self.cells = -(-(lead + size) // self.step)
        behind = self.cells * self.step - lead - size
        weight = pixel_unshuffle(pad(conv.weight, (lead, behind) * 2), self.step)
        self.empty = -weight.shape[1] % CHANNELS_AT_ONCE
        weight = pad(weight, (0, 0, 0, 0, 0, self.empty)).to(memory_format=torch.channels_last)
        self.weight, self.bias = nn.Parameter(weight, requires_grad=False), conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """What the convolution gives for x (view, channel, row, column)."""
        sides = []
        for side in (x.shape[3], x.shape[2]):
            places = (side + 2 * self.padding - self.size) // self.step + 1
            sides += [self.front, (places + self.cells - 1) * self.step - self.front - side]
        cells = pad(pixel_unshuffle(pad(x, sides), self.step), (0, 0, 0, 0, 0, self.empty))
        return conv2d(cells.contiguous(memory_format=torch.channels_last), self.weight, self.bias)


def packed(network: nn.Module) -> nn.Module:
    """A copy of a network in which convolutions of pictures that move by several pixels are packed."""
    network = copy.deepcopy(network)
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and _is_worth_packing(module):
            network.set_submodule(name, PackedConv2d(module))
    return network


def _is_worth_packing(conv: nn.Conv2d) -> bool:
    square = all(
        isinstance(x, tuple) and len(set(x)) == 1 for x in (conv.stride, conv.kernel_size, conv.padding)
    )
    plain = square and conv.groups == 1 and set(conv.dilation) == {1} and conv.padding_mode == "zeros"
    return plain and conv.in_channels < CHANNELS_AT_ONCE and conv.stride[0] > 1
