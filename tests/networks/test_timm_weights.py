"""Timm's weights come from the hub of Hugging Face, here a local server, and only in the version that is pinned."""

import contextlib
import hashlib
import http.server
import threading

import pytest
import safetensors.torch
import timm
import torch

from labelmaps.errors import InputError
from labelmaps.networks import download, preprocessing
from labelmaps.networks.build import build
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.download import download_from_hub
from labelmaps.networks.load import load_network
from labelmaps.networks.preprocessing import Preprocessing, timm_preprocessing, timm_repository
from labelmaps.networks.weights import load_weights, random_weights
from labelmaps.protocol.verdicts import find_obstacle
from pipeline.settings.networks import TIMM

REVISION = "0123456789abcdef" * 2 + "01234567"
REPOSITORY = "timm/test_resnet.r160_in1k"
STATE = random_weights("timm:test_resnet", 5, seed=1, size=64)
CONTENT = safetensors.torch.save(STATE)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    """A server that redirects to a store and states the digest, as the hub does; a test can change its behaviour."""

    content, stated, status, target, etag = CONTENT, f'"{SHA256}"', 200, "/store/file", None
    asked: list[str] = []  # noqa: RUF012 (cleared by the fixture)

    def do_GET(self):
        cls = type(self)
        cls.asked.append(self.path)
        if cls.status != 200:
            self.answer(cls.status)
        elif self.path.startswith("/store"):
            self.answer(200, {"ETag": '"' + "f" * 64 + '"', "Content-Length": str(len(CONTENT))})
            self.send(cls.content)
        elif cls.target is None:  # as a mirror that keeps the files
            self.answer(200, {"ETag": cls.etag, "Content-Length": str(len(CONTENT))})
            self.send(cls.content)
        else:
            self.answer(302, {"X-Linked-ETag": cls.stated, "Location": cls.target, "Content-Length": "0"})

    def answer(self, status, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def send(self, content):
        with contextlib.suppress(ConnectionError):  # of who has heard enough
            self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def hub(server, monkeypatch):
    """Run the server under the address in `HF_ENDPOINT`, and return it, so that a test can set its behaviour."""
    monkeypatch.setenv("HF_ENDPOINT", server + "/")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    Hub.asked.clear()
    return lambda **given: [monkeypatch.setattr(Hub, name, value) for name, value in given.items()]


@pytest.mark.parametrize(("revision", "sha256"), [(REVISION, None), ("main", SHA256), (REVISION, SHA256)])
def test_weights_are_those_of_the_hub(hub, tmp_path, revision, sha256):
    path = tmp_path / "new" / "a.safetensors"
    assert download_from_hub(REPOSITORY, revision, sha256, path) == SHA256
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["a.safetensors"]
    assert Hub.asked == [f"/{REPOSITORY}/resolve/{revision}/model.safetensors", "/store/file"]
    load_weights(network := build("timm:test_resnet", 5), path)
    assert all(torch.equal(value, STATE[key]) for key, value in network.state_dict().items())


def refused(tmp_path, sha256=None):
    """Return the message that refuses a download, and check that no file is left."""
    with pytest.raises(InputError) as error:
        download_from_hub(REPOSITORY, REVISION, sha256, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []
    message = str(error.value)
    assert f"/{REPOSITORY}/resolve/{REVISION}/model.safetensors: not downloaded" in message
    assert message.endswith("download the file by other means and give it as `checkpoint:`")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("sha256", [None, SHA256])
@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:1000], b"", CONTENT[:-1] + b"\1"])
def test_a_file_that_is_cut_or_another_is_refused(hub, tmp_path, sha256, content):
    hub(content=content)
    refused(tmp_path, sha256)


def test_a_digest_of_the_configuration_counts_and_not_the_hubs(hub, tmp_path):
    assert f"its sha256 is {SHA256}, not {'0' * 64}" in refused(tmp_path, "0" * 64)
    hub(stated="0" * 64)
    download_from_hub(REPOSITORY, REVISION, SHA256, tmp_path / "a.safetensors")


@pytest.mark.parametrize("stated", [None, "", '"abc"', SHA256[:40]])
def test_a_revision_whose_file_nothing_tells_is_refused_before_it_is_fetched(hub, tmp_path, stated):
    hub(stated=stated, etag=stated)
    assert "the server states no sha256" in refused(tmp_path)
    hub(target=None)
    assert "the server states no sha256" in refused(tmp_path)


@pytest.mark.parametrize("etag", [SHA256, f'"{SHA256}"', f'W/"{SHA256.upper()}"'])
def test_a_mirror_may_keep_the_file_itself(hub, tmp_path, etag):
    hub(target=None, etag=etag)
    assert download_from_hub(REPOSITORY, REVISION, None, tmp_path / "a.safetensors") == SHA256
    hub(content=CONTENT[:-1])
    with pytest.raises(InputError, match="not downloaded"):
        download_from_hub(REPOSITORY, REVISION, None, tmp_path / "b.safetensors")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_not_there_or_not_for_all_is_called_so(hub, tmp_path, status):
    hub(status=status)
    message = refused(tmp_path)
    assert f"HTTP Error {status}" in message
    assert "no such file, or it needs an account, or a licence" in message


def test_other_failures_are_not(hub, tmp_path):
    hub(status=503)
    assert "account" not in refused(tmp_path)


@pytest.mark.parametrize(
    "target",
    ["http://localhost:9/x", "http://127.0.0.1:1/x", "ftp://127.0.0.1/x", "file:///etc/hostname"],
)
def test_the_hub_sends_on_to_itself_or_over_https_alone(hub, tmp_path, target):
    hub(target=target)
    refused(tmp_path)
    assert len(Hub.asked) == 1


def test_what_is_not_safetensors_is_refused_whatever_its_digest(hub, tmp_path):
    content = b"<html>" + CONTENT[6:]
    hub(content=content)
    assert "it is not a safetensors file" in refused(tmp_path, hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HF_HUB_OFFLINE", "1", "the environment variable HF_HUB_OFFLINE is set"),
        ("HF_HUB_OFFLINE", "True", "the environment variable HF_HUB_OFFLINE is set"),
        (
            "HF_ENDPOINT",
            "hub.example.org",
            "HF_ENDPOINT is 'hub.example.org', and must be an address such as https://",
        ),
        (
            "HF_ENDPOINT",
            "file:///tmp",
            "HF_ENDPOINT is 'file:///tmp', and must be an address such as https://",
        ),
        ("HF_ENDPOINT", "http://127.0.0.1:1", "Connection refused"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_without_the_hub_one_line_says_the_way_out(tmp_path, monkeypatch, name, value, expected):
    monkeypatch.setenv(name, value)
    assert expected in refused(tmp_path)
    assert Hub.asked == []


@pytest.mark.parametrize(
    ("name", "value"), [("HF_HUB_OFFLINE", "0"), ("HF_HUB_OFFLINE", ""), ("HF_HUB_OFFLINE", "no")]
)
def test_a_variable_that_says_no_hinders_nothing(hub, tmp_path, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    download_from_hub(REPOSITORY, REVISION, None, tmp_path / "a.safetensors")


def test_where_no_endpoint_is_set_the_hub_is_hugging_faces(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setenv("HF_ENDPOINT", "")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(download, "_fetch", lambda url, *_: asked.append(url) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        download_from_hub(REPOSITORY, "main", SHA256, tmp_path / "a.safetensors")
    assert asked == [f"https://huggingface.co/{REPOSITORY}/resolve/main/model.safetensors"]


def test_the_repository_is_timms():
    assert timm_repository("resnet50.a2_in1k") == "timm/resnet50.a2_in1k"
    with pytest.raises(InputError, match=r"gcvit_tiny\.in1k are not on the hub but at https://.*checkpoint:"):
        timm_repository("gcvit_tiny.in1k")
    with pytest.raises(InputError, match=r"test_vit4 are not on the hub\. Download"):
        timm_repository("test_vit4")
    with pytest.raises(InputError, match=r"timm has no weights resnet50\.a9"):
        timm_repository("resnet50.a9")


@pytest.mark.parametrize("stated", [{"hf_hub_filename": "open_clip.bin"}, {"label_offset": 1}])
def test_weights_that_timm_converts_are_refused(monkeypatch, stated):
    config = timm.models.PretrainedCfg(hf_hub_id="timm/x", **stated)
    monkeypatch.setattr(preprocessing, "timm_config", lambda name: config)
    with pytest.raises(InputError, match=r"timm converts the weights .* when it loads them.*checkpoint:"):
        timm_repository("x.y")


def test_the_resource_lists_timms_weights_and_first_the_default():
    known = {}
    for name in timm.list_pretrained():
        architecture, _, tag = name.partition(".")
        known.setdefault(architecture, []).append(tag)
    for architecture, tags in TIMM().items():
        assert sorted(tags) == sorted(known.get(architecture, [])), architecture
        assert not tags or tags[0] == timm.get_pretrained_cfg(architecture).tag, architecture


def test_preprocessing_is_that_of_the_tag():
    def expected(architecture, weights=None, **given):
        network = NetworkConfig(architecture=architecture, source="a test", weights=weights, **given)
        return network.preprocessing()

    plain, tagged = (
        timm_preprocessing(f"convnext_base.{tag}") for tag in ("clip_laion2b_augreg_ft_in1k", "fb_in1k")
    )
    assert (plain.size, tagged.size, plain.mean == tagged.mean) == (256, 224, False)
    assert expected("timm:convnext_base", "fb_in1k") == tagged
    assert expected("timm:convnext_base.clip_laion2b_augreg_ft_in1k", "clip_laion2b_augreg_ft_in1k") == plain
    assert expected("timm:convnext_base", "fb_in1k", size=96) == Preprocessing(96, tagged.mean, tagged.std)


def test_a_network_is_built_as_its_tag_says(tmp_path):
    network = NetworkConfig(architecture="timm:test_vit", source="a test", weights="r160_in1k")
    path = tmp_path / "a.safetensors"
    state = timm.create_model("test_vit.r160_in1k", num_classes=5).state_dict()
    safetensors.torch.save_file(state, path)
    module, found, notes = load_network(network, path, 5)
    assert module.pretrained_cfg["tag"] == "r160_in1k"
    assert (found.size, notes) == (160, [])
    with pytest.raises(InputError, match=r"timm has no weights test_vit\.nope"):
        build("timm:test_vit.nope", 5)


@pytest.mark.parametrize(
    ("n_theirs", "expected"),
    [(21841, "It has 21841 classes, the classes file lists 1000"), (0, "It has no head, the network's `fc`")],
)
def test_weights_of_other_classes_or_none_are_called_so(tmp_path, n_theirs, expected):
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file(timm.create_model("test_resnet", num_classes=n_theirs).state_dict(), path)
    with pytest.raises(InputError, match=expected):
        load_weights(build("timm:test_resnet", 1000), path)


def test_timms_weights_are_trained_ones():
    assert find_obstacle("timm a1_in1k (revision 0123456789ab)", 0.8, same_images=True) == ""
