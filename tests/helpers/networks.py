"""Networks with random weights that say something."""

import torch
from torch import nn

from labelmaps.networks.build import build
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import compute_known_logits
from labelmaps.networks.weights import random_weights

N_LABELS = 7


def trained(architecture, size=64, narrow=False):
    """A network whose activations neither fade nor explode; VGG and AlexNet, on request, with a narrow head."""
    if narrow and architecture in ("vgg11", "alexnet"):
        return with_a_narrow_head(architecture)
    network = build(architecture, N_LABELS, size)
    network.load_state_dict(random_weights(architecture, N_LABELS, seed=0, size=size))
    return network.eval()


def with_a_narrow_head(architecture):
    """With 64 instead of 4096 neurons in each hidden layer: these hold nearly all numbers of the network."""
    with torch.device("meta"):
        network = build(architecture, N_LABELS)
    for i, layer in enumerate(network.classifier):
        if isinstance(layer, nn.Linear):
            wide = (layer.in_features, layer.out_features)
            network.classifier[i] = nn.Linear(*(64 if n == 4096 else n for n in wide), device="meta")
    network = network.to_empty(device="cpu")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.normal_(module.bias, std=0.1)
    return network.eval()


def known_on_noise(network, size):
    """What the untouched network says of three views of noise of a side of `size` pixels."""
    noise = torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(2))
    return compute_known_logits(network.eval().cpu(), noise, type(network).__name__)


def cut(network, size, device="cpu", precision="float32", **options):
    """The network cut at its last map, as it is found on noise of a side of `size` pixels."""
    return SplitClassifier(network, torch.device(device), known_on_noise(network, size), precision, **options)
