"""The modules of a network through which all paths from the views to the logits lead, by torch's graph of operations."""

from collections import Counter, defaultdict
from collections.abc import Callable
from graphlib import TopologicalSorter

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node, saved_tensors_hooks


def modules_on_every_path(network: nn.Module, views: Tensor) -> set[str] | None:
    """Find the modules such that the logits depend on the views only through the module's output.

    network: in evaluation mode. views: (view, 3, size, size), normalised, on its device.

    One forward pass with gradients builds the graph; the tensors for a backward pass are not stored.

    Returns the names of the modules; None if no path of the graph leads from the logits to the views, because a part of the
    network runs without gradients.
    """
    names: defaultdict[Node, set[str]] = defaultdict(
        set
    )  # operation → names of the modules whose output it computes

    def note(name: str) -> Callable[[nn.Module, tuple, object], None]:
        def hook(_: nn.Module, inputs: tuple, output: object) -> None:
            if isinstance(output, Tensor) and output.grad_fn is not None:
                names[output.grad_fn].add(name)

        return hook

    handles = [module.register_forward_hook(note(name)) for name, module in network.named_modules() if name]
    try:
        with torch.enable_grad(), saved_tensors_hooks(lambda _: None, lambda kept: kept):
            entering = (
                views.detach().requires_grad_().clone()
            )  # a copy, because the network may change its input in place
            logits = network(entering)
    finally:
        for handle in handles:
            handle.remove()
    passed = _on_every_path(logits.grad_fn, entering.grad_fn)
    return set().union(*(names[operation] for operation in passed)) if passed else None


def _on_every_path(last: Node | None, first: Node | None) -> list[Node]:
    """List the operations through which every path between two operations of a graph leads, including these two.

    last, first: the operations at the end and the beginning of the paths, in the direction of the forward pass, such as
    those that compute the logits and the views. The list begins with `first`; it is empty if no path connects them.

    Every path leads through an operation if the number of paths through it equals the number of all paths.
    """
    before: dict[Node, list[Node]] = {}  # operation → the operations that compute its inputs
    found = [last] if last is not None else []
    while found:
        operation = found.pop()
        if operation not in before:
            before[operation] = [other for other, _ in operation.next_functions if other is not None]
            found.extend(before[operation])
    order = list(TopologicalSorter(before).static_order())  # inputs come before the operations that use them
    n_behind, n_ahead = (
        Counter({first: 1}),
        Counter({last: 1}),
    )  # the number of paths from `first` to each operation, and from each operation to `last`
    for operation in order:
        n_behind[operation] += sum(n_behind[other] for other in before[operation])
    for operation in reversed(order):
        n_ahead.update(
            {other: count * n_ahead[operation] for other, count in Counter(before[operation]).items()}
        )
    n_paths = n_behind[last]
    return [operation for operation in order if n_behind[operation] * n_ahead[operation] == n_paths > 0]
