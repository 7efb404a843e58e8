"""Look at one image, or at some, through a network, with any view and any methods."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelmaps.looking.result import Look
from labelmaps.views import View

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    from PIL import Image
    from torch import nn

    from labelmaps.data.classes import Class
    from labelmaps.networks.config import NetworkConfig
    from labelmaps.networks.preprocessing import Preprocessing


def look(
    image: "str | PathLike | Image.Image | np.ndarray | Sequence",
    network: "str | nn.Module | NetworkConfig | tuple[nn.Module, Preprocessing, list[str]]",
    *,
    label: int | str | Sequence[int | str | None] | None = None,
    methods: str | Sequence[str] | Mapping[str, Mapping[str, object]] = "all",
    view: "str | Mapping[str, object] | View" = "zoom",
    classes: "str | PathLike | Sequence[str] | Sequence[Class] | None" = None,
    weights: str | None = None,
    checkpoint: "str | PathLike | None" = None,
    preprocessing: "Preprocessing | Mapping[str, Any] | str | Any | None" = None,
    size: int | None = None,
    layer: str | None = None,
    device: str = "auto",
    precision: str = "float32",
    threads: int | None = None,
) -> "Look | list[Look]":
    """Look at one image, or at some, from every fixation of the grid, and select a fixation by each method.

    image: a path, a PIL image, or an array (y, x, RGB) uint8, grey (y, x) or with alpha, which is dropped; or a list of
        such. Pixels are taken as they are stored, as in a run: an EXIF rotation is not
        applied, and a warning says so.
    network: a classifier of torchvision by its name (`resnet18`) or of timm (`timm:resnet18`); `small_resnet`, whose weights
        come with the repository; a function of yours that builds one, `path/to/file.py:build` or `package.module:build`; a
        `torch.nn.Module` that returns logits (view, label); or what `labelmaps.networks.load.load_network` returns. A
        module is copied: yours stays on its device, in its mode and its precision, and is looked through in evaluation mode.
    label: k*, the label of the image: an index from 0, a class's id (`n02123045`) or its name (`tabby cat`); with several
        images one for all, or one each. Without it cued methods are left out.
    methods: "all"; names of modules of `labelmaps.methods`; or, as in a configuration, name → {"method": …, options…}.
    view: a family, a module of `labelmaps.views`; as in a configuration, {"family": "zoom", "grid": 5}; or a `View`.
    classes: of the network's labels: "imagenet", "scenes", a classes file (lines `id name`), or a list of names. Without it
        those of the library's own weights; of a module nothing is assumed, and a label is then an index.
    weights: torchvision's (`V1`, `DEFAULT`) or timm's (`a1_in1k`), downloaded once; `DEFAULT` where neither this nor
        `checkpoint` is given. checkpoint: a file of yours with a state dict instead.
    preprocessing: what the network expects of its input: a `labelmaps.networks.preprocessing.Preprocessing`; a mapping of
        `size`, `mean` and `std`; torchvision's `weights.transforms()`; or "imagenet", 224 pixels with ImageNet's mean and
        deviation. Without it what the library states of the network; a module of another kind must be given it. size: of
        the input in pixels, instead.
    layer: the module whose output is the map of x₀ for Grad-CAM, DFF and the like; without it, the last from which alone
        the logits follow.
    device: "cpu", "cuda", or "auto". precision: "float32", "bfloat16", "float16", or "auto". threads: of a CPU; all of
        them unless given; no result depends on them.

    Returns a `Look`; a list of them where several images are given. Raises `InputError`, whose message says what is wrong
    and what to give instead.
    """
    raise NotImplementedError
