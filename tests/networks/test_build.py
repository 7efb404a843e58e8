"""Weights that fit are loaded and all others are refused with a reason; networks run in the precision that is set."""

import argparse
import copy
import hashlib
import http.server
import pickle
import re
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models
from torchvision.models.resnet import BasicBlock

from labelmaps.errors import InputError
from labelmaps.networks import download
from labelmaps.networks.build import build
from labelmaps.networks.classifier import Classifier, count_operations, last_linear
from labelmaps.networks.compute import resolve_compiled, resolve_device, resolve_precision
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.download import download_weights
from labelmaps.networks.load import load_network
from labelmaps.networks.preprocessing import (
    CentralCrop,
    Preprocessing,
    timm_crop,
    torchvision_crop,
    torchvision_weights,
)
from labelmaps.networks.small_resnet import Block
from labelmaps.networks.state_dicts import SHOWN_KEYS
from labelmaps.networks.verification import compute_known_logits, fold_batch_norm
from labelmaps.networks.weights import load_weights, random_weights, save_weights
from pipeline.settings.networks import WEIGHTS
from pipeline.sources import ROOT

CPU = torch.device("cpu")
N_LABELS = 7


@pytest.fixture(scope="module")
def state():
    return random_weights("small_resnet", N_LABELS, seed=1, size=64)


@pytest.fixture
def network():
    return build("small_resnet", N_LABELS)


def save(path, content):
    torch.save(content, path)
    return path


def zeros_for(architecture, size=224):
    """Make a state dict that fits a network and takes no memory: all numbers of a tensor share one place in memory."""
    with torch.device("meta"):
        shapes = build(architecture, N_LABELS, size).state_dict()
    return {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in shapes.items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_weights_are_loaded_from_a_state_dict(tmp_path, network, state):
    load_weights(network, save(tmp_path / "a.pth", state))
    assert equal(network.state_dict(), state)


def test_an_architecture_that_looks_at_the_checkpoints_version_is_loaded(tmp_path):
    state = random_weights("mnasnet0_5", N_LABELS, seed=1, size=32)
    network = build("mnasnet0_5", N_LABELS)
    load_weights(network, save(tmp_path / "a.pth", state))
    assert equal(network.state_dict(), state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_floating_point_type_are_accepted(tmp_path, network, state, dtype):
    stored = {key: value.to(dtype) if value.is_floating_point() else value for key, value in state.items()}
    load_weights(network, save(tmp_path / "a.pth", stored))
    loaded = network.state_dict()
    for key, value in stored.items():
        if value.is_floating_point():
            assert loaded[key].dtype == torch.float32
            assert torch.equal(loaded[key], value.float())


def test_checkpoints_without_batch_norms_counts_are_accepted(tmp_path, network, state):
    """Older checkpoints of torchvision lack them, and others state a version of the modules."""
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    assert len(old) < len(state)
    load_weights(network, save(tmp_path / "a.pth", old))
    assert all(torch.equal(network.state_dict()[key], old[key]) for key in old)
    versioned = network.state_dict()
    for key in state.keys() - old.keys():
        del versioned[key]
    load_weights(build("small_resnet", N_LABELS), save(tmp_path / "b.pth", versioned))


def test_misfits_are_named_by_kind(tmp_path, network, state):
    wrong = dict(state)
    del wrong["layer1.0.conv1.weight"]
    wrong["module.extra"] = torch.zeros(1)
    wrong["fc.weight"] = torch.zeros(1000, 128)
    with pytest.raises(InputError) as error:
        load_weights(network, save(tmp_path / "a.pth", wrong))
    message = str(error.value)
    assert str(tmp_path / "a.pth") in message
    assert "SmallResNet" in message
    assert "1 keys missing: layer1.0.conv1.weight" in message
    assert "1 keys unexpected: module.extra" in message
    assert "1 keys of another shape: fc.weight: [1000, 128] in the file, [7, 128] in the network" in message


@pytest.mark.parametrize("key", ["fc.bias", "bn1.running_var"])
def test_a_single_missing_key_is_refused_and_the_network_left_alone(tmp_path, network, state, key):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(InputError, match=f"1 keys missing: {key}"):
        load_weights(network, save(tmp_path / "a.pth", {k: v for k, v in state.items() if k != key}))
    assert equal(dict(network.state_dict()), before)


def test_many_misfits_are_counted_and_only_the_first_shown(tmp_path, network, state):
    renamed = {f"module.{key}x": value for key, value in state.items()}
    with pytest.raises(InputError) as error:
        load_weights(network, save(tmp_path / "a.pth", renamed))
    assert len(str(error.value)) < 1000
    assert str(error.value).count("module.") == SHOWN_KEYS + 1  # one says what all begin with


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": {"fc.weight": [1.0]}, "epoch": 3},
        [torch.zeros(1)],
        torch.zeros(3),
        {"fc.weight": [1.0, 2.0]},
        {0: torch.zeros(1)},
        {
            "model": {"fc.weight": np.zeros(1)},
            "optimizer": torch.optim.SGD(
                [torch.zeros(1, requires_grad=True)], 0.1, momentum=0.9
            ).state_dict(),
        },
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path, network, content):
    with pytest.raises(InputError, match=r"a\.pth: not a state dict"):
        load_weights(network, save(tmp_path / "a.pth", content))


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 half an archive"])
def test_what_is_no_checkpoint_is_refused(tmp_path, network, content):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.pth: not a readable checkpoint"):
        load_weights(network, tmp_path / "a.pth")


def test_a_truncated_checkpoint_is_refused(tmp_path, network, state):
    path = save(tmp_path / "a.pth", state)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"a\.pth: not a readable checkpoint"):
        load_weights(network, path)


@pytest.mark.parametrize("name", ["none.pth", "."])
def test_a_missing_checkpoint_or_a_folder_is_refused(tmp_path, network, name):
    with pytest.raises(InputError, match="not a readable checkpoint"):
        load_weights(network, tmp_path / name)


class Code:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path, network):
    trap = tmp_path / "trap"
    torch.save({"fc.weight": Code(trap)}, tmp_path / "zip.pth")
    (tmp_path / "pickle.pth").write_bytes(pickle.dumps({"fc.weight": Code(trap)}))
    for name in ("zip.pth", "pickle.pth"):
        with pytest.raises(InputError, match="not a readable checkpoint"):
            load_weights(network, tmp_path / name)
    assert not trap.exists()
    pickle.loads((tmp_path / "pickle.pth").read_bytes())["fc.weight"].close()
    assert trap.exists()  # it would have been


@pytest.mark.parametrize(
    ("content", "held"),
    [
        (
            build("small_resnet", 2),
            r"a network or a layer, pickled .*: labelmaps\.networks\.\S*SmallResNet",
        ),
        ({"model": {}, "args": argparse.ArgumentParser}, r"argparse\.ArgumentParser"),
    ],
)
def test_what_holds_more_than_tensors_is_refused_and_nobody_is_told_to_run_it(
    tmp_path, network, content, held
):
    with pytest.raises(
        InputError, match=rf"a\.pth: not a readable checkpoint \(it contains {held}, and"
    ) as error:
        load_weights(network, save(tmp_path / "a.pth", content))
    assert "weights_only" not in str(error.value)
    assert str(error.value).isprintable()


def test_weights_that_are_not_finite_or_of_another_kind_are_refused_by_name(tmp_path, network, state):
    weight = state["fc.weight"].clone()
    weight[3, 5] = float("nan")
    infinite = state["bn1.running_var"].clone()
    infinite[0] = float("inf")
    for bad in (
        {"fc.weight": weight, "bn1.running_var": infinite},
        {"fc.weight": weight.to(torch.complex64), "bn1.running_var": infinite.to("meta")},
        {"fc.weight": state["fc.weight"].to(torch.int8), "bn1.running_var": infinite.bool()},
    ):
        with pytest.raises(
            InputError, match=r"2 keys without plain, finite .*: bn1\.running_var; fc\.weight$"
        ):
            load_weights(network, save(tmp_path / "a.pth", state | bad))


@pytest.mark.parametrize("n_labels", [N_LABELS - 1, N_LABELS + 1])
def test_another_number_of_classes_is_told_as_such(tmp_path, state, n_labels):
    path = save(tmp_path / "a.pth", state)
    with pytest.raises(InputError) as error:
        load_weights(build("small_resnet", n_labels), path)
    assert f"fc.bias: [7] in the file, [{n_labels}] in the network" in str(error.value)
    assert f"It has 7 classes, the classes file lists {n_labels}: " in str(error.value)
    with pytest.raises(InputError, match="of another shape") as error:
        load_weights(
            build("small_resnet", N_LABELS), save(path, state | {"conv1.weight": torch.zeros(32, 3, 9, 9)})
        )
    assert "classes file" not in str(error.value)


@pytest.mark.parametrize(
    ("architecture", "size", "sizes"),
    [
        pytest.param("alexnet", 16, "64, 128, 224", marks=pytest.mark.slow),
        ("vit_b_32", 50, "32, 64, 224"),
        ("squeezenet1_1", 8, "28, 32, 224"),
        pytest.param("maxvit_t", 64, "224", marks=pytest.mark.slow),
        pytest.param("timm:test_vit", 100, "96, 112, 160", marks=pytest.mark.slow),
    ],
)
def test_a_size_that_a_network_cannot_look_at_is_an_error(tmp_path, architecture, size, sizes):
    network = NetworkConfig(architecture=architecture, source="checkpoint", size=size)
    message = f"size: {architecture} cannot process views of {size} × {size} pixels .* Choose {sizes}$"
    # Torchvision's transformers cannot even be built; the shapes of timm's depend on the size.
    path = save(tmp_path / "a.pth", zeros_for(architecture, size if architecture[:5] == "timm:" else 224))
    with pytest.raises(InputError, match=message):
        compute_known_logits(
            load_network(network, path, N_LABELS)[0], torch.zeros(1, 3, size, size), architecture
        )
    with pytest.raises(InputError, match=message):
        random_weights(architecture, N_LABELS, seed=0, size=size)


@pytest.mark.parametrize("shortcut", [None, nn.Conv2d(8, 12, 1, stride=2)], ids=["same", "halved"])
def test_the_small_networks_blocks_are_torchvisions(shortcut):
    shape = (8, 8, 1) if shortcut is None else (8, 12, 2)
    ours, theirs = (made(*shape, shortcut).eval() for made in (Block, BasicBlock))
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))


@pytest.mark.slow
def test_the_small_network_costs_no_import_of_torchvision():
    build_it = (
        "import sys; from labelmaps.networks.build import build; build('small_resnet', 3); "
        "print([name for name in ('torchvision', 'torch._dynamo', 'torch._inductor') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", build_it], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"


def test_an_unknown_architecture_is_refused():
    with pytest.raises(InputError, match="no classifier 'resnet19'"):
        build("resnet19", 10)


def test_the_resource_lists_torchvisions_classifiers():
    expected = [
        " ".join([name, *(w.removeprefix("IMAGENET1K_") for w in models.get_model_weights(name).__members__)])
        for name in models.list_models(module=models)
    ]
    assert Path("resources/torchvision_classifiers.txt").read_text(encoding="utf-8").splitlines() == expected


def test_weights_come_back_and_the_same_give_the_same_bytes(tmp_path, network, state):
    for name in ("a.pth", "b.pth"):
        save_weights(state, tmp_path / name)
    load_weights(network, tmp_path / "a.pth")
    assert equal(network.state_dict(), state)
    assert (tmp_path / "a.pth").read_bytes() == (tmp_path / "b.pth").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pth", "b.pth"]


def test_random_weights_are_seeded_and_leave_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, again, other = (random_weights("small_resnet", N_LABELS, seed, size=64) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert equal(one, again)
    assert not torch.equal(one["fc.weight"], other["fc.weight"])
    assert not torch.equal(one["bn1.running_mean"], other["bn1.running_mean"])


@pytest.mark.slow
def test_random_weights_of_branches_that_begin_next_to_nothing_let_the_logits_follow_the_view():
    state = random_weights("timm:test_vit", N_LABELS, seed=0, size=64)
    assert all(not torch.equal(value, torch.full_like(value, 0.1)) for value in state.values())
    architecture = "timm:vit_small_patch14_dinov2"  # its scales begin with 0.00001
    state = random_weights(architecture, N_LABELS, seed=0, size=28)
    assert state["blocks.0.ls1.gamma"].eq(0.1).all()
    network = build(architecture, N_LABELS, 28).eval()
    network.load_state_dict(state)
    with torch.inference_mode():
        logits = network(torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0)))
    assert (logits[0] - logits[1]).std() > 0.02 * logits.std()


def test_random_weights_of_a_deep_network_give_small_logits_that_differ():
    network = build("resnet50", N_LABELS)
    network.load_state_dict(random_weights("resnet50", N_LABELS, seed=0, size=32))
    spread = []
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda module, inputs, output: spread.append(output.std().item()))
    views = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    logits = Classifier(network, CPU, "float32").logits(views)
    assert len(spread) == 53
    assert 0.5 < min(spread) < max(spread) < 10  # 1 where batch norm knows its inputs
    assert logits.half().isfinite().all()
    assert not torch.allclose(logits[0], logits[1], atol=0.01)


def test_a_cuda_device_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device"):
        resolve_device("cuda")
    assert resolve_device("auto") == resolve_device("cpu") == CPU


def test_a_cuda_device_that_is_there_is_taken_unless_cpu_is_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda")
    assert resolve_device("cpu") == CPU


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_stated_precision_is_kept(precision):
    assert resolve_precision(precision, CPU) == precision


@pytest.mark.parametrize(("has", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_automatic_precision_is_bfloat16_where_the_hardware_has_it(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has})
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has)
    assert resolve_precision("auto", CPU) == expected
    assert resolve_precision("auto", torch.device("cuda")) == expected


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_last_linear_layer_works_in_float32(network, precision):
    seen = {}
    classifier = Classifier(network, CPU, precision)
    network.fc.register_forward_hook(
        lambda module, inputs, output: seen.update(fc=(inputs[0].dtype, module.weight.dtype, output.dtype))
    )
    network.conv1.register_forward_hook(lambda module, inputs, output: seen.update(conv1=output.dtype))
    logits = classifier.logits(torch.randn(2, 3, 64, 64))
    assert logits.shape == (2, N_LABELS)
    assert logits.dtype == torch.float32
    assert seen["fc"] == (torch.float32,) * 3
    assert seen["conv1"] == getattr(torch, precision)


def test_logits_are_float32_where_no_layer_is_linear():
    network = nn.Sequential(nn.Conv2d(3, N_LABELS, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert last_linear(network) is None
    logits = Classifier(network, CPU, "bfloat16").logits(torch.randn(2, 3, 16, 16))
    assert logits.shape == (2, N_LABELS)
    assert logits.dtype == torch.float32


def test_the_last_linear_layer_is_the_one_that_gives_the_logits():
    architectures = (
        "resnet18",
        "vit_b_32",
        "swin_t",
        "densenet121",
        "mobilenet_v3_small",
        "maxvit_t",
        "vgg11",
    )
    for architecture in architectures:
        with torch.device("meta"):
            network = build(architecture, 17)
        assert last_linear(network).out_features == 17, architecture
    assert last_linear(build("squeezenet1_1", 17)) is None


def test_float32_logits_are_the_networks_own_in_evaluation_mode(network, state):
    network.load_state_dict(state)
    views = torch.randn(3, 3, 64, 64)
    logits = Classifier(network, CPU, "float32").logits(views)
    assert not network.training
    with torch.inference_mode():
        torch.testing.assert_close(logits, network(views), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        logits[1:2], Classifier(network, CPU, "float32").logits(views[1:2]), rtol=1e-3, atol=1e-4
    )


def test_bfloat16_agrees_with_float32_on_most_labels(state):
    views = torch.randn(40, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    logits = {}
    for precision in ("float32", "bfloat16"):
        network = build("small_resnet", N_LABELS)
        network.load_state_dict(state)
        logits[precision] = Classifier(network, CPU, precision).logits(views)
    same = logits["float32"].argmax(1) == logits["bfloat16"].argmax(1)
    assert same.float().mean() >= 0.9
    assert 0 < (logits["float32"] - logits["bfloat16"]).abs().max() < 0.2 * logits["float32"].std()


def test_preprocessing_normalises_each_channel():
    preprocessing = Preprocessing(mean=[0.5, 0.25, 0.0], std=[0.5, 0.25, 2.0])
    image = torch.tensor([255, 0, 51], dtype=torch.uint8)[:, None, None].expand(3, 2, 5)
    normalised = preprocessing.normalise(image)
    assert normalised.shape == (3, 2, 5)
    torch.testing.assert_close(normalised[:, 1, 3], torch.tensor([1.0, -1.0, 0.1]))
    torch.testing.assert_close(preprocessing.black(CPU), torch.tensor([-1.0, -1.0, 0.0]))
    torch.testing.assert_close(preprocessing.black(CPU), preprocessing.normalise(image * 0)[:, 0, 0])
    assert normalised.movedim(0, -1).is_contiguous()


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("V1", "resnet101-63fe2227.pth"),
        ("V2", "resnet101-cd907fc2.pth"),
        ("DEFAULT", "resnet101-cd907fc2.pth"),
        ("IMAGENET1K_V1", "resnet101-63fe2227.pth"),
    ],
)
def test_weights_have_torchvisions_address(weights, expected):
    assert torchvision_weights("resnet101", weights).url == f"https://download.pytorch.org/models/{expected}"


def test_unknown_weights_are_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"no weights 'V3' for resnet101. Choose one of V1, V2, DEFAULT"):
        torchvision_weights("resnet101", "V3")


CONTENT = np.random.default_rng(0).bytes(300_000)
GOOD = f"name-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


class Answer(http.server.BaseHTTPRequestHandler):
    """A server that returns the content under every name but `gone`, half of it under `half-…`, and so on."""

    released = threading.Event()  # those who wait for ever

    def do_GET(self):
        if "silent" in self.path:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONTENT[:1000])
            self.wfile.flush()
            self.released.wait(60)
            return
        if "moved" in self.path:
            self.send_response(302)
            self.send_header("Location", f"ftp://{self.headers['Host']}{self.path.replace('moved', 'name')}")
            self.end_headers()
            return
        if "babble" in self.path:
            self.wfile.write(b"babble\r\n\r\n")
            return
        found = "gone" not in self.path
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(CONTENT) if found else 0))
        self.end_headers()
        if found:
            self.wfile.write(CONTENT[: len(CONTENT) // 2] if "half" in self.path else CONTENT)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        Answer.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def _plain(monkeypatch):
    """Let downloads from a local server, which has no certificate, count as safe."""
    monkeypatch.setattr(download, "SAFE_SCHEMES", ("https", "http"))


@pytest.mark.usefixtures("_plain")
def test_weights_are_downloaded_into_a_new_folder_and_their_hash_checked(server, tmp_path):
    download_weights(f"{server}/models/{GOOD}", tmp_path / "new" / "a.pth")
    assert (tmp_path / "new" / "a.pth").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.pth"]


@pytest.mark.usefixtures("_plain")
@pytest.mark.parametrize(
    "name",
    ["name-01234567.pth", "gone-01234567.pth", f"half-{GOOD}", f"moved-{GOOD}", f"babble-{GOOD}"],
)
def test_a_failed_download_is_refused_by_address_and_leaves_no_file(server, tmp_path, name):
    with pytest.raises(InputError, match=f"{server}/{name}: not downloaded"):
        download_weights(f"{server}/{name}", tmp_path / "a.pth")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_plain")
def test_a_server_that_falls_silent_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "SILENCE", 0.2)
    with pytest.raises(InputError, match=r"silent-.*: not downloaded \(.*timed out\)"):
        download_weights(f"{server}/silent-{GOOD}", tmp_path / "a.pth")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_plain")
def test_a_disk_that_is_full_stops_a_download_and_leaves_no_file(server, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, hard))
    try:
        with pytest.raises(
            InputError, match=r"not downloaded .*File too large.* Check the network and the disk"
        ):
            download_weights(f"{server}/{GOOD}", tmp_path / "a.pth")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
def test_weights_come_over_https_alone(server, tmp_path, scheme):
    (tmp_path / GOOD).write_bytes(CONTENT)
    url = {"file": f"file://{tmp_path}/{GOOD}"}.get(scheme, server.replace("http", scheme) + f"/{GOOD}")
    with pytest.raises(InputError, match=r"not downloaded .* is not an https address"):
        download_weights(url, tmp_path / "a.pth")
    assert [path.name for path in tmp_path.iterdir()] == [GOOD]


@pytest.mark.usefixtures("_plain")
def test_a_failed_download_leaves_the_old_file(server, tmp_path):
    (tmp_path / "a.pth").write_bytes(b"old")
    with pytest.raises(InputError):
        download_weights(f"{server}/name-01234567.pth", tmp_path / "a.pth")
    assert (tmp_path / "a.pth").read_bytes() == b"old"


@pytest.mark.usefixtures("_plain")
def test_a_server_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match="not downloaded"):
        download_weights(f"http://127.0.0.1:1/{GOOD}", tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["name.pth", "name-.pth", "name-abc.pth", "a-cafe0123.org/name.pth"])
def test_an_address_without_a_hash_is_refused(server, tmp_path, name):
    with pytest.raises(InputError, match="contains no hash"):
        download_weights(f"{server}/{name}", tmp_path / "a.pth")
    assert list(tmp_path.iterdir()) == []


def test_torchvisions_old_names_of_densenets_layers_are_understood(tmp_path):
    network = build("densenet121", 5)
    state = network.state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): state[key] for key in state}
    assert old.keys() != state.keys()
    loaded = build("densenet121", 5)
    load_weights(loaded, save(tmp_path / "old.pth", old))
    assert equal(loaded.state_dict(), state)


def test_preprocessing_is_what_torchvisions_weights_were_trained_with_unless_given():
    usual = Preprocessing()

    def expected(architecture, weights=None, **given):
        network = NetworkConfig(architecture=architecture, source="a test", weights=weights, **given)
        return network.preprocessing()

    assert expected("resnet101", "DEFAULT") == Preprocessing(224, list(usual.mean), list(usual.std))
    assert expected("efficientnet_v2_l", "V1").mean == [0.5, 0.5, 0.5]
    assert expected("inception_v3", "V1").size == 299
    given = expected("inception_v3", "V1", size=224, mean=[0.1, 0.2, 0.3])
    assert (given.size, given.mean) == (224, [0.1, 0.2, 0.3])
    assert expected("resnet18") == usual


LEFT = {"family": "shift", "grid": 1, "share": "network", "interpolation": "network"}


@pytest.mark.parametrize(
    ("architecture", "weights", "share", "interpolation"),
    [
        ("resnet50", "V1", 224 / 256, "bilinear"),
        ("resnet50", "V2", 224 / 232, "bilinear"),
        ("efficientnet_b3", "V1", 300 / 320, "bicubic"),
        ("timm:tf_efficientnet_lite0", None, 0.875, "bicubic"),
        ("timm:tf_efficientnet_lite2", None, 0.89, "bicubic"),
        ("timm:resnet18.tv_in1k", None, 0.875, "bilinear"),
        # Weights from elsewhere, of which no library says anything.
        ("efficientnet_b3", None, 224 / 256, "bilinear"),
        ("small_resnet", None, 224 / 256, "bilinear"),
        ("net.py:build", None, 224 / 256, "bilinear"),
    ],
)
def test_a_view_left_to_the_network_is_as_its_library_evaluates_it(
    architecture, weights, share, interpolation
):
    network = NetworkConfig(architecture=architecture, source="a test", weights=weights)
    assert network.own_options(LEFT) == {"share": share, "interpolation": interpolation}
    assert network.own_options(LEFT | {"share": 0.5}) == {"interpolation": interpolation}
    assert network.own_options({"family": "zoom", "grid": 7}) == {}


def test_every_library_interpolates_in_a_way_that_is_known_here():
    for name in timm.list_models():
        timm_crop(name)
    for architecture, weights in WEIGHTS.items():
        for name in weights:
            torchvision_crop(architecture, name)
    with pytest.raises(
        InputError,
        match=r"evaluates the network with lanczos, .*Set `interpolation` to bilinear or bicubic in",
    ):
        CentralCrop(1.0, "lanczos")


def test_a_vision_transformer_is_built_for_its_input(network):
    with torch.device("meta"):  # shapes are enough
        assert build("vit_b_32", 5, size=96)(torch.zeros(1, 3, 96, 96)).shape == (1, 5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    ("layers", "size", "expected"),
    [
        ([nn.Flatten(), nn.Linear(3 * 4 * 4, 5)], 4, 2 * 48 * 5),
        ([nn.Flatten(), nn.Linear(48, 5, bias=False)], 4, 2 * 48 * 5),
        ([nn.Flatten(), nn.Linear(48, 5), nn.ReLU(), nn.Linear(5, 2)], 4, 2 * 48 * 5 + 2 * 5 * 2),
        # 3 × 3 places, each 3 × 2 × 2 inputs of 7 channels
        ([nn.Conv2d(3, 7, 2, stride=2), nn.Flatten()], 6, 2 * (3 * 2 * 2) * 7 * (3 * 3)),
        # 3 tokens of 16: queries, keys and values; 3 × 3 products of a query and a key, and as many weighted values; the
        # heads' projection; two layers, of 6 and 16; and the head
        (
            [
                nn.Flatten(2),
                nn.TransformerEncoderLayer(16, 2, 6, batch_first=True),
                nn.Flatten(),
                nn.Linear(48, 5),
            ],
            4,
            2 * (3 * 16 * 48 + 2 * 3 * 3 * 16 + 3 * 16 * 16 + 2 * 3 * 16 * 6 + 48 * 5),
        ),
    ],
)
def test_operations_by_hand(layers, size, expected, precision):
    network = copy.deepcopy(nn.Sequential(*layers))  # its precision will change
    assert Classifier(network, CPU, precision).operations(size) == expected


@pytest.mark.parametrize("architecture", ["resnet18", "vit_b_16"])
def test_operations_are_those_that_torchvision_states(architecture):
    weights = models.get_model_weights(architecture).IMAGENET1K_V1
    stated = weights.meta["_ops"]  # 10⁹ multiplications, each with an addition
    nowhere = torch.device("meta")  # operations are counted by shapes
    with nowhere:
        network = build(architecture, 1000)
    classifier = Classifier(network, nowhere, "float32")
    assert classifier.operations(224) / 2e9 == pytest.approx(stated, abs=5e-4)


@pytest.mark.parametrize("architecture", ["small_resnet", "timm:test_vit", "swin_t"])
def test_operations_are_those_that_torchs_own_counter_counts(architecture):
    with torch.device("meta"):
        network, views = build(architecture, 10).eval(), torch.zeros(2, 3, 160, 160)
    with torch.inference_mode():
        counted = count_operations(lambda: network(views))
        with FlopCounterMode(display=False) as counter:
            network(views)
    assert counted == counter.get_total_flops() > 0


@pytest.mark.parametrize("fast", [True, False])
def test_counting_operations_leaves_the_fast_path_of_attention_as_it_was(network, fast):
    usual = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(fast)
    try:
        assert Classifier(network, CPU, "float32").operations(64) > 0
        assert torch.backends.mha.get_fastpath_enabled() is fast
    finally:
        torch.backends.mha.set_fastpath_enabled(usual)


def test_counting_operations_leaves_the_network_as_it_was(network, state):
    network.load_state_dict(state)
    classifier, views = Classifier(network, CPU, "float32"), torch.randn(2, 3, 64, 64)
    before = classifier.logits(views)
    assert classifier.operations(64) == classifier.operations(64) > 0
    assert torch.equal(classifier.logits(views), before)
    assert equal(dict(network.state_dict()), state)


@pytest.mark.parametrize(
    ("architecture", "left"),
    [
        ("small_resnet", 0),
        ("resnet18", 0),
        ("mobilenet_v3_small", 0),
        pytest.param("googlenet", 2, marks=pytest.mark.slow),  # in heads for training only
        pytest.param("densenet121", 62, marks=pytest.mark.slow),  # before the convolutions, not after
        ("squeezenet1_1", 0),
        pytest.param("vit_b_32", 0, marks=pytest.mark.slow),
    ],
)
def test_batch_norm_is_folded_into_the_convolution_before_it(architecture, left):
    network = build(architecture, N_LABELS, 96)
    network.load_state_dict(random_weights(architecture, N_LABELS, seed=0, size=96))
    network.eval()
    views = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        before = network(views)
        fold_batch_norm(network, torch.zeros(1, 3, 96, 96))
        after = network(views)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) == left
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3 * before.abs().max().item())


def test_batch_norm_that_follows_no_convolution_stays():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1)).eval()
    fold_batch_norm(network, torch.zeros(1, 3, 8, 8))
    assert isinstance(network[2], nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("choice", "precision", "n_views", "compiler", "expected"),
    [
        ("auto", "bfloat16", 20_000, True, True),
        ("auto", "bfloat16", 20_000 - 1, True, False),
        ("auto", "float32", 20_000, True, False),
        ("auto", "bfloat16", 20_000, False, False),
        ("always", "float32", 1, True, True),
        ("never", "bfloat16", 20_000, True, False),
        ("never", "bfloat16", 20_000, False, False),
    ],
)
def test_a_network_is_compiled_where_it_pays(monkeypatch, choice, precision, n_views, compiler, expected):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/g++" if compiler else None)
    assert resolve_compiled(choice, CPU, precision, n_views) is expected


def test_compiling_without_a_compiler_is_refused(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match=r"compute\.compile is always, but there is no C\+\+ compiler"):
        resolve_compiled("always", CPU, "bfloat16", 10**6)
