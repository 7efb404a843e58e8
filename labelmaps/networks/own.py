"""Networks that the user's own function builds, in a file or an installed package."""

import hashlib
import importlib
import importlib.util
import inspect
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.architectures import Architecture

FAILURES = (
    Exception,
    SystemExit,
)  # of the user's code; sys.exit() would end the job without a message, perhaps with the status of success

logger = logging.getLogger(__name__)


def build_own(architecture: Architecture, n_labels: int, size: int) -> nn.Module:
    """Build a network by calling the user's function.

    architecture: its library is `file` or `module`.
    n_labels, size: the number of logits and the side of the views in pixels. The function receives them as `num_classes` and
        `size` if it has parameters of these names.

    If the network returns an object with an attribute `logits`, as models of the package transformers do, it returns these
    logits instead.
    Raises `InputError` if the function cannot be imported, if it raises an error, and if it does not return a network.
    """
    name = f"{architecture.place}:{architecture.function}"
    function = find_function(architecture)
    known = {"num_classes": n_labels, "size": size}
    try:
        taken = inspect.signature(function).parameters
        network = function(**{key: value for key, value in known.items() if key in taken})
    except FAILURES as error:
        logger.exception("%s:", name)
        raise InputError(
            f"architecture: {name}: could not be called ({_first_line(error)}). The traceback is above in the log. The "
            "function may have the parameters num_classes and size; all others need a default"
        ) from error
    if not isinstance(network, nn.Module):
        raise InputError(
            f"architecture: {name}: returns a {type(network).__name__} instead of a torch.nn.Module. Let it return the "
            "network"
        )
    network.register_forward_hook(_logits_of)
    return network


def _logits_of(_: nn.Module, inputs: tuple, output: object) -> object:
    """Return the attribute `logits` of a module's output, or None, which leaves the output as it is: a forward hook."""
    logits = getattr(output, "logits", None)
    return logits if isinstance(logits, Tensor) else None


def find_function(architecture: Architecture) -> Callable[..., object]:
    """Import the user's file or module, and return the function that builds the network.

    Raises `InputError` if it cannot be imported, or has no such function.
    """
    place, function = architecture.place, architecture.function
    try:
        module = (
            _import_file(Path(place)) if architecture.library == "file" else importlib.import_module(place)
        )
    except FAILURES as error:
        logger.exception("%s:", place)
        raise InputError(
            f"architecture: {place}: cannot be imported ({_first_line(error)}). The traceback is above in the log. Correct "
            "the file, or install the packages that it imports in the environment of this job"
        ) from error
    found = getattr(module, function, None)
    if not callable(found):
        names = ", ".join(name for name, value in vars(module).items() if inspect.isfunction(value))
        raise InputError(
            f"architecture: {place} has no function `{function}`. Choose one of its functions: {names or 'there are none'}"
        )
    return found


def _first_line(error: BaseException) -> str:
    """Return the type of an error and the first line of its message."""
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])


def _import_file(path: Path) -> ModuleType:
    """Import a Python file, which can import its neighbours as `import other` and as `from . import other`.

    Raises `ImportError` if it is not a Python file, and whatever the file raises.
    """
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)  # last, so that no file there hides a library of the same name
    package = ModuleType(f"_folder_{hashlib.sha256(folder.encode()).hexdigest()[:8]}")  # for relative imports
    package.__path__ = [folder]
    sys.modules.setdefault(package.__name__, package)
    name = f"{package.__name__}.{path.stem}"  # no library has this name
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
