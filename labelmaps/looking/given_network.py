"""The network that a caller of `labelmaps.look` gives, by its name, as a module, or loaded, and what it expects."""

import copy
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import torch
from torch import nn

from labelmaps.data.classes import Class
from labelmaps.data.images import LONGEST_SIDE
from labelmaps.errors import InputError
from labelmaps.looking.given_labels import N_IMAGENET, count_labels, imagenet_classes, read_given_classes
from labelmaps.looking.kept_weights import keep_timm_weights, keep_torchvision_weights
from labelmaps.networks.architectures import read_architecture
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import load_network
from labelmaps.networks.own import logits_of
from labelmaps.networks.preprocessing import CentralCrop, Preprocessing
from labelmaps.resampling.taps import REACH
from labelmaps.views import NETWORKS_OWN

SHIPPED = Path(__file__).resolve().parents[2] / "resources" / "small_resnet.pth"
ACCEPTED = (
    "a torch.nn.Module; the name of a classifier of torchvision (resnet18) or of timm (timm:resnet18); a function of yours "
    "(path/to/file.py:build); or what labelmaps.networks.load.load_network returns"
)
ENDINGS = (".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".tar")  # of files of weights
LEAST_DEVIATION = 1e-3  # of RGB in [0, 1]
WRAPPERS = ("DataParallel", "DistributedDataParallel", "OptimizedModule")


@dataclass(frozen=True)
class GivenNetwork:
    """A network that is ready to be looked through.

    name: for figures and messages; source: where its weights come from, or empty. module: on the CPU, in float32, in
    evaluation mode, no one else's. classes: of its labels; their number, where they have no names; or None where nobody
    says. crop: the one on which it is evaluated, or None where nobody says.
    """

    name: str
    source: str
    module: nn.Module
    preprocessing: Preprocessing
    classes: list[Class] | int | None
    crop: CentralCrop | None

    def own_options(self, view: Mapping[str, object]) -> dict[str, Any]:
        """Return the options of a view that are left to the network; raise `InputError` where nobody says them."""
        left = [key for key, value in view.items() if value == NETWORKS_OWN]
        if left and self.crop is None:
            raise InputError(
                f"view: {', '.join(left)}: left to the network, and {self.name} does not say. Give a value, or "
                "preprocessing=weights.transforms() of torchvision's weights"
            )
        return {key: getattr(self.crop, key) for key in left}


def read_network(
    network: object,
    weights: str | None = None,
    checkpoint: str | os.PathLike | None = None,
    preprocessing: object = None,
    size: int | None = None,
    classes: object = None,
) -> GivenNetwork:
    """Read the network that a caller gives; arguments as those of `labelmaps.look`.

    Raises `InputError` for what is no network, where nobody says what it expects, and for arguments that do not go together.
    """
    if weights is not None and checkpoint is not None:
        raise InputError(
            "weights and checkpoint: give one of the two, the library's weights or a file of yours"
        )
    known = read_given_classes(classes)
    given, crop = read_preprocessing(preprocessing)
    if isinstance(network, str):
        network = NetworkConfig(architecture=network, source="checkpoint", weights=weights)
    elif weights is not None and not isinstance(network, NetworkConfig):
        raise InputError("weights: go with a network that is given by its name; a module has its own")
    if isinstance(network, NetworkConfig):
        return _load(network, weights, checkpoint, given, size, known, crop)
    if checkpoint is not None:
        raise InputError(
            "checkpoint: goes with a network that is given by its name; load a module's weights yourself"
        )
    if isinstance(network, tuple):  # as from `load_network`
        if len(network) < 2 or not isinstance(network[1], Preprocessing):
            raise InputError(f"network: a tuple, and not what load_network returns. Give {ACCEPTED}")
        network, given = network[0], given or network[1]
    if isinstance(network, torch.jit.ScriptModule):
        raise InputError(
            "network: a ScriptModule, which cannot be cut in two. Give the module that it was made from"
        )
    if not isinstance(network, nn.Module):
        advice = ", a state dict: load it into its module" if isinstance(network, Mapping) else ""
        advice = ": call it, and give what it returns" if callable(network) else advice
        raise InputError(f"network: of the type {type(network).__name__}{advice}. Give {ACCEPTED}")
    return _read_module(network, given, size, known, crop)


def _read_module(
    network: nn.Module,
    given: Preprocessing | None,
    size: int | None,
    known: list[Class] | int | None,
    crop: CentralCrop | None,
) -> GivenNetwork:
    """Read a module, with what timm states about it if it is one of timm's.

    torchvision's modules state nothing, but most of its weights expect the usual values of ImageNet: these are taken, with a
    warning. Raises `InputError` for any other module if the caller does not give its preprocessing.
    """
    while type(network).__name__ in WRAPPERS:
        network = getattr(network, "module", None) or network._orig_mod  # ty: ignore[invalid-assignment]
    name, classes = type(network).__name__, known
    stated = getattr(network, "pretrained_cfg", None)
    if isinstance(stated, Mapping) and {"mean", "std", "input_size"} <= stated.keys():
        name = stated.get("architecture") or name
        given = given or Preprocessing(stated["input_size"][-1], stated["mean"], stated["std"])
        crop = crop or _crop_of(stated.get("crop_pct"), stated.get("interpolation"))
        if known is None and stated.get("num_classes") == N_IMAGENET == getattr(network, "num_classes", None):
            classes = imagenet_classes()
    if given is None and type(network).__module__.startswith("torchvision.models."):
        given = Preprocessing()
        warnings.warn(
            f"{name}: torchvision's modules do not state what their weights expect. The usual values are taken: "
            f"{size or given.size} pixels, the mean {given.mean} and the deviation {given.std}. If yours differ, give "
            "preprocessing=weights.transforms()",
            stacklevel=4,
        )
    if given is None:
        raise InputError(
            f"preprocessing: {name} does not say what it expects of its input. Give what it was trained with: "
            "{'size': 224, 'mean': (…), 'std': (…)}, of RGB in [0, 1]; weights.transforms() of torchvision's weights; or "
            '"imagenet": 224 pixels, the mean (0.485, 0.456, 0.406) and the deviation (0.229, 0.224, 0.225)'
        )
    return GivenNetwork(name, "", copy_module(network, name), _resized(given, size), classes, crop)


def copy_module(network: nn.Module, name: str) -> nn.Module:
    """Copy a module to the CPU, in float32 and in evaluation mode; what transformers' models return becomes their `logits`.

    Raises `InputError` where that fails.
    """
    try:
        copied = copy.deepcopy(network).to("cpu", torch.float32).eval()
    except Exception as error:  # whatever a module of the user's raises
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"network: {name} cannot be copied ({reason}). Give a module that copy.deepcopy copies"
        ) from error
    copied.register_forward_hook(logits_of)
    return copied


def _load(
    config: NetworkConfig,
    weights: str | None,
    checkpoint: str | os.PathLike | None,
    given: Preprocessing | None,
    size: int | None,
    known: list[Class] | int | None,
    crop: CentralCrop | None,
) -> GivenNetwork:
    """Build a network by its name, and load the library's weights or those of a checkpoint."""
    name = config.architecture
    if name.endswith(ENDINGS):
        raise InputError(
            f"network: {name} is a file of weights. Give the architecture as network, and the file as checkpoint"
        )
    try:
        library = read_architecture(name).library
    except ValueError as error:
        raise InputError(str(error)) from error
    n_labels, classes = count_labels(known), known
    if checkpoint is not None:
        n_labels, file = n_labels or N_IMAGENET, Path(checkpoint).expanduser()
        config = replace(config, weights=None)
    elif name == "small_resnet":
        file, classes = SHIPPED, read_given_classes("scenes") if known is None else known
        n_labels, config = count_labels(classes), replace(config, source="trained on scenes", weights=None)
        if not file.exists():
            raise InputError(
                f"network: no such file: {file}. Its weights lie in the repository: give them as checkpoint"
            )
    elif library in ("file", "module"):
        raise InputError(
            f"checkpoint: the weights of {name} are not known. Give a file, or the network as a module"
        )
    else:
        keep = keep_timm_weights if library == "timm" else keep_torchvision_weights
        config, file, n_stated = keep(config, weights or config.weights)
        if known is None and n_stated == N_IMAGENET:
            classes = imagenet_classes()
        n_labels = n_labels or n_stated
    assert n_labels is not None
    stated = config.preprocessing()
    wanted = _resized(given or stated, size)
    config = replace(config, size=wanted.size, mean=wanted.mean, std=wanted.std)
    module, prepared, _ = load_network(config, file, n_labels)
    crop = crop or CentralCrop(**config.own_options(dict.fromkeys(("share", "interpolation"), NETWORKS_OWN)))
    return GivenNetwork(name, config.source, module, prepared, classes, crop)


def read_preprocessing(preprocessing: object) -> tuple[Preprocessing | None, CentralCrop | None]:
    """Read what a caller says that a network expects of its input, and the crop on which it is evaluated, if that is said.

    preprocessing: as for `labelmaps.look`. Raises `InputError` for anything else, and for numbers that cannot be.
    """
    if preprocessing is None:
        return None, None
    if isinstance(preprocessing, str) and preprocessing == "imagenet":
        return Preprocessing(), None
    if isinstance(preprocessing, Preprocessing):
        return _checked(preprocessing.size, preprocessing.mean, preprocessing.std), None
    if isinstance(preprocessing, Mapping):  # ours, or what timm's `resolve_data_config` returns
        found = dict(preprocessing)
        if "input_size" in found:
            found["size"] = found["input_size"][-1]
            crop = _crop_of(found.get("crop_pct"), found.get("interpolation"))
            return _checked(found["size"], found.get("mean"), found.get("std")), crop
        if missing := {"size", "mean", "std"} - found.keys():
            raise InputError(f"preprocessing: lacks {', '.join(sorted(missing))}. Give size, mean and std")
        if others := found.keys() - {"size", "mean", "std"}:
            raise InputError(
                f"preprocessing: {', '.join(map(str, others))}: unknown. Give size, mean and std"
            )
        return _checked(**found), None
    transforms: Any = preprocessing
    if hasattr(preprocessing, "transforms") and hasattr(preprocessing, "url"):  # torchvision's weights
        transforms = transforms.transforms()
    if all(hasattr(transforms, key) for key in ("crop_size", "resize_size", "mean", "std", "interpolation")):
        crop = CentralCrop(
            transforms.crop_size[0] / transforms.resize_size[0], transforms.interpolation.value
        )
        return _checked(transforms.crop_size[0], transforms.mean, transforms.std), crop
    raise InputError(
        f"preprocessing: {preprocessing!r}. Give {{'size': …, 'mean': (…), 'std': (…)}}, weights.transforms() of "
        'torchvision\'s weights, or "imagenet"'
    )


def _checked(size: object, mean: object, std: object) -> Preprocessing:
    """Return what a network expects of its input; raise `InputError` for numbers that cannot be."""
    size = _check_size(size)
    found = []
    for name, values, least in (("mean", mean, 0.0), ("std", std, LEAST_DEVIATION)):
        values = values.tolist() if hasattr(values, "tolist") else values  # ty: ignore[not-callable]: of an array
        numbers = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
        if len(numbers) != 3 or not all(isinstance(x, Real) and least <= x <= 1 for x in numbers):
            raise InputError(
                f"preprocessing: {name} is {values}. Give three numbers, of red, green and blue in [0, 1]; divide those of "
                "0 to 255 by 255"
            )
        found.append(tuple(map(float, numbers)))
    return Preprocessing(size, *found)


def _check_size(size: object) -> int:
    """Return a size that is one; raise `InputError` for any other."""
    if isinstance(size, Sequence) and len(set(size)) == 1:
        (size,) = set(size)  # [224, 224]
    if isinstance(size, bool) or not isinstance(size, Integral) or not 0 < int(size) <= LONGEST_SIDE:
        raise InputError(f"size: {size!r}. Give the side of the network's input, in pixels; it is a square")
    return int(size)


def _resized(preprocessing: Preprocessing, size: object) -> Preprocessing:
    """Return what a network expects of its input, with the size that the caller gives, if any, checked by `_check_size`."""
    return preprocessing if size is None else replace(preprocessing, size=_check_size(size))


def _crop_of(share: object, interpolation: object) -> CentralCrop | None:
    """Return the crop that timm states, if it states both."""
    if isinstance(share, Real) and isinstance(interpolation, str) and interpolation in REACH:
        return CentralCrop(float(share), interpolation)
    return None
