"""The last map of a network: where it is, how its memory is laid out, and how it is read and replaced.

The last map is the output of the last module, in the order of the forward pass, from which alone the logits follow, and on
whose cells they depend, and whose cells lie as the parts of the view that they show. For a network that averages over its
last block's output it is that output. For a transformer whose logits follow from the class token it is the output of the
block before the last: after the last block no logit depends on the other tokens.
"""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.paths import modules_on_every_path
from labelmaps.networks.verification import BOUNDS, Known, deviation

MAP, TOKENS = 4, 3  # numbers of axes: of a map, and of tokens (view, token, channel)
SMALLEST_SIDE = 4  # of a map whose place is compared with the view's
LEAST_SHARE = 1.1  # docs/networks.md has what was measured
QUARTERS = (
    (False, False),
    (False, True),
    (True, False),
    (True, True),
)  # of a view: whether lower, whether on the right


class Layout(NamedTuple):
    """The order of the axes of a module's output, and the size of the map in it.

    kind: `channels first` (view, channel, row, column), `channels last` (view, row, column, channel), or `tokens` (view,
        token, channel): first the `n_prefix` tokens that are no places, as a class token and registers, then the cells, row
        by row.
    side: of the map, which is square as the views are, in cells.
    """

    kind: Literal["channels first", "channels last", "tokens"]
    side: int
    n_prefix: int = 0

    def split(self, output: Tensor) -> tuple[Tensor, Tensor | None]:
        """Bring an output to a map (view, channel, row, column) and the tokens before it (view, token, channel), if any."""
        if self.kind == "channels first":
            return output, None
        if self.kind == "channels last":
            return output.movedim(-1, 1), None
        prefix, cells = output[:, : self.n_prefix], output[:, self.n_prefix :]
        return cells.mT.unflatten(2, (self.side, self.side)), prefix if self.n_prefix else None

    def join(self, maps: Tensor, prefix: Tensor | None) -> Tensor:
        """Bring a map and the tokens before it back to the order of the output."""
        if self.kind == "channels first":
            return maps
        if self.kind == "channels last":
            return maps.movedim(1, -1)
        cells = maps.flatten(2).mT
        return cells if prefix is None else torch.cat([prefix, cells], dim=1)


def layout_of(output: Tensor, n_views: int) -> Layout | None:
    """Read the layout of a module's output; None where it is no map of more than one cell.

    Of the four axes of a map, the two neighbours of equal length are rows and columns; where all three are equal, the
    channels come first. Of n tokens, the last g² are cells, g² the largest square up to n.
    """
    if output.ndim not in (MAP, TOKENS) or output.shape[0] != n_views:
        return None
    if output.ndim == TOKENS:
        side = math.isqrt(output.shape[1])
        return Layout("tokens", side, output.shape[1] - side**2) if side > 1 else None
    _, first, second, third = output.shape
    if second == third > 1:
        return Layout("channels first", second)
    return Layout("channels last", first) if first == second > 1 else None


class NoMapError(InputError):
    """A network that has no map from which alone its logits follow."""


class Tap(NamedTuple):
    """A module whose output is a map. name: in the network."""

    name: str
    layout: Layout


def find_last_map(network: nn.Module, known: Known, name: str, layer: str | None = None) -> Tap:
    """Find the last map of a network.

    network: in evaluation mode, on the device of the views, as is `known`. known: its logits of two views or more that are
    not alike. name: of the network, for messages. layer: the name of the module, where it is given rather than found.

    Raises `NoMapError` where there is none, and `InputError` where the layer given is none.
    """
    layouts = trace(network, known.inputs)
    if layer is not None:
        if layer not in layouts:
            raise InputError(
                f"layer: {name} runs no module `{layer}` once in a forward pass that returns a tensor; the last that it "
                f"runs: {', '.join(list(layouts)[-20:])}"
            )
        layout = layouts[layer]
        output = output_of(network, known.inputs, layer)
        if layout is None or not is_last_map(network, known, layer, layout, output):
            raise InputError(
                f"layer: from the output of `{layer}` of {name} alone its logits do not follow, or not from its cells. "
                "Name another, or leave `layer` out: it is then found"
            )
        if not lies_as_view(network, known, layer, layout, output):
            raise InputError(
                f"layer: the cells in the output of `{layer}` of {name} do not lie as the parts of the view that change "
                f"them (read as {layout.kind}, {layout.side} × {layout.side}). Name another, or leave `layer` out: it is "
                "then found"
            )
        return Tap(layer, layout)
    passed = modules_on_every_path(network, known.inputs[:2])
    for module, layout in reversed(layouts.items()):
        if layout is None or (passed is not None and module not in passed):
            continue
        output = output_of(network, known.inputs, module)
        if is_last_map(network, known, module, layout, output) and lies_as_view(
            network, known, module, layout, output
        ):
            return Tap(module, layout)
    raise NoMapError(
        f"{name} has no map from which alone its logits follow; methods that need one (Grad-CAM, DFF) cannot be used with "
        "it, those on label maps can. `without: [gradcam, dff]` in its entry leaves them out"
    )


@torch.no_grad()
def trace(network: nn.Module, views: Tensor) -> dict[str, Layout | None]:
    """Return the layouts of the outputs of the modules that run once in a forward pass, in the order in which they end.

    By the modules' names; None for a tensor that is no map. The network itself is not among them.
    """
    layouts: dict[str, Layout | None] = {}
    again = set()

    def note(name: str) -> Callable[[nn.Module, tuple, object], None]:
        def hook(_: nn.Module, inputs: tuple, output: object) -> None:
            if name in layouts:
                again.add(name)
            if isinstance(output, Tensor):
                layouts[name] = layout_of(output, len(views))

        return hook

    handles = [module.register_forward_hook(note(name)) for name, module in network.named_modules() if name]
    try:
        network(views)
    finally:
        for handle in handles:
            handle.remove()
    return {name: layout for name, layout in layouts.items() if name not in again}


@torch.no_grad()
def is_last_map(network: nn.Module, known: Known, name: str, layout: Layout, output: Tensor) -> bool:
    """Tell whether the logits follow from a module's output alone, and depend on the cells in it.

    name, layout, output: of the module, its output for the known views. The network runs on these views in another order,
    once with the output put in, once with its cells exchanged between views.
    """
    others = known.inputs.roll(1, 0)
    maps, prefix = layout.split(output)
    with replaced(network, name, output):
        if deviation(network(others), known) > BOUNDS["float32"]:
            return False
    with replaced(network, name, layout.join(maps.roll(1, 0), prefix)):
        return deviation(network(others), known) > BOUNDS["float32"]


@torch.no_grad()
def lies_as_view(network: nn.Module, known: Known, name: str, layout: Layout, output: Tensor) -> bool:
    """Tell whether the cells of a map lie as the parts of the view that they show: axes that are misread show here.

    name, layout, output: as for `is_last_map`. Quarters of the first known view are exchanged for those of the last, and the
    reverse. On average, the cells of the same quarter of the map must change more than all cells do, and more than those
    that would be there with rows and columns exchanged.

    Where the lengths of the axes leave no doubt, it is not tested: there are four, and no more than two alike. Nor is it on
    a map smaller than 4 × 4, of which each cell depends on most of the view.
    """
    n_channels = layout.split(output)[0].shape[1]
    if layout.side < SMALLEST_SIDE or (layout.kind != "tokens" and n_channels != layout.side):
        return True
    shares = []
    for view, other in ((0, -1), (-1, 0)):
        views = known.inputs[view].repeat(1 + len(QUARTERS), 1, 1, 1)
        for changed, quarter in zip(views[1:], QUARTERS, strict=True):
            _quarter(changed, quarter).copy_(_quarter(known.inputs[other], quarter))
        maps, _ = layout.split(output_of(network, views, name))
        change = (maps[1:] - maps[:1]).square().sum(dim=1).sqrt()
        means = torch.stack([_quarter(change, quarter).mean(dim=(1, 2)) for quarter in QUARTERS], dim=1)
        shares.append(means / means.mean(dim=1, keepdim=True))
    share = torch.stack(shares).mean(dim=0)  # (quarter of the view, quarter of the map)
    same, exchanged = share.diagonal().mean(), share[[0, 2, 1, 3]].diagonal().mean()
    return bool(same > LEAST_SHARE and same > exchanged)


def _quarter(maps: Tensor, quarter: tuple[bool, bool]) -> Tensor:
    """Return a quarter of maps (…, row, column), without the row and the column in the middle of odd sides."""
    half = maps.shape[-1] // 2
    rows, columns = (slice(-half, None) if is_far else slice(half) for is_far in quarter)
    return maps[..., rows, columns]


def output_of(network: nn.Module, views: Tensor, name: str) -> Tensor:
    """Run a network on views, and return a copy of the output of a module of it."""
    outputs: list[Tensor] = []
    handle = network.get_submodule(name).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        network(views)
    finally:
        handle.remove()
    (output,) = outputs
    return output


@contextmanager
def replaced(network: nn.Module, name: str, output: Tensor) -> Generator[None]:
    """Let a module return this output instead of its own, inside the `with` block."""
    handle = network.get_submodule(name).register_forward_hook(lambda *_: output.clone())
    try:
        yield
    finally:
        handle.remove()
