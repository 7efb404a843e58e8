"""Look at one image, or at some, through a network, with any view and any methods."""

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import torch

from labelmaps.errors import InputError
from labelmaps.looking.compute import Machine, look_through
from labelmaps.looking.given_images import read_images
from labelmaps.looking.given_labels import list_labels
from labelmaps.looking.given_methods import ALL, read_methods
from labelmaps.looking.given_network import read_network
from labelmaps.looking.given_views import read_view
from labelmaps.networks.compute import Compute, deterministic, resolve_device, resolve_precision

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    from PIL import Image
    from torch import nn

    from labelmaps.data.classes import Class
    from labelmaps.networks.config import NetworkConfig
    from labelmaps.networks.preprocessing import Preprocessing
    from labelmaps.views import View

    OneImage = str | PathLike | Image.Image | np.ndarray
    OneLabel = int | str | None
    Network = str | nn.Module | NetworkConfig | tuple[nn.Module, Preprocessing, list[str]]
    Methods = str | Sequence[str] | Mapping[str, Mapping[str, object]]
    AnyView = str | Mapping[str, object] | View
    Expected = Preprocessing | Mapping[str, Any] | str | object
    Classes = str | PathLike | int | Sequence[str] | Sequence[Class] | Mapping[str, str] | Mapping[int, str]


def look(
    image: "OneImage | Sequence[OneImage]",
    network: "Network",
    *,
    label: "OneLabel | Sequence[OneLabel]" = None,
    methods: "Methods" = ALL,
    view: "AnyView" = "zoom",
    classes: "Classes | None" = None,
    weights: str | None = None,
    checkpoint: "str | PathLike | None" = None,
    preprocessing: "Expected | None" = None,
    size: int | None = None,
    layer: str | None = None,
    device: str = "auto",
    precision: str = "float32",
    threads: int | None = None,
) -> Any:
    """Look at one image, or at some, from every fixation of the grid, and select a fixation by each method.

    image: a path, a PIL image, or an array (y, x, RGB) uint8, grey (y, x) or with alpha, which is dropped; or a list of
        such. Pixels are taken as they are stored, as in a run: an EXIF rotation is not applied, and a warning says so.
    network: a classifier of torchvision by its name (`resnet18`) or of timm (`timm:resnet18`); `small_resnet`, whose weights
        come with the repository; a function of yours that builds one, `path/to/file.py:build` or `package.module:build`; a
        `torch.nn.Module` that returns logits (view, label); or what `labelmaps.networks.load.load_network` returns. A
        module is copied: yours keeps its device, its precision and its mode, the copy is in evaluation mode.
    label: k*, the label of the image: an index from 0, a class's id (`n02123045`) or one of its names (`tabby cat`); with
        several images one for all, or a list. Without it cued methods are left out.
    methods: "all"; names of modules of `labelmaps.methods`; or, as in a configuration, name → {"method": …, options…}.
    view: a family, a module of `labelmaps.views`; as in a configuration, {"family": "zoom", "grid": 5}; or a `View`.
    classes: of the network's labels: "imagenet", "scenes", a classes file (lines `id name`), a list of names, label → name,
        or their number. Without it those of the library's weights. Of another module or checkpoint nothing is assumed: a
        label is then an index, or an id of ImageNet where the network has its 1000 labels.
    weights: torchvision's (`V1`) or timm's (`a1_in1k`), downloaded once; without them, and without checkpoint, those that
        the library takes by default. checkpoint: instead, a file of yours with a state dict.
    preprocessing: what the network expects of its input: a `labelmaps.networks.preprocessing.Preprocessing`; a mapping of
        size, mean and std; torchvision's `weights.transforms()`; or "imagenet", 224 pixels with ImageNet's mean and
        deviation. Without it what the library states of its weights, or, of a checkpoint, what a run takes: timm's values or
        these. Modules of timm state it; for those of torchvision the usual values of ImageNet are taken, with a warning; any
        other must be given it.
    size: of the network's input, in pixels, instead of what is stated.
    layer: the module whose output is the map of x₀ for Grad-CAM, DFF and the like; without it, the last from which alone
        the logits follow.
    device: "cpu", "cuda", or "auto". precision: "float32", "bfloat16", "float16", or "auto". threads: of a CPU, all that it
        has unless given; no result depends on them.

    Returns a `labelmaps.Look`, or a list of them where a list of images is given. Raises `InputError`, whose message says
    what is wrong and what to give instead.
    """
    images, are_several = read_images(image)
    if turned := [one.name for one in images if one.is_turned]:
        warnings.warn(
            f"{', '.join(turned)}: EXIF says that it is to be shown turned or mirrored. Its pixels are taken as they are "
            "stored, as in a run; to see it upright give PIL.ImageOps.exif_transpose(PIL.Image.open(path))",
            stacklevel=2,
        )
    labels = list_labels(label, len(images), are_several)
    chosen = read_methods(methods)
    machine = choose_machine(device, precision, threads)
    with deterministic():
        loaded = read_network(network, weights, checkpoint, preprocessing, size, classes)
        looks = look_through(
            loaded, read_view(view, loaded), images, labels, chosen, machine, layer, are_all=methods == ALL
        )
    return looks if are_several else looks[0]


def choose_machine(device: object, precision: object, threads: object) -> Machine:
    """Choose what computes, by the arguments of `look`; raise `InputError` for what there is not."""
    device, kinds = str(device), get_type_hints(Compute)
    for name, value in (("device", device), ("precision", precision)):
        if value not in (choices := get_args(kinds[name])):
            raise InputError(f"{name}: {value!r}. Give {', '.join(choices)}")
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = n_cores if threads is None else threads
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InputError(f"threads: {threads!r}. Give a number from 1 on")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device: torch sees no CUDA device here. Give cpu, or auto")
    resolved = resolve_device(device)
    return Machine(resolved, resolve_precision(str(precision), resolved), threads)
