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
SILENCE = 60  # seconds without a byte after which the download fails
BLOCK = 2**20  # bytes
HUB = "https://huggingface.co"
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Without a login, the hub answers 401 for files that do not exist, too.
_NOT_FOR_ALL = "there is no such file, or it needs an account, or a licence to be accepted"


def download_weights(url: str, path: str | Path) -> None:
    """Download torchvision's weights, and compare them with the hash in their file name.

    url: an https address that ends in NAME-HASH.pth, where HASH is the first eight or more hexadecimal digits of the
        SHA-256.
    path: the file to write, which appears only when it is complete and verified.

    Raises `InputError` if the address has another form, the download fails, or the hash does not match.
    """
    match = re.search(r"-([0-9a-f]{8,})\.pth$", url)
    if match is None:
        raise InputError(
            f"{url}: the file name contains no hash to compare the file with. Give an address that ends in "
            "NAME-HASH.pth, with 8 or more hexadecimal digits of the SHA-256"
        )
    with _explaining(url), moved_into_place(path) as temporary:
        _compare(_fetch(url, temporary, _SafeRedirects()), match.group(1))


def download_from_hub(repository: str, revision: str, sha256: str | None, path: str | Path) -> str:
    """Download a repository's `model.safetensors` from the hub of Hugging Face, and compare it with its SHA-256.

    The environment variable `HF_ENDPOINT` may name another server, also one without https.

    repository: its name, as `timm/resnet18.a1_in1k`.
    revision: a commit or a branch.
    sha256: the file's, 64 hexadecimal digits; None takes the one that the hub states for this revision.
    path: the file to write, which appears only when it is complete and verified.

    Returns the SHA-256 of the file.
    Raises `InputError` if the download fails, if the SHA-256 does not match or the hub states none, if the file is not
    safetensors, and if the environment variable `HF_HUB_OFFLINE` is set.
    """
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or HUB
    url = f"{endpoint}/{repository}/resolve/{revision}/model.safetensors"
    with _explaining(url):
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "on", "yes", "true"):
            raise ValueError("the environment variable HF_HUB_OFFLINE is set")
        if not endpoint.startswith(("http://", "https://")):
            raise ValueError(
                f"the environment variable HF_ENDPOINT is {endpoint!r}, and must be an address such as {HUB}"
            )
        with moved_into_place(path) as temporary:
            hub = _Hub(url)
            found = _fetch(url, temporary, hub, None if sha256 else hub.require_digest)
            _compare(found, sha256 or hub.digest)
            _refuse_other_formats(temporary)
    return found


@contextmanager
def _explaining(url: str) -> Generator[None]:
    """Convert the errors of a download in the `with` block into an `InputError`.

    These are `OSError`, which includes those of the network and the disk, `HTTPException` and `ValueError`.

    url: the address of the download, for the message.
    """
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        if isinstance(error, HTTPError):
            error.close()
            if error.code in (401, 403, 404):
                reason += f": {_NOT_FOR_ALL}"
        raise InputError(
            f"{url}: not downloaded ({reason}). Check the network and the disk, or download the file by other means and "
            "give it as `checkpoint:`"
        ) from error


def _compare(found: str, expected: str) -> None:
    """Raise `ValueError` unless a digest begins with the digits that are expected."""
    if not found.startswith(expected):
        raise ValueError(f"its sha256 is {found}, not {expected}: it is incomplete or another file")


def _refuse_other_formats(path: Path) -> None:
    """Raise `ValueError` if a file is not in the format of safetensors."""
    try:
        with safetensors.safe_open(path, "np"):
            pass
    except safetensors.SafetensorError as error:
        raise ValueError(f"it is not a safetensors file: {error}") from error


def _fetch(
    url: str, path: Path, redirects: "_SafeRedirects", before: Callable[[Any], None] | None = None
) -> str:
    """Download the content of an address to a file, with a progress bar, and return its SHA-256 in hexadecimal.

    redirects: which addresses may be opened.
    before: a function that is called with the server's response before its content is read; it may raise an error.
    """
    redirects.refuse_unsafe(url)
    digest = hashlib.sha256()
    request = Request(url, headers={"User-Agent": "labelmaps"})  # some servers refuse Python's default name
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
    """A handler that follows redirects only to addresses with one of the `SAFE_SCHEMES`."""

    def redirect_request(self, req, fp, code, msg, headers, newurl) -> Request | None:
        try:
            self.refuse_unsafe(newurl)
        except ValueError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def refuse_unsafe(self, url: str) -> None:
        """Raise `ValueError` if the scheme of an address is not among the `SAFE_SCHEMES`."""
        if urlsplit(url).scheme not in SAFE_SCHEMES:
            raise ValueError(f"{url} is not an {' or '.join(SAFE_SCHEMES)} address")


class _Hub(_SafeRedirects):
    """A handler that accepts addresses on the hub itself, also without https, and records the SHA-256 that the hub states.

    url: the address of the file on the hub.
    digest: the SHA-256 that the hub states for the file, in hexadecimal; empty before it states one.
    """

    def __init__(self, url: str):
        self._url, self._origin = url, _origin(url)
        self.digest = ""

    def redirect_request(self, req, fp, code, msg, headers, newurl) -> Request | None:
        self._note(headers.get("X-Linked-ETag"))
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def refuse_unsafe(self, url: str) -> None:
        """Raise `ValueError` if an address is neither on the hub nor has one of the `SAFE_SCHEMES`."""
        if _origin(url) != self._origin:
            super().refuse_unsafe(url)

    def require_digest(self, answer: Any) -> None:
        """Raise `ValueError` if the hub has stated no SHA-256, neither in a redirect nor in this last response.

        answer: the response, whose headers are read.
        """
        self._note(answer.headers.get("X-Linked-ETag"))
        if answer.url == self._url:  # on another server, this tag may be the digest of something else
            self._note(answer.headers.get("ETag"))
        if not self.digest:
            raise ValueError(
                "the server states no sha256 with which to compare the file: give one as `sha256:`"
            )

    def _note(self, tag: str | None) -> None:
        """Record the tag of a file as its digest, if it is a SHA-256 and none has been recorded before."""
        digest = (tag or "").removeprefix("W/").strip('"').lower()
        if not self.digest and _SHA256.fullmatch(digest):
            self.digest = digest


def _origin(url: str) -> tuple[str, str]:
    """Return the scheme of an address, and its host with the port."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
