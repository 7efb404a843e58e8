"""Networks that are given to `labelmaps.look` by their name: what is downloaded, once, and what the library states."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.torch
from torchvision import models

import labelmaps
from helpers.study import soft_pictures
from labelmaps.errors import InputError
from labelmaps.looking import given_network, kept_weights
from labelmaps.looking.given_network import read_network
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.weights import random_weights, save_weights
from labelmaps.scenes.scene import Stream, nth_scene

(IMAGE,) = soft_pictures((40, 30))
USUAL = {"view": {"family": "zoom", "grid": 1}, "methods": ["max_logit"], "device": "cpu"}


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """The folder in which torch keeps weights, empty at first."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch/hub/checkpoints"


@pytest.fixture
def hub(monkeypatch):
    """What was asked of the hub, which gives random weights of timm's smallest network."""
    asked = []

    def download(repository, revision, sha256, path):
        asked.append((repository, revision, sha256))
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(random_weights("timm:test_resnet", 1000, seed=1, size=64), path)

    monkeypatch.setattr(kept_weights, "download_from_hub", download)
    return asked


def test_timms_weights_are_downloaded_once_and_state_input_and_classes(kept, hub):
    for _ in range(2):
        seen = labelmaps.look(IMAGE, "timm:test_resnet", label="tabby cat", size=64, **USUAL)
    assert hub == [("timm/test_resnet.r160_in1k", "main", None)]
    assert [file.name for file in kept.iterdir()] == ["timm-test_resnet.r160_in1k.safetensors"]
    assert seen.network == "timm:test_resnet (timm r160_in1k)"
    assert (seen.label, seen.preprocessing.size) == (281, 64)
    assert read_network("timm:test_resnet").preprocessing.size == 160
    for name, tag in (
        ("timm:test_resnet.r160_in1k", None),
        ("timm:test_resnet", "r160_in1k"),
        ("timm:test_resnet", "DEFAULT"),
    ):
        assert read_network(name, tag).source == "timm r160_in1k"
    assert len(hub) == 1


def test_torchvisions_weights_are_downloaded_once_and_anew_where_they_were_cut(kept, monkeypatch, tmp_path):
    save_weights(random_weights("squeezenet1_1", 1000, seed=1, size=64), tmp_path / "weights.pth")
    content, asked = (tmp_path / "weights.pth").read_bytes(), []
    stated = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    name = f"squeezenet1_1-{hashlib.sha256(content).hexdigest()[:8]}.pth"

    def download(url, path):
        asked.append(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def weights(architecture, choice):
        assert (architecture, choice) == ("squeezenet1_1", "DEFAULT")
        return SimpleNamespace(name=stated.name, url=f"https://somewhere.org/{name}", meta=stated.meta)

    monkeypatch.setattr(kept_weights, "download_weights", download)
    monkeypatch.setattr(kept_weights, "torchvision_weights", weights)
    for _ in range(2):
        seen = labelmaps.look(IMAGE, "squeezenet1_1", label="n02123045", size=64, **USUAL)
    assert asked == [f"https://somewhere.org/{name}"]
    assert [file.name for file in kept.iterdir()] == [name]
    assert (seen.network, seen.label) == ("squeezenet1_1 (torchvision V1)", 281)
    (kept / name).write_bytes(content[:-1])  # as another program may leave it
    read_network("squeezenet1_1")
    assert len(asked) == 2


def test_a_download_that_fails_says_what_to_do(kept, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    message = r"not downloaded .* give it as `checkpoint:`"
    with pytest.raises(InputError, match=message):
        labelmaps.look(IMAGE, "timm:test_resnet")
    assert not list(kept.glob("*"))


def test_the_embedded_defaults_network_knows_scenes():
    scene = nth_scene(2, Stream.EVALUATION, 0)
    seen = labelmaps.look(scene.image, "small_resnet", label="mug", **USUAL | {"methods": ["center"]})
    assert seen.label == scene.label
    assert seen.network == "small_resnet (trained on scenes)"
    assert seen.fixations["center"].name == "mug"


def test_without_the_repository_its_weights_are_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(given_network, "SHIPPED", tmp_path / "small_resnet.pth")
    with pytest.raises(
        InputError, match=r"small_resnet\.pth\. Its weights lie in the repository: give them as checkpoint"
    ):
        labelmaps.look(IMAGE, "small_resnet")


def test_a_checkpoint_goes_with_an_architecture_and_its_classes(tmp_path):
    save_weights(random_weights("small_resnet", 3, seed=1, size=64), tmp_path / "weights.pth")
    given = {"checkpoint": str(tmp_path / "weights.pth"), "size": 64, **USUAL}
    seen = labelmaps.look(IMAGE, "small_resnet", classes=["a", "b", "c"], label="c", **given)
    assert (seen.network, seen.label) == ("small_resnet (checkpoint)", 2)
    config = NetworkConfig(architecture="small_resnet", source="of a friend")
    other = labelmaps.look(IMAGE, config, classes=3, **given)
    assert (other.network, other.class_names[2]) == ("small_resnet (of a friend)", "label 2")
    assert np.array_equal(seen.label_map, other.label_map)
    with pytest.raises(InputError, match="It has 3 classes, the classes file lists 1000: give the classes"):
        labelmaps.look(IMAGE, "small_resnet", **given)
    (tmp_path / "mine.py").write_text(
        "from labelmaps.networks.small_resnet import SmallResNet\ndef build(num_classes): return SmallResNet(num_classes)\n"
    )
    own = labelmaps.look(IMAGE, f"{tmp_path}/mine.py:build", classes=3, **given)
    assert np.array_equal(own.label_map, other.label_map)
