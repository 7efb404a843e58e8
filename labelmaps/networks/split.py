"""A classifier split at its last map: the body computes activations from views, the head logits from activations."""

import copy
import threading

import torch
from torch import Tensor, nn

from labelmaps.networks.classifier import PRECISIONS, last_linear
from labelmaps.networks.tap import find_last_map
from labelmaps.networks.verification import BOUNDS, KnownLogits, check_logits, deviation


class BlockHook(threading.local):
    """A forward hook that stores a module's output or replaces it; each thread has its own two tensors.

    output: the output of the module's last forward pass in which it was not replaced.
    replacement: the tensor that the module is to return instead of its own output; None replaces nothing.
    """

    output: Tensor | None = None
    replacement: Tensor | None = None

    def __call__(self, _: nn.Module, inputs: tuple, output: Tensor) -> Tensor | None:
        """Return the replacement if one is set; otherwise store the output."""
        # Both are copied, because some networks change a module's output in place.
        if self.replacement is not None:
            return self.replacement.clone()
        self.output = output.clone()
        return None


class SplitClassifier:
    """A network split at its last map (see `labelmaps.networks.tap`); several threads may use it at the same time.

    network: a copy that belongs to this object: it is moved to the device, and a hook stays at its last map.
    device: the device on which it runs.
    known: the logits of the original network for two or more views that differ.
    precision: that of the body; the head and the activations are float32.
    name: the network's name, for messages; the name of its class if it is empty.
    layer: the name of the module whose output is the last map, if the user gave it; None has it found.

    Attributes:
    block_name, layout: the name of the module whose output is the last map, and the layout of that output.
    linear: the last linear layer, if the head is the average over the map followed by that layer; else None.
    difference: how far the logits that follow from the activations are from the known ones, in standard deviations.

    Raises `NoMapError` if the logits follow from no map, and `InputError` if the logits that follow from the activations
    differ from the known ones, or if the output of `layer` is not a last map.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        known: KnownLogits,
        precision: str = "float32",
        name: str = "",
        layer: str | None = None,
    ):
        name = name or type(network).__name__
        self.network = network.eval().requires_grad_(False)
        self.network.to(device).to(memory_format=torch.channels_last)
        self.device, self.dtype = device, PRECISIONS[precision]
        known = KnownLogits(known.inputs.to(device), known.logits.to(device))
        self.block_name, self.layout = find_last_map(self.network, known, name, layer)
        reduced = precision != "float32"
        self._body = copy.deepcopy(self.network).to(self.dtype) if reduced else self.network
        self._hook = BlockHook()
        for body in {self.network, self._body}:
            body.get_submodule(self.block_name).register_forward_hook(self._hook)
        self._probe, self._is_probe_repeated, self.linear = known.inputs[:1], False, None
        activations, prefix = self.map_and_prefix(known.inputs)
        logits = self._first_head(activations, prefix, known, precision)
        self.difference = check_logits(logits, known, name, precision, ", from its last map on")
        linear = last_linear(self.network)
        if linear is not None and prefix is None and linear.in_features == activations.shape[1]:
            pooled = linear(activations.mean((2, 3)))
            is_closed = deviation(pooled, KnownLogits(known.inputs, logits)) <= BOUNDS["float32"] / 10
            self.linear = linear if is_closed else None

    @property
    def block(self) -> nn.Module:
        """The module whose output is the last map."""
        return self.network.get_submodule(self.block_name)

    @torch.no_grad()
    def _first_head(
        self, activations: Tensor, prefix: Tensor | None, known: KnownLogits, precision: str
    ) -> Tensor:
        """Compute the logits of the known views, and find out whether the network needs one view for each map in the head.

        Most networks compute correct logits for any number of maps from a single view, which costs less.

        activations, prefix: as `map_and_prefix` returns them for the known views. Returns the logits (view, label).
        """
        try:
            logits = self.head(activations, prefix)
            self._is_probe_repeated = deviation(logits, known, precision) > BOUNDS[precision]
        except RuntimeError:
            self._is_probe_repeated = True
        return self.head(activations, prefix) if self._is_probe_repeated else logits

    def activations(self, views: Tensor) -> Tensor:
        """Compute the last map of views, as `map_and_prefix` does, without the tokens before its cells."""
        return self.map_and_prefix(views)[0]

    @torch.no_grad()
    def map_and_prefix(self, views: Tensor) -> tuple[Tensor, Tensor | None]:
        """Compute the last map of views, and the tokens before its cells; no gradient leads back to the views.

        views: (view, 3, size, size), normalised, on any device.
        Returns the map (view, channel, row, column), and the tokens (view, token, channel) or None; both are float32, on the
        network's device.
        """
        self._body(views.to(self.device, self.dtype, memory_format=torch.channels_last))
        return self.layout.split(self._pop_output().float())

    def _pop_output(self) -> Tensor:
        """Return the output that the hook stored in this thread, and clear it so that its memory can be freed.

        It is in the module's own order of axes. Raises `RuntimeError` if the module has not run in this thread.
        """
        output, self._hook.output = self._hook.output, None
        if output is None:
            raise RuntimeError(f"{self.block_name} has not run in this thread")
        return output

    def head(self, activations: Tensor, prefix: Tensor | None = None) -> Tensor:
        """Compute the logits (map, label) that follow from activations; gradients flow back to the activations.

        activations: (map, channel, row, column) float32, on the network's device, with as many rows and columns as the last
            map has; they need not come from a view.
        prefix: (map, token, channel), the tokens before the cells of each map; None only if the network has none.
        """
        if self.linear is not None:
            return self.linear(activations.mean((2, 3)))
        # Run the whole network on a known view, and let the hook replace the last map with `activations`.
        n_views = len(activations) if self._is_probe_repeated else 1
        self._hook.replacement = self.layout.join(activations, prefix)
        try:
            return self.network(self._probe.expand(n_views, -1, -1, -1))
        finally:
            self._hook.replacement = None

    def gradient(self, activations: Tensor, label: Tensor, prefix: Tensor | None = None) -> Tensor:
        """Compute the gradient ∂z_k/∂A of one logit z_k per image with respect to its activations A.

        activations: A, (image, channel, row, column). label: k, (image,), on the same device. prefix: as for `head`.
        Returns the gradient in the shape of A.
        """
        rows, columns = activations.shape[2:]
        if self.linear is not None:  # z_k is W[k]·mean(A) + b
            return (self.linear.weight[label] / (rows * columns))[:, :, None, None].expand_as(activations)
        activations = activations.detach().requires_grad_()
        logit = self.head(activations, prefix).gather(1, label[:, None])
        return torch.autograd.grad(logit.sum(), activations)[0]
