"""The reader of the user's JSON files."""

import json
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from labelmaps.errors import InputError
from labelmaps.storage.files import open_regular


def read_json(
    path: str | Path, wanted: str, make_object: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> Any:
    """Read the user's JSON file, in UTF-8, with or without a byte-order mark.

    wanted: the kind of file that the user should give, for messages.
    make_object: converts the (name, value) pairs of each JSON object; by default to a dict. It may raise `InputError`.

    Raises `InputError` if the file is missing or cannot be read, and, with the line, if it is not JSON.
    """
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8-sig") as file:
            return json.load(file, object_pairs_hook=make_object)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}. Correct the path") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path} as JSON: {error}. Give {wanted}") from error
