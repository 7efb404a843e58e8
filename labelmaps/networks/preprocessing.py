"""The preprocessing of a network: side, mean and standard deviation of its input, and how its library crops images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from labelmaps.errors import InputError
from labelmaps.resampling.taps import REACH

if TYPE_CHECKING:
    from timm.models import PretrainedCfg
    from torchvision.models import WeightsEnum


def torchvision_weights(architecture: str, weights: str) -> "WeightsEnum":
    """Find torchvision's weights for an architecture by their name.

    weights: a name such as IMAGENET1K_V2, or V2 for short, or DEFAULT.

    Raises `InputError`, with the names that exist, for any other name.
    """
    from torchvision import models

    choices = models.get_model_weights(architecture)
    names = {name.removeprefix("IMAGENET1K_"): name for name in choices.__members__}
    short = weights.removeprefix("IMAGENET1K_")
    if short not in names:
        raise InputError(
            f"weights: torchvision has no weights '{weights}' for {architecture}. Choose one of {', '.join(names)}"
        )
    return getattr(choices, names[short])


@cache
def cached_tensor(numbers: tuple[float, ...], device: torch.device) -> Tensor:
    """Return the numbers as a cached float32 tensor on a device; uncached, each small copy would make a GPU wait."""
    return torch.tensor(numbers, device=device)


@dataclass(frozen=True)
class Preprocessing:
    """The size and normalisation of a network's input.

    size: the side of a view, in pixels.
    mean, std: the mean and the standard deviation of R, G and B, in units in which pixels lie in [0, 1].
    """

    size: int = 224
    mean: Sequence[float] = (0.485, 0.456, 0.406)
    std: Sequence[float] = (0.229, 0.224, 0.225)

    def normalise(self, image: Tensor) -> Tensor:
        """Normalise images (…, 3, H, W) uint8: (image / 255 − mean) / std, float32, in the same shape.

        The channels are last in memory, which is the layout in which boxes are resampled.
        """
        # Normalise whole rows at once: an innermost axis of length 3 is slow on a CPU.
        width = image.shape[-1]
        mean, std = (cached_tensor(tuple(x), image.device).repeat(width) for x in (self.mean, self.std))
        rows = image.movedim(-3, -1).to(torch.float32, memory_format=torch.contiguous_format).flatten(-2)
        return rows.div_(255).sub_(mean).div_(std).unflatten(-1, (width, 3)).movedim(-1, -3)

    def black(self, device: torch.device) -> Tensor:
        """Return the colour black, RGB 0, after normalisation: (3,) float32 on `device`."""
        return cached_tensor(
            tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True)), device
        )


@dataclass(frozen=True)
class CentralCrop:
    """The central crop with which a library evaluates a network; it is always antialiased.

    share: the side of the crop, as a share of the image's shorter side.
    interpolation: "bilinear" or "bicubic".

    Raises `InputError` for any other interpolation.
    """

    share: float = 224 / 256
    interpolation: str = "bilinear"

    def __post_init__(self):
        if self.interpolation not in REACH:
            raise InputError(
                f"interpolation: the library evaluates the network with {self.interpolation}, which does not exist here. "
                f"Set `interpolation` to {' or '.join(REACH)} in the network's entry"
            )


def torchvision_preprocessing(architecture: str, weights: str) -> Preprocessing:
    """Return the preprocessing that torchvision states for weights; raise `InputError` as `torchvision_weights` does."""
    trained = torchvision_weights(architecture, weights).transforms()
    return Preprocessing(trained.crop_size[0], trained.mean, trained.std)


def torchvision_crop(architecture: str, weights: str) -> CentralCrop:
    """Return the crop with which torchvision evaluates weights; raise `InputError` as `torchvision_weights` does."""
    trained = torchvision_weights(architecture, weights).transforms()
    return CentralCrop(trained.crop_size[0] / trained.resize_size[0], trained.interpolation.value)


def timm_config(name: str) -> "PretrainedCfg | None":
    """Return timm's `pretrained_cfg` of a network, which states its preprocessing and weights; None if timm has none.

    name: with or without the tag of the weights, as `resnet18` or `resnet18.a1_in1k`.

    Raises `InputError` for a name or a tag that timm does not know.
    """
    import timm

    if not timm.is_model(name):
        raise InputError(
            f"architecture: timm has no classifier '{name}'. `timm.list_models()` lists the names of this version"
        )
    try:
        return timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        raise InputError(
            f"weights: timm has no weights {name} ({error}). `timm.list_pretrained()` lists those of this version"
        ) from error


def timm_preprocessing(name: str) -> Preprocessing:
    """Return the preprocessing that timm states for a network, or ImageNet's if it states none.

    name: as for `timm_config`, whose `InputError` it raises.
    """
    trained = timm_config(name)
    return (
        Preprocessing()
        if trained is None
        else Preprocessing(trained.input_size[-1], trained.mean, trained.std)
    )


def timm_repository(name: str) -> str:
    """Return the name of the repository on the hub of Hugging Face that holds timm's weights.

    name: the architecture with the tag of the weights, as `resnet18.a1_in1k`.

    Raises `InputError` for weights that are not on the hub, and for those that timm converts when it loads them.
    """
    trained = timm_config(name)
    if trained is None or not trained.hf_hub_id:
        where = f" but at {trained.url}" if trained is not None and trained.url else ""
        raise InputError(
            f"weights: timm's weights {name} are not on the hub{where}. Download them and give the file as `checkpoint:`"
        )
    if trained.hf_hub_filename or trained.label_offset:
        raise InputError(
            f"weights: timm converts the weights {name} when it loads them, so the file on the hub does not fit the "
            "network. Load them with timm, save the network's state dict, and give that file as `checkpoint:`"
        )
    return trained.hf_hub_id


def timm_crop(name: str) -> CentralCrop:
    """Return the crop with which timm evaluates a network, or the usual one if timm states none.

    name: as for `timm_config`, whose `InputError` it raises.

    timm's `crop_mode` is ignored: the modes "squash" and "border" would show the network the whole image.
    """
    trained = timm_config(name)
    return CentralCrop() if trained is None else CentralCrop(trained.crop_pct, trained.interpolation)
