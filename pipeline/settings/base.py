"""Types and checks that the blocks of the configuration share."""

import difflib
import os
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Annotated

import pydantic
from pydantic import Field

from labelmaps.data.file_names import find_file

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


def spell(path: str) -> str:
    """Return a path of the user's in one spelling, so that two spellings are not taken for two files.

    `~` becomes the home folder; doubled slashes, `./` and a slash at the end are removed. `..` stays, as after a link it
    leads elsewhere. If a name with accents exists in another form (Unicode's NFC and NFD), the form that exists is returned.
    Raises `ValueError` for the home of an unknown user.
    """
    known = os.path.expanduser(path)  # noqa: PTH111 (Path.expanduser would raise RuntimeError)
    if known.startswith("~") and not os.path.lexists(known):
        raise ValueError(f"{path}: no user of this name has a home folder; write the path out")
    spelt = re.sub("^/+", "/", str(Path(known)))  # Path keeps two slashes at the start
    return str(find_file(Path(spelt)))


# A path of the user's: some text, as files are named.
Location = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]+$"), pydantic.AfterValidator(spell)]
Positive = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]  # the range that every random generator accepts
ThreeMeans = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=3, max_length=3)]
ThreeSpreads = Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=3, max_length=3)]

MOST_NAMED = 40  # up to so many allowed names are all listed in a message; of more, only the nearest
NEAREST = 5
# The reason why a key may be present that the user did not write.
MERGED = "(an entry of an existing name is merged into it; choose a new name)"


class ConfigurationError(ValueError):
    """The mistakes in a configuration, one per line."""


def check_known(name: str, names: Collection[str], what: str) -> str:
    """Return the name if it is among the allowed ones; otherwise raise `ValueError` with these.

    names: a dictionary, as a catalogue is, if there may be thousands. what: the key, for the message.
    """
    if name not in names:
        raise ValueError(f"{what} {name!r} is unknown; {_hint(name, tuple(names))}")
    return name


@cache  # thousands of entries may share a mistake
def _hint(name: str, names: tuple[str, ...]) -> str:
    """Return the allowed names that are nearest to a wrong one, or all of them."""
    if len(names) <= MOST_NAMED:
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        return f"{hint}choose from {', '.join(names)}"
    close = difflib.get_close_matches(name, names, NEAREST)
    if close:
        return f"the nearest of {len(names)} are {', '.join(close)}"
    return f"choose from {', '.join(names[:NEAREST])} … ({len(names)} in all)"


class Closed(pydantic.BaseModel):
    """A block of settings with known keys only, whose types are not converted."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, entry):
        for key in entry if isinstance(entry, dict) else ():
            check_known(str(key), cls.model_fields, "key")
        return entry


def check_exactly_one(settings: Closed, *keys: str) -> None:
    """Raise `ValueError` unless exactly one of the keys is set."""
    given = [key for key in keys if getattr(settings, key) is not None]
    if len(given) != 1:
        hint = f" {MERGED}" if len(given) > 1 else ""
        raise ValueError(f"give exactly one of {', '.join(keys)}; given: {', '.join(given) or 'none'}{hint}")
