"""Faster convolutions for a GPU: the same sums, computed by other kernels.

On a GPU, a network spends half of its time on moving numbers to and from memory. cuDNN has a kernel that computes a
convolution, adds a bias and another map, applies a ReLU, and writes only the final result; `FuseConvolutions` makes torch's
compiler use it. A GPU's matrix units process 8 channels or more at once, of which an image fills only 3; `PackedConv2d`
fills more of them.
"""

import copy
from collections.abc import Callable
from typing import Any, TypeGuard

import torch
from torch import Tensor, fx, nn
from torch._inductor.custom_graph_pass import CustomGraphPass, get_hash_for_files
from torch.nn.functional import conv2d, pad, pixel_unshuffle

CHANNELS_AT_ONCE = 8  # channels that matrix units process together; missing channels are filled with zeros
aten = torch.ops.aten

_library = torch.library.Library("labelmaps", "DEF")
_library.define(
    "conv_relu(Tensor x, Tensor weight, Tensor? bias, Tensor? other, int[] stride, int[] padding, int[] dilation) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.needs_fixed_stride_order),
)


def _compute_in_steps(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    other: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
) -> Tensor:
    """Compute max(0, x ∗ weight + bias + other) with torch's own operations.

    x: (view, input channel, row, column). weight: (output channel, input channel, row, column). bias: (output channel,), or
    None. other: (view, output channel, row, column), or None. stride, padding, dilation: along rows and columns.

    Returns (view, output channel, row, column), with the channels last in memory.
    """
    y = conv2d(x, weight, bias, stride, padding, dilation)
    return (y if other is None else y + other).relu().contiguous(memory_format=torch.channels_last)


def _compute_in_one_kernel(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    other: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
) -> Tensor:
    """Compute the same as `_compute_in_steps`, from the same arguments, with one kernel of cuDNN."""
    x = x.contiguous(memory_format=torch.channels_last)
    if other is None:
        return torch.cudnn_convolution_relu(x, weight, bias, stride, padding, dilation, 1)
    other = other.contiguous(memory_format=torch.channels_last)
    return torch.cudnn_convolution_add_relu(x, weight, other, 1.0, bias, stride, padding, dilation, 1)


_library.impl("conv_relu", _compute_in_steps, "CPU")
_library.impl("conv_relu", _compute_in_steps, "Meta")
_library.impl("conv_relu", _compute_in_one_kernel, "CUDA")
conv_relu = torch.ops.labelmaps.conv_relu.default


class FuseConvolutions(CustomGraphPass):
    """A compiler pass that fuses a convolution, an optional addition and a ReLU into one operation, `conv_relu`.

    It changes only convolutions in reduced precision (16 bits).
    """

    def __call__(self, graph: fx.Graph) -> None:
        """Fuse all convolutions that can be fused in a graph of torch's core operations, in place."""
        for relu in graph.find_nodes(op="call_function", target=aten.relu.default):
            _fuse(graph, relu)
        graph.eliminate_dead_code()

    def uuid(self) -> bytes:
        """Return a hash of this file, with which the compiler's cache on disk distinguishes versions of this pass."""
        return get_hash_for_files((__file__,))


def _fuse(graph: fx.Graph, relu: fx.Node) -> None:
    """Replace a ReLU and the operations before it, a convolution or its sum with another map, by one `conv_relu`.

    A sum is fused only if one summand is a fusable convolution and the other has the shape of the ReLU's output. If nothing
    can be fused, the graph is not changed.
    """
    convolution, other = relu.args[0], None
    if (
        isinstance(convolution, fx.Node)
        and convolution.target is aten.add.Tensor
        and len(convolution.users) == 1
        and not convolution.kwargs
    ):
        first, second = convolution.args
        convolution, other = (first, second) if _is_fusable(first) else (second, first)
        if not isinstance(other, fx.Node) or other.meta["val"].shape != relu.meta["val"].shape:
            return
    if not _is_fusable(convolution):
        return
    x, weight, bias, stride, padding, dilation = convolution.args[:6]
    with graph.inserting_before(relu):
        if _is_fusable(other) and isinstance(bias, fx.Node) and isinstance(other.args[2], fx.Node):
            # Both summands are convolutions with a bias: the fused one adds both biases, and the other one adds none.
            bias = _insert(graph, aten.add.Tensor, (bias, other.args[2]), like=bias)
            other_arguments = (*other.args[:2], None, *other.args[3:])
            other = _insert(graph, aten.convolution.default, other_arguments, like=other)
        arguments = (x, weight, bias, other, stride, padding, dilation)
        fused = _insert(graph, conv_relu, arguments, like=relu)
    relu.replace_all_uses_with(fused)


def _is_fusable(node: object) -> TypeGuard[fx.Node]:
    """Return whether a node is a convolution that cuDNN can fuse: in 16 bits, not transposed, in one group, used once."""
    if not isinstance(node, fx.Node) or node.target is not aten.convolution.default or len(node.users) > 1:
        return False
    transposed, _, groups = node.args[6:]
    value = node.meta["val"]
    return bool(value.ndim == 4 and value.dtype.itemsize == 2 and not transposed and groups == 1)


def _insert(graph: fx.Graph, target: Callable[..., Any], arguments: tuple, like: fx.Node) -> fx.Node:
    """Insert a call of `target` into the graph, with an output of the type and shape of the node `like`; return its node."""
    node = graph.call_function(target, arguments)
    node.meta.update(like.meta)
    return node


class PackedConv2d(nn.Module):
    """A strided convolution rewritten as space-to-depth followed by a convolution of stride 1.

    With stride s, space-to-depth turns each cell of s × s pixels into one pixel with s² times the channels. The kernel is
    rearranged in the same way, so that the sums have the same terms, and some more that are 0. The 3 channels of an image
    become 3 s² channels, which leave fewer matrix units idle.

    conv: the convolution to rewrite; its stride, kernel and padding are square, and it has neither groups nor dilation. Its
        weights are copied.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        assert not isinstance(conv.padding, str)  # `_is_worth_packing` excludes "same" and "valid"
        (self.step, _), (size, _), (self.padding, _) = conv.stride, conv.kernel_size, conv.padding
        self.size = size
        self.front = -(-self.padding // self.step) * self.step  # the padding, rounded up to whole cells
        lead = self.front - self.padding  # zeros before the kernel, so that it begins at the edge of a cell
        self.cells = -(-(lead + size) // self.step)
        behind = self.cells * self.step - lead - size
        weight = pixel_unshuffle(pad(conv.weight, (lead, behind) * 2), self.step)
        self.empty = -weight.shape[1] % CHANNELS_AT_ONCE
        weight = pad(weight, (0, 0, 0, 0, 0, self.empty)).to(memory_format=torch.channels_last)
        self.weight, self.bias = nn.Parameter(weight, requires_grad=False), conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """Compute the convolution of x (view, channel, row, column), in the shape that the original convolution returns."""
        sides = []
        for side in (x.shape[3], x.shape[2]):
            places = (side + 2 * self.padding - self.size) // self.step + 1
            sides += [self.front, (places + self.cells - 1) * self.step - self.front - side]
        cells = pad(pixel_unshuffle(pad(x, sides), self.step), (0, 0, 0, 0, 0, self.empty))
        return conv2d(cells.contiguous(memory_format=torch.channels_last), self.weight, self.bias)


def pack_convolutions(network: nn.Module) -> nn.Module:
    """Return a copy of a network in which `PackedConv2d` replaces the strided convolutions with few input channels."""
    network = copy.deepcopy(network)
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and _is_worth_packing(module):
            network.set_submodule(name, PackedConv2d(module))
    return network


def _is_worth_packing(conv: nn.Conv2d) -> bool:
    """Return whether `PackedConv2d` can replace a convolution and is faster: its stride is above 1, its channels are few."""
    is_square = all(
        isinstance(x, tuple) and len(set(x)) == 1 for x in (conv.stride, conv.kernel_size, conv.padding)
    )
    is_plain = is_square and conv.groups == 1 and set(conv.dilation) == {1} and conv.padding_mode == "zeros"
    return is_plain and conv.in_channels < CHANNELS_AT_ONCE and conv.stride[0] > 1
