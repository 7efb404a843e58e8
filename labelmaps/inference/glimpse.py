"""The first glimpse, x₀: the last map of a network, which methods such as Grad-CAM and DFF need."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from labelmaps.errors import InputError
from labelmaps.inference.inputs import make_views
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.views import View

if TYPE_CHECKING:
    from pytorch_grad_cam.base_cam import BaseCAM


@dataclass(frozen=True)
class Glimpse:
    """The last map of a network at x₀, its activations, for some images.

    activations: (image, channel, row, column) float32, on the network's device.
    classifier: the network, cut at its last map.
    prefix: (image, token, channel), the tokens before the cells of each image, where the network has any.
    """

    activations: Tensor
    classifier: SplitClassifier
    prefix: Tensor | None = None

    def of_cases(self, image: np.ndarray) -> "Glimpse":
        """Return the glimpse of each case in place of that of images; image: (case,), the image of each, from 0."""
        if len(image) == len(self.activations):
            return self
        rows = torch.from_numpy(image).to(self.activations.device)
        return Glimpse(
            self.activations[rows], self.classifier, None if self.prefix is None else self.prefix[rows]
        )

    def head(self, activations: Tensor) -> Tensor:
        """Compute the logits (map, label) that follow from activations, with the other tokens of their image.

        activations: (map, channel, row, column), equally many maps of each image, image by image.
        """
        prefix = self.prefix
        if prefix is not None:
            prefix = prefix.repeat_interleave(len(activations) // len(prefix), dim=0)
        return self.classifier.head(activations, prefix)

    def cam(self, kind: "type[BaseCAM]", label: Tensor) -> Tensor:
        """Compute the maps of a class activation method of the grad-cam package for labels k* (image,).

        Returns (image, row, column): the package's arithmetic on our activations and gradients, at the block's own
        resolution, without scaling to [0, 1]; with a ReLU at the end, as in the package.
        """
        gradient = self.classifier.gradient(self.activations, label, self.prefix)
        with kind(self.classifier.network, target_layers=[]) as package:
            maps = package.get_cam_image(
                None, None, None, self.activations.cpu().numpy(), gradient.cpu().numpy(), False
            )
        return torch.from_numpy(np.maximum(maps, 0))


def first_glimpse(
    rows: pd.DataFrame,
    images: list[np.ndarray],
    classifier: SplitClassifier,
    view: View,
    preprocessing: Preprocessing,
    batch: int,
) -> Glimpse:
    """Compute the last block's activations at x₀ for some images (H, W, 3) uint8.

    rows: of the index, for the same images. batch: views that go through the network together.
    Raises `InputError` naming the image whose activations are not finite.
    """
    initial, device = [view.grid**2 // 2], classifier.device
    views = make_views(images, view, preprocessing, device, initial, classifier.dtype)
    parts = [classifier.look(together) for together in torch.cat(views).split(batch)]
    activations = torch.cat([maps for maps, _ in parts])
    prefix = (
        torch.cat([tokens for _, tokens in parts if tokens is not None]) if parts[0][1] is not None else None
    )
    finite = activations.isfinite().flatten(1).all(1).cpu().numpy()
    if not finite.all():
        raise InputError(
            f"{rows['image'].iloc[finite.argmin()]}: the activations of the network's last map are not finite. Check "
            "the weights, or choose a wider precision (compute.precision)"
        )
    return Glimpse(activations, classifier, prefix)
