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
from labelmaps.jobs.memory import is_out_of_memory
from labelmaps.networks.build import sized

logger = logging.getLogger(__name__)

# Of `deviation`. docs/networks.md has what was measured, from which the bounds of reduced precisions follow.
BOUNDS = {"float32": 1e-3, "bfloat16": 0.7, "float16": 0.1}


class Known(NamedTuple):
    """What the untouched network says. inputs: (view, 3, side, side), normalised. logits: (view, label), float32."""

    inputs: Tensor
    logits: Tensor


@torch.no_grad()
def ask(network: nn.Module, views: Tensor, name: str) -> Known:
    """Run the untouched network on views (view, 3, size, size), one after the other, so that none depends on another.

    network: in evaluation mode, on the device of the views. name: of the network, for messages.

    Raises `InputError` where it cannot take views of this size, where what it returns are no logits, and where those of all
    views together are others: its layers are then at training, or draw numbers, or views depend on one another.
    """
    with sized(name, views.shape[-1], network):
        outputs = [network(view[None]) for view in views]
        together = network(views)
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
    refuse_probabilities(network, views[:1], logits, name)
    known = Known(views, logits)
    if together.shape != logits.shape or (found := deviation(together, known)) > BOUNDS["float32"]:
        by = f" by {found:.2g} of their standard deviation" if together.shape == logits.shape else " in shape"
        raise InputError(
            f"{name}: its logits for views that go through it together differ{by} from those of one view after the other. "
            "They depend on chance (dropout that is on in evaluation) or on the other views (batch norm at training). Let "
            "its layers be in evaluation mode"
        )
    return known


def refuse_probabilities(network: nn.Module, view: Tensor, logits: Tensor, name: str) -> None:
    """Raise `InputError` for a network whose outputs can be seen to be no logits of one class among several.

    view: (1, 3, size, size). logits: its outputs for some views, (view, label).

    That is: all between 0 and 1 and from a sigmoid or a softmax, as torch's graph of operations says; or a model of
    transformers whose configuration says that it was trained for several labels at once. A network that was trained so and
    returns logits looks like any other.
    """
    kinds = {getattr(getattr(part, "config", None), "problem_type", None) for part in network.modules()}
    last = ""
    if bool(((logits >= 0) & (logits <= 1)).all()):
        with torch.enable_grad():
            last = getattr(network(view.clone().requires_grad_()).grad_fn, "name", str)()
    if last.startswith("Sigmoid") or "multi_label_classification" in kinds:
        why = "ends in a sigmoid" if last else 'has problem_type "multi_label_classification"'
        raise InputError(
            f"{name}: {why}: it was trained for several labels at once, and its outputs are not the probabilities of one "
            "label among all, which methods and accuracies here are about. Choose a network that was trained with softmax"
        )
    if last.startswith("Softmax"):
        raise InputError(
            f"{name}: ends in a softmax: its outputs are probabilities, and no logits. Let it return what comes before"
        )


def deviation(logits: Tensor, known: Known, precision: str = "float32") -> float:
    """Compute how far logits (view, label) are from the known ones, in standard deviations of these over labels.

    precision: at which they were computed. In float32 it is the largest difference; in reduced precision, where rounding
    errors are as good as random, it is their root mean square over labels, of the view where that is largest: the largest
    of them grows with the number of labels and views.

    Infinite where a logit is not a number.
    """
    expected = known.logits.to(logits.device)
    spread = (expected - expected.mean(dim=1, keepdim=True)).square().mean().sqrt()
    if expected.shape[1] == 1:
        spread = expected.abs().mean()
    spread = spread.clamp(min=torch.finfo(torch.float32).tiny)
    differences = ((logits.float() - expected).abs() / spread).nan_to_num(nan=torch.inf)
    if precision != "float32":
        differences = differences.square().mean(dim=1).sqrt()
    return differences.max().item()


def check_logits(logits: Tensor, known: Known, name: str, precision: str, how: str = "") -> float:
    """Compare logits (view, label) with the known ones; raise `InputError` if they differ by more than a bound.

    precision: at which they were computed. how: what else is done to the network, for the message.

    Returns the difference (see `deviation`).
    """
    found, bound = deviation(logits, known, precision), BOUNDS[precision]
    if not logits.isfinite().all():
        raise InputError(
            f"{name}: run in {precision}{how}, its logits are not finite, and those of the network itself in float32 are. "
            "Choose a wider precision (compute.precision)"
        )
    if found > bound:
        raise InputError(
            f"{name}: run in {precision}{how}, its logits differ from the network's own by {found:.2g} of their standard "
            f"deviation, more than {bound:g} (docs/networks.md). Choose compute: {{precision: float32, compile: never}}"
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
    except Exception as error:  # whatever torch raises of a norm that it cannot fold
        if is_out_of_memory(error):
            raise
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
    # Of timm's BatchNormAct2d, in this order.
    drop, act = getattr(norm, "drop", None), getattr(norm, "act", None)
    if isinstance(drop, nn.Module) and isinstance(act, nn.Module):
        return nn.Sequential(drop, act)
    return None
