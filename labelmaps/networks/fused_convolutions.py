"""Faster convolutions for a GPU: the same sums, computed by other kernels.

On a GPU, a network spends half of its time on moving numbers to and from memory. cuDNN has a kernel that computes a
convolution, adds a bias and another map, and applies a ReLU before it writes the result once; `FuseConvolutions` makes
torch's compiler use it. Matrix units process 8 channels or more at once, of which an image fills 3; `PackedConv2d` fills
more of them.
"""

import copy
from collections.abc import Callable
from typing import Any, TypeGuard

import torch
from torch import Tensor, fx, nn
from torch._inductor.custom_graph_pass import CustomGraphPass, get_hash_for_files
from torch.nn.functional import conv2d, pad, pixel_unshuffle

CHANNELS_AT_ONCE = 8  # channels that matrix units process together; missing ones are filled with zeros
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
    """Compute max(0, x ∗ weight + bias + other) with torch's own operations, channels last in memory.

    x, other: (view, channel, row, column). weight: (output channel, input channel, row, column). bias: (channel,).
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
    """Compute what `_compute_in_steps` does with one kernel of cuDNN."""
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
    """A pass of torch's compiler that fuses a convolution, an addition and a ReLU into one operation, `conv_relu`.

    It changes only convolutions in reduced precision (16 bits), with or without an addition before the ReLU.
    """

    def __call__(self, graph: fx.Graph) -> None:
        """Fuse what can be fused in a graph of torch's core operations, in place."""
        for relu in graph.find_nodes(op="call_function", target=aten.relu.default):
            _fuse(graph, relu)
        graph.eliminate_dead_code()

    def uuid(self) -> bytes:
        """Return a hash of this file, by which the compiler's cache on disk distinguishes versions of the pass."""
        return get_hash_for_files((__file__,))


def _fuse(graph: fx.Graph, relu: fx.Node) -> None:
    """Replace a ReLU, and the convolution and the addition before it, by one `conv_relu`, if that gives the same sums.

    An addition is fused only if one summand is a fusable convolution and the other has the shape of the ReLU's output.
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
            # Both summands are convolutions with a bias: this one adds both biases, and the other one none.
            bias = _insert(graph, aten.add.Tensor, (bias, other.args[2]), like=bias)
            other_arguments = (*other.args[:2], None, *other.args[3:])
            other = _insert(graph, aten.convolution.default, other_arguments, like=other)
        arguments = (x, weight, bias, other, stride, padding, dilation)
        fused = _insert(graph, conv_relu, arguments, like=relu)
    relu.replace_all_uses_with(fused)


def _is_fusable(node: object) -> TypeGuard[fx.Node]:
    """Return whether a node is a convolution that cuDNN can fuse, and whose output only one other node uses."""
    if not isinstance(node, fx.Node) or node.target is not aten.convolution.default or len(node.users) > 1:
        return False
    transposed, _, groups = node.args[6:]
    value = node.meta["val"]
    return bool(value.ndim == 4 and value.dtype.itemsize == 2 and not transposed and groups == 1)


def _insert(graph: fx.Graph, target: Callable[..., Any], arguments: tuple, like: fx.Node) -> fx.Node:
    """Insert a call of `target` whose output has the type and the shape of that of the node `like`."""
    node = graph.call_function(target, arguments)
    node.meta.update(like.meta)
    return node


class PackedConv2d(nn.Module):
    """A strided convolution rewritten as space-to-depth followed by a convolution of stride 1.

    With stride s, space-to-depth turns each cell of s × s pixels into one pixel with s² times the channels. The kernel is
    rearranged in the same way, so that the products are the same, with some zeros more. An image's 3 channels become 3 s²,
    which leave fewer matrix units idle.

    conv: of square stride, kernel and padding, without groups and dilation; its weights are copied.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        assert not isinstance(conv.padding, str)  # "same" and "valid" are not packed
        (self.step, _), (size, _), (self.padding, _) = conv.stride, conv.kernel_size, conv.padding
        self.size = size
        self.front = -(-self.padding // self.step) * self.step  # the padding, rounded up to whole cells
        lead = self.front - self.padding  # zeros before the kernel, so that it begins with a cell
        self.cells = -(-(lead + size) // self.step)
        behind = self.cells * self.step - lead - size
        weight = pixel_unshuffle(pad(conv.weight, (lead, behind) * 2), self.step)
        self.empty = -weight.shape[1] % CHANNELS_AT_ONCE
        weight = pad(weight, (0, 0, 0, 0, 0, self.empty)).to(memory_format=torch.channels_last)
        self.weight, self.bias = nn.Parameter(weight, requires_grad=False), conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """Compute the convolution of x (view, channel, row, column)."""
        sides = []
        for side in (x.shape[3], x.shape[2]):
            places = (side + 2 * self.padding - self.size) // self.step + 1
            sides += [self.front, (places + self.cells - 1) * self.step - self.front - side]
        cells = pad(pixel_unshuffle(pad(x, sides), self.step), (0, 0, 0, 0, 0, self.empty))
        return conv2d(cells.contiguous(memory_format=torch.channels_last), self.weight, self.bias)


def packed(network: nn.Module) -> nn.Module:
    """Copy a network, and replace the convolutions that gain from it by `PackedConv2d`."""
    network = copy.deepcopy(network)
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and _is_worth_packing(module):
            network.set_submodule(name, PackedConv2d(module))
    return network


def _is_worth_packing(conv: nn.Conv2d) -> bool:
    """Return whether a convolution has a stride above 1 and few channels, and is of a kind that can be packed."""
    is_square = all(
        isinstance(x, tuple) and len(set(x)) == 1 for x in (conv.stride, conv.kernel_size, conv.padding)
    )
    is_plain = is_square and conv.groups == 1 and set(conv.dilation) == {1} and conv.padding_mode == "zeros"
    return is_plain and conv.in_channels < CHANNELS_AT_ONCE and conv.stride[0] > 1
