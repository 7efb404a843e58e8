"""Build untrained classifiers by name, and fold batch norm into the convolutions before it.

Torchvision, with which comes torch's compiler, takes over a second to import, and is so where it is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from labelmaps.errors import InputError
from labelmaps.jobs.memory import is_out_of_memory
from labelmaps.networks.small_resnet import SmallResNet

OWN_ARCHITECTURES = {"small_resnet": SmallResNet}


def build(architecture: str, n_labels: int, size: int = 224) -> nn.Module:
    """An untrained classifier with `n_labels` outputs: a torchvision name, or one of our own architectures.

    size: side of the input, in pixels; it matters to vision transformers only.
    """
    if architecture in OWN_ARCHITECTURES:
        return OWN_ARCHITECTURES[architecture](n_labels)
    from torchvision import models

    if architecture not in models.list_models(module=models):
        raise InputError(f"architecture: torchvision has no classifier '{architecture}'")
    options = {}
    if architecture in ("googlenet", "inception_v3"):  # torchvision's weights expect inputs scaled otherwise
        options = {"transform_input": True, "init_weights": True}
    elif architecture.startswith("vit_"):
        options = {"image_size": size}
    return models.get_model(architecture, weights=None, num_classes=n_labels, **options)


@contextmanager
def sized(architecture: str, size: int) -> Iterator[None]:
    """Turn what a network says of views (3, size, size) that do not suit it into an `InputError`."""
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
    """Make each batch norm that follows a convolution part of that convolution; the logits stay the same.

    A view (3, size, size) shows which follows which.
    """
    outputs, pairs = [], []
    convolutions = {}  # by the tensor that each gave; `outputs` keeps it, so that no other takes its place

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
