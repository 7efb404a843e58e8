"""A classifier cut after its last block: the body turns views into activations, the head activations into logits."""

import copy
import threading

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.classifier import PRECISIONS, last_linear

MAP, TOKENS = 4, 3  # numbers of axes: of (view, channel, row, column), and of (view, token, channel)


class BlockHook(threading.local):
    """A forward hook that stores the last block's output, or replaces it. Each thread has its own two tensors.

    output: of the block's last forward pass, where it was not replaced. replacement: what the block returns instead.
    """

    output: Tensor | None = None
    replacement: Tensor | None = None

    def __call__(self, _: nn.Module, inputs: tuple, output: Tensor) -> Tensor | None:
        """Return the replacement if one is set; otherwise store the output."""
        # Both are copied, because some networks change a block's output in place.
        if self.replacement is not None:
            return self.replacement.clone()
        self.output = output.clone()
        return None


class SplitClassifier:
    """A network cut after its last block, the last module whose output is still a map. Several threads may use it.

    network: belongs to this object from then on: it is moved to the device, and a hook stays at its last block.
    device: on which it runs.
    size: side of the views, in pixels.
    precision: of the body; the head and the activations are float32.

    Attributes: `block` and `block_name`, the last block and its name in the network; `linear`, the last linear layer if the
    head is the average over the map followed by that layer, else None.

    Raises `InputError` where the logits do not follow from a map (vision transformers), and where they are not finite.
    """

    def __init__(self, network: nn.Module, device: torch.device, size: int, precision: str = "float32"):
        self.network = network.eval().requires_grad_(False)
        self.network.to(device).to(memory_format=torch.channels_last)
        self.device, self.dtype = device, PRECISIONS[precision]
        noise = torch.Generator().manual_seed(0)
        self._probe, other = torch.randn(2, 1, 3, size, size, generator=noise).to(device)
        self.block = last_block(self.network, self._probe)
        reduced = precision != "float32"
        self._body = copy.deepcopy(self.network).to(self.dtype) if reduced else self.network
        self._hook = BlockHook()
        self.block_name = next(name for name, module in network.named_modules() if module is self.block)
        for body in {self.network, self._body}:
            body.get_submodule(self.block_name).register_forward_hook(self._hook)
        self.linear = None
        # The head is tested on another view than the probe on which it runs: from the probe's own activations follow the
        # probe's logits also where the head uses more than the activations.
        logits = self.network(other)
        activations = self._pop_output()
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
        """Compute the last block's output, float32, (view, channel, row, column).

        views: (view, 3, size, size), normalised.
        """
        self._body(views.to(self.device, self.dtype, memory_format=torch.channels_last))
        return self._pop_output().float()

    def _pop_output(self) -> Tensor:
        """Return the output that the hook stored in this thread, and clear it so that its memory is freed."""
        output, self._hook.output = self._hook.output, None
        if output is None:
            raise RuntimeError(f"{self.block_name} has not run in this thread")
        return output

    def head(self, activations: Tensor) -> Tensor:
        """Compute the logits (map, label) that follow from activations.

        activations: (map, channel, row, column); they need not come from a view.
        """
        if self.linear is not None:
            return self.linear(activations.mean((2, 3)))
        # Run the network on a dummy view, and let the hook replace the last block's output with `activations`.
        self._hook.replacement = activations
        try:
            return self.network(self._probe)
        finally:
            self._hook.replacement = None

    def gradient(self, activations: Tensor, label: Tensor) -> Tensor:
        """Compute the gradient ∂z_k/∂A of one logit per image with respect to the activations, in their shape.

        activations: A, (image, channel, row, column). label: k, (image,).
        """
        rows, columns = activations.shape[2:]
        if self.linear is not None:  # z_k is W[k]·mean(A) + b
            return (self.linear.weight[label] / (rows * columns))[:, :, None, None].expand_as(activations)
        activations = activations.detach().requires_grad_()
        logit = self.head(activations).gather(1, label[:, None])
        return torch.autograd.grad(logit.sum(), activations)[0]


@torch.no_grad()
def last_block(network: nn.Module, views: Tensor) -> nn.Module:
    """Find the last module, in the order of the forward pass, whose output is a map of more than one cell.

    network: on the device of `views`.
    views: (view, 3, size, size), normalised; with other views than of this size, another module may be the last.

    Raises `InputError` where the network has no map, or where tokens follow it (vision transformers).
    """
    outputs = []

    def note_output(module: nn.Module, _: tuple, output: object) -> None:
        if isinstance(output, Tensor) and (
            output.ndim == TOKENS or (output.ndim == MAP and min(output.shape[2:]) > 1)
        ):
            outputs.append((output.ndim, module))

    handles = [module.register_forward_hook(note_output) for module in network.modules()]
    network(views)
    for handle in handles:
        handle.remove()
    if not outputs or outputs[-1][0] == TOKENS:
        raise InputError(
            f"{type(network).__name__} has no map before its logits; methods that need one (Grad-CAM, DFF) cannot be used "
            "with it, those on label maps can"
        )
    return outputs[-1][1]
