"""What a network expects of its input: side, mean and standard deviation, and how its library crops images for it."""

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
    """Find torchvision's weights by name: DEFAULT, or a member's name such as IMAGENET1K_V2 (short: V2).

    Raises `InputError` for a name that is not among them.
    """
    from torchvision import models

    choices = models.get_model_weights(architecture)
    names = {name.removeprefix("IMAGENET1K_"): name for name in choices.__members__}
    short = weights.removeprefix("IMAGENET1K_")
    if short not in names:
        raise InputError(
            f"weights: torchvision has no '{weights}' for {architecture}; choose {', '.join(names)}"
        )
    return getattr(choices, names[short])


@cache
def on_device(numbers: tuple[float, ...], device: torch.device) -> Tensor:
    """Return a cached float32 tensor of the numbers on a device (each small copy would make a GPU wait)."""
    return torch.tensor(numbers, device=device)


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects of its input.

    size: side, in pixels. mean, std: of RGB in [0, 1].
    """

    size: int = 224
    mean: Sequence[float] = (0.485, 0.456, 0.406)
    std: Sequence[float] = (0.229, 0.224, 0.225)

    def normalise(self, image: Tensor) -> Tensor:
        """Convert images (…, 3, H, W) uint8 to the network's units, float32.

        Their layout in memory is the one in which boxes are resampled: row by row, the channels last.
        """
        # Normalise whole rows at once: an innermost axis of length 3 is slow on a CPU.
        width = image.shape[-1]
        mean, std = (on_device(tuple(x), image.device).repeat(width) for x in (self.mean, self.std))
        rows = image.movedim(-3, -1).to(torch.float32, memory_format=torch.contiguous_format).flatten(-2)
        return rows.div_(255).sub_(mean).div_(std).unflatten(-1, (width, 3)).movedim(-1, -3)

    def black(self, device: torch.device) -> Tensor:
        """Return RGB 0 in the network's units, (3,) float32."""
        return on_device(tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True)), device)


@dataclass(frozen=True)
class CentralCrop:
    """The crop of images on which a library evaluates a network, always antialiased.

    share: its side, as a share of the image's shorter side. interpolation: between pixels. Raises `InputError` for one that
    there is not here.
    """

    share: float = 224 / 256
    interpolation: str = "bilinear"

    def __post_init__(self):
        if self.interpolation not in REACH:
            raise InputError(
                f"interpolation: the library evaluates the network with {self.interpolation}, which is unknown here; give "
                f"{' or '.join(REACH)} in the network's entry"
            )


def torchvision_preprocessing(architecture: str, weights: str) -> Preprocessing:
    """Return what torchvision's weights were trained with."""
    trained = torchvision_weights(architecture, weights).transforms()
    return Preprocessing(trained.crop_size[0], trained.mean, trained.std)


def torchvision_crop(architecture: str, weights: str) -> CentralCrop:
    """Return the crop with which torchvision evaluates its weights."""
    trained = torchvision_weights(architecture, weights).transforms()
    return CentralCrop(trained.crop_size[0] / trained.resize_size[0], trained.interpolation.value)


def timm_config(name: str) -> "PretrainedCfg | None":
    """Return what timm states for a network, its `pretrained_cfg`, if it does. name: with or without the tag of its weights.

    Raises `InputError` for a name or a tag that timm has not.
    """
    import timm

    if not timm.is_model(name):
        raise InputError(f"architecture: timm has no classifier '{name}'")
    try:
        return timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        raise InputError(f"weights: timm has no {name} ({error})") from error


def timm_preprocessing(name: str) -> Preprocessing:
    """Return what timm states for a network's input. name: as for `timm_config`."""
    trained = timm_config(name)
    return (
        Preprocessing()
        if trained is None
        else Preprocessing(trained.input_size[-1], trained.mean, trained.std)
    )


def timm_repository(name: str) -> str:
    """Return the repository on the hub that holds timm's weights. name: with their tag, `resnet18.a1_in1k`.

    Raises `InputError` for weights that do not lie there, or that timm changes when it loads them.
    """
    trained = timm_config(name)
    if trained is None or not trained.hf_hub_id:
        where = f" but at {trained.url}" if trained is not None and trained.url else ""
        raise InputError(
            f"weights: timm's weights {name} do not lie on the hub{where}; fetch them and give them as `checkpoint:`"
        )
    if trained.hf_hub_filename or trained.label_offset:
        raise InputError(
            f"weights: {name} lie on the hub in another form than the network's, which timm converts. Load them with timm, "
            "save the network's state dict, and give it as `checkpoint:`"
        )
    return trained.hf_hub_id


def timm_crop(name: str) -> CentralCrop:
    """Return the share and interpolation of the crop that timm states for a network.

    Its `crop_mode` is not followed: where that is "squash" or "border", timm shows the network the whole image.
    """
    trained = timm_config(name)
    return CentralCrop() if trained is None else CentralCrop(trained.crop_pct, trained.interpolation)
