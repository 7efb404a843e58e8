"""What a network expects of its input: side, mean and standard deviation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from labelmaps.errors import InputError

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum


def preprocessing_of(model: dict) -> "Preprocessing":
    """What a network of the settings expects of its input."""
    keys = ("architecture", "weights", "size", "mean", "std")
    return Preprocessing.of(**{key: model[key] for key in keys})


def torchvision_weights(architecture: str, weights: str) -> "WeightsEnum":
    """Torchvision's weights by name: DEFAULT, or a member's name such as IMAGENET1K_V2 (short: V2)."""
    from torchvision import models

    choices = models.get_model_weights(architecture)
    names = {name.removeprefix("IMAGENET1K_"): name for name in choices.__members__}
    short = weights.removeprefix("IMAGENET1K_")
    if short not in names:
        raise InputError(
            f"weights: torchvision has no '{weights}' for {architecture}; choose {', '.join(names)}"
        )
    return getattr(choices, names[short])


@cache  # a GPU is waited for whenever it is sent a few numbers
def on_device(numbers: tuple[float, ...], device: torch.device) -> Tensor:
    """Numbers as a float32 tensor."""
    return torch.tensor(numbers, device=device)


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects of its input: side in pixels, and the mean and standard deviation of RGB in [0, 1]."""

    size: int = 224
    mean: Sequence[float] = (0.485, 0.456, 0.406)
    std: Sequence[float] = (0.229, 0.224, 0.225)

    @classmethod
    def of(
        cls,
        architecture: str,
        weights: str | None,
        size: int | None,
        mean: Sequence[float] | None,
        std: Sequence[float] | None,
    ) -> "Preprocessing":
        """What is given, and for the rest what torchvision's weights were trained with, or ImageNet's usual values."""
        default = cls()
        if weights is not None:
            trained = torchvision_weights(architecture, weights).transforms()
            default = cls(trained.crop_size[0], trained.mean, trained.std)
        return cls(size or default.size, mean or default.mean, std or default.std)

    def normalise(self, image: Tensor) -> Tensor:
        """Images (…, 3, H, W) uint8 in the network's units, float32.

        In memory as boxes are resampled: row by row, the channels last.
        """
        # Of whole rows: an innermost axis of three is slow on a CPU.
        width = image.shape[-1]
        mean, std = (on_device(tuple(x), image.device).repeat(width) for x in (self.mean, self.std))
        rows = image.movedim(-3, -1).to(torch.float32, memory_format=torch.contiguous_format).flatten(-2)
        return rows.div_(255).sub_(mean).div_(std).unflatten(-1, (width, 3)).movedim(-1, -3)

    def black(self, device: torch.device) -> Tensor:
        """RGB 0 in the network's units, (3,) float32."""
        return on_device(tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True)), device)
