"""The reading of checkpoints: the format of a file, whether it is complete, and its content, without running code from it.

The format, safetensors or that of `torch.save`, is recognised by the first bytes; the ending of the name makes no
difference. Torch's own messages advise to trust the file and to run the code in it, so none of them is passed on.

Training checkpoints contain more than tensors: options of the command line, paths, NumPy's numbers. In place of an object of
one of the classes in `_LEFT_OUT`, torch creates a stand-in that stores nothing (or only the items, if the object is a dict):
no class that a file names is imported or called. Any other class is refused, and the message names it.
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
_OLD_FORMAT = (0x1950A86A20F9469CFC6C).to_bytes(
    10, "little"
)  # how files of torch.save before version 1.6 begin
_FOLDER_MARK = 0x10  # an attribute of a member of a zip archive
_HEAD = 512  # bytes by which the format is recognised
_LENGTH = 8  # bytes of the number that begins a safetensors file: the length of its header
_MAX_HEADER = 2**24  # bytes of that header; a tensor takes about a hundred
# How a file begins → the format, and what to do.
_FOREIGN = {
    b"version https://git-lfs": "it is a pointer of Git LFS to a file that was not fetched: run `git lfs pull`",
    b"\x89HDF\r\n\x1a\n": "it is an HDF5 file, as of Keras: convert it with the library that wrote it",
    b"\x93NUMPY": "it is a NumPy array",
    b"\x1f\x8b": "it is compressed: unpack it with gunzip or tar",
    b"BZh": "it is compressed: unpack it with bunzip2 or tar",
    b"\xfd7zXZ\0": "it is compressed: unpack it with unxz or tar",
    b"\x28\xb5\x2f\xfd": "it is compressed: unpack it with unzstd",
    b"GGUF": "it is a GGUF file, a format of language models",
    b"\x08": "it seems to be an ONNX file: convert it with the library that wrote it",
}


class _Nothing:
    """A stand-in for an object, which stores nothing."""

    def __new__(cls, *_: object) -> "_Nothing":
        return super().__new__(cls)

    def __setstate__(self, _: object) -> None:
        pass


class _Items:
    """A stand-in for a dict or an object with attributes: an empty dict, to which torch adds the items from the file."""

    def __new__(cls, *_: object) -> OrderedDict:
        return OrderedDict()


class _Elements:
    """A stand-in for a sequence: an empty list, to which torch adds the elements from the file."""

    def __new__(cls, *_: object) -> list:
        return []


# Stand-in → module → the classes and functions that it replaces, as pickles name them.
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
    """Read the content of a checkpoint, a file of safetensors or of `torch.save`, to the CPU, without running code from it.

    Returns tensors, numbers, texts and their containers, with stand-ins for objects of the classes in `_LEFT_OUT`.
    Raises `InputError` for a file in any other format, or with objects of other classes, and for one that is incomplete or
    differs from its checksums. The archives that `torch.save` writes since version 1.6 have a checksum for each tensor,
    which torch itself does not compare; safetensors have none.
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
            open_regular(path) as file,  # given a path, torch would take the format from its ending
            warnings.catch_warnings(),
            torch.serialization.safe_globals(_STAND_INS),
        ):
            warnings.simplefilter("ignore")  # they advise to trust the file, too
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a different type for each kind of damage
        raise _refusal(path, _reason(error, path)) from None  # a traceback would contain torch's advice


def _refusal(path: str | Path, reason: str) -> InputError:
    """Create the error for a file that is not a complete checkpoint; reason: why it is not."""
    return InputError(f"{path}: not a readable checkpoint ({reason}). {NEEDED}")


def _foreign_kind(head: bytes) -> str | None:
    """Describe the format of a file by its first bytes; return None if it is that of `torch.save`.

    head: the first `_HEAD` bytes, which are not those of safetensors.
    """
    if head.startswith(_ZIP) or _OLD_FORMAT in head[:64]:
        return None
    if not head:
        return "it is empty"
    for start, kind in _FOREIGN.items():
        if head.startswith(start):
            return kind
    if head.startswith(b"\x80"):
        return "it is a pickle that torch.save did not write, and could run code"
    if head[257:262] == b"ustar" or not head.strip(b"\0"):
        return "it is a tar archive, as torch wrote before version 0.1.10, or only zeros: save it again with a newer torch"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "it is a web page or XML: perhaps the server answered the download with an error page"
    if b'"weight_map"' in head:
        return "it is the list of the files into which a checkpoint was divided: load these, and save them as one file"
    if all(chr(byte) in string.printable for byte in head):
        return "it is a text file"
    return "it is neither a safetensors file nor one of torch.save"


def _is_safetensors(head: bytes) -> bool:
    """Return whether a file with these first bytes is safetensors, complete or not: a length, and a header in JSON."""
    return head[_LENGTH : _LENGTH + 1] == b"{" and int.from_bytes(head[:_LENGTH], "little") < 2**30


def _safetensors_fault(path: str | Path) -> str | None:
    """Describe why a safetensors file is incomplete or damaged; return None if its header and length are correct."""
    size = Path(path).stat().st_size - _LENGTH
    with open_regular(path) as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if length > size:
            return "it ends within its safetensors header. Copy or download it again"
        if length > _MAX_HEADER:
            return f"it is damaged: it states a header of {length} bytes. Copy or download it again"
        header = file.read(length)
    try:
        tensors = json.loads(header, object_pairs_hook=_without_repeats)
        ends = [tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__"]
        end = max(ends, default=0)
        if end > size - length:
            return f"it is incomplete: it has {size - length} of {end} bytes of tensors. Copy or download it again"
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return "its safetensors header is damaged. Copy or download it again"
    return None  # the package safetensors itself checks the type, shape and offsets of each tensor


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Convert the items of a JSON object to a dict; raise `ValueError` if a name occurs twice."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _archive_fault(path: str | Path) -> str | None:
    """Describe why a zip archive is not a complete one of `torch.save`; return None if it is, and agrees with its checksums.

    Raises `OSError` if the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if any(name.endswith("/constants.pkl") for name in names):
                return "it is TorchScript, a network with its code, which is not run"
            if not any(name.endswith("/data.pkl") for name in names):
                return f"it is a zip archive that torch.save did not write, with {', '.join(names[:3])[:100]}"
            if len({*names}) < len(names):
                return "it is damaged: a name occurs twice in the archive"
            # Torch reads no data for a member that is marked as a folder, and returns uninitialised memory.
            if any(member.external_attr & _FOLDER_MARK and member.file_size for member in members):
                return "it is damaged: a tensor in the archive is marked as a folder"
            # torch.serialization.set_crc32_options(False) omits all checksums.
            if any(member.CRC for member in members) and (damaged := archive.testzip()):
                return f"it is damaged: {damaged[:100]} differs from its checksum. Copy or download it again"
    except OSError:
        raise
    except Exception as error:  # zipfile, too, raises many types
        return f"its archive is damaged or incomplete: {str(error)[:100] or type(error).__name__}"
    return None


def _reason(error: Exception, path: str | Path) -> str:
    """Describe why torch could not read a file, without torch's advice. error: torch's."""
    if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
        network = " a network or a layer, pickled with its code:" if _holds_network(path) else ""
        return f"it contains{network} {found[1][:100]}, and objects other than tensors could run code"
    if is_out_of_memory(error):
        return "it needs more memory than is free"
    return "it is damaged, or contains something other than tensors"


def _holds_network(path: str | Path) -> bool:
    """Return whether a file of `torch.save` names classes of layers, as one with a pickled network does."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            pickled = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            return b"torch.nn.modules." in archive.read(pickled)
    return b"torch.nn.modules." in Path(path).read_bytes()
