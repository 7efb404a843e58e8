"""Engines: how a network is asked for the logits of all views of an image.

`exact` shows it every view on its own. `shared` is for the views `shift`, which are windows of one larger picture: the
network goes over that picture once, and its head looks at windows of the features. What the convolutions see at a view's
border is then its surroundings, where `exact` has the padding of a picture that ends there.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from labelmaps.errors import InputError
from labelmaps.glimpse import SplitClassifier
from labelmaps.inference import make_views, normalised
from labelmaps.networks import Classifier, Preprocessing, count_operations, is_out_of_memory
from labelmaps.views import ViewFamily

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Engine(Protocol):
    """What every engine offers."""

    view: ViewFamily
    device: torch.device

    def prepare(self, batch: int) -> None:
        """Do what is done once for views that go through the network `batch` at a time."""
        ...

    def possible(self, batch: int) -> int:
        """The number of views that can go through the network together, next to `batch`."""
        ...

    def images_at_once(self, batch: int) -> int:
        """Of how many images `logits` takes the views."""
        ...

    def logits(self, images: Sequence[np.ndarray], batch: int) -> Tensor:
        """Logits (image, row, column, label), float32, of at most `images_at_once(batch)` images (H, W, 3) uint8."""
        ...

    def operations_per_view(self) -> int:
        """Floating-point operations for one view: a multiplication and an addition are two."""
        ...


def create(
    name: str,
    network: nn.Module,
    view: ViewFamily,
    preprocessing: Preprocessing,
    device: torch.device,
    precision: str,
    compiled: bool,
) -> Engine:
    """The engine of this name. compiled: see `Classifier`; the shared engine never is."""
    if name == "shared":
        return Shared(network, view, preprocessing, device, precision)
    return Exact(Classifier(network, device, precision, compiled), view, preprocessing)


def usual_batch(device: torch.device) -> int:
    """Views that go through a network together where the settings leave it open.

    On a CPU, what a layer hands to the next then stays in the cache.
    """
    return 1024 if device.type == "cuda" else 8


def with_enough_memory(attempt: Callable[[int], T], batch: int, possible: Callable[[int], int]) -> T:
    """What `attempt(batch)` returns; where memory runs out it is called again, with half the views at once each time.

    possible: gives the number of views at once next to a number. Raises `InputError` where not even the fewest fit.
    """
    batch = possible(batch)
    while True:
        try:
            return attempt(batch)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            smaller = possible(max(batch // 2, 1))
            if smaller == batch:
                raise InputError(
                    f"no memory left for {batch} views at once, and fewer are not possible. Free some, choose reduced "
                    f"precision (compute.precision) or a smaller network: {error}"
                ) from error
        # Only here, out of the handler, are the tensors given back that the exception held.
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        logger.warning("no memory left for %d views at once: starting again with %d", batch, smaller)
        batch = smaller


class Exact:
    """Shows the network every view on its own."""

    def __init__(self, classifier: Classifier, view: ViewFamily, preprocessing: Preprocessing):
        self.classifier, self.view, self.preprocessing = classifier, view, preprocessing
        self.device = classifier.device
        self._one_at_a_time = threading.Lock()

    def prepare(self, batch: int) -> None:
        """Compile the network for such batches, if it is to be; what is not compiled here, every thread compiles."""
        classifier, size = self.classifier, self.preprocessing.size
        if classifier.compiled:
            # As views are, layout and all: the compiler tells tensors apart that `logits` had to copy.
            views = torch.zeros(batch, 3, size, size, dtype=classifier.dtype, device=self.device)
            classifier.logits(views.to(memory_format=torch.channels_last))

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
        """Of how many images `logits` takes the views."""
        return max(batch // self.view.grid**2, 1)

    def logits(self, images: Sequence[np.ndarray], batch: int) -> Tensor:
        """Logits (image, row, column, label), float32, of at most `images_at_once(batch)` images (H, W, 3) uint8."""
        classifier, grid = self.classifier, self.view.grid
        cells = range(grid**2)
        # Many small operations: two threads amid them wait for Python's lock more than they work.
        with self._one_at_a_time:
            views = [
                make_views(image, self.view, self.preprocessing, self.device, cells, classifier.dtype)
                for image in images
            ]
        absent = self.images_at_once(batch) - len(images)  # the last images of a part may be fewer
        if absent:
            views.append(views[0].new_zeros(absent * grid**2, *views[0].shape[1:]))
        together = views[0] if len(views) == 1 else torch.cat(views)
        logits = torch.cat([classifier.logits(some) for some in together.split(batch)])
        return logits.unflatten(0, (-1, grid, grid))[: len(images)]

    def operations_per_view(self) -> int:
        """Floating-point operations for one view."""
        return self.classifier.operations(self.preprocessing.size)


class Shared:
    """Takes all views of a shift from one feature map.

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
    ):
        self.view, self.preprocessing, self.device = view, preprocessing, device
        self.classifier = SplitClassifier(network, device, preprocessing.size, precision)
        size, name = preprocessing.size, type(network).__name__
        if not hasattr(view, "sample_union") or size % view.grid:
            raise InputError(
                f"engine: shared is for the views `shift` whose step is a whole number of pixels, unlike {view} at {size} "
                "pixels. Use engine: exact"
            )
        if self.classifier.linear is None:
            raise InputError(
                f"engine: shared is for networks that end in an average over the map and a linear layer; {name} does not. "
                "Use engine: exact"
            )
        step = size // view.grid
        self.size = size + (view.grid - 1) * step  # of the picture of which all views are windows
        window, whole = (
            self.classifier.activations(torch.zeros(1, 3, side, side)).shape[-1] for side in (size, self.size)
        )
        self.window, self.stride = window, step * window // size  # in cells of the feature map
        if step * window % size or whole != window + (view.grid - 1) * self.stride:
            raise InputError(
                f"engine: shared needs a step of the grid ({step} pixels) that is a multiple of the stride of {name} "
                f"({size} pixels on {window} cells). Use another grid, or engine: exact"
            )

    def prepare(self, batch: int) -> None:
        """Nothing."""

    def possible(self, batch: int) -> int:
        """Any number."""
        return max(batch, 1)

    def images_at_once(self, batch: int) -> int:
        """As many images as have the pixels of `batch` views, at least one."""
        return max(batch * self.preprocessing.size**2 // self.size**2, 1)

    def logits(self, images: Sequence[np.ndarray], batch: int) -> Tensor:
        """Logits (image, row, column, label), float32, of any number of images (H, W, 3) uint8."""
        black = self.preprocessing.black(self.device)
        pictures = [
            self.view.sample_union(
                normalised(image, self.preprocessing, self.device), self.size, black, self.classifier.dtype
            )
            for image in images
        ]
        return self._heads(torch.cat(pictures))

    @torch.inference_mode()
    def _heads(self, pictures: Tensor) -> Tensor:
        features = avg_pool2d(self.classifier.activations(pictures), self.window, self.stride)
        return self.classifier.linear(features.permute(0, 2, 3, 1))

    def operations_per_view(self) -> int:
        """Floating-point operations for one view: its share of the picture's."""
        picture = torch.zeros(1, 3, self.size, self.size)
        return count_operations(lambda: self._heads(picture)) // self.view.grid**2
