"""The reading of checkpoints: what a file is, whether it is whole, and what it holds, without running code from it.

Torch's own messages advise to trust the file and to load it with the code that it holds. None of them is passed on: what a
file is, is told from its first bytes, and torch reads only what `torch.save` has written.
"""

import re
import string
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from labelmaps.errors import InputError
from labelmaps.jobs.memory import is_out_of_memory
from labelmaps.storage.files import open_regular

NEEDED = "It must hold a state dict, as written by torch.save(network.state_dict(), path), with tensors only"
_ZIP = b"PK\x03\x04"
_OLD_FORMAT = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")  # torch.save wrote it up to version 1.5
_FOLDER_MARK = 0x10  # among the attributes of a member of a zip archive
_HEAD = 512  # bytes that tell what a file is
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


def read_checkpoint(path: str | Path) -> Any:
    """Read what `torch.save` has written, to the CPU, if it holds nothing but tensors, numbers, texts and their containers.

    Raises `InputError` for whatever else the file is or holds, and where a checksum in it differs: the archives that
    torch.save writes since version 1.6 have one for each tensor, of which torch itself takes no notice.
    """
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD)
        if reason := _foreign_kind(head) or (_archive_fault(path) if head.startswith(_ZIP) else None):
            raise _refusal(path, reason)
    except OSError as error:
        raise _refusal(path, str(error)) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they give advice, too
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a different type for each kind of damage
        raise _refusal(path, _reason(error)) from None  # a traceback would show torch's advice


def _refusal(path: str | Path, reason: str) -> InputError:
    """Return the error for a file that is no checkpoint, or not a whole one."""
    return InputError(f"{path}: not a readable checkpoint ({reason}). {NEEDED}")


def _foreign_kind(head: bytes) -> str | None:
    """Say what a file is that begins like this, if `torch.save` has not written it."""
    if head.startswith(_ZIP) or _OLD_FORMAT in head[:64]:
        return None
    if not head:
        return "it is empty"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**30:
        return "it holds safetensors: convert it with the package safetensors (load_file, then torch.save)"
    for start, kind in _FOREIGN.items():
        if head.startswith(start):
            return kind
    if head.startswith(b"\x80"):
        return "it is a pickle that torch.save has not written, and could run code"
    if head[257:262] == b"ustar" or not head.strip(b"\0"):
        return "it is a tar archive, as torch wrote them before version 0.1.10, or empty: save it anew"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "it is a web page or XML: was it downloaded from a page that refused?"
    if all(chr(byte) in string.printable for byte in head):
        return "it is a text"
    return "it has none of the formats of torch.save"


def _archive_fault(path: str | Path) -> str | None:
    """Say why a zip archive is not a whole one of `torch.save`, if it is not."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if any(name.endswith("/constants.pkl") for name in names):
                return "it is TorchScript, a network with its code"
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


def _reason(error: Exception) -> str:
    """Return the reason why torch cannot read a file, in other words than torch's."""
    if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return f"it holds {found[1][:100]}, and whatever is no tensor could run code"
    if is_out_of_memory(error):
        return "it needs more memory than there is"
    return "it is damaged, or holds something else than tensors"
