"""Untrained classifiers, built by name.

Torchvision imports torch's compiler and takes over a second to import, timm imports torchvision, so both are imported only
where they are needed.
"""

import copy
import logging
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn

from labelmaps.errors import InputError
from labelmaps.jobs.memory import is_out_of_memory
from labelmaps.networks.architectures import read_architecture
from labelmaps.networks.own import build_own
from labelmaps.networks.preprocessing import timm_config, timm_preprocessing
from labelmaps.networks.small_resnet import SmallResNet

OWN_ARCHITECTURES = {"small_resnet": SmallResNet}
USUAL_SIZE = 224
MOST_SIZES = 3  # that a message suggests
SHOWN_LETTERS = 100  # of a library's own message that are quoted

logger = logging.getLogger(__name__)


def build(architecture: str, n_labels: int, size: int = 224) -> nn.Module:
    """Build an untrained classifier.

    architecture: a name in `OWN_ARCHITECTURES`, or in one of the forms that `read_architecture` reads.
    n_labels: the number of logits.
    size: the side of the views, in pixels; it makes a difference to transformers.

    Raises `InputError` for an unknown name, if the network cannot be built for this size, and if the user's function fails
    or returns no network.
    """
    with explaining_sizes(architecture, size):
        return _build(architecture, n_labels, size)


def _build(architecture: str, n_labels: int, size: int) -> nn.Module:
    """Build a network as `build` does, but let the library's own error pass if it does not support the size."""
    if architecture in OWN_ARCHITECTURES:
        return OWN_ARCHITECTURES[architecture](n_labels)
    read = read_architecture(architecture)
    if read.library == "timm":
        return _build_timm(read.place, n_labels, size)
    if read.library != "torchvision":
        return build_own(read, n_labels, size)
    return _build_torchvision(architecture, n_labels, size)


def _build_torchvision(name: str, n_labels: int, size: int) -> nn.Module:
    """Build a classifier of torchvision; raise `InputError` if torchvision has none of this name."""
    from torchvision import models

    if name not in models.list_models(module=models):
        raise InputError(
            f"architecture: torchvision has no classifier '{name}'. Its classifiers are listed at "
            "https://docs.pytorch.org/vision/stable/models.html; names of timm are written timm:NAME"
        )
    options = {}
    if name in ("googlenet", "inception_v3"):  # their weights were trained with another normalisation
        options = {"transform_input": True, "init_weights": True}
    elif name.startswith("vit_"):
        options = {"image_size": size}
    return models.get_model(name, weights=None, num_classes=n_labels, **options)


def _build_timm(name: str, n_labels: int, size: int) -> nn.Module:
    """Build a classifier of timm.

    name: with or without the tag of its weights, as `resnet50.a1_in1k`.

    Raises `ValueError` if the network works at one size only and `size` is another.
    """
    import timm

    trained = timm_config(name)
    usual = size if trained is None else trained.input_size[-1]
    is_fixed = trained is not None and trained.fixed_input_size and size != usual
    build_network = partial(timm.create_model, name, pretrained=False, num_classes=n_labels)
    try:
        return build_network(img_size=size) if is_fixed else build_network()
    except TypeError as error:  # the network has no option img_size
        raise ValueError(f"it works at the size {usual} only") from error


@contextmanager
def explaining_sizes(architecture: str, size: int, network: nn.Module | None = None) -> Generator[None]:
    """Convert the error that a network raises for an unsupported size of its views into an `InputError` that suggests sizes.

    The `with` block builds or runs the network.

    architecture: the network's name. size: the side of its views, in pixels. network: the network, if it has been built.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError) or is_out_of_memory(error):
            raise
        logger.info("%s at %d × %d pixels:", architecture, size, size, exc_info=True)
        reason = (str(error).splitlines() or [type(error).__name__])[0][:SHOWN_LETTERS]
        sizes = find_supported_sizes(architecture, size, network)
        advice = (
            f"Choose {', '.join(map(str, sizes))}" if sizes else "Choose the size that it was trained with"
        )
        raise InputError(
            f"size: {architecture} cannot process views of {size} × {size} pixels ({reason}). {advice}"
        ) from error


def find_supported_sizes(architecture: str, size: int, network: nn.Module | None = None) -> list[int]:
    """Find sizes of views that a network supports: its usual size and those nearest to an unsupported one, three at most.

    architecture: the network's name.
    size: the unsupported side of the views, in pixels.
    network: the network, if it has been built; it is run only if the architecture is the user's own. A library's network is
        built again for each size.

    Returns the sizes in ascending order. Networks run on torch's device "meta", which computes shapes only.
    """
    library, name, _ = read_architecture(architecture)
    usual = _usual_size(library, name)
    steps = (8, 14, 16, 28, 32, 56, 64, 128, 224)
    near = {multiple for step in steps for multiple in (size // step * step, (size // step + 1) * step)}
    found = [usual] if usual != size and _can_run(architecture, usual, network) else []
    for candidate in sorted(near - {0, size, usual}, key=lambda one: (abs(one - size), one)):
        if len(found) == MOST_SIZES:
            break
        if _can_run(architecture, candidate, network):
            found.append(candidate)
    return sorted(found)


def _usual_size(library: str, name: str) -> int:
    """Return the size of the views, in pixels, with which a library's network is usually trained.

    library, name: the `library` and the `place` of an `Architecture`.
    """
    if library == "timm":
        return timm_preprocessing(name).size
    return 299 if name == "inception_v3" else USUAL_SIZE


def _can_run(architecture: str, size: int, network: nn.Module | None) -> bool:
    """Return whether a network can be built for views of this size and run on one (see `find_supported_sizes`)."""
    nowhere = torch.device("meta")
    try:
        if network is None or read_architecture(architecture).library in ("torchvision", "timm"):
            with nowhere:
                network = _build(architecture, 2, size)
        network = copy.deepcopy(network).to(nowhere).eval()
        with torch.no_grad(), nowhere:
            network(torch.empty(1, 3, size, size))
    except Exception:  # networks raise various types of errors
        return False
    return True
