"""The comparison of a network as it is run with the network as its library made it, on views of the data set.

What is done to a network before it runs (batch norm folded, another layout in memory, another precision, compiled, hooks)
must not change what it says. Each time that a network is loaded, its logits are compared with those that the untouched
network gives in float32, one view after the other.
"""

import copy
import logging
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from labelmaps.errors import InputError
from labelmaps.networks.build import sized

logger = logging.getLogger(__name__)

# Of the largest difference between two logits, in standard deviations of the logits over labels.
# docs/networks.md has the differences that were measured, from which the bounds of the reduced precisions follow.
BOUNDS = {"float32": 1e-3, "bfloat16": 0.5, "float16": 0.1}


class Known(NamedTuple):
    """What the untouched network says. inputs: (view, 3, side, side), normalised. logits: (view, label), float32."""

    inputs: Tensor
    logits: Tensor


@torch.no_grad()
def ask(network: nn.Module, views: Tensor, name: str) -> Known:
    """Run the untouched network on views (view, 3, size, size), one after the other, so that none depends on another.

    network: in evaluation mode, on the device of the views. name: of the network, for messages.

    Raises `InputError` where it cannot take views of this size, and where what it returns are no logits.
    """
    with sized(name, views.shape[-1]):
        outputs = [network(view[None]) for view in views]
    if not all(isinstance(output, Tensor) and output.ndim == 2 for output in outputs):
        kind = type(outputs[0]).__name__
        shape = f" of shape {list(outputs[0].shape)}" if isinstance(outputs[0], Tensor) else ""
        raise InputError(
            f"{name}: returns a {kind}{shape}, and no tensor of logits (view, label). Let the function that builds it "
            "return a module that does"
        )
    logits = torch.cat(outputs).float()
    if not logits.isfinite().all():
        raise InputError(
            f"{name}: its logits for images of this data set are not finite. Check the weights, and mean and std"
        )
    if logits.shape[1] > 1 and bool((logits == logits[:, :1]).all()):
        raise InputError(f"{name}: its logits are the same for all labels: its last layer is not trained")
    return Known(views, logits)


def deviation(logits: Tensor, known: Known) -> float:
    """Compute the largest difference from the known logits, in standard deviations of these over labels.

    logits: (view, label).
    """
    expected = known.logits.to(logits.device)
    spread = (expected - expected.mean(dim=1, keepdim=True)).square().mean().sqrt()
    spread = (
        spread.clamp(min=torch.finfo(torch.float32).tiny) if expected.shape[1] > 1 else expected.abs().mean()
    )
    return ((logits.float() - expected).abs().max() / spread).nan_to_num(nan=torch.inf).item()


def check_logits(logits: Tensor, known: Known, name: str, precision: str, how: str = "") -> float:
    """Compare logits (view, label) with the known ones; raise `InputError` if they differ by more than a bound.

    precision: at which they were computed. how: what else is done to the network, for the message.

    Returns the difference (see `deviation`).
    """
    found, bound = deviation(logits, known), BOUNDS[precision]
    if not logits.isfinite().all():
        raise InputError(
            f"{name}: run in {precision}{how}, its logits are not finite, and those of the network itself in float32 are. "
            "Choose a wider precision (compute.precision)"
        )
    if found > bound:
        raise InputError(
            f"{name}: run in {precision}{how}, its logits differ from the network's own by {found:.2g} of their standard "
            f"deviation, more than {bound:g}. Choose compute: {{precision: float32, compile: never}}; if this is said "
            "there, too, what the network says of a view depends on chance, or on other views beside it"
        )
    return found


def folded(network: nn.Module, known: Known, name: str) -> nn.Module:
    """Copy a network with each batch norm folded into the convolution before it; the network itself where that fails.

    network: untouched, in evaluation mode, on the CPU. known: its logits.
    """
    copied = copy.deepcopy(network)
    try:
        n_folded = fold_batch_norm(copied, known.inputs[:1])
        with torch.no_grad():
            found = deviation(copied(known.inputs), known)
    except (
        RuntimeError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:  # a kind of norm that torch cannot fold
        logger.info("%s: batch norm is not folded (%s)", name, error)
        return network
    if found > BOUNDS["float32"]:
        logger.info("%s: batch norm is not folded: it would change logits by %.2g", name, found)
        return network
    if n_folded:
        logger.info("%s: %d batch norms folded; logits change by %.2g", name, n_folded, found)
    return copied


@torch.no_grad()
def fold_batch_norm(network: nn.Module, views: Tensor) -> int:
    """Fold each batch norm into the convolution before it, in place, and return how many were.

    network: in evaluation mode.
    views: (view, 3, size, size); a forward pass finds out which module follows which.

    A norm that carries its activation, as timm's do, leaves that behind.
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
        if isinstance(module, nn.Conv2d) or (isinstance(module, nn.BatchNorm2d) and _rest(module) is not None)
    ]
    network(views)
    for handle in handles:
        handle.remove()
    names = {module: name for name, module in network.named_modules()}
    for convolution, norm in pairs:
        rest = _rest(norm)
        assert rest is not None
        network.set_submodule(names[convolution], fuse_conv_bn_eval(convolution, norm))
        network.set_submodule(names[norm], rest)
    return len(pairs)


def _rest(norm: nn.Module) -> nn.Module | None:
    """Return what is left of a batch norm that was folded; None for a kind that we do not know."""
    if type(norm) is nn.BatchNorm2d:
        return nn.Identity()
    drop, act = (
        getattr(norm, "drop", None),
        getattr(norm, "act", None),
    )  # of timm's BatchNormAct2d, in this order
    if isinstance(drop, nn.Module) and isinstance(act, nn.Module):
        return nn.Sequential(drop, act)
    return None
