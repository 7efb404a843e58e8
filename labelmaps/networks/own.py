"""Networks that a function of the user's builds, in a file or an installed package."""

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
)  # of the user's code; after sys.exit() nothing would be said, and the job might succeed

logger = logging.getLogger(__name__)


def build_own(architecture: Architecture, n_labels: int, size: int) -> nn.Module:
    """Call the user's function, with `num_classes` and `size` if it has parameters of these names.

    architecture: of a file or a module. n_labels: number of logits. size: side of the views, in pixels.

    What transformers' models return is replaced by its `logits`. Raises `InputError` where there is no such file, module or
    function, where it raises, and where it returns no network.
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
            f"architecture: {name}: could not be called ({_first_line(error)}). Its traceback is in the log "
            "above. It may have the parameters num_classes and size, and no others without a default"
        ) from error
    if not isinstance(network, nn.Module):
        raise InputError(
            f"architecture: {name}: returns a {type(network).__name__}, and no torch.nn.Module; let it return the network"
        )
    network.register_forward_hook(logits_of)
    return network


def logits_of(_: nn.Module, inputs: tuple, output: object) -> object:
    """Return the logits in the output of a model of transformers; other outputs as they are."""
    logits = getattr(output, "logits", None)
    return logits if isinstance(logits, Tensor) else None


def find_function(architecture: Architecture) -> Callable[..., object]:
    """Import the file or module, and return its function."""
    place, function = architecture.place, architecture.function
    try:
        module = (
            _import_file(Path(place)) if architecture.library == "file" else importlib.import_module(place)
        )
    except FAILURES as error:
        logger.exception("%s:", place)
        raise InputError(
            f"architecture: {place}: cannot be imported ({_first_line(error)}). Its traceback is in the log "
            "above; mend it, or install what it imports in the environment of this job"
        ) from error
    found = getattr(module, function, None)
    if not callable(found):
        names = ", ".join(name for name, value in vars(module).items() if inspect.isfunction(value))
        raise InputError(
            f"architecture: {place} has no function `{function}`; its functions: {names or 'none'}"
        )
    return found


def _first_line(error: BaseException) -> str:
    """Return the type of an error and the first line of its text."""
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])


def _import_file(path: Path) -> ModuleType:
    """Import a file of Python; what lies beside it can be imported by it, as `import other` and as `from . import other`."""
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)  # last, so that no file there stands for a library
    package = ModuleType(f"_folder_{hashlib.sha256(folder.encode()).hexdigest()[:8]}")  # for relative imports
    package.__path__ = [folder]
    sys.modules.setdefault(package.__name__, package)
    name = f"{package.__name__}.{path.stem}"  # that of no library
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no file of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
