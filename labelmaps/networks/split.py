"""Cut a classifier after its last block: the body turns views into activations, the head turns activations into logits."""

import copy
import threading

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.classifier import PRECISIONS, last_linear

MAP, TOKENS = 4, 3  # axes: (image, channel, row, column), (image, token, channel)


class AtBlock(threading.local):
    """What a hook at the last block does, in the thread that runs the network: keep what the block gives, or exchange it."""

    given: Tensor | None = None
    instead: Tensor | None = None

    def __call__(self, _: nn.Module, inputs: tuple, output: Tensor) -> Tensor | None:
        """The hook."""
        # Copies: some networks go on in place.
        if self.instead is not None:
            return self.instead.clone()
        self.given = output.clone()
        return None


class SplitClassifier:
    """A network cut after its last block: the last module whose output is still a map. Several threads may use it.

    The network is this object's own from then on: a hook stays at the block.

    precision: of all up to there; what comes after, and the activations given, are float32.
    linear: the linear layer, where all that follows the last block is the average over the map and that layer; else None.
    Raises `InputError` where no map leads to the logits (vision transformers), and where these are not finite.
    """

    def __init__(self, network: nn.Module, device: torch.device, size: int, precision: str = "float32"):
        self.network = network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
        self.device, self.dtype = device, PRECISIONS[precision]
        noise = torch.Generator().manual_seed(0)
        self._probe, other = torch.randn(2, 1, 3, size, size, generator=noise).to(device)
        self.block = last_block(self.network, self._probe)
        reduced = precision != "float32"
        self._body = copy.deepcopy(self.network).to(self.dtype) if reduced else self.network
        self._at_block = AtBlock()
        self.block_name = next(name for name, module in network.named_modules() if module is self.block)
        for body in {self.network, self._body}:
            body.get_submodule(self.block_name).register_forward_hook(self._at_block)
        self.linear = None
        # Tried on another view than the head's stand-in, which gives the logits of itself in any case.
        logits = self.network(other)
        activations = self._taken()
        if not logits.isfinite().all():
            raise InputError(
                f"{type(network).__name__}: its logits for a picture of noise are not finite. Check the weights"
            )
        tolerance = 1e-4 * logits.abs().max().item()
        if not torch.allclose(self.head(activations), logits, rtol=0, atol=tolerance):
            raise InputError(
                f"{type(network).__name__}: its logits do not follow from the activations of its last block alone; "
                "methods that need them (Grad-CAM, DFF) cannot be used with it"
            )
        linear = last_linear(self.network)
        if linear is not None and linear.in_features == activations.shape[1]:
            pooled = linear(activations.mean((2, 3)))
            self.linear = linear if torch.allclose(pooled, logits, rtol=0, atol=tolerance) else None

    @torch.no_grad()
    def activations(self, views: Tensor) -> Tensor:
        """The last block's output (view, channel, row, column), float32, for normalised views (view, 3, size, size)."""
        self._body(views.to(self.device, self.dtype, memory_format=torch.channels_last))
        return self._taken().float()

    def _taken(self) -> Tensor:
        """What the last block gave, which is not kept."""
        given, self._at_block.given = self._at_block.given, None
        return given

    def head(self, activations: Tensor) -> Tensor:
        """Logits (map, label) of activations (map, channel, row, column), which need not come from a view."""
        if self.linear is not None:
            return self.linear(activations.mean((2, 3)))
        # The network runs on a stand-in, and the last block's answer is exchanged.
        self._at_block.instead = activations
        try:
            return self.network(self._probe)
        finally:
            self._at_block.instead = None

    def gradient(self, activations: Tensor, label: Tensor) -> Tensor:
        """∂z_k/∂A, (image, channel, row, column), for activations A and one label k for each image."""
        rows, columns = activations.shape[2:]
        if self.linear is not None:  # z_k is W[k]·mean(A) + b
            return (self.linear.weight[label] / (rows * columns))[:, :, None, None].expand_as(activations)
        activations = activations.detach().requires_grad_()
        logit = self.head(activations).gather(1, label[:, None])
        return torch.autograd.grad(logit.sum(), activations)[0]


@torch.no_grad()
def last_block(network: nn.Module, views: Tensor) -> nn.Module:
    """The module that gives the last map (view, channel, row, column) of more than one cell on the way to the logits.

    Raises `InputError` where tokens, not a map, lead to the logits.
    """
    outputs = []

    def note(module: nn.Module, _: tuple, output: object) -> None:
        if isinstance(output, Tensor) and (
            output.ndim == TOKENS or (output.ndim == MAP and min(output.shape[2:]) > 1)
        ):
            outputs.append((output.ndim, module))

    handles = [module.register_forward_hook(note) for module in network.modules()]
    network(views)
    for handle in handles:
        handle.remove()
    if not outputs or outputs[-1][0] == TOKENS:
        raise InputError(
            f"{type(network).__name__} has no map before its logits; methods that need one (Grad-CAM, DFF) cannot be used "
            "with it, those on label maps can"
        )
    return outputs[-1][1]
