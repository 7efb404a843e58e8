"""The comparison of a network as it is run with the network as its library made it, on views of the data set.

Before a network runs, it is modified: batch norm is folded, the memory layout and the precision change, it is compiled,
hooks are attached. None of this may change its results. Each time that a network is loaded, the logits of the modified
network are therefore compared with those that the original network computes in float32, one view at a time.
"""

import copy
import logging
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from labelmaps.errors import InputError
from labelmaps.jobs.memory import is_out_of_memory
from labelmaps.networks.build import explaining_sizes

logger = logging.getLogger(__name__)

# The largest `deviation` that is accepted. docs/networks.md has the measurements from which these bounds follow.
BOUNDS = {"float32": 1e-3, "bfloat16": 0.7, "float16": 0.1}


class KnownLogits(NamedTuple):
    """Network inputs with the logits that the original network computes for them.

    inputs: (view, 3, side, side), normalised. logits: (view, label) float32.
    """

    inputs: Tensor
    logits: Tensor


@torch.no_grad()
def compute_known_logits(network: nn.Module, views: Tensor, name: str) -> KnownLogits:
    """Compute the logits of the original network for some views, one view at a time, and check that they are usable.

    network: in evaluation mode, on the device of the views. It is not changed.
    views: (view, 3, size, size), normalised.
    name: the network's name, for messages.

    Raises `InputError` if the network cannot process views of this size, if its outputs are not finite logits that depend on
    the label, and if the logits of all views in one batch differ from those of single views (layers are in training mode,
    draw random numbers, or mix views).
    """
    with explaining_sizes(name, views.shape[-1], network):
        outputs = [network(view[None]) for view in views]
        together = network(views)
    if not all(isinstance(output, Tensor) and output.ndim == 2 for output in outputs):
        kind = type(outputs[0]).__name__
        shape = f" of shape {list(outputs[0].shape)}" if isinstance(outputs[0], Tensor) else ""
        raise InputError(
            f"{name}: returns a {kind}{shape} instead of a tensor of logits (view, label). Let the function that builds the "
            "network return a module that returns such a tensor"
        )
    logits = torch.cat(outputs).float()
    if not logits.isfinite().all():
        raise InputError(
            f"{name}: its logits for images of this data set are not finite. Check the weights, and `mean` and `std` in its "
            "entry"
        )
    if logits.shape[1] > 1 and bool((logits == logits[:, :1]).all()):
        raise InputError(
            f"{name}: its logits are the same for all labels, so its last layer is not trained. Give weights that were "
            "saved after training"
        )
    refuse_probabilities(network, views[:1], logits, name)
    known = KnownLogits(views, logits)
    if together.shape != logits.shape or (found := deviation(together, known)) > BOUNDS["float32"]:
        by = f" by {found:.2g} of their standard deviation" if together.shape == logits.shape else " in shape"
        raise InputError(
            f"{name}: its logits for a batch of views differ{by} from those of the same views one by one. They depend on "
            "random numbers (dropout in training mode) or on the other views (batch norm in training mode). Put all its "
            "layers in evaluation mode"
        )
    return known


def refuse_probabilities(network: nn.Module, view: Tensor, logits: Tensor, name: str) -> None:
    """Raise `InputError` if a network's outputs are recognisably not the logits of one label among several.

    view: (1, 3, size, size), normalised. logits: the network's outputs for some views, (view, label).

    They are not if all lie between 0 and 1 and the network's last operation is a sigmoid or a softmax, or if it is a model
    of the package transformers whose configuration has the `problem_type` "multi_label_classification". A network that was
    trained for several labels at once but returns logits cannot be recognised.
    """
    kinds = {getattr(getattr(part, "config", None), "problem_type", None) for part in network.modules()}
    last = ""
    if bool(((logits >= 0) & (logits <= 1)).all()):
        with torch.enable_grad():
            last = getattr(network(view.clone().requires_grad_()).grad_fn, "name", str)()
    if last.startswith("Sigmoid") or "multi_label_classification" in kinds:
        why = "ends in a sigmoid" if last else 'has problem_type "multi_label_classification"'
        raise InputError(
            f"{name}: {why}: it was trained for several labels at once, and its outputs are not those of one label among "
            "all, which the methods and accuracies here assume. Choose a network that was trained with softmax"
        )
    if last.startswith("Softmax"):
        raise InputError(
            f"{name}: ends in a softmax: its outputs are probabilities, not logits. Let it return the input of the softmax"
        )


def deviation(logits: Tensor, known: KnownLogits, precision: str = "float32") -> float:
    """Compute how far logits are from the known ones, in standard deviations of the known ones over labels.

    logits: (view, label), for the known inputs. precision: the precision in which they were computed.

    In float32, it is the largest absolute difference of any logit. In reduced precision, it is the largest root mean square
    over labels of any view: rounding errors are nearly random there, and the largest one grows with the number of labels.
    It is infinite if a logit is NaN.
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


def check_logits(logits: Tensor, known: KnownLogits, name: str, precision: str, how: str = "") -> float:
    """Compare logits (view, label) with the known ones, and return how far they are from them (see `deviation`).

    name: the network's name, for messages.
    precision: the precision in which the logits were computed.
    how: what else was done to the network, for messages, such as ", compiled".

    Raises `InputError` if logits are not finite, or farther from the known ones than the bound of this precision allows.
    """
    found, bound = deviation(logits, known, precision), BOUNDS[precision]
    if not logits.isfinite().all():
        raise InputError(
            f"{name}: run in {precision}{how}, its logits are not finite, although those of the original network in float32 "
            "are. Choose a wider precision (compute.precision)"
        )
    if found > bound:
        raise InputError(
            f"{name}: run in {precision}{how}, its logits differ from the original network's by {found:.2g} of their "
            f"standard deviation; at most {bound:g} is allowed (docs/networks.md). Choose compute: {{precision: float32, "
            "compile: never}"
        )
    return found


def copy_with_folded_norms(network: nn.Module, known: KnownLogits, name: str) -> nn.Module:
    """Return a copy of a network with each batch norm folded into the convolution before it, or the network itself.

    network: the original network, in evaluation mode, on the CPU; it is not changed.
    known: its logits.
    name: the network's name, for the log.

    The network itself is returned if folding fails or would change its logits by more than rounding explains.
    """
    copied = copy.deepcopy(network)
    try:
        n_folded = fold_batch_norm(copied, known.inputs[:1])
        with torch.no_grad():
            found = deviation(copied(known.inputs), known)
    except Exception as error:  # torch raises various types for a batch norm that it cannot fold
        if is_out_of_memory(error):
            raise
        logger.info("%s: batch norm is not folded (%s)", name, error)
        return network
    if found > BOUNDS["float32"]:
        logger.info("%s: batch norm is not folded, because that would change the logits by %.2g", name, found)
        return network
    if n_folded:
        logger.info("%s: %d batch norms folded; the logits change by %.2g", name, n_folded, found)
    return copied


@torch.no_grad()
def fold_batch_norm(network: nn.Module, views: Tensor) -> int:
    """Fold each batch norm of a network into the convolution before it, in place, and return how many were folded.

    network: in evaluation mode.
    views: (view, 3, size, size), normalised; a forward pass finds the convolution whose output each batch norm receives.

    If a batch norm includes an activation, as timm's do, the activation takes its place.
    """
    outputs, pairs = [], []
    convolutions = {}  # `id` of its output → convolution; `outputs` keeps the outputs alive, so that no `id` is used twice

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
    """Return the module that takes the place of a folded batch norm; None for an unknown kind, which cannot be folded."""
    if type(norm) is nn.BatchNorm2d:
        return nn.Identity()
    # timm's BatchNormAct2d applies these two after the batch norm, in this order.
    drop, act = getattr(norm, "drop", None), getattr(norm, "act", None)
    if isinstance(drop, nn.Module) and isinstance(act, nn.Module):
        return nn.Sequential(drop, act)
    return None
