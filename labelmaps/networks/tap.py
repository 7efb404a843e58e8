"""The last map of a network: where it is, how its axes are ordered, and how it is read and replaced.

The last map is the output of a module. It is the last output in a forward pass that meets three conditions: the logits
follow from it alone, they depend on its cells, and its cells are arranged like the parts of the view that they represent. In
a network that averages over its last block's output, it is that output. In a transformer whose logits follow from the class
token, it is the output of the block before the last, because no logit depends on the other tokens after the last block.
"""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.paths import modules_on_every_path
from labelmaps.networks.verification import BOUNDS, KnownLogits, deviation

MAP, TOKENS = 4, 3  # the number of axes of a map, and of tokens (view, token, channel)
SMALLEST_SIDE = 4  # cells; the arrangement of smaller maps is not tested
LEAST_SHARE = 1.1  # in `is_arranged_like_view`; docs/networks.md has the measurements
QUARTERS = (
    (False, False),
    (False, True),
    (True, False),
    (True, True),
)  # of a view or a map: whether it is below, whether it is on the right


class Layout(NamedTuple):
    """The order of the axes of a module's output, and the size of the map that it contains.

    kind: `channels first` (view, channel, row, column), `channels last` (view, row, column, channel), or `tokens` (view,
        token, channel): the first `n_prefix` tokens have no place in the view, as a class token and registers; the others
        are the cells of the map, row by row.
    side: the side of the map in cells; the map is square, as views are.
    n_prefix: the number of tokens before the cells; 0 unless kind is `tokens`.
    """

    kind: Literal["channels first", "channels last", "tokens"]
    side: int
    n_prefix: int = 0

    def split(self, output: Tensor) -> tuple[Tensor, Tensor | None]:
        """Split an output into the map and the tokens before it.

        Returns the map (view, channel, row, column), and the tokens (view, token, channel) or None if there are none.
        """
        if self.kind == "channels first":
            return output, None
        if self.kind == "channels last":
            return output.movedim(-1, 1), None
        prefix, cells = output[:, : self.n_prefix], output[:, self.n_prefix :]
        return cells.mT.unflatten(2, (self.side, self.side)), prefix if self.n_prefix else None

    def join(self, maps: Tensor, prefix: Tensor | None) -> Tensor:
        """Join a map and the tokens before it, as `split` returns them, to an output in the module's own order of axes.

        maps: (view, channel, row, column). prefix: (view, token, channel), or None.
        """
        if self.kind == "channels first":
            return maps
        if self.kind == "channels last":
            return maps.movedim(1, -1)
        cells = maps.flatten(2).mT
        return cells if prefix is None else torch.cat([prefix, cells], dim=1)


def infer_layout(output: Tensor, n_views: int) -> Layout | None:
    """Infer the layout of a module's output from its shape; return None if it contains no map of more than one cell.

    output: of any shape. It contains no map if its first axis does not have the length n_views.

    If it has four axes, two neighbouring axes of equal length are rows and columns; if all three axes after the first are
    equally long, the channels are the first of them. If it has three axes and n tokens, the last g² tokens are the cells,
    where g² is the largest square number up to n.
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
    """The error for a network without a map from which alone its logits follow."""


class Tap(NamedTuple):
    """A module whose output is a map.

    name: the module's name in the network. layout: the layout of its output.
    """

    name: str
    layout: Layout


def find_last_map(network: nn.Module, known: KnownLogits, name: str, layer: str | None = None) -> Tap:
    """Find the module whose output is a network's last map.

    network: in evaluation mode, on the device of `known`.
    known: the logits of the original network for two or more views that differ.
    name: the network's name, for messages.
    layer: the name of the module if the user gave it; it is then only checked. None searches all modules.

    Raises `NoMapError` if the search finds no map, and `InputError` if the module `layer` does not exist, does not run
    exactly once, or its output is not a last map.
    """
    layouts = find_layouts(network, known.inputs)
    if layer is not None:
        if layer not in layouts:
            raise InputError(
                f"layer: {name} has no module `{layer}` that runs once in a forward pass and returns a tensor. Choose one; "
                f"the last of them: {', '.join(list(layouts)[-20:])}"
            )
        layout = layouts[layer]
        output = compute_output(network, known.inputs, layer)
        if layout is None or not is_last_map(network, known, layer, layout, output):
            raise InputError(
                f"layer: the logits of {name} do not follow from the output of `{layer}` alone, or do not depend on its "
                "cells. Choose another module, or leave `layer` out to have it found"
            )
        if not is_arranged_like_view(network, known, layer, layout, output):
            raise InputError(
                f"layer: the cells in the output of `{layer}` of {name} are not arranged like the parts of the view that "
                f"change them (read as {layout.kind}, {layout.side} × {layout.side}). Choose another module, or leave "
                "`layer` out to have it found"
            )
        return Tap(layer, layout)
    passed = modules_on_every_path(network, known.inputs[:2])
    for module, layout in reversed(layouts.items()):
        if layout is None or (passed is not None and module not in passed):
            continue
        output = compute_output(network, known.inputs, module)
        if is_last_map(network, known, module, layout, output) and is_arranged_like_view(
            network, known, module, layout, output
        ):
            return Tap(module, layout)
    raise NoMapError(
        f"{name} has no map from which alone its logits follow, so methods that need one (Grad-CAM, DFF) cannot be used "
        "with it; methods on label maps can. Leave the others out with `without: [gradcam, dff]` in its entry"
    )


@torch.no_grad()
def find_layouts(network: nn.Module, views: Tensor) -> dict[str, Layout | None]:
    """List the modules that run once in a forward pass and return a tensor, in the order in which they end.

    views: (view, 3, size, size), normalised.
    Returns module name → layout of its output, or None if the output contains no map. The network itself is left out.
    """
    layouts: dict[str, Layout | None] = {}
    again = set()

    def note(name: str) -> Callable[[nn.Module, tuple, object], None]:
        def hook(_: nn.Module, inputs: tuple, output: object) -> None:
            if name in layouts:
                again.add(name)
            if isinstance(output, Tensor):
                layouts[name] = infer_layout(output, len(views))

        return hook

    handles = [module.register_forward_hook(note(name)) for name, module in network.named_modules() if name]
    try:
        network(views)
    finally:
        for handle in handles:
            handle.remove()
    return {name: layout for name, layout in layouts.items() if name not in again}


@torch.no_grad()
def is_last_map(network: nn.Module, known: KnownLogits, name: str, layout: Layout, output: Tensor) -> bool:
    """Return whether the logits follow from a module's output alone, and depend on the cells in it.

    name, layout, output: the module's name, the layout of its output, and its output for the known views.

    The network runs on the known views in another order while the module returns `output`: the logits must be those of
    `output`. Then it runs while the cells of `output` are exchanged between views: the logits must change.
    """
    others = known.inputs.roll(1, 0)
    maps, prefix = layout.split(output)
    with replacing_output(network, name, output):
        if deviation(network(others), known) > BOUNDS["float32"]:
            return False
    with replacing_output(network, name, layout.join(maps.roll(1, 0), prefix)):
        return deviation(network(others), known) > BOUNDS["float32"]


@torch.no_grad()
def is_arranged_like_view(
    network: nn.Module, known: KnownLogits, name: str, layout: Layout, output: Tensor
) -> bool:
    """Return whether the cells of a map are arranged like the parts of the view on which they depend.

    The test finds axes that were read in the wrong order. name, layout, output: as for `is_last_map`.

    Each quarter of the first known view is replaced by that of the last, and conversely. On average, the cells in the same
    quarter of the map must change more than all cells do (by the factor `LEAST_SHARE`), and more than the cells in that
    quarter would if rows and columns were exchanged.

    The answer is True without a test if the order of the axes is certain (four axes, of which only two are equally long),
    and on a map smaller than 4 × 4, whose cells each depend on most of the view.
    """
    n_channels = layout.split(output)[0].shape[1]
    if layout.side < SMALLEST_SIDE or (layout.kind != "tokens" and n_channels != layout.side):
        return True
    shares = []
    for view, other in ((0, -1), (-1, 0)):
        views = known.inputs[view].repeat(1 + len(QUARTERS), 1, 1, 1)
        for changed, quarter in zip(views[1:], QUARTERS, strict=True):
            _quarter(changed, quarter).copy_(_quarter(known.inputs[other], quarter))
        maps, _ = layout.split(compute_output(network, views, name))
        change = (maps[1:] - maps[:1]).square().sum(dim=1).sqrt()
        means = torch.stack([_quarter(change, quarter).mean(dim=(1, 2)) for quarter in QUARTERS], dim=1)
        shares.append(means / means.mean(dim=1, keepdim=True))
    share = torch.stack(shares).mean(dim=0)  # (quarter of the view, quarter of the map)
    same, exchanged = share.diagonal().mean(), share[[0, 2, 1, 3]].diagonal().mean()
    return bool(same > LEAST_SHARE and same > exchanged)


def _quarter(maps: Tensor, quarter: tuple[bool, bool]) -> Tensor:
    """Return a quarter of maps (…, row, column), as a view of their memory; if the side is odd, its middle is in no quarter.

    quarter: whether it is the lower half of the rows, whether it is the right half of the columns.
    """
    half = maps.shape[-1] // 2
    rows, columns = (slice(-half, None) if is_far else slice(half) for is_far in quarter)
    return maps[..., rows, columns]


def compute_output(network: nn.Module, views: Tensor, name: str) -> Tensor:
    """Run a network on views, and return a copy of the output of its module `name`, which must run exactly once.

    views: (view, 3, size, size), normalised. The output has the module's own shape and order of axes.
    """
    outputs: list[Tensor] = []
    handle = network.get_submodule(name).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        network(views)
    finally:
        handle.remove()
    (output,) = outputs
    return output


@contextmanager
def replacing_output(network: nn.Module, name: str, output: Tensor) -> Generator[None]:
    """Let the module `name` of a network return `output` instead of its own output, inside the `with` block."""
    handle = network.get_submodule(name).register_forward_hook(lambda *_: output.clone())
    try:
        yield
    finally:
        handle.remove()
