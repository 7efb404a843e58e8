"""A network of the configuration, as a rule passes it to its script."""

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
    """An entry of the configuration's `models`: the architecture, and the network's preprocessing.

    architecture: its name, in one of the forms that `labelmaps.networks.architectures.read_architecture` reads.
    source: where the weights come from, as it is recorded in every output.
    weights: torchvision's or timm's name for the weights; None if they come from elsewhere.
    size: the side of a view, in pixels.
    mean, std: the mean and the standard deviation of R, G and B, in units in which pixels lie in [0, 1].

    A size, mean or std that is None is the one with which the weights were trained.
    """

    architecture: str
    source: str
    weights: str | None = None
    size: int | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None

    @property
    def built(self) -> str:
        """The name of the architecture to build; timm's include the tag of the weights, on which the size may depend."""
        read = read_architecture(self.architecture)
        if read.library == "timm" and self.weights is not None:
            return f"timm:{read.place.partition('.')[0]}.{self.weights}"
        return self.architecture

    def preprocessing(self) -> Preprocessing:
        """Return the preprocessing: this entry's values, else those of the library for the weights, else ImageNet's."""
        read, default = read_architecture(self.built), Preprocessing()
        if read.library == "timm":
            default = timm_preprocessing(read.place)
        elif self.weights is not None:
            default = torchvision_preprocessing(self.architecture, self.weights)
        return Preprocessing(self.size or default.size, self.mean or default.mean, self.std or default.std)

    def own_options(self, view: Mapping[str, object]) -> dict[str, Any]:
        """Return values for the options of a view that are "network": those of the crop with which the library evaluates it.

        view: the name of the family and its options. If neither torchvision nor timm states a crop for the weights, the
        values are those of `CentralCrop`.

        Raises `InputError` if the library evaluates the network with an interpolation that does not exist here.
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
