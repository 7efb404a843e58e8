"""Names of architectures in the configuration: of torchvision, of timm, and of the user's own functions."""

from typing import Literal, NamedTuple


class Architecture(NamedTuple):
    """The parts of an architecture's name.

    library: `torchvision` (also for this package's `small_resnet`), `timm`, or `file` or `module` for a function of the
        user.
    place: the name in the library, the path of the file, or the dotted name of the module.
    function: the name of the function that builds the network; empty for a library.
    """

    library: Literal["torchvision", "timm", "file", "module"]
    place: str
    function: str = ""


def read_architecture(name: str) -> Architecture:
    """Split the name of an architecture into its parts; nothing is imported.

    name: in one of the forms `resnet18`, `timm:resnet18`, `path/to/file.py:build` and `package.module:build`.

    Raises `ValueError` for a name in any other form.
    """
    place, colon, last = name.rpartition(":")
    if not colon:
        return Architecture("torchvision", name)
    if place == "timm":
        return Architecture("timm", last)
    if not last.isidentifier():
        raise ValueError(
            f"architecture: {name}: '{last}' is not the name of a function. Write path/to/file.py:build"
        )
    if place.endswith(".py"):
        return Architecture("file", place, last)
    if all(part.isidentifier() for part in place.split(".")):
        return Architecture("module", place, last)
    raise ValueError(
        f"architecture: {name}: '{place}' is neither a Python file nor a module. Write path/to/file.py:build, "
        "package.module:build or timm:NAME"
    )
