"""The reader of a user's JSON files."""

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
    """Read a JSON file, in UTF-8, maybe with a byte-order mark.

    wanted: what to give instead of a file that is no JSON, for the message. make_object: makes an object of its names and
    values, where that is to be no plain dictionary; it may raise `InputError`.

    Raises `InputError` if there is no such file, if it cannot be read, and, with the line, if it is no JSON.
    """
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8-sig") as file:
            return json.load(file, object_pairs_hook=make_object)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}; mend its path") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path} as JSON: {error}; give {wanted}") from error
