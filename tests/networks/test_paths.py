"""The modules through which every path from the views to the logits leads."""

import pytest
import torch
from torch import nn

from labelmaps.networks.paths import modules_on_every_path

VIEWS = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)


class Net(nn.Module):
    """A stem, a block with or without a shortcut around it, and a head."""

    def __init__(self, shortcut=lambda maps, block: maps + block(maps)):
        super().__init__()
        self.stem, self.block = nn.Conv2d(3, 4, 1), nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True))
        self.head, self.shortcut = nn.Linear(4, 5), shortcut

    def forward(self, views):
        return self.head(self.shortcut(self.stem(views), self.block).mean((2, 3)))


class TwoEntries(Net):
    """A network whose views enter a second time, after the block."""

    def forward(self, views):
        return super().forward(views) + views.mean((1, 2, 3), keepdim=True)[:, :, 0, 0]


class Frozen(Net):
    def forward(self, views):
        with torch.no_grad():
            maps = self.block(self.stem(views))
        return self.head(maps.mean((2, 3)))


def frozen_block(maps, block):
    with torch.no_grad():
        changed = block(maps)
    return maps + changed


@pytest.mark.parametrize(
    ("network", "passed"),
    [
        (Net(), {"stem", "head"}),
        (Net(lambda maps, block: block(maps)), {"stem", "block", "block.0", "block.1", "head"}),
        (Net(lambda maps, block: block(maps) * block(-maps)), {"stem", "head"}),
        (Net(lambda maps, block: block(maps).add_(1)), {"stem", "block", "block.0", "block.1", "head"}),
        (Net(lambda maps, block: maps + maps), {"stem", "head"}),
        (Net(frozen_block), {"stem", "head"}),
        (TwoEntries(), set()),
        (Frozen(), None),
        (nn.Sequential(nn.Flatten(), nn.Linear(192, 5)), {"0", "1"}),
    ],
    ids=[
        "shortcut",
        "chain",
        "twice",
        "in place",
        "same twice",
        "frozen block",
        "two entries",
        "frozen",
        "flat",
    ],
)
def test_modules_on_every_path(network, passed):
    assert modules_on_every_path(network.eval(), VIEWS) == passed
    assert not any(module._forward_hooks for module in network.modules())


def test_parameters_with_gradients_are_no_other_way_in_and_views_stay_as_they_were():
    network = Net().requires_grad_(False)
    views = VIEWS.clone()
    assert modules_on_every_path(network, views) == modules_on_every_path(network.requires_grad_(True), views)
    assert torch.equal(views, VIEWS)
    assert not views.requires_grad


def test_paths_are_counted_exactly_where_there_are_more_than_floats_can_tell():
    """2¹⁰⁰ paths lead to `0`, and one more passes by it."""

    class Twice(nn.Module):
        def forward(self, maps):
            return maps + 2 * maps

    class Around(nn.Sequential):
        def forward(self, views):
            return super().forward(views) + views.flatten(1)[:, :5]

    many = [Twice() for _ in range(100)]
    inner = [nn.Flatten(), *many, nn.Linear(192, 5)]
    assert modules_on_every_path(nn.Sequential(*inner), VIEWS) == {*map(str, range(102))}
    assert modules_on_every_path(Around(*inner), VIEWS) == set()
