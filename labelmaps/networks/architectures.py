"""Names of architectures, as the configuration gives them: torchvision's, timm's, and functions of the user's."""

from typing import Literal, NamedTuple


class Architecture(NamedTuple):
    """A name, read.

    library: `torchvision` (and our own `small_resnet`), `timm`, or a `file` or `module` of the user's with a function.
    place: the name in the library, the path of the file, or the dotted name of the module.
    function: the name of the function that builds the network; empty for a library's.
    """

    library: Literal["torchvision", "timm", "file", "module"]
    place: str
    function: str = ""


def read_architecture(name: str) -> Architecture:
    """Read the name of an architecture: `resnet18`, `timm:resnet18`, `path/to/file.py:build` or `package.module:build`.

    Raises `ValueError` for a name of another form.
    """
    place, colon, last = name.rpartition(":")
    if not colon:
        return Architecture("torchvision", name)
    if place == "timm":
        return Architecture("timm", last)
    if not last.isidentifier():
        raise ValueError(
            f"architecture: {name}: after the last colon comes the name of a function, as in path/to/file.py:build"
        )
    if place.endswith(".py"):
        return Architecture("file", place, last)
    if all(part.isidentifier() for part in place.split(".")):
        return Architecture("module", place, last)
    raise ValueError(
        f"architecture: {name}: neither a file of Python (path/to/file.py:build), nor a module (package.module:build), "
        "nor timm:NAME"
    )
