"""Downloads of weights over https, checked against a digest: torchvision's and, from the hub of Hugging Face, timm's."""

import hashlib
import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import safetensors

from labelmaps.errors import InputError
from labelmaps.jobs.progress import progress
from labelmaps.storage.files import moved_into_place

SAFE_SCHEMES = ("https",)
SILENCE = 60  # seconds without a byte, after which the download has failed
BLOCK = 2**20  # bytes
HUB = "https://huggingface.co"
_SHA256 = re.compile(r"[0-9a-f]{64}")
# The hub answers 401 for what is not there, too, as long as nobody is logged in.
_NOT_FOR_ALL = "there is no such file, or it needs an account, or a licence to be accepted"


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
    with _explaining(url), moved_into_place(path) as temporary:
        _compare(_fetch(url, temporary, _SafeRedirects()), match.group(1))


def download_from_hub(repository: str, revision: str, sha256: str | None, path: str | Path) -> str:
    """Download a repository's `model.safetensors` from the hub of Hugging Face, and check it against a digest.

    The hub is where the variable `HF_ENDPOINT` says, if it is set; it may then be a server of the user's without https.

    repository: its name, `timm/resnet18.a1_in1k`. revision: a commit or a branch. sha256: of the file, 64 hexadecimal
        digits; None takes the one that the hub states of this revision.
    path: of the file, which appears only when it is complete and checked.

    Returns the sha256. Raises `InputError` where the download fails, the digest does not match or there is none, where the
    file is not one of safetensors, and where `HF_HUB_OFFLINE` is set.
    """
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or HUB
    url = f"{endpoint}/{repository}/resolve/{revision}/model.safetensors"
    with _explaining(url):
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "on", "yes", "true"):
            raise ValueError("the variable HF_HUB_OFFLINE is set")
        if not endpoint.startswith(("http://", "https://")):
            raise ValueError(f"the variable HF_ENDPOINT is {endpoint!r}, and should be as {HUB}")
        with moved_into_place(path) as temporary:
            hub = _Hub(url)
            found = _fetch(url, temporary, hub, None if sha256 else hub.require_digest)
            _compare(found, sha256 or hub.digest)
            _refuse_other_formats(temporary)
    return found


@contextmanager
def _explaining(url: str) -> Generator[None]:
    """Convert what a download raises into an `InputError`."""
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        if isinstance(error, HTTPError):
            error.close()
            if error.code in (401, 403, 404):
                reason += f": {_NOT_FOR_ALL}"
        raise InputError(
            f"{url}: not downloaded ({reason}). Check network and disk, or fetch the file elsewhere and give it as "
            "`checkpoint:`"
        ) from error


def _compare(found: str, expected: str) -> None:
    """Raise `ValueError` unless a digest begins with what is expected."""
    if not found.startswith(expected):
        raise ValueError(f"its sha256 is {found}, and not {expected}: the file is cut or another")


def _refuse_other_formats(path: Path) -> None:
    """Raise `ValueError` for a file that is not one of safetensors."""
    try:
        with safetensors.safe_open(path, "np"):
            pass
    except safetensors.SafetensorError as error:
        raise ValueError(f"it is not a file of safetensors: {error}") from error


def _fetch(
    url: str, path: Path, redirects: "_SafeRedirects", before: Callable[[Any], None] | None = None
) -> str:
    """Download an address to a file, and return the sha256 of its bytes, hexadecimal.

    before: called with the answer before its content is read.
    """
    redirects.refuse_unsafe(url)
    digest = hashlib.sha256()
    request = Request(url, headers={"User-Agent": "labelmaps"})  # some servers refuse Python's default
    with build_opener(redirects).open(request, timeout=SILENCE) as answer:
        if before is not None:
            before(answer)
        length = int(answer.headers.get("Content-Length", 0)) or None
        with (
            path.open("wb") as file,
            progress(total=length, unit="B", unit_scale=True, desc=url.rpartition("/")[2]) as bar,
        ):
            while block := answer.read(BLOCK):
                file.write(block)
                digest.update(block)
                bar.update(len(block))
    return digest.hexdigest()


class _SafeRedirects(HTTPRedirectHandler):
    """A handler that follows redirects to safe addresses only."""

    def redirect_request(self, req, fp, code, msg, headers, newurl) -> Request | None:
        try:
            self.refuse_unsafe(newurl)
        except ValueError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def refuse_unsafe(self, url: str) -> None:
        """Raise `ValueError` for an address whose scheme is not among `SAFE_SCHEMES`."""
        if urlsplit(url).scheme not in SAFE_SCHEMES:
            raise ValueError(f"{url} is not an address of {' or '.join(SAFE_SCHEMES)}")


class _Hub(_SafeRedirects):
    """A handler that lets the hub itself be without https, if the user names it so, and takes note of what it states.

    url: of the file on the hub.
    digest: the sha256 that the hub states of the file; empty until it has, or if it states none.
    """

    def __init__(self, url: str):
        self._url, self._origin = url, _origin(url)
        self.digest = ""

    def redirect_request(self, req, fp, code, msg, headers, newurl) -> Request | None:
        self._note(headers.get("X-Linked-ETag"))
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def refuse_unsafe(self, url: str) -> None:
        """Raise `ValueError` for an address that is neither the hub's own nor safe."""
        if _origin(url) != self._origin:
            super().refuse_unsafe(url)

    def require_digest(self, answer: Any) -> None:
        """Raise `ValueError` if by the last answer, of which no content has been read, the hub has stated no sha256."""
        self._note(answer.headers.get("X-Linked-ETag"))
        if answer.url == self._url:  # elsewhere, such a tag may be the digest of something else
            self._note(answer.headers.get("ETag"))
        if not self.digest:
            raise ValueError(
                "the server states no sha256 of it, by which the file of a revision is checked: give `sha256:`"
            )

    def _note(self, tag: str | None) -> None:
        """Take note of the tag of a file, if it is a sha256 and the first."""
        digest = (tag or "").removeprefix("W/").strip('"').lower()
        if not self.digest and _SHA256.fullmatch(digest):
            self.digest = digest


def _origin(url: str) -> tuple[str, str]:
    """Return the scheme and the host, with the port, of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
