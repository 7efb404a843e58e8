"""A network of the configuration, as a rule hands it to its script."""

from collections.abc import Sequence
from dataclasses import dataclass

from labelmaps.networks.preprocessing import Preprocessing, torchvision_weights


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """An entry of the configuration's `models`: the architecture, and what the network expects of its input.

    architecture: the name of a torchvision classifier, or `small_resnet`.
    source: where the weights come from, as every output says it.
    weights: torchvision's name for the weights, or None where they come from elsewhere.
    size: side of the input, in pixels; mean, std: of RGB in [0, 1]; None leaves each to what the weights were trained with.
    """

    architecture: str
    source: str
    weights: str | None = None
    size: int | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None

    def preprocessing(self) -> Preprocessing:
        """Return the values given; for the others, those that torchvision's weights were trained with, or ImageNet's."""
        default = Preprocessing()
        if self.weights is not None:
            trained = torchvision_weights(self.architecture, self.weights).transforms()
            default = Preprocessing(trained.crop_size[0], trained.mean, trained.std)
        return Preprocessing(self.size or default.size, self.mean or default.mean, self.std or default.std)
