"""Untrained classifiers, built by name, and the folding of batch norm into the convolutions before it.

Torchvision imports torch's compiler and takes over a second to import, so it is imported only where it is needed.
"""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from labelmaps.errors import InputError
from labelmaps.jobs.memory import is_out_of_memory
from labelmaps.networks.small_resnet import SmallResNet

OWN_ARCHITECTURES = {"small_resnet": SmallResNet}


def build(architecture: str, n_labels: int, size: int = 224) -> nn.Module:
    """Build an untrained classifier.

    architecture: the name of a classifier of torchvision or of `OWN_ARCHITECTURES`.
    n_labels: number of logits.
    size: side of the views, in pixels; only vision transformers depend on it.

    Raises `InputError` for an unknown name.
    """
    if architecture in OWN_ARCHITECTURES:
        return OWN_ARCHITECTURES[architecture](n_labels)
    from torchvision import models

    if architecture not in models.list_models(module=models):
        raise InputError(f"architecture: torchvision has no classifier '{architecture}'")
    options = {}
    if architecture in ("googlenet", "inception_v3"):  # their weights expect inputs normalised differently
        options = {"transform_input": True, "init_weights": True}
    elif architecture.startswith("vit_"):
        options = {"image_size": size}
    return models.get_model(architecture, weights=None, num_classes=n_labels, **options)


@contextmanager
def sized(architecture: str, size: int) -> Generator[None]:
    """Convert the error that a network raises for an unsupported size of its views into an `InputError`.

    architecture, size: of the network that runs inside the `with` block, and of its views; for the message.
    """
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        if is_out_of_memory(error):
            raise
        raise InputError(
            f"size: {architecture} cannot look at {size} × {size} pixels ({error}). Give the size that it was trained with"
        ) from error


@torch.no_grad()
def fold_batch_norm(network: nn.Module, size: int) -> None:
    """Fold each batch norm into the convolution before it, in place. The logits do not change.

    network: in evaluation mode.
    size: side of a view, in pixels, that the network accepts: a forward pass finds out which module follows which.
    """
    outputs, pairs = [], []
    convolutions = {}  # by the `id` of their output tensors; `outputs` keeps these alive, so that no `id` occurs twice

    def note_output(convolution: nn.Module, _: tuple, output: Tensor) -> None:
        outputs.append(output)
        convolutions[id(output)] = convolution

    def note_pair(norm: nn.Module, inputs: tuple) -> None:
        if id(inputs[0]) in convolutions:
            pairs.append((convolutions[id(inputs[0])], norm))

    handles = [
        module.register_forward_hook(note_output)
        if isinstance(module, nn.Conv2d)
        else module.register_forward_pre_hook(note_pair)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    network(torch.zeros(1, 3, size, size))
    for handle in handles:
        handle.remove()
    names = {module: name for name, module in network.named_modules()}
    for convolution, norm in pairs:
        network.set_submodule(names[convolution], fuse_conv_bn_eval(convolution, norm))
        network.set_submodule(names[norm], nn.Identity())
