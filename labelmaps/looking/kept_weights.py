"""Weights of torchvision and timm, downloaded once to the folder in which torch keeps such files (`TORCH_HOME`)."""

import difflib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch

from labelmaps.errors import InputError
from labelmaps.networks.architectures import read_architecture
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.download import download_from_hub, download_weights
from labelmaps.networks.preprocessing import timm_config, timm_repository, torchvision_weights
from labelmaps.storage.files import sha256

DEFAULT = "DEFAULT"


def keep_torchvision_weights(config: NetworkConfig, weights: str | None) -> tuple[NetworkConfig, Path, int]:
    """Download torchvision's weights of a network, unless they lie there.

    weights: their name; those that torchvision calls its default unless given.

    Returns the network with the name of its weights, their file, and the number of their classes. Raises `InputError` for
    unknown names, and where the download fails.
    """
    from torchvision import models

    name = config.architecture
    _check_known(name, models.list_models(module=models), "torchvision")
    found = torchvision_weights(name, weights or DEFAULT)
    short = found.name.removeprefix("IMAGENET1K_")
    file = weights_folder() / found.url.rpartition("/")[2]
    digits = file.stem.rpartition("-")[2]
    if not (
        file.exists() and sha256(file).startswith(digits)
    ):  # another program's download may have been cut
        download_weights(found.url, file)
    config = replace(config, weights=short, source=f"torchvision {short}")
    return config, file, len(found.meta.get("categories") or ())


def keep_timm_weights(config: NetworkConfig, weights: str | None) -> tuple[NetworkConfig, Path, int]:
    """Download timm's weights of a network, unless they lie there; compared with the digest that the hub states.

    weights: their tag; those that timm names first unless given. Returns and raises as `keep_torchvision_weights`.
    """
    import timm

    name, _, tag = read_architecture(config.architecture).place.partition(".")
    _check_known(name, timm.list_models(), "timm")
    if tag and weights not in (None, DEFAULT, tag):
        raise InputError(f"weights: {weights}, and the network's name says {tag}. Give one of the two")
    if weights not in (None, DEFAULT):
        tag = weights
    stated = timm_config(f"{name}.{tag}" if tag else name)
    if stated is None or not stated.tag:
        raise InputError(f"weights: timm has none of {name}. Give a checkpoint")
    tag = stated.tag
    repository, file = timm_repository(f"{name}.{tag}"), weights_folder() / f"timm-{name}.{tag}.safetensors"
    if not file.exists():
        download_from_hub(repository, "main", None, file)
    return replace(config, weights=tag, source=f"timm {tag}"), file, stated.num_classes


def weights_folder() -> Path:
    """Return the folder in which torch keeps what it downloads."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def _check_known(name: str, names: Iterable[str], library: str) -> None:
    """Raise `InputError`, with what is near, for a network that a library does not have."""
    known = list(names)
    if name not in known:
        near = difflib.get_close_matches(name, known, 5)
        advice = (
            f"Near: {', '.join(near)}" if near else f"It has {len(known)}, such as {', '.join(known[:3])}"
        )
        raise InputError(f"network: {library} has no classifier '{name}'. {advice}")
