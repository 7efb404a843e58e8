"""Untrained classifiers, built by name.

Torchvision imports torch's compiler and takes over a second to import, timm imports torchvision, so both are imported only
where they are needed.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from torch import nn

from labelmaps.errors import InputError
from labelmaps.jobs.memory import is_out_of_memory
from labelmaps.networks.architectures import read_architecture
from labelmaps.networks.own import build_own
from labelmaps.networks.preprocessing import timm_config
from labelmaps.networks.small_resnet import SmallResNet

OWN_ARCHITECTURES = {"small_resnet": SmallResNet}


def build(architecture: str, n_labels: int, size: int = 224) -> nn.Module:
    """Build an untrained classifier.

    architecture: a name of `OWN_ARCHITECTURES`, a classifier of torchvision, or another that `read_architecture` reads.
    n_labels: number of logits.
    size: side of the views, in pixels; only networks of tokens depend on it.

    Raises `InputError` for an unknown name, and where a function of the user's builds no network.
    """
    if architecture in OWN_ARCHITECTURES:
        return OWN_ARCHITECTURES[architecture](n_labels)
    read = read_architecture(architecture)
    if read.library == "timm":
        return _build_timm(read.place, n_labels, size)
    if read.library != "torchvision":
        return build_own(read, n_labels, size)
    return _build_torchvision(architecture, n_labels, size)


def _build_torchvision(name: str, n_labels: int, size: int) -> nn.Module:
    """Build a classifier of torchvision."""
    from torchvision import models

    if name not in models.list_models(module=models):
        raise InputError(f"architecture: torchvision has no classifier '{name}'")
    options = {}
    if name in ("googlenet", "inception_v3"):  # their weights expect inputs normalised differently
        options = {"transform_input": True, "init_weights": True}
    elif name.startswith("vit_"):
        options = {"image_size": size}
    with sized(name, size):
        return models.get_model(name, weights=None, num_classes=n_labels, **options)


def _build_timm(name: str, n_labels: int, size: int) -> nn.Module:
    """Build a classifier of timm. name: with or without the tag of its weights (`resnet50.a1_in1k`)."""
    import timm

    trained = timm_config(name)
    usual = size if trained is None else trained.input_size[-1]
    is_fixed = trained is not None and trained.fixed_input_size and size != usual
    build_network = partial(timm.create_model, name, pretrained=False, num_classes=n_labels)
    with sized(f"timm:{name}", size):
        try:
            return build_network(img_size=size) if is_fixed else build_network()
        except TypeError as error:  # img_size is not among its options
            raise ValueError(f"it takes no other size than {usual}") from error


@contextmanager
def sized(architecture: str, size: int) -> Generator[None]:
    """Convert the error that a network raises for an unsupported size of its views into an `InputError`.

    architecture, size: of the network that runs inside the `with` block, and of its views; for the message.
    """
    try:
        yield
    except (RuntimeError, AssertionError, ValueError) as error:
        if is_out_of_memory(error) or isinstance(error, InputError):  # what is wrong is said there
            raise
        raise InputError(
            f"size: {architecture} cannot look at {size} × {size} pixels ({error}). Give the size that it was trained with"
        ) from error
