"""The first glimpse, x₀: a network's last map at x₀, on which methods such as Grad-CAM and DFF work."""

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
    """The activations of a network's last map at x₀, for some images.

    activations: (image, channel, row, column) float32, on the network's device.
    classifier: the network, split at its last map.
    prefix: (image, token, channel), the tokens that precede the cells of each image, such as the class token; None if the
        network has none.
    """

    activations: Tensor
    classifier: SplitClassifier
    prefix: Tensor | None = None

    def of_cases(self, image: np.ndarray) -> "Glimpse":
        """Repeat the activations of each image for its cases.

        image: (case,) integers, the position of each case's image among the activations, from 0.
        Returns a glimpse with one row per case, or this object if there are as many cases as images.
        """
        if len(image) == len(self.activations):
            return self
        rows = torch.from_numpy(image).to(self.activations.device)
        return Glimpse(
            self.activations[rows], self.classifier, None if self.prefix is None else self.prefix[rows]
        )

    def head(self, activations: Tensor) -> Tensor:
        """Compute the logits (map, label) that follow from activations, together with the other tokens of their image.

        activations: (map, channel, row, column); all maps of the first image, then as many of the next, and so on.
        """
        prefix = self.prefix
        if prefix is not None:
            prefix = prefix.repeat_interleave(len(activations) // len(prefix), dim=0)
        return self.classifier.head(activations, prefix)

    def cam(self, kind: "type[BaseCAM]", label: Tensor) -> Tensor:
        """Compute the maps of a class activation method of the grad-cam package.

        kind: the method's class in the package. label: (image,), k* of each image, for which the gradient is computed.

        Returns (image, row, column): what the package computes from these activations and gradients, with its ReLU at the
        end, but at the map's own resolution and not scaled to [0, 1].
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
    """Compute the activations of a network's last map at the x₀ of some images.

    rows: the rows of the index for these images, in the same order; their ids are for the message.
    images: (H, W, 3) uint8.
    batch: the number of views that go through the network together.

    Raises `InputError`, with the first such image, if activations are not finite.
    """
    initial, device = [view.grid**2 // 2], classifier.device
    views = make_views(images, view, preprocessing, device, initial, classifier.dtype)
    parts = [classifier.map_and_prefix(together) for together in torch.cat(views).split(batch)]
    activations = torch.cat([maps for maps, _ in parts])
    prefix = (
        torch.cat([tokens for _, tokens in parts if tokens is not None]) if parts[0][1] is not None else None
    )
    finite = activations.isfinite().flatten(1).all(1).cpu().numpy()
    if not finite.all():
        raise InputError(
            f"{rows['image'].iloc[finite.argmin()]}: the activations of the network's last map are not finite. Check "
            "the weights, or choose a wider precision (compute.precision: float32)"
        )
    return Glimpse(activations, classifier, prefix)
