"""The search for a network's state dict in the content of a checkpoint, at its top or within the dicts of a training run.

The rule: a dict in the file and a prefix fit if the dict contains every key of the network with the prefix before it. The
names of wrappers (`WRAPPERS`) are ignored anywhere in a key. If several dicts or prefixes fit, the average of the weights is
taken (`ema` in the dict's place or in the prefix), as timm does; if several or no averages fit, the file is refused. Keys
that the network does not have are ignored if evaluation never uses them (`_UNUSED`), and refused otherwise. A key that the
network has is never ignored.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from labelmaps.errors import InputError

SHOWN_KEYS = 5  # of each kind, in a message
SHOWN_LETTERS = 80  # of a key, in a message
# The names that these wrappers add to keys: DataParallel and AveragedModel, torch.compile, FSDP, activation checkpointing.
WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
DEPTH = 4  # of nested dicts that are searched
_EMA = re.compile(r"(?<![a-z])ema(?![a-z])", re.IGNORECASE)
_OLD_DENSENET = re.compile(r"\b(norm|conv)\.([12])\.")
# Numbers of batches, of operations (by the profiler thop) and of averaged updates (AveragedModel); what older Swins stored
# and all Swins compute; the token for masked patches, used in pretraining; auxiliary heads; the loss.
_UNUSED = re.compile(
    r"(^|\.)(num_batches_tracked|total_ops|total_params|n_averaged|relative_position_index|attn_mask|mask_token)$"
    r"|^aux[^.]*\.|(^|[._])(criterion|loss)[^.]*\.",
    re.IGNORECASE,
)
_MAX_UNUSED = 1000  # letters; longer keys are refused without a search for `_UNUSED`
# Classes of auxiliary heads (GoogLeNet, Inception), which run in training only.
_AUXILIARY = ("GoogLeNetAux", "InceptionAux")


def shorten(text: str) -> str:
    """Shorten a text from a file for a message, and escape it if it has unprintable characters, such as terminal codes."""
    return text[: 2 * SHOWN_LETTERS] if text.isprintable() else ascii(text)[:SHOWN_LETTERS]


def join_shortened(texts: Collection[str], separator: str = "; ") -> str:
    """Join the first `SHOWN_KEYS` texts from a file for a message, in their order, each shortened as by `shorten`."""
    texts = list(texts)
    return separator.join(map(shorten, texts[:SHOWN_KEYS])) + f"{separator}…" * (len(texts) > SHOWN_KEYS)


def needed_keys(network: nn.Module) -> set[str]:
    """Return the keys of a network's state dict without which it cannot be evaluated.

    These are all keys except the numbers of batches, which older checkpoints lack, and those of auxiliary heads, which some
    networks were saved without.
    """
    heads = [name for name, module in network.named_modules() if type(module).__name__ in _AUXILIARY]
    unused = tuple(f"{name}." for name in heads)
    return {
        key
        for key in network.state_dict()
        if not key.endswith("num_batches_tracked") and not key.startswith(unused)
    }


class StoredDict:
    """A dict in a checkpoint whose keys are texts, and some of whose values are tensors.

    content: the dict. expected: the network's keys.

    Attributes:
    place: the keys that lead to the dict, joined by dots; empty for the top of the file.
    values: simplified key → value. Keys are simplified as by `simplified`, unless two of them would become equal.
    spelt: simplified key → the key as the file spells it.
    is_simplified: whether the keys are simplified.
    """

    def __init__(self, place: str, content: dict, expected: Collection[str]):
        self.place = place
        self._content = content
        own = {component for key in expected for component in key.split(".")}
        self._wrappers = [name for name in WRAPPERS if name not in own]
        # Old checkpoints of DenseNets, such as torchvision's, have `norm.1` for `norm1`.
        self._is_densenet = any("denselayer" in key and "norm1." in key for key in expected)
        # The methods of the class dict: a checkpoint can replace those of an OrderedDict that it contains.
        plain = {self.simplified(key): key for key in dict.keys(content)}
        self.is_simplified = len(plain) == len(content)
        self.spelt = plain if self.is_simplified else {key: key for key in dict.keys(content)}
        self.values = {key: dict.__getitem__(content, spelt) for key, spelt in self.spelt.items()}

    def simplified(self, key: str) -> str:
        """Remove the names of wrappers from a key, and replace old names of DenseNet's layers by the present ones."""
        if self._is_densenet and "denselayer" in key:
            key = _OLD_DENSENET.sub(r"\1\2.", key)
        for name in self._wrappers:
            if name in key:
                key = ".".join(component for component in key.split(".") if component != name)
        return key

    @property
    def notes(self) -> list[str]:
        """Which names were removed from or replaced in the keys, as phrases for messages."""
        notes = []
        dropped = [
            name for name in self._wrappers if any(name in key.split(".") for key in self.spelt.values())
        ]
        if self.is_simplified and dropped:
            notes.append(f"dropped {', '.join(f'`{name}.`' for name in dropped)} from its keys")
        if self._is_densenet and any(
            "denselayer" in key and _OLD_DENSENET.search(key) for key in self.spelt.values()
        ):
            notes.append("read the names that DenseNet's layers had in old checkpoints")
        return notes

    def versions(self, prefix: str) -> object:
        """Return the metadata that torch stores with a state dict: module name in the network → the module's version.

        prefix: of the network's keys in the dict. Metadata that is not a dict is returned as it is, None if there is none.
        """
        metadata = getattr(self._content, "_metadata", None)
        if not isinstance(metadata, dict):
            return metadata
        versions = {}
        for name, version in dict.items(metadata):
            key = self.simplified(f"{name}.") if self.is_simplified else f"{name}."
            if f".{key}".startswith(f".{prefix}"):
                versions[key[len(prefix) :].rstrip(".")] = version
        return versions

    def prefixes(self, needed: set[str]) -> Counter[str]:
        """Count, for each prefix, the needed keys that the dict contains with this prefix before them."""
        dots = max((key.count(".") for key in needed), default=0)
        found = Counter()
        for key in self.spelt:
            components = key.rsplit(
                ".", dots + 1
            )  # limited, because a key in a file may have any number of dots
            for n in range(1, min(len(components), dots + 1) + 1):
                suffix = ".".join(components[-n:])
                if suffix in needed:
                    found[key[: len(key) - len(suffix)]] += 1
        return found


@dataclass(frozen=True)
class Candidate:
    """A dict in a checkpoint with a prefix under which the network's keys may be.

    n_found: the number of needed keys that the dict contains with this prefix.
    """

    stored: StoredDict
    prefix: str
    n_found: int

    @property
    def name(self) -> str:
        """The candidate's place in the file and its prefix, as a phrase for messages."""
        place = f"`{shorten(self.stored.place)}`" if self.stored.place else "the top of the file"
        return f"{place} with the prefix `{shorten(self.prefix)}`" if self.prefix else place

    @property
    def is_average(self) -> bool:
        """Whether its place or its prefix names it an exponential moving average (EMA) of the weights."""
        return bool(_EMA.search(self.stored.place) or _EMA.search(self.prefix))


@dataclass(frozen=True)
class FoundState:
    """The part of a checkpoint that fits a network best, with the keys that do not fit.

    name: its place in the file and its prefix, as a phrase; empty if it is at the top of the file without a prefix.
    prefix: the text before the network's keys.
    keys: all keys of the dict, as the file spells them.
    state: the network's key → value, for the keys that the dict contains.
    versions: as `StoredDict.versions` returns it.
    unexpected: the keys that the network does not have but that evaluation may use, as the file spells them, sorted.
    notes: what was unwrapped, removed from keys and ignored, as phrases for messages.
    """

    name: str
    prefix: str
    keys: list[str]
    state: dict[str, Any]
    versions: object
    unexpected: list[str]
    notes: list[str]


def find_state(content: object, expected: Collection[str], needed: set[str], path: str | Path) -> FoundState:
    """Find the state dict of a network in the content of a checkpoint.

    content: the content of the file, as `read_checkpoint` returns it.
    expected: the network's keys. needed: those of them that the state dict must contain.
    path: the path of the file, for messages.

    If none contains all needed keys, the one with the most is returned, so that the caller can describe what does not fit.
    Raises `InputError` if the file contains no state dict, and if several fit and it is unclear which to take.
    """
    stored = [StoredDict(place, found, expected) for place, found in _dicts(content)]
    counts = [one.prefixes(needed) for one in stored]
    if not stored:
        raise InputError(
            f"{path}: not a state dict (parameter name → tensor), nor does it contain one. Save one where the network was "
            "trained, with torch.save(network.state_dict(), path)"
        )
    candidates = [
        Candidate(one, prefix, n)
        for one, found in zip(stored, counts, strict=True)
        for prefix, n in found.items()
    ]
    whole = [candidate for candidate in candidates if candidate.n_found == len(needed)]
    if not whole:
        chosen = max(
            [Candidate(one, "", found[""]) for one, found in zip(stored, counts, strict=True)]
            + [candidate for candidate in candidates if 2 * candidate.n_found >= len(needed)],
            key=lambda candidate: (candidate.n_found, len(candidate.stored.values)),
        )
        return _described(chosen, [], expected, [])
    averages = [candidate for candidate in whole if candidate.is_average]
    chosen = whole if len(whole) == 1 else averages
    if len(chosen) != 1:
        names = join_shortened([candidate.name for candidate in chosen or whole], ", ")
        raise InputError(
            f"{path}: several state dicts in it fit: {names}. Save the one that you want to use in a file of its own"
        )
    others = [candidate for candidate in whole if candidate is not chosen[0]]
    notes = []
    if others:
        names = join_shortened([candidate.name for candidate in others], ", ")
        notes.append(f"took {chosen[0].name}, the average of the weights (EMA), not {names}")
    elif chosen[0].stored.place:
        notes.append(f"took the state dict in `{shorten(chosen[0].stored.place)}`")
    same_dict = [candidate.prefix for candidate in others if candidate.stored is chosen[0].stored]
    return _described(chosen[0], same_dict, expected, notes)


def _described(
    candidate: Candidate, copies: list[str], expected: Collection[str], notes: list[str]
) -> FoundState:
    """Divide the keys of a candidate into those of the network, ignored and unexpected ones, and add notes about them.

    copies: the prefixes of other copies of the network in the same dict, whose keys are ignored.
    expected: the network's keys.
    notes: about how the candidate was chosen.
    """
    stored, prefix = candidate.stored, candidate.prefix
    notes = [*notes, *stored.notes]
    if prefix:
        notes.append(f"stripped the prefix `{shorten(prefix)}` from its keys")
    state, aside, unexpected = {}, [], []
    for key, value in stored.values.items():
        own = key[len(prefix) :] if key.startswith(prefix) else None
        if own in expected:
            # `detach` returns a plain tensor: a checkpoint can replace the methods of a tensor that it contains.
            state[own] = Tensor.detach(value) if isinstance(value, Tensor) else value
        elif (
            not isinstance(value, Tensor)
            or _is_unused(own or key)
            or any(key.startswith(copy) and key[len(copy) :] in expected for copy in copies)
        ):
            aside.append(stored.spelt[key])
        else:
            unexpected.append(stored.spelt[key])
    if aside:
        notes.append(
            f"left aside {len(aside)} keys that evaluation does not use: {join_shortened(sorted(aside))}"
        )
    return FoundState(
        name=candidate.name if stored.place or prefix else "",
        prefix=prefix,
        keys=[*stored.spelt.values()],
        state=state,
        versions=stored.versions(prefix),
        unexpected=sorted(unexpected),
        notes=notes,
    )


def _is_unused(key: str) -> bool:
    """Return whether evaluation never uses the value of a key that the network does not have, by its name."""
    return len(key) <= _MAX_UNUSED and bool(_UNUSED.search(key))


def _dicts(content: object) -> Iterator[tuple[str, dict]]:
    """Yield (place, dict) for each dict in the content of a checkpoint whose keys are texts and which contains a tensor.

    place: the keys that lead to the dict, joined by dots. Dicts are searched `DEPTH` levels deep.
    """
    level, seen = [("", content)], {id(content)}  # a checkpoint may contain itself
    for _ in range(DEPTH):
        inner = []
        for place, found in level:
            if not isinstance(found, dict):
                continue
            if all(isinstance(key, str) for key in dict.keys(found)) and any(
                isinstance(value, Tensor) for value in dict.values(found)
            ):
                yield place, found
            for key, value in dict.items(found):
                if isinstance(key, str) and isinstance(value, dict) and id(value) not in seen:
                    seen.add(id(value))
                    inner.append((f"{place}.{key}" if place else key, value))
        level = inner
