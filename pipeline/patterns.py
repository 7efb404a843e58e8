"""Constraints on the wildcards of rules: the regular expression of some names."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby

NOTHING = "(?!)"


def match_any(names: Iterable[str]) -> str:
    """Return the regular expression that matches these names and nothing else, as a constraint on a wildcard.

    Snakemake compiles it once for each output of each rule, so it must stay short even for thousands of names: beginnings
    and endings that names have in common occur in it once.
    """
    endings: dict[
        str, list[str]
    ] = {}  # a name that begins with no other name → the rests of names that begin with it
    start = None
    for name in sorted(set(names)):  # names that begin alike follow one another
        if start is None or not name.startswith(start):
            start = name
        endings.setdefault(start, []).append(name.removeprefix(start))
    starts = defaultdict(list)  # pattern of such rests → the names to which they are added
    for start, added in endings.items():
        starts[_match(added)].append(start)
    return "|".join(_match(alike) + ending for ending, alike in starts.items()) or NOTHING


def _match(texts: Sequence[str]) -> str:
    """Return the regular expression of one or several texts, which must be sorted and distinct."""
    if len(texts) == 1:
        return re.escape(texts[0])
    common = os.path.commonprefix([texts[0], texts[-1]])  # noqa: RUF071 (of all texts, as they are sorted)
    rests = [text.removeprefix(common) for text in texts]
    ends_here = rests[0] == ""
    letters = defaultdict(list)  # pattern of a rest → the letters before it
    for letter, group in groupby(rests[ends_here:], lambda rest: rest[0]):
        letters[_match([rest[1:] for rest in group])].append(letter)
    branches = [_match_letter(choices) + rest for rest, choices in letters.items()]
    if ends_here or len(branches) > 1:
        branches = [f"(?:{'|'.join(branches)}){'?' if ends_here else ''}"]
    return re.escape(common) + branches[0]


def _match_letter(letters: Sequence[str]) -> str:
    """Return the regular expression of any of these letters."""
    escaped = "".join(map(re.escape, letters))
    return f"[{escaped}]" if len(letters) > 1 else escaped
