"""Downloads of torchvision's weights, checked against the hash in their file name."""

import hashlib
import re
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from labelmaps.errors import InputError
from labelmaps.jobs.progress import progress
from labelmaps.storage.files import moved_into_place

SAFE_SCHEMES = ("https",)
SILENCE = 60  # seconds without a byte, after which the download has failed
BLOCK = 2**20  # bytes


def download_weights(url: str, path: str | Path) -> None:
    """Download torchvision's weights, and check them against the hash in their file name.

    url: https, and ends in name-<hash>.pth, where hash is the first hexadecimal digits of the sha256.
    path: of the file, which appears only when it is complete and checked.

    Raises `InputError` where the address is of another form, the download fails, or the hash does not match.
    """
    match = re.search(r"-([0-9a-f]{8,})\.pth$", url)
    if match is None:
        raise InputError(
            f"{url}: the file name carries no hash (name-<8 hexadecimal digits>.pth) to check against"
        )
    try:
        with moved_into_place(path) as temporary:
            found = _fetch(url, temporary)
            if not found.startswith(match.group(1)):
                raise ValueError(f"its sha256 is {found}: the file is cut or another")
    except (OSError, HTTPException, ValueError) as error:
        raise InputError(
            f"{url}: not downloaded ({str(error) or type(error).__name__}). Check network and disk, or fetch the file "
            "elsewhere and give it as `checkpoint:`"
        ) from error


def _fetch(url: str, path: Path) -> str:
    """Download an address to a file, and return the sha256 of its bytes, hexadecimal."""
    _refuse_unsafe(url)
    digest = hashlib.sha256()
    request = Request(url, headers={"User-Agent": "labelmaps"})  # some servers refuse Python's default
    with build_opener(_SafeRedirects).open(request, timeout=SILENCE) as answer, path.open("wb") as file:
        length = int(answer.headers.get("Content-Length", 0)) or None
        with progress(total=length, unit="B", unit_scale=True, desc=url.rpartition("/")[2]) as bar:
            while block := answer.read(BLOCK):
                file.write(block)
                digest.update(block)
                bar.update(len(block))
    return digest.hexdigest()


class _SafeRedirects(HTTPRedirectHandler):
    """A handler that follows redirects to safe addresses only."""

    def redirect_request(self, req, fp, code, msg, headers, newurl) -> Request | None:
        _refuse_unsafe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refuse_unsafe(url: str) -> None:
    """Raise `ValueError` for an address whose scheme is not among `SAFE_SCHEMES`."""
    if urlsplit(url).scheme not in SAFE_SCHEMES:
        raise ValueError(f"{url} is not an address of {' or '.join(SAFE_SCHEMES)}")
