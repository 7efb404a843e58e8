"""The search for a network's state dict in what a checkpoint holds, at its top or within the dicts of training.

The rule. A place and a prefix fit if every key of the network, with the prefix before it, stands in the dict at that place;
the names of wrappers (`WRAPPERS`) do not count, wherever in a key they stand. If several fit, the average of the weights is
taken (`ema` in the place or the prefix), as timm does; if that leaves several or none, the file is refused. Keys that the
network does not have are left aside if evaluation never uses them (`_UNUSED`), and are refused otherwise. A key that the
network has is never left aside.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from labelmaps.errors import InputError

SHOWN_KEYS = 5  # of each kind, listed in a message
SHOWN_LETTERS = 80
# Of DataParallel and AveragedModel, of torch.compile, of FSDP, of activation checkpointing.
WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
DEPTH = 4  # of dicts within dicts
_EMA = re.compile(r"(?<![a-z])ema(?![a-z])", re.IGNORECASE)
_OLD_DENSENET = re.compile(r"\b(norm|conv)\.([12])\.")
# Counts of batches, of profilers (thop) and of averaged updates (AveragedModel); what older Swins stored and all compute
# anew; the token for masked patches, of pretraining; auxiliary heads; the loss.
_UNUSED = re.compile(
    r"(^|\.)(num_batches_tracked|total_ops|total_params|n_averaged|relative_position_index|attn_mask|mask_token)$"
    r"|^aux[^.]*\.|(^|[._])(criterion|loss)[^.]*\.",
    re.IGNORECASE,
)
_MAX_UNUSED = 1000  # letters of a key, of which longer ones are refused
# Classes of auxiliary heads (GoogLeNet, Inception), which run in training alone.
_AUXILIARY = ("GoogLeNetAux", "InceptionAux")


def shown(text: str) -> str:
    """Return a text from a file as a message shows it: shortened, and without what a terminal might obey."""
    return text[: 2 * SHOWN_LETTERS] if text.isprintable() else ascii(text)[:SHOWN_LETTERS]


def listed(texts: Collection[str], separator: str = "; ") -> str:
    """List the first texts from a file, in their order."""
    texts = list(texts)
    return separator.join(map(shown, texts[:SHOWN_KEYS])) + f"{separator}…" * (len(texts) > SHOWN_KEYS)


def needed_keys(network: nn.Module) -> set[str]:
    """Return the keys of a network without which it cannot be evaluated.

    Older checkpoints lack the counts of batches, and those of networks whose auxiliary heads were taken off lack these.
    """
    heads = [name for name, module in network.named_modules() if type(module).__name__ in _AUXILIARY]
    unused = tuple(f"{name}." for name in heads)
    return {
        key
        for key in network.state_dict()
        if not key.endswith("num_batches_tracked") and not key.startswith(unused)
    }


class StoredDict:
    """A dict of a checkpoint whose keys are texts, and some of whose values are tensors.

    place: the keys that lead to it, joined by dots; empty for the top of the file.
    values: what it holds, by its keys without the names of wrappers, and those of old DenseNets as they are today.
    spelt: the same keys → as the file spells them.
    notes: what was done with the keys.
    """

    def __init__(self, place: str, content: dict, expected: Collection[str]):
        self.place = place
        self._content = content
        own = {component for key in expected for component in key.split(".")}
        self._wrappers = [name for name in WRAPPERS if name not in own]
        # Old checkpoints of DenseNets, among them torchvision's, write `norm.1` for `norm1`.
        self._is_densenet = any("denselayer" in key and "norm1." in key for key in expected)
        # The methods of a dict itself: a checkpoint can shadow those of the OrderedDict that it stored.
        plain = {self.simplified(key): key for key in dict.keys(content)}
        self.is_simplified = len(plain) == len(content)
        self.spelt = plain if self.is_simplified else {key: key for key in dict.keys(content)}
        self.values = {key: dict.__getitem__(content, spelt) for key, spelt in self.spelt.items()}

    def simplified(self, key: str) -> str:
        """Return a key without the names of wrappers, and with the names that DenseNet's layers have today."""
        if self._is_densenet and "denselayer" in key:
            key = _OLD_DENSENET.sub(r"\1\2.", key)
        for name in self._wrappers:
            if name in key:
                key = ".".join(component for component in key.split(".") if component != name)
        return key

    @property
    def notes(self) -> list[str]:
        """Say what was done with the keys."""
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
        """Return what the dict says beside its tensors, the versions of modules, by the network's names of them."""
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
        """Count the needed keys that stand under each prefix."""
        dots = max((key.count(".") for key in needed), default=0)
        found = Counter()
        for key in self.spelt:
            components = key.rsplit(".", dots + 1)  # a key of a file may have any number
            for n in range(1, min(len(components), dots + 1) + 1):
                suffix = ".".join(components[-n:])
                if suffix in needed:
                    found[key[: len(key) - len(suffix)]] += 1
        return found


@dataclass(frozen=True)
class Candidate:
    """A dict of a checkpoint under a prefix. n_found: the number of needed keys that it has."""

    stored: StoredDict
    prefix: str
    n_found: int

    @property
    def name(self) -> str:
        """Where it stands."""
        place = f"`{shown(self.stored.place)}`" if self.stored.place else "the top of the file"
        return f"{place} with the prefix `{shown(self.prefix)}`" if self.prefix else place

    @property
    def is_average(self) -> bool:
        """Whether it holds the average of the weights over training, by its name."""
        return bool(_EMA.search(self.stored.place) or _EMA.search(self.prefix))


@dataclass(frozen=True)
class FoundState:
    """The state dict of a network in a checkpoint, as far as it fits.

    name: where it stands, if not plainly at the top of the file. prefix: before the network's keys.
    keys: all that the dict has, as the file spells them.
    state: the network's keys → the values under them.
    versions: what the dict says beside its tensors, the versions of modules, by the network's names of them; None: nothing.
    unexpected: the keys that the network does not have and that evaluation may use, as the file spells them.
    notes: what was unwrapped, dropped and left aside, in sentences.
    """

    name: str
    prefix: str
    keys: list[str]
    state: dict[str, Any]
    versions: object
    unexpected: list[str]
    notes: list[str]


def find_state(content: object, expected: Collection[str], needed: set[str], path: str | Path) -> FoundState:
    """Find the state dict of a network in what a checkpoint holds.

    content: of the file at `path`. expected: the network's keys. needed: those of them that must be there.

    Raises `InputError` where there is no state dict, and where several fit.
    """
    stored = [StoredDict(place, found, expected) for place, found in _dicts(content)]
    counts = [one.prefixes(needed) for one in stored]
    if not stored:
        raise InputError(
            f"{path}: not a state dict (parameter name → tensor), and none is in it. Where the network was trained, save "
            "it: torch.save(network.state_dict(), path)"
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
        raise InputError(
            f"{path}: several state dicts in it fit: {listed([candidate.name for candidate in chosen or whole], ', ')}. "
            "Save the one that you mean in a file of its own"
        )
    others = [candidate for candidate in whole if candidate is not chosen[0]]
    notes = []
    if others:
        names = listed([candidate.name for candidate in others], ", ")
        notes.append(f"took {chosen[0].name}, the average of the weights (EMA), not {names}")
    elif chosen[0].stored.place:
        notes.append(f"took the state dict in `{shown(chosen[0].stored.place)}`")
    same_dict = [candidate.prefix for candidate in others if candidate.stored is chosen[0].stored]
    return _described(chosen[0], same_dict, expected, notes)


def _described(
    candidate: Candidate, copies: list[str], expected: Collection[str], notes: list[str]
) -> FoundState:
    """Sort the keys of a candidate, and say what was done with them.

    copies: the prefixes of other copies of the network in the same dict. notes: on how it was chosen.
    """
    stored, prefix = candidate.stored, candidate.prefix
    notes = [*notes, *stored.notes]
    if prefix:
        notes.append(f"stripped the prefix `{shown(prefix)}` from its keys")
    state, aside, unexpected = {}, [], []
    for key, value in stored.values.items():
        own = key[len(prefix) :] if key.startswith(prefix) else None
        if own in expected:
            # A view, because a checkpoint can shadow the methods of a tensor that it stored.
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
        notes.append(f"left aside {len(aside)} keys that evaluation does not use: {listed(sorted(aside))}")
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
    """Return whether evaluation never uses what stands under a key that the network does not have."""
    return len(key) <= _MAX_UNUSED and bool(_UNUSED.search(key))


def _dicts(content: object) -> Iterator[tuple[str, dict]]:
    """Yield each dict of texts with a tensor among its values, in `content` and the dicts in it, and the place of each."""
    level, seen = [("", content)], {id(content)}  # a checkpoint may hold itself
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
