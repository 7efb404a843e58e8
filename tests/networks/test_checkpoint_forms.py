"""A state dict is loaded in every form in which training writes it, with the same logits, and notes state the changes."""

import argparse
import datetime
import itertools
import json
import logging
import pathlib
import sys
import types
from collections import OrderedDict, defaultdict, deque

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from labelmaps.errors import InputError
from labelmaps.networks.build import build
from labelmaps.networks.checkpoints import read_checkpoint
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import load_network, provenance
from labelmaps.networks.state_dicts import needed_keys
from labelmaps.networks.weights import load_weights, save_weights

N_LABELS = 4
VIEWS = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class InceptionAux(nn.Linear):
    """An auxiliary head, recognised by the name of its class."""


class Tiny(nn.Module):
    """A network of a convolution, batch norm and a head."""

    def __init__(self, n_labels=N_LABELS, auxiliary=False):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU())
        if auxiliary:
            self.AuxLogits = InceptionAux(6, n_labels)
        self.fc = nn.Linear(6, n_labels)

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    network = Tiny()
    network(torch.randn(8, 3, 8, 8))  # gives batch norm statistics
    return network.eval()


@pytest.fixture
def state(network):
    return network.state_dict()


def save(path, content, form="torch"):
    if form == "safetensors":
        safetensors.torch.save_file(dict(content), path)
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "torch")
    return path


@torch.no_grad()
def logits(path, **options):
    """Load a file into a network with other weights; return its logits, and the notes on the file."""
    other = Tiny(**options)
    notes = load_weights(other, path)
    return other.eval()(VIEWS), notes


def refusal(path, content, form="torch", network=None):
    with pytest.raises(InputError) as error:
        load_weights(network or Tiny(), save(path, content, form))
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).isprintable()
    return str(error.value)


def under(prefix, state):
    return {prefix + key: value for key, value in state.items()}


PLACES = [
    "",
    "state_dict",
    "model",
    "model_state_dict",
    "net",
    "state_dict_ema",
    "model_ema",
    "state.network",
]
PREFIXES = [
    "",
    "module.",
    "_orig_mod.",
    "model.",
    "backbone.",
    "net.",
    "module._orig_mod.",
    "_orig_mod.module.",
]
PREFIXES += ["model.module.", "module.model._orig_mod.", "_fsdp_wrapped_module.", "learner.network.0."]
FORMS = [*itertools.product(PLACES, PREFIXES, ["torch"])]
FORMS += [
    *itertools.product(PLACES[:2], PREFIXES, ["old torch"]),
    *itertools.product([""], PREFIXES, ["safetensors"]),
]


def test_a_state_dict_gives_the_same_logits_in_every_place_with_every_prefix_and_in_every_format(
    tmp_path, network, state
):
    expected = network(VIEWS)
    for place, prefix, form in FORMS:
        content = under(prefix, state)
        for name in reversed(place.split(".") if place else []):
            content = {"epoch": 3, name: content, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}}
        found, notes = logits(save(tmp_path / "a", content, form))
        assert torch.equal(found, expected), (place, prefix, form)
        assert bool(notes) == bool(place or prefix)
        assert all(name in " ".join(notes) for name in (place, *prefix.split(".")))


def test_wrappers_within_the_network_are_seen_through(tmp_path, network, state):
    """Here only the convolutions were wrapped in DataParallel, or compiled."""
    for wrapper in ("module", "_orig_mod", "_checkpoint_wrapped_module"):
        wrapped = {key.replace("features.", f"features.{wrapper}."): value for key, value in state.items()}
        found, notes = logits(save(tmp_path / "a.pth", wrapped))
        assert torch.equal(found, network(VIEWS))
        assert notes == [f"dropped `{wrapper}.` from its keys"]


def test_what_torch_itself_wraps_is_loaded(tmp_path, network, state):
    averaged = torch.optim.swa_utils.AveragedModel(network).state_dict()
    assert "n_averaged" in averaged
    for wrapped in (averaged, nn.DataParallel(network).state_dict()):
        found, notes = logits(save(tmp_path / "a.pth", wrapped))
        assert torch.equal(found, network(VIEWS))
        assert notes[0].startswith("dropped `")


def test_a_network_that_has_a_module_by_a_wrappers_name_keeps_it(tmp_path):
    named = nn.Sequential(OrderedDict(module=nn.Linear(3, 2)))
    for prefix in ("", "module.", "model."):
        other = nn.Sequential(OrderedDict(module=nn.Linear(3, 2)))
        load_weights(other, save(tmp_path / "a.pth", under(prefix, named.state_dict())))
        assert torch.equal(other.module.weight, named.module.weight)


def training_checkpoint(state, monkeypatch):
    """Make a checkpoint as training writes it, with objects of classes that torch does not read by default."""

    def instance(module, name, base=object, **fields):
        made_up = type(name, (base,), {"__module__": module})
        parts = module.split(".")
        for n in range(1, len(parts) + 1):
            path = ".".join(parts[:n])
            monkeypatch.setitem(sys.modules, path, types.ModuleType(path))
        setattr(sys.modules[module], name, made_up)
        one = made_up()
        if base is dict:
            one.update(fields)
        else:
            vars(one).update(fields)
        return one

    return {
        "state_dict": under("model.", state),
        "pytorch-lightning_version": "2.1.0",
        "callbacks": {"ModelCheckpoint{'monitor': 'loss'}": {"best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [{"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"params": [0]}]}],
        "hyper_parameters": instance("lightning.fabric.utilities.data", "AttributeDict", dict, lr=0.1),
        "args": argparse.Namespace(data=pathlib.PosixPath("/data"), betas=(0.9, 0.99)),
        "config": instance("omegaconf.dictconfig", "DictConfig", _content={"a": 1}, _metadata={"type": int}),
        "options": types.SimpleNamespace(epochs=3),
        "best": np.float64(0.7),
        "step": np.int64(3),
        "random": {"numpy": np.random.RandomState(0).get_state(), "torch": torch.get_rng_state()},
        "date": datetime.datetime.now(datetime.UTC),
        "took": datetime.timedelta(seconds=3),
        "losses": deque([0.1, 0.2], maxlen=3),
        "history": defaultdict(list, {"loss": [0.1]}),
        "frozen": frozenset(["fc"]),
        "range": range(3),
    }


@pytest.mark.parametrize("form", ["torch", "old torch"])
def test_what_training_writes_beside_the_weights_is_left_out_and_nothing_is_made_of_it(
    tmp_path, network, state, monkeypatch, form
):
    with monkeypatch.context() as installed:
        path = save(tmp_path / "a.ckpt", training_checkpoint(state, installed), form)
    assert "omegaconf" not in sys.modules
    made = []
    monkeypatch.setattr(argparse, "Namespace", made.append)
    allowed = {*torch.serialization.get_safe_globals()}
    found, notes = logits(path)
    assert torch.equal(found, network(VIEWS))
    assert notes == ["took the state dict in `state_dict`", "stripped the prefix `model.` from its keys"]
    assert not made
    assert {*torch.serialization.get_safe_globals()} == allowed  # their order is a set's
    assert type(read_checkpoint(path)["args"]) is OrderedDict


class Options:
    """A class that exists only in the training script."""


def test_other_classes_are_refused_with_a_way_out_and_whole_networks_called_so(tmp_path, network, state):
    for content, said in [
        (
            {"state_dict": state, "args": Options()},
            r"it contains tests.networks.test_checkpoint_forms.Options, and",
        ),
        ({"model": network, "epoch": 3}, "it contains a network or a layer, pickled with its code"),
        (network, "it contains a network or a layer, pickled with its code"),
    ]:
        for form in ("torch", "old torch"):
            message = refusal(tmp_path / "a.pth", content, form)
            assert said in message.replace("it contains test_", "it contains tests.networks.test_")
            assert "torch.save(network.state_dict(), path) writes one" in message


class Shadow:
    """An object that is unpickled as a dict with the content of another, whose methods the file replaces."""

    def __init__(self, content):
        self.content = content

    def __reduce__(self):
        methods = dict.fromkeys(("items", "keys", "values", "get", "copy", "__getitem__"), 5)
        return argparse.Namespace, (), methods, None, iter(self.content.items())


def test_what_a_file_says_of_its_dicts_does_not_replace_their_methods(tmp_path, network, state):
    path = save(tmp_path / "a.pth", {"model": Shadow(state)})
    assert vars(read_checkpoint(path)["model"])["items"] == 5
    assert torch.equal(logits(path)[0], network(VIEWS))


def test_a_checkpoint_that_holds_itself_is_read(tmp_path, network, state):
    content = {"model": dict(state)}
    content["self"] = content["model"]["again"] = content
    assert torch.equal(logits(save(tmp_path / "a.pth", content))[0], network(VIEWS))


AVERAGES = [
    ("model", "model_ema"),
    ("state_dict", "state_dict_ema"),
    ("net", "ema"),
    ("model", "ema_state.model"),
]


@pytest.mark.parametrize(("last", "average"), AVERAGES)
def test_of_the_last_weights_and_their_average_the_average_is_taken_and_this_is_said(
    tmp_path, network, state, last, average
):
    other = Tiny().state_dict()
    outer, _, inner = average.partition(".")
    averaged = {inner: under("module.", state)} if inner else under("module.", state)
    for content in ({last: other, outer: averaged}, {outer: averaged, last: other}):
        found, notes = logits(save(tmp_path / "a.pth", content))
        assert torch.equal(found, network(VIEWS))
        assert notes[0] == f"took `{average}`, the average of the weights (EMA), not `{last}`"
    for empty in (None, {}):
        found, notes = logits(save(tmp_path / "a.pth", {last: state, outer: empty}))
        assert torch.equal(found, network(VIEWS))
        assert notes == [f"took the state dict in `{last}`"]


def test_an_average_within_a_state_dict_is_taken_by_the_same_rule(tmp_path, network, state):
    content = {"state_dict": under("model.", Tiny().state_dict()) | under("ema_model.module.", state)}
    found, notes = logits(save(tmp_path / "a.pth", content))
    assert torch.equal(found, network(VIEWS))
    assert "the average of the weights (EMA), not `state_dict` with the prefix `model.`" in notes[0]
    assert f"left aside {len(state)} keys" in notes[-1]


@pytest.mark.parametrize(
    "names", [("model", "teacher"), ("best", "last"), ("ema", "model_ema"), ("schema", "cinema")]
)
def test_where_several_fit_none_is_guessed(tmp_path, state, names):
    message = refusal(tmp_path / "a.pth", {name: dict(state) for name in names})
    assert (
        f"several state dicts in it fit: `{names[0]}`, `{names[1]}`. Save the one that you want to use"
        in message
    )
    message = refusal(tmp_path / "a.pth", under(f"{names[0]}.", state) | under(f"{names[1]}.", state))
    assert f"the top of the file with the prefix `{names[0]}.`" in message
    refusal(tmp_path / "a.pth", dict(state) | under("module.", state))


UNUSED = [
    "aux1.conv.weight",
    "aux2.fc.bias",
    "AuxLogits.fc.weight",
    "aux_classifier.0.weight",
    "auxiliary_head.weight",
]
UNUSED += ["total_ops", "total_params", "features.0.total_ops", "fc.total_params", "n_averaged", "mask_token"]
UNUSED += [
    "features.7.num_batches_tracked",
    "layers.0.attn.relative_position_index",
    "criterion.weight",
    "train_loss.x",
]


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_keys_that_evaluation_never_uses_are_left_aside_and_named(tmp_path, network, state, prefix):
    for key in UNUSED:
        content = under(prefix, state | {key: torch.zeros(3)})
        found, notes = logits(save(tmp_path / "a.pth", content))
        assert torch.equal(found, network(VIEWS))
        assert f"left aside 1 keys that evaluation does not use: {prefix}{key}" in notes
    message = refusal(tmp_path / "a.pth", under(prefix, state | {"head.weight": torch.zeros(3)}))
    assert f"1 keys unexpected: {prefix}head.weight" in message
    found, notes = logits(save(tmp_path / "a.pth", under(prefix, state) | {"epoch": 3, "args": {"lr": 0.1}}))
    assert torch.equal(found, network(VIEWS))
    assert notes[-1] == "left aside 2 keys that evaluation does not use: args; epoch"


def test_what_stands_beside_the_prefix_and_may_be_used_is_refused(tmp_path, state):
    content = under("model.", state) | {"classifier.weight": torch.zeros(2, N_LABELS)}
    assert "1 keys unexpected: classifier.weight" in refusal(tmp_path / "a.pth", content)


def test_a_key_that_the_network_has_is_never_left_aside(tmp_path):
    for name in ("aux1", "criterion", "total_ops"):
        network, other = (
            nn.Sequential(OrderedDict({name: nn.Linear(3, 3), "fc": nn.Linear(3, 2)})) for _ in range(2)
        )
        assert load_weights(other, save(tmp_path / "a.pth", network.state_dict())) == []
        assert torch.equal(other.get_submodule(name).weight, network.get_submodule(name).weight)
        lacking = {key: value for key, value in network.state_dict().items() if not key.startswith(name)}
        assert f"2 keys missing: {name}.bias" in refusal(tmp_path / "a.pth", lacking, network=other)


def test_auxiliary_heads_may_be_missing(tmp_path, network, state):
    assert torch.equal(logits(save(tmp_path / "a.pth", state), auxiliary=True)[0], network(VIEWS))
    other = (
        Tiny(9, auxiliary=True).state_dict() | state
    )  # has a head of its own, and auxiliary ones of other classes
    message = refusal(tmp_path / "a.pth", other, network=Tiny(auxiliary=True))
    assert "AuxLogits.weight: [9, 6] in the file" in message
    assert "classes file" not in message
    with torch.device("meta"):
        for architecture in ("googlenet", "inception_v3"):
            whole = build(architecture, N_LABELS)
            needed = needed_keys(whole)
            assert {key.partition(".")[0] for key in whole.state_dict()} > {
                key.partition(".")[0] for key in needed
            }
            assert not [key for key in needed if key.lower().startswith("aux")]


@pytest.mark.parametrize("form", ["torch", "safetensors"])
@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_an_architecture_that_asks_for_its_version_is_loaded_without_one(tmp_path, prefix, form):
    network, other = (build("mnasnet0_5", 3) for _ in range(2))
    for content in (network.state_dict(), dict(network.state_dict())):
        load_weights(other, save(tmp_path / "a", under(prefix, content), form))
        assert torch.equal(other.classifier[1].weight, network.classifier[1].weight)
    wrapped = nn.DataParallel(network).state_dict()
    assert "module" in wrapped._metadata
    load_weights(other, save(tmp_path / "a.pth", wrapped))


HEADS = {
    "linear": lambda n: Tiny(n),
    "convolution": lambda n: nn.Sequential(
        OrderedDict(body=nn.Conv2d(3, 6, 1), classifier=nn.Conv2d(6, n, 1))
    ),
    "first by name": lambda n: nn.Sequential(OrderedDict(fc=nn.Linear(6, n), body=nn.Conv2d(3, 6, 1))),
    "two": lambda n: nn.Sequential(OrderedDict(body=nn.Linear(3, 6), a=nn.Linear(6, n), b=nn.Linear(6, n))),
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_another_number_of_classes_is_said_in_these_words(tmp_path, head, prefix):
    for theirs, ours in ((200, 1000), (1000, 200), (21841, 1000)):
        content = {"state_dict": under(prefix, HEADS[head](theirs).state_dict())}
        message = refusal(tmp_path / "a.pth", content, network=HEADS[head](ours))
        assert f"It has {theirs} classes, the classes file lists {ours}: " in message
    wide = HEADS[head](7).state_dict()
    key = next(key for key in wide if key.startswith(("features.0.weight", "body.weight")))
    wide[key] = torch.zeros(9, *wide[key].shape[1:])
    narrow = HEADS[head](7).state_dict() | {key: torch.zeros(wide[key].shape[0], 5, 1, 1)}
    for state in (wide, narrow) if head == "linear" else (narrow,):
        if head != "linear" or state is narrow:
            assert "classes file" not in refusal(tmp_path / "a.pth", state, network=HEADS[head](7))


def test_a_file_without_a_head_is_called_so(tmp_path, state):
    headless = {key: value for key, value in state.items() if not key.startswith("fc.")}
    other = {"fc.1.weight": state["fc.weight"], "fc.1.bias": state["fc.bias"]}
    for content in (headless, under("backbone.", headless), headless | other):
        message = refusal(tmp_path / "a.pth", content)
        assert (
            "It has no head, the network's `fc`: it was saved without its last layer, or with another one"
            in message
        )
        assert "2 keys missing: fc.bias; fc.weight" in message
    del headless["features.0.weight"]
    assert "no head" not in refusal(tmp_path / "a.pth", headless)


def test_a_prefix_that_fits_nothing_is_named_beside_the_networks(tmp_path, state):
    strange = {f"encoder.{key.replace('.', '_')}": value for key, value in state.items()}
    ours = "the network's with `features.`, `fc.`"
    assert f"All its keys begin with `encoder.`, {ours}" in refusal(tmp_path / "a.pth", strange)
    assert f"All its keys begin with `encoder.`, {ours}" in refusal(tmp_path / "a", strange, "safetensors")
    message = refusal(tmp_path / "a.pth", {"model": strange | {"head.weight": torch.zeros(1)}})
    assert f"Its keys begin with `encoder.`, `head.`, {ours}" in message
    assert "The state dict that fits best is in `model`" in message
    assert "keys begin" not in refusal(tmp_path / "a.pth", {"fc.weight": state["fc.weight"]})


def test_hostile_keys_take_no_time(tmp_path, state):
    for key in (
        "." * 10**6,
        "fc." * 10**5,
        "loss_" * 10**5,
        "denselayer" * 10**5,
        "module." * 10**5,
        "aux" * 10**5,
    ):
        refusal(tmp_path / "a.pth", dict(state) | {f"{key}x": torch.zeros(1)})


def test_what_was_done_is_logged_in_one_line_and_recorded(tmp_path, caplog):
    plain = build("small_resnet", N_LABELS).state_dict()
    config = NetworkConfig(architecture="small_resnet", source="checkpoint", size=32)
    for content, expected in [
        (plain, []),
        (
            {"model": under("module.", plain | {"total_ops": torch.zeros(1)})},
            [
                "took the state dict in `model`",
                "dropped `module.` from its keys",
                "left aside 1 keys that evaluation does not use: module.total_ops",
            ],
        ),
    ]:
        path = save(tmp_path / "a.pth", content)
        caplog.clear()
        with caplog.at_level(logging.INFO):
            _, preprocessing, notes = load_network(config, path, N_LABELS)
        assert notes == expected
        assert caplog.messages == ([f"{path}: {'; '.join(expected)}"] if expected else [])
        made_by = provenance(config, path, preprocessing, torch.device("cpu"), notes)
        assert made_by["weights_notes"] == expected


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_safetensors_of_any_floating_point_type_are_accepted(tmp_path, state, dtype):
    stored = {key: value.to(dtype) if value.is_floating_point() else value for key, value in state.items()}
    network = Tiny()
    assert load_weights(network, save(tmp_path / "a.safetensors", stored, "safetensors")) == []
    assert torch.equal(network.fc.weight, stored["fc.weight"].float())


def test_safetensors_of_8_bits_or_not_finite_are_refused_by_name(tmp_path, state):
    for bad in (state["fc.weight"].to(torch.float8_e4m3fn), torch.full((N_LABELS, 6), float("nan"))):
        message = refusal(tmp_path / "a", dict(state) | {"fc.weight": bad}, "safetensors")
        assert "1 keys without plain, finite numbers of the network's kind: fc.weight" in message


def test_a_file_is_known_by_what_it_holds_and_not_by_its_ending(tmp_path, network, state):
    for name, form in (
        ("a.pth", "safetensors"),
        ("a.safetensors", "torch"),
        ("a.bin", "old torch"),
        ("a", "safetensors"),
    ):
        assert torch.equal(logits(save(tmp_path / name, state, form))[0], network(VIEWS))


def of_safetensors(header, n_bytes, length=None):
    """Make a safetensors file with this header, which may be wrong."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + bytes(n_bytes)


def tensor(shape=(2,), offsets=(0, 8), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


DAMAGED = "damaged"
HOSTILE = {
    "header beyond the file": (
        of_safetensors({"a": tensor()}, 8, length=10**6),
        "it ends within its safetensors header",
    ),
    "header of a gigabyte": (
        of_safetensors({"a": tensor()}, 8, length=2**30 - 1),
        "it ends within its safetensors header",
    ),
    "length that overflows": (of_safetensors({"a": tensor()}, 8, length=2**64 - 1), "neither a safetensors"),
    "no JSON": (of_safetensors(b"{nothing", 8), DAMAGED),
    "no UTF-8": (of_safetensors(b'{"\xff":1}', 8), DAMAGED),
    "nested": (of_safetensors(b'{"a":' * 10**5, 8), DAMAGED),
    "no tensors' facts": (of_safetensors({"a": 5}, 8), DAMAGED),
    "list": (of_safetensors(b'{"a":[]}', 8), DAMAGED),
    "no offsets": (of_safetensors({"a": {"dtype": "F32", "shape": [2]}}, 8), DAMAGED),
    "offsets of text": (of_safetensors({"a": tensor(offsets=("0", "8"))}, 8), DAMAGED),
    "one offset": (of_safetensors({"a": tensor(offsets=(0,))}, 8), DAMAGED),
    "data beyond the file": (of_safetensors({"a": tensor((4,), (0, 16))}, 8), "it has 8 of 16 bytes"),
    "offset that overflows": (of_safetensors({"a": tensor((2,), (0, 2**64))}, 8), "it is incomplete"),
    "shape that overflows": (of_safetensors({"a": tensor((2**40, 2**40), (0, 8))}, 8), DAMAGED),
    "negative shape": (of_safetensors({"a": tensor((-2,), (0, 8))}, 8), DAMAGED),
    "negative offset": (of_safetensors({"a": tensor((4,), (-8, 8))}, 8), DAMAGED),
    "reversed offsets": (of_safetensors({"a": tensor((2,), (8, 0))}, 8), DAMAGED),
    "overlapping": (of_safetensors({"a": tensor(), "b": tensor()}, 8), DAMAGED),
    "hole": (of_safetensors({"a": tensor(), "b": tensor(offsets=(16, 24))}, 24), DAMAGED),
    "more data": (of_safetensors({"a": tensor()}, 80), DAMAGED),
    "another size": (of_safetensors({"a": tensor((3,))}, 8), DAMAGED),
    "unknown type": (of_safetensors({"a": tensor(dtype="F33")}, 8), DAMAGED),
    "name twice": (of_safetensors(b'{"a":%b,"a":%b}' % ((json.dumps(tensor()).encode(),) * 2), 8), DAMAGED),
    "metadata of numbers": (of_safetensors({"__metadata__": {"a": 5}, "a": tensor()}, 8), DAMAGED),
    "empty": (of_safetensors({}, 0), "not a state dict"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_damaged_and_hostile_safetensors_are_refused(tmp_path, kind):
    content, reason = HOSTILE[kind]
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(InputError) as error:
        load_weights(Tiny(), tmp_path / "a.safetensors")
    assert reason in str(error.value)
    assert str(error.value).isprintable()


def test_safetensors_cut_or_flipped_anywhere_are_refused_or_have_their_tensors(tmp_path, state):
    path = save(tmp_path / "a.safetensors", state, "safetensors")
    content = path.read_bytes()
    for length in range(0, len(content), 23):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="not a readable checkpoint"):
            read_checkpoint(path)
    shapes = {tuple(value.shape) for value in state.values()}
    for place in range(0, len(content), 11):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        try:
            read = read_checkpoint(path)
        except InputError:
            continue
        assert {tuple(value.shape) for value in read.values()} == shapes


def test_what_is_saved_here_is_read_without_a_note(tmp_path, network, state):
    save_weights(state, tmp_path / "a.pth")
    found, notes = logits(tmp_path / "a.pth")
    assert torch.equal(found, network(VIEWS))
    assert notes == []
