"""Engines: how the logits of all views of an image are computed.

The engine `exact` passes every view through the network on its own. The engine `shared` is for the family `shift`, whose
views are windows of one larger square. That square passes through the network once, and the head is applied to windows of
its feature map. At the border of a view, the convolutions then see the view's surroundings, where `exact` has padding.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from labelmaps.errors import InputError
from labelmaps.inference.inputs import make_views, normalise_images, views_to_compare
from labelmaps.networks.classifier import Classifier
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import (
    KnownLogits,
    check_logits,
    compute_known_logits,
    copy_with_folded_norms,
)
from labelmaps.views import View, WindowView


class Engine(ABC):
    """A way to compute the logits of all views of an image.

    side: the side of a network input, in pixels.
    views_per_input: the number of views whose logits follow from one network input.

    Attributes:
    known: some network inputs with the logits that the untouched network gives for them, which `prepare` compares with this
        engine's; None means that there is nothing to compare.
    name: the network's name, for messages.
    difference: how far this engine's logits are from the known ones, in standard deviations (see
        `labelmaps.networks.verification.deviation`); None until `prepare` has compared them.
    """

    known: KnownLogits | None = None
    name = ""
    difference: float | None = None

    def __init__(
        self,
        classifier: Classifier,
        view: View,
        preprocessing: Preprocessing,
        side: int,
        views_per_input: int,
    ):
        self.classifier, self.view, self.preprocessing = classifier, view, preprocessing
        self.side, self.views_per_input, self.device = side, views_per_input, classifier.device

    @abstractmethod
    def network_inputs(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """Make the network inputs of each image.

        images: (H, W, 3) uint8.
        Returns one tensor per image, (input, 3, side, side), normalised, on the engine's device and in its precision.
        """

    @abstractmethod
    def round_batch(self, batch: int) -> int:
        """Round a number of views down to one that this engine can process in a batch, or up to the smallest such number."""

    @abstractmethod
    def images_at_once(self, batch: int) -> int:
        """Return the largest number of images that one call of `logits` accepts; batch: as `round_batch` returns it."""

    @abstractmethod
    def inputs_at_once(self, batch: int) -> int:
        """Return the number of network inputs in one forward pass; batch: as `round_batch` returns it."""

    def prepare(self, batch: int) -> None:
        """Compile the network for this batch size, if compilation is on, and compare its logits with the known ones.

        batch: as `round_batch` returns it. Call this before threads are started: otherwise every thread compiles for itself.
        Raises `InputError` if the logits differ by more than rounding explains.
        """
        classifier, side = self.classifier, self.side
        inputs = torch.zeros(1, 3, side, side) if self.known is None else self.known.inputs
        n_inputs = self.inputs_at_once(batch) if classifier.compiled else len(inputs)
        # The number and the memory layout are those of real batches: others would trigger a second compilation.
        repeated = inputs[torch.arange(n_inputs) % len(inputs)].to(self.device, classifier.dtype)
        logits = classifier.logits(repeated.contiguous(memory_format=torch.channels_last))
        if self.known is not None:
            # The logits of many views may follow from one input.
            n_known = len(self.known.logits) // len(inputs) * min(n_inputs, len(inputs))
            known = KnownLogits(inputs, self.known.logits[:n_known])
            how = ", compiled" * classifier.compiled
            self.difference = check_logits(logits[:n_known], known, self.name, classifier.precision, how)

    def logits(
        self, images: Sequence[np.ndarray], batch: int, run: Callable[..., Iterable[Tensor]] = map
    ) -> Tensor:
        """Compute the logits of all views of some images.

        images: (H, W, 3) uint8, at most `images_at_once(batch)` of them. batch: as `round_batch` returns it.
        run: calls a function with each of some batches, as `map` does; an executor's `map` runs several at a time.
        Returns (image, row, column, label) float32, on the engine's device.
        """
        inputs = self.network_inputs(images)
        n_absent = self.images_at_once(batch) - len(images)  # the last batch of a part may have fewer images
        if n_absent:
            of_image = inputs[0]
            inputs.append(of_image.new_zeros(n_absent * len(of_image), *of_image.shape[1:]))
        together = inputs[0] if len(inputs) == 1 else torch.cat(inputs)
        logits = list(run(self.classifier.logits, together.split(self.inputs_at_once(batch))))
        grid = self.view.grid
        return torch.cat(logits).unflatten(0, (-1, grid, grid))[: len(images)]

    def operations_per_view(self) -> int:
        """Count the floating-point operations that one view costs; a multiplication and an addition are two operations."""
        return self.classifier.operations(self.side) // self.views_per_input


def create_engine(
    name: Literal["exact", "shared"],
    network: nn.Module,
    view: View,
    preprocessing: Preprocessing,
    device: torch.device,
    precision: str,
    compiled: bool,
    images: Sequence[np.ndarray],
    network_name: str = "",
) -> Engine:
    """Create an engine, and compute the network's own logits for some views, with which `prepare` compares the engine's.

    name: `exact` or `shared`.
    network: the network as its library made it, in evaluation mode, on the CPU, in float32; it is not changed.
    precision, compiled: as for `Classifier`.
    images: some images of the data set, (H, W, 3) uint8; the logits are compared on their x₀.
    network_name: for messages; the name of the network's class if it is empty.

    Raises `InputError` if the engine `shared` cannot be used with the view or the network, and if the network's outputs are
    not usable logits (see `labelmaps.networks.verification.compute_known_logits`).
    """
    network_name = network_name or type(network).__name__
    known = compute_known_logits(network, views_to_compare(images, view, preprocessing), network_name)
    prepared = copy_with_folded_norms(network, known, network_name)
    if prepared is network:
        prepared = copy.deepcopy(network)
    if name == "exact":
        engine: Engine = Exact(Classifier(prepared, device, precision, compiled), view, preprocessing)
    else:
        engine = Shared(prepared, view, preprocessing, device, precision, known, compiled)
        inputs = torch.cat([inputs.cpu().float() for inputs in engine.network_inputs(images[:1])])
        with engine.sharing(network):
            known = KnownLogits(inputs, network(inputs).detach())
    engine.known, engine.name = known, network_name
    return engine


def equivalent_views(name: str, view: View) -> float:
    """Estimate how many views cost as much as an engine spends on one image, by the pixels of its network inputs.

    name: the engine's name, `exact` or `shared`. The number decides whether it pays to compile the network.
    """
    return view.grid**2 if name == "exact" else (2 - 1 / view.grid) ** 2


class Exact(Engine):
    """The engine that passes every view through the network on its own."""

    def __init__(self, classifier: Classifier, view: View, preprocessing: Preprocessing):
        super().__init__(classifier, view, preprocessing, side=preprocessing.size, views_per_input=1)

    def network_inputs(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """Make all views of each image (H, W, 3) uint8, one tensor (row · column, 3, side, side) per image."""
        cells = range(self.view.grid**2)
        return make_views(images, self.view, self.preprocessing, self.device, cells, self.classifier.dtype)

    def round_batch(self, batch: int) -> int:
        """Round a number of views down to whole images or, if it is below one image, to a share of an image in whole rows.

        The number of rows divides the grid's, and is at least 1. Every batch then has the same shape, so that the network is
        compiled once, and an image's logits do not depend on which images share its batch.
        """
        grid = self.view.grid
        if batch >= grid**2:
            return batch - batch % grid**2
        return grid * max(
            rows for rows in range(1, grid + 1) if grid % rows == 0 and rows * grid <= max(batch, grid)
        )

    def images_at_once(self, batch: int) -> int:
        """Return how many whole images `batch` views make up, at least one."""
        return max(batch // self.view.grid**2, 1)

    def inputs_at_once(self, batch: int) -> int:
        """Return `batch` itself: every view is one network input."""
        return batch


class Shared(Engine):
    """The engine that passes one larger square per image through the network, and windows of its feature map to the head.

    All views of the family `shift` are windows of that square.

    network: a copy that belongs to the engine; a hook stays at its last block.
    known: the logits of the untouched network for views, by which its last map is found.

    Raises `InputError` for views that are not windows of one square, for networks that do not end in an average over the map
    and a linear layer, and if the step between neighbouring fixations is not a whole number of cells of the feature map.
    """

    view: WindowView

    def __init__(
        self,
        network: nn.Module,
        view: View,
        preprocessing: Preprocessing,
        device: torch.device,
        precision: str,
        known: KnownLogits,
        compiled: bool = False,
    ):
        size, name = preprocessing.size, type(network).__name__
        if not isinstance(view, WindowView) or size % view.grid:
            raise InputError(
                f"engine: shared needs views of the family `shift` whose step is a whole number of pixels, and {view} at "
                f"{size} pixels is none. Use engine: exact"
            )
        split = SplitClassifier(copy.deepcopy(network), torch.device("cpu"), known)
        if split.linear is None:
            raise InputError(
                f"engine: shared needs a network that ends in an average over its last map and a linear layer, and {name} "
                "does not. Use engine: exact"
            )
        step = size // view.grid
        side = size + (view.grid - 1) * step
        window, whole = (split.activations(torch.zeros(1, 3, n, n)).shape[-1] for n in (size, side))
        stride = step * window // size  # the step between windows, in cells of the feature map
        if step * window % size or whole != window + (view.grid - 1) * stride:
            raise InputError(
                f"engine: shared needs a step of the grid ({step} pixels) that is a multiple of the stride of {name} "
                f"({size} pixels on {window} cells). Use another grid, or engine: exact"
            )
        self._block_name, self._windows = split.block_name, Windows(window, stride)
        network.get_submodule(split.block_name).register_forward_hook(self._windows)
        classifier = Classifier(network, device, precision, compiled)
        super().__init__(classifier, view, preprocessing, side, views_per_input=view.grid**2)

    @contextmanager
    def sharing(self, network: nn.Module) -> Generator[None]:
        """Let another copy of the network return the logits of windows, as this engine's does, inside the `with` block.

        There the copy takes squares as from `network_inputs`, and returns the logits of all windows of each, one after
        another, row by row.
        """
        handle = network.get_submodule(self._block_name).register_forward_hook(self._windows)
        try:
            yield
        finally:
            handle.remove()

    def network_inputs(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """Make, for each image (H, W, 3) uint8, the larger square (1, 3, side, side) of which its views are windows."""
        black, dtype = self.preprocessing.black(self.device), self.classifier.dtype
        return [
            self.view.sample_union(pixels, self.side, black, dtype)
            for pixels in normalise_images(images, self.preprocessing, self.device)
        ]

    def round_batch(self, batch: int) -> int:
        """Return `batch` itself, but at least 1: this engine can process any number of views."""
        return max(batch, 1)

    def images_at_once(self, batch: int) -> int:
        """Return how many images have larger squares with as many pixels as `batch` views, at least one."""
        return max(batch * self.preprocessing.size**2 // self.side**2, 1)

    def inputs_at_once(self, batch: int) -> int:
        """Return `images_at_once(batch)`: each image has one network input."""
        return self.images_at_once(batch)


@dataclass(frozen=True)
class Windows:
    """A forward hook for a network's last block that replaces its map by the averages over windows of that map, row by row.

    The network's own head then averages over a single cell and returns the logits of the window.

    window, stride: the side of a window and the step between windows, in cells of the map.
    """

    window: int
    stride: int

    def __call__(self, _: nn.Module, inputs: tuple, features: Tensor) -> Tensor:
        """Average features (input, channel, row, column) over windows, and return (input · window, channel, 1, 1)."""
        means = avg_pool2d(features, self.window, self.stride)
        return means.permute(0, 2, 3, 1).reshape(-1, means.shape[1], 1, 1)
