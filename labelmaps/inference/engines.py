"""Engines: how the logits of all views of an image are computed.

`exact` passes every view through the network on its own. `shared` is for the family `shift`, whose views are windows of one
larger picture: that picture passes through the network once, and the head gets windows of the features. The convolutions
then see a view's surroundings at its border, where `exact` has padding.
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
from labelmaps.inference.inputs import make_views, normalised, views_to_compare
from labelmaps.networks.classifier import Classifier
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import Known, ask, check_logits, folded
from labelmaps.views import View, WindowView


class Engine(ABC):
    """A way to compute the logits of all views of an image.

    side: of a network input, in pixels. views_per_input: how many views' logits one network input gives.

    Attributes: `known`, what the untouched network says of some network inputs, and its `name`, for messages; `difference`,
    by how much the logits of this engine differ from it, in standard deviations, once `prepare` has compared them.
    """

    known: Known | None = None
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
        """Make the network inputs of each image (H, W, 3) uint8: (input, 3, side, side), ready for the network."""

    @abstractmethod
    def round_batch(self, batch: int) -> int:
        """Round a number of views down to one that can go through the network together, or up to the smallest one."""

    @abstractmethod
    def images_at_once(self, batch: int) -> int:
        """Return how many images one call of `logits` takes."""

    @abstractmethod
    def inputs_at_once(self, batch: int) -> int:
        """Return how many network inputs one forward pass takes."""

    def prepare(self, batch: int) -> None:
        """Compile the network for this batch size, if compilation is on, and compare its logits with the known ones.

        Call it before starting threads: otherwise every thread compiles for itself. Raises `InputError` where they differ.
        """
        classifier, side = self.classifier, self.side
        inputs = torch.zeros(1, 3, side, side) if self.known is None else self.known.inputs
        n_inputs = self.inputs_at_once(batch) if classifier.compiled else len(inputs)
        # As many as real batches have, and of the same memory layout: another would trigger a second compilation.
        repeated = inputs[torch.arange(n_inputs) % len(inputs)].to(self.device, classifier.dtype)
        logits = classifier.logits(repeated.contiguous(memory_format=torch.channels_last))
        if self.known is not None:
            # One input may give many views' logits.
            n_known = len(self.known.logits) // len(inputs) * min(n_inputs, len(inputs))
            known = Known(inputs, self.known.logits[:n_known])
            how = ", compiled" * classifier.compiled
            self.difference = check_logits(logits[:n_known], known, self.name, classifier.precision, how)

    def logits(
        self, images: Sequence[np.ndarray], batch: int, run: Callable[..., Iterable[Tensor]] = map
    ) -> Tensor:
        """Compute logits (image, row, column, label), float32, of at most `images_at_once(batch)` images (H, W, 3) uint8.

        run: calls a function with each of some batches, as `map` does; an executor's, where several are to run at a time.
        """
        inputs = self.network_inputs(images)
        n_absent = self.images_at_once(batch) - len(images)  # the last images of a part may be fewer
        if n_absent:
            of_image = inputs[0]
            inputs.append(of_image.new_zeros(n_absent * len(of_image), *of_image.shape[1:]))
        together = inputs[0] if len(inputs) == 1 else torch.cat(inputs)
        logits = list(run(self.classifier.logits, together.split(self.inputs_at_once(batch))))
        grid = self.view.grid
        return torch.cat(logits).unflatten(0, (-1, grid, grid))[: len(images)]

    def operations_per_view(self) -> int:
        """Count the floating-point operations for one view: a multiplication and an addition are two."""
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
    """Make an engine, whose logits its `prepare` compares with those of the untouched network.

    name: `exact` or `shared`.
    network: untouched, in evaluation mode, on the CPU, in float32; it is left so.
    precision, compiled: as for `Classifier`.
    images: some of the data set, (H, W, 3) uint8, on whose x₀ the logits are compared.
    network_name: for messages.

    Raises `InputError` where the view or the network does not suit the engine `shared`, and where the network's logits are
    none (see `labelmaps.networks.verification.ask`).
    """
    network_name = network_name or type(network).__name__
    known = ask(network, views_to_compare(images, view, preprocessing), network_name)
    prepared = folded(network, known, network_name)
    if prepared is network:
        prepared = copy.deepcopy(network)
    if name == "exact":
        engine: Engine = Exact(Classifier(prepared, device, precision, compiled), view, preprocessing)
    else:
        engine = Shared(prepared, view, preprocessing, device, precision, known, compiled)
        inputs = torch.cat([inputs.cpu().float() for inputs in engine.network_inputs(images[:1])])
        with engine.sharing(network):
            known = Known(inputs, network(inputs).detach())
    engine.known, engine.name = known, network_name
    return engine


def equivalent_views(name: str, view: View) -> float:
    """Estimate how many views have as many pixels as the network inputs of one image under an engine."""
    return view.grid**2 if name == "exact" else (2 - 1 / view.grid) ** 2


class Exact(Engine):
    """The engine that passes every view through the network on its own."""

    def __init__(self, classifier: Classifier, view: View, preprocessing: Preprocessing):
        super().__init__(classifier, view, preprocessing, side=preprocessing.size, views_per_input=1)

    def network_inputs(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """Make all views of each image."""
        cells = range(self.view.grid**2)
        return make_views(images, self.view, self.preprocessing, self.device, cells, self.classifier.dtype)

    def round_batch(self, batch: int) -> int:
        """Round to whole images, or to an equal number of rows of one image's grid, at least one.

        So every batch has the same shape: there is one to compile for, and an image's logits do not depend on others.
        """
        grid = self.view.grid
        if batch >= grid**2:
            return batch - batch % grid**2
        return grid * max(
            rows for rows in range(1, grid + 1) if grid % rows == 0 and rows * grid <= max(batch, grid)
        )

    def images_at_once(self, batch: int) -> int:
        """Return how many images have `batch` views, at least one."""
        return max(batch // self.view.grid**2, 1)

    def inputs_at_once(self, batch: int) -> int:
        """Return `batch`: every view is a network input."""
        return batch


class Shared(Engine):
    """The engine that passes one picture through the network, and windows of its feature map through the head.

    All views of the family `shift` are windows of that picture. Raises `InputError` for other views, for networks that do
    not end in an average and a linear layer, and where the step from one fixation to the next is not a whole number of the
    feature map's cells.
    """

    view: WindowView

    def __init__(
        self,
        network: nn.Module,
        view: View,
        preprocessing: Preprocessing,
        device: torch.device,
        precision: str,
        known: Known,
        compiled: bool = False,
    ):
        size, name = preprocessing.size, type(network).__name__
        if not isinstance(view, WindowView) or size % view.grid:
            raise InputError(
                f"engine: shared is for the views `shift` whose step is a whole number of pixels, unlike {view} at {size} "
                "pixels. Use engine: exact"
            )
        split = SplitClassifier(copy.deepcopy(network), torch.device("cpu"), known)
        if split.linear is None:
            raise InputError(
                f"engine: shared is for networks that end in an average over the map and a linear layer; {name} does not. "
                "Use engine: exact"
            )
        step = size // view.grid
        side = size + (view.grid - 1) * step
        window, whole = (split.activations(torch.zeros(1, 3, n, n)).shape[-1] for n in (size, side))
        stride = step * window // size  # of the windows, in cells of the feature map
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
        """Let another copy of the network do as this one, inside the `with` block."""
        handle = network.get_submodule(self._block_name).register_forward_hook(self._windows)
        try:
            yield
        finally:
            handle.remove()

    def network_inputs(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """Make the one picture of each image that holds all its views."""
        black, dtype = self.preprocessing.black(self.device), self.classifier.dtype
        return [
            self.view.sample_union(pixels, self.side, black, dtype)
            for pixels in normalised(images, self.preprocessing, self.device)
        ]

    def round_batch(self, batch: int) -> int:
        """Return `batch`, at least 1: any number of views will do."""
        return max(batch, 1)

    def images_at_once(self, batch: int) -> int:
        """Return how many images have as many pixels in their pictures as `batch` views, at least one."""
        return max(batch * self.preprocessing.size**2 // self.side**2, 1)

    def inputs_at_once(self, batch: int) -> int:
        """Return the number of images: each has one picture."""
        return self.images_at_once(batch)


@dataclass(frozen=True)
class Windows:
    """A forward hook at a network's last block that replaces its map by the averages over windows of it, row by row.

    window, stride: in cells of the map. The network's own head then averages over one cell, and gives the window's logits.
    """

    window: int
    stride: int

    def __call__(self, _: nn.Module, inputs: tuple, features: Tensor) -> Tensor:
        """Average features (picture, channel, row, column) over windows: (picture · window, channel, 1, 1)."""
        means = avg_pool2d(features, self.window, self.stride)
        return means.permute(0, 2, 3, 1).reshape(-1, means.shape[1], 1, 1)
