"""The modules of a network that all paths from the views to the logits pass, by torch's graph of operations."""

from collections import Counter, defaultdict
from collections.abc import Callable
from graphlib import TopologicalSorter

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node, saved_tensors_hooks


def modules_on_every_path(network: nn.Module, views: Tensor) -> set[str] | None:
    """Find the modules through whose outputs everything passes that the logits take from the views.

    network: in evaluation mode. views: (view, 3, size, size), normalised, on its device. One forward pass with gradients
    makes the graph; the values that a backward pass would need are not kept.

    Returns their names; None where the graph does not lead from the logits to the views, because a part of the network runs
    without gradients.
    """
    names: defaultdict[Node, set[str]] = defaultdict(
        set
    )  # of the modules, by the operation that gives their output

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
            )  # a copy, which the network may change in place
            logits = network(entering)
    finally:
        for handle in handles:
            handle.remove()
    passed = _on_every_path(logits.grad_fn, entering.grad_fn)
    return set().union(*(names[operation] for operation in passed)) if passed else None


def _on_every_path(last: Node | None, first: Node | None) -> list[Node]:
    """List the operations of a graph that every path between two of its operations passes, the two among them.

    Every path passes an operation if as many lead over it as there are. Empty where there is no path.
    """
    before: dict[Node, list[Node]] = {}  # the operations that give an operation its inputs
    found = [last] if last is not None else []
    while found:
        operation = found.pop()
        if operation not in before:
            before[operation] = [other for other, _ in operation.next_functions if other is not None]
            found.extend(before[operation])
    order = list(TopologicalSorter(before).static_order())  # an operation after those that give its inputs
    n_behind, n_ahead = (
        Counter({first: 1}),
        Counter({last: 1}),
    )  # numbers of paths from the first, and to the last
    for operation in order:
        n_behind[operation] += sum(n_behind[other] for other in before[operation])
    for operation in reversed(order):
        n_ahead.update(
            {other: count * n_ahead[operation] for other, count in Counter(before[operation]).items()}
        )
    n_paths = n_behind[last]
    return [operation for operation in order if n_behind[operation] * n_ahead[operation] == n_paths > 0]
