"""The reading of checkpoints: what a file is, whether it is whole, and what it holds, without running code from it.

What a file is, is told from its first bytes, whatever its name ends in: safetensors, or what `torch.save` has written.
Torch's own messages advise to trust the file and to load it with the code that it holds. None of them is passed on.

Training checkpoints hold more than tensors: the options of the command line, paths, NumPy's numbers. Instead of an object of
one of the classes in `_LEFT_OUT`, torch makes a stand-in that keeps nothing of it (or its items alone, where it is a dict):
no class that a file names is imported or called. Any other class is refused, with its name.
"""

import json
import re
import string
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from labelmaps.errors import InputError
from labelmaps.jobs.memory import is_out_of_memory
from labelmaps.storage.files import open_regular

NEEDED = (
    "It must hold a state dict, alone or within a training checkpoint. Where the network was trained, "
    "torch.save(network.state_dict(), path) writes one"
)
_ZIP = b"PK\x03\x04"
_OLD_FORMAT = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")  # torch.save wrote it up to version 1.5
_FOLDER_MARK = 0x10  # among the attributes of a member of a zip archive
_HEAD = 512  # bytes that tell what a file is
_LENGTH = 8  # bytes that say how long the header of safetensors is
_MAX_HEADER = 2**24  # bytes of that header; a tensor takes about a hundred
# How a file begins → what it is, and what to do.
_FOREIGN = {
    b"version https://git-lfs": "it is a pointer of Git LFS to a file that was not fetched: run `git lfs pull`",
    b"\x89HDF\r\n\x1a\n": "it is HDF5, as Keras writes it: convert it in the library that wrote it",
    b"\x93NUMPY": "it is an array of NumPy",
    b"\x1f\x8b": "it is compressed: unpack it with gunzip or tar",
    b"BZh": "it is compressed: unpack it with bunzip2 or tar",
    b"\xfd7zXZ\0": "it is compressed: unpack it with unxz or tar",
    b"\x28\xb5\x2f\xfd": "it is compressed: unpack it with unzstd",
    b"GGUF": "it is GGUF, a format of language models",
    b"\x08": "it looks like ONNX: convert it in the library that wrote it",
}


class _Nothing:
    """A stand-in for an object, of which it keeps nothing."""

    def __new__(cls, *_: object) -> "_Nothing":
        return super().__new__(cls)

    def __setstate__(self, _: object) -> None:
        pass


class _Items:
    """A stand-in for a dict, or an object with attributes, that becomes a dict of the items that follow it in the file."""

    def __new__(cls, *_: object) -> OrderedDict:
        return OrderedDict()


class _Elements:
    """A stand-in for a list that becomes a list of the elements that follow it in the file."""

    def __new__(cls, *_: object) -> list:
        return []


# Stand-in → module → the classes and functions, as pickles name them, that it stands for.
_LEFT_OUT = {
    _Nothing: {
        "builtins": "bool bytes dict float frozenset int list object range slice str tuple",
        "datetime": "date datetime time timedelta timezone",
        "numpy": "dtype ndarray",
        "numpy.core.multiarray": "_reconstruct scalar",
        "numpy._core.multiarray": "_reconstruct scalar",
        "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
        "pathlib._local": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
        "typing": "Any",
    },
    _Items: {
        "addict.addict": "Dict",
        "argparse": "Namespace",
        "collections": "defaultdict",
        "easydict": "EasyDict",
        "lightning.fabric.utilities.data": "AttributeDict",
        "lightning_fabric.utilities.data": "AttributeDict",
        "omegaconf.base": "ContainerMetadata Metadata",
        "omegaconf.dictconfig": "DictConfig",
        "omegaconf.listconfig": "ListConfig",
        "omegaconf.nodes": "AnyNode BooleanNode BytesNode EnumNode FloatNode IntegerNode PathNode StringNode",
        "pytorch_lightning.utilities.parsing": "AttributeDict",
        "types": "SimpleNamespace",
        "yacs.config": "CfgNode",
    },
    _Elements: {"collections": "deque"},
}
_STAND_INS: list[Callable | tuple[Callable, str]] = [
    (stand_in, f"{module}.{name}")
    for stand_in, modules in _LEFT_OUT.items()
    for module, names in modules.items()
    for name in names.split()
]


def read_checkpoint(path: str | Path) -> Any:
    """Read a file of safetensors, or one that `torch.save` has written, to the CPU.

    Returns tensors, numbers, texts and their containers, and stand-ins for objects of the classes in `_LEFT_OUT`.
    Raises `InputError` for whatever else the file is or holds, and where a checksum in it differs: the archives that
    torch.save writes since version 1.6 have one for each tensor, of which torch itself takes no notice. Safetensors have
    none.
    """
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD)
        is_safetensors = _is_safetensors(head)
        if is_safetensors:
            reason = _safetensors_fault(path)
        else:
            reason = _foreign_kind(head) or (_archive_fault(path) if head.startswith(_ZIP) else None)
        if reason:
            raise _refusal(path, reason)
    except OSError as error:
        raise _refusal(path, str(error)) from error
    try:
        if is_safetensors:
            return safetensors.torch.load_file(path)
        with (
            open_regular(path) as file,  # from a path, torch would tell the format by the ending
            warnings.catch_warnings(),
            torch.serialization.safe_globals(_STAND_INS),
        ):
            warnings.simplefilter("ignore")  # they give advice, too
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a different type for each kind of damage
        raise _refusal(path, _reason(error, path)) from None  # a traceback would show torch's advice


def _refusal(path: str | Path, reason: str) -> InputError:
    """Return the error for a file that is no checkpoint, or not a whole one."""
    return InputError(f"{path}: not a readable checkpoint ({reason}). {NEEDED}")


def _foreign_kind(head: bytes) -> str | None:
    """Say what a file is that begins like this, if it is not safetensors and `torch.save` has not written it."""
    if head.startswith(_ZIP) or _OLD_FORMAT in head[:64]:
        return None
    if not head:
        return "it is empty"
    for start, kind in _FOREIGN.items():
        if head.startswith(start):
            return kind
    if head.startswith(b"\x80"):
        return "it is a pickle that torch.save has not written, and could run code"
    if head[257:262] == b"ustar" or not head.strip(b"\0"):
        return "it is a tar archive, as torch wrote them before version 0.1.10, or empty: save it anew"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "it is a web page or XML: was it downloaded from a page that refused?"
    if b'"weight_map"' in head:
        return "it is the list of the files that a checkpoint was divided into: load them elsewhere, and save one file"
    if all(chr(byte) in string.printable for byte in head):
        return "it is a text"
    return "it is neither safetensors, nor has it a format of torch.save"


def _is_safetensors(head: bytes) -> bool:
    """Return whether a file that begins like this is one of safetensors, whole or not: a length, and a header in JSON."""
    return head[_LENGTH : _LENGTH + 1] == b"{" and int.from_bytes(head[:_LENGTH], "little") < 2**30


def _safetensors_fault(path: str | Path) -> str | None:
    """Say why a file of safetensors is not a whole one, if it is not."""
    size = Path(path).stat().st_size - _LENGTH
    with open_regular(path) as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if length > size:
            return "it is cut within the header of safetensors. Copy or download it again"
        if length > _MAX_HEADER:
            return f"its header is said to have {length} bytes: it is damaged"
        header = file.read(length)
    try:
        tensors = json.loads(header, object_pairs_hook=_without_repeats)
        ends = [tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__"]
        end = max(ends, default=0)
        if end > size - length:
            return (
                f"it is cut: it has {size - length} of {end} bytes of safetensors. Copy or download it again"
            )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return "its header of safetensors is damaged. Copy or download it again"
    return None  # the package compares types, shapes and offsets of each tensor


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the items of an object of JSON; raise `ValueError` where a name stands in it twice."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _archive_fault(path: str | Path) -> str | None:
    """Say why a zip archive is not a whole one of `torch.save`, if it is not."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if any(name.endswith("/constants.pkl") for name in names):
                return "it is TorchScript, a network with its code, which is not run"
            if not any(name.endswith("/data.pkl") for name in names):
                return (
                    f"it is a zip archive that torch.save has not written, with {', '.join(names[:3])[:100]}"
                )
            if len({*names}) < len(names):
                return "a name occurs twice in its archive: it is damaged"
            # Of what is marked as a folder torch reads nothing, and gives whatever is in memory.
            if any(member.external_attr & _FOLDER_MARK and member.file_size for member in members):
                return "a tensor in its archive is marked as a folder: it is damaged"
            # torch.serialization.set_crc32_options(False) leaves all checksums out.
            if any(member.CRC for member in members) and (damaged := archive.testzip()):
                return f"{damaged[:100]} in it differs from its checksum: it is damaged. Copy or download it again"
    except OSError:
        raise
    except Exception as error:  # zipfile, too, raises many types
        return f"its archive is damaged or cut: {str(error)[:100] or type(error).__name__}"
    return None


def _reason(error: Exception, path: str | Path) -> str:
    """Return the reason why a file cannot be read, in other words than torch's."""
    if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
        network = " a network or a layer, pickled with its code:" if _holds_network(path) else ""
        return f"it holds{network} {found[1][:100]}, and whatever is no tensor could run code"
    if is_out_of_memory(error):
        return "it needs more memory than there is"
    return "it is damaged, or holds something else than tensors"


def _holds_network(path: str | Path) -> bool:
    """Return whether a file that torch has written names classes of layers, as that of a whole network does."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            pickled = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            return b"torch.nn.modules." in archive.read(pickled)
    return b"torch.nn.modules." in Path(path).read_bytes()
