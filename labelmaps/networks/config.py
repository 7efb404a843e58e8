"""A network of the configuration, as a rule hands it to its script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelmaps.networks.architectures import read_architecture
from labelmaps.networks.preprocessing import (
    CentralCrop,
    Preprocessing,
    timm_crop,
    timm_preprocessing,
    torchvision_crop,
    torchvision_preprocessing,
)
from labelmaps.views import NETWORKS_OWN


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """An entry of the configuration's `models`: the architecture, and what the network expects of its input.

    architecture: its name, as `labelmaps.networks.architectures.read_architecture` reads it.
    source: where the weights come from, as every output says it.
    weights: torchvision's or timm's name for the weights, or None where they come from elsewhere.
    size: side of the input, in pixels; mean, std: of RGB in [0, 1]; None leaves each to what the weights were trained with.
    """

    architecture: str
    source: str
    weights: str | None = None
    size: int | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None

    @property
    def built(self) -> str:
        """The architecture as it is built: a name of timm with the tag of its weights, which may change size and input."""
        read = read_architecture(self.architecture)
        if read.library == "timm" and self.weights is not None:
            return f"timm:{read.place.partition('.')[0]}.{self.weights}"
        return self.architecture

    def preprocessing(self) -> Preprocessing:
        """Return the values given; for the others, those that the library states for the weights, or ImageNet's."""
        read, default = read_architecture(self.built), Preprocessing()
        if read.library == "timm":
            default = timm_preprocessing(read.place)
        elif self.weights is not None:
            default = torchvision_preprocessing(self.architecture, self.weights)
        return Preprocessing(self.size or default.size, self.mean or default.mean, self.std or default.std)

    def own_options(self, view: Mapping[str, object]) -> dict[str, Any]:
        """Return the options of a view that are left to the network, as its library evaluates it.

        view: the family and its options. Without a library, or without its weights, the values are the usual ones.
        """
        left = [key for key, value in view.items() if value == NETWORKS_OWN]
        if not left:
            return {}
        read, crop = read_architecture(self.architecture), CentralCrop()
        if read.library == "timm":
            crop = timm_crop(read.place)
        elif self.weights is not None:
            crop = torchvision_crop(self.architecture, self.weights)
        return {key: getattr(crop, key) for key in left}
