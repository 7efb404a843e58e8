"""Engines: how a network is asked for the logits of all views of an image.

`exact` shows it every view on its own. `shared` is for the views `shift`, which are windows of one larger picture: the
network goes over that picture once, and its head looks at windows of the features. What the convolutions see at a view's
border is then its surroundings, where `exact` has the padding of a picture that ends there.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from labelmaps.errors import InputError
from labelmaps.inference.inputs import make_views, normalised
from labelmaps.networks.classifier import Classifier
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.views import ViewFamily


class Engine(ABC):
    """Shows a network pictures of an image, which give the logits of all its views.

    side: of the pictures, in pixels. each: of how many views a picture gives the logits.
    """

    def __init__(
        self, classifier: Classifier, view: ViewFamily, preprocessing: Preprocessing, side: int, each: int
    ):
        self.classifier, self.view, self.preprocessing = classifier, view, preprocessing
        self.side, self.each, self.device = side, each, classifier.device

    @abstractmethod
    def pictures(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """What the network is shown of each image (H, W, 3) uint8: (picture, 3, side, side), of its type, on its device."""

    @abstractmethod
    def possible(self, batch: int) -> int:
        """The number of views that can go through the network together, next to `batch`."""

    @abstractmethod
    def images_at_once(self, batch: int) -> int:
        """Of how many images `logits` takes the views."""

    @abstractmethod
    def pictures_at_once(self, batch: int) -> int:
        """How many pictures go through the network together."""

    def prepare(self, batch: int) -> None:
        """Compile the network for such batches, if it is to be; what is not compiled here, every thread compiles."""
        classifier, side = self.classifier, self.side
        if classifier.compiled:
            # As views are, layout and all: the compiler tells tensors apart that `logits` had to copy.
            shape = self.pictures_at_once(batch), 3, side, side
            pictures = torch.zeros(shape, dtype=classifier.dtype, device=self.device)
            classifier.logits(pictures.to(memory_format=torch.channels_last))

    def logits(self, images: Sequence[np.ndarray], batch: int) -> Tensor:
        """Logits (image, row, column, label), float32, of at most `images_at_once(batch)` images (H, W, 3) uint8."""
        pictures = self.pictures(images)
        absent = self.images_at_once(batch) - len(images)  # the last images of a part may be fewer
        if absent:
            of_image = pictures[0]
            pictures.append(of_image.new_zeros(absent * len(of_image), *of_image.shape[1:]))
        together = pictures[0] if len(pictures) == 1 else torch.cat(pictures)
        logits = [self.classifier.logits(some) for some in together.split(self.pictures_at_once(batch))]
        grid = self.view.grid
        return torch.cat(logits).unflatten(0, (-1, grid, grid))[: len(images)]

    def operations_per_view(self) -> int:
        """Floating-point operations for one view: a multiplication and an addition are two."""
        return self.classifier.operations(self.side) // self.each


def create(
    name: str,
    network: nn.Module,
    view: ViewFamily,
    preprocessing: Preprocessing,
    device: torch.device,
    precision: str,
    compiled: bool,
) -> Engine:
    """The engine of this name. compiled: see `Classifier`."""
    if name == "shared":
        return Shared(network, view, preprocessing, device, precision, compiled)
    return Exact(Classifier(network, device, precision, compiled), view, preprocessing)


def views_worth(name: str, view: ViewFamily) -> float:
    """As many views as have the pixels that the engine of this name shows the network of one image, about."""
    return view.grid**2 if name == "exact" else (2 - 1 / view.grid) ** 2


class Exact(Engine):
    """Shows the network every view on its own."""

    def __init__(self, classifier: Classifier, view: ViewFamily, preprocessing: Preprocessing):
        super().__init__(classifier, view, preprocessing, side=preprocessing.size, each=1)

    def pictures(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """The views."""
        cells = range(self.view.grid**2)
        return make_views(images, self.view, self.preprocessing, self.device, cells, self.classifier.dtype)

    def possible(self, batch: int) -> int:
        """Whole images, or equal parts of one of whole rows of its grid; at least one row.

        So every batch has the same shape: one to compile for, and the same sums whatever the images beside it.
        """
        grid = self.view.grid
        if batch >= grid**2:
            return batch - batch % grid**2
        return grid * max(
            rows for rows in range(1, grid + 1) if grid % rows == 0 and rows * grid <= max(batch, grid)
        )

    def images_at_once(self, batch: int) -> int:
        """As many as have so many views, at least one."""
        return max(batch // self.view.grid**2, 1)

    def pictures_at_once(self, batch: int) -> int:
        """The views."""
        return batch


class Shared(Engine):
    """Shows the network one picture of which all views of a shift are windows, and its head windows of what it makes of it.

    Raises `InputError` where they are not windows of it: for other views and networks, and where the step from one fixation
    to the next is not a whole number of the feature map's cells.
    """

    def __init__(
        self,
        network: nn.Module,
        view: ViewFamily,
        preprocessing: Preprocessing,
        device: torch.device,
        precision: str,
        compiled: bool = False,
    ):
        size, name = preprocessing.size, type(network).__name__
        if not hasattr(view, "sample_union") or size % view.grid:
            raise InputError(
                f"engine: shared is for the views `shift` whose step is a whole number of pixels, unlike {view} at {size} "
                "pixels. Use engine: exact"
            )
        split = SplitClassifier(copy.deepcopy(network), torch.device("cpu"), size)
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
        network.get_submodule(split.block_name).register_forward_hook(Windows(window, stride))
        classifier = Classifier(network, device, precision, compiled)
        super().__init__(classifier, view, preprocessing, side, each=view.grid**2)

    def pictures(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """The one picture."""
        black, dtype = self.preprocessing.black(self.device), self.classifier.dtype
        each = normalised(images, self.preprocessing, self.device)
        return [self.view.sample_union(pixels, self.side, black, dtype) for pixels in each]

    def possible(self, batch: int) -> int:
        """Any number."""
        return max(batch, 1)

    def images_at_once(self, batch: int) -> int:
        """As many images as have the pixels of `batch` views, at least one."""
        return max(batch * self.preprocessing.size**2 // self.side**2, 1)

    def pictures_at_once(self, batch: int) -> int:
        """One of each image."""
        return self.images_at_once(batch)


@dataclass(frozen=True)
class Windows:
    """A hook at a network's last block: the averages of windows of its map, row by row, as if each were a map of its own.

    window, stride: in cells of the map. The network's own head then averages over one cell, and gives the window's logits.
    """

    window: int
    stride: int

    def __call__(self, _: nn.Module, inputs: tuple, features: Tensor) -> Tensor:
        """Of features (picture, channel, row, column): (picture · window, channel, 1, 1)."""
        means = avg_pool2d(features, self.window, self.stride)
        return means.permute(0, 2, 3, 1).reshape(-1, means.shape[1], 1, 1)
