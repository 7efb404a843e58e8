"""A file that is not a complete checkpoint is refused with its format; no code from it is run, and no message advises it."""

import gzip
import os
import pickle
import re
import subprocess
import sys
import tarfile
import traceback
import warnings
import zipfile
from io import BytesIO

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from labelmaps.errors import InputError
from labelmaps.networks.build import build
from labelmaps.networks.checkpoints import read_checkpoint
from labelmaps.networks.weights import load_weights
from pipeline.sources import ROOT

STATE = {"a": torch.arange(12.0).reshape(3, 4), "b": torch.ones(2, dtype=torch.int64)}
ADVICE = [
    "weights_only",
    "allowlist",
    "add_safe_globals",
    "safe_globals",
    "trust",
    "PyTorch 2",
    "torch.load",
    "jit.load",
]
ADVICE += ["arbitrary code", "File an issue", "file an issue", "set to", "allow_pickle", "unsafe", "\x1b"]


def torch_saved(content, **options):
    buffer = BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def old_saved(content):
    return torch_saved(content, _use_new_zipfile_serialization=False)


def written(write):
    buffer = BytesIO()
    write(buffer)
    return buffer.getvalue()


def tar_of(*names):
    def write(buffer):
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name in names:
                archive.addfile(tarfile.TarInfo(name))

    return written(write)


def zip_of(**files):
    def write(buffer):
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in files.items():
                archive.writestr(name.replace("__", "/"), content)

    return written(write)


def hdf5():
    def write(buffer):
        with h5py.File(buffer, "w") as file:
            file["layer"] = np.zeros(3)

    return written(write)


class Run:
    """An object that calls a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def script():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return written(lambda buffer: torch.jit.save(torch.jit.script(nn.Linear(2, 2)), buffer))


HARMFUL = {
    "posix.system": Run(os.system, "false"),
    "builtins.eval": Run(eval, "1"),
    "builtins.exec": Run(exec, "1"),
    "builtins.getattr": Run(getattr, 1, "real"),
    "io.open": Run(open, os.devnull),
    "subprocess.Popen": Run(subprocess.Popen, ["false"]),
    "os.system": b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00false\x85R.",
    "sys.exit": Run(sys.exit, 1),
    "torch.nn.modules.linear.Linear": nn.Linear(2, 2),
    "torch.jit._script.RecursiveScriptModule": b"\x80\x02ctorch.jit._script\nRecursiveScriptModule\n)R.",
}


def harmful(name, content):
    """Put the content into a file in torch's present format, and into one in its old format."""
    if not isinstance(content, bytes):
        return torch_saved({"a": content}), old_saved({"a": content})
    plain = torch_saved({"a": 1})
    with zipfile.ZipFile(BytesIO(plain)) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    members[next(member for member in members if member.endswith("data.pkl"))] = content
    old = old_saved({"a": 1}).replace(pickle.dumps({"a": 1}, 2), content)
    return zip_of(**members), old


FOREIGN = {
    "empty": (b"", "it is empty"),
    "Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n",
        "run `git lfs pull`",
    ),
    "web page": (b"\n<!DOCTYPE html><html>404</html>", "a web page"),
    "text": (b"hello, world", "it is a text file"),
    "list of safetensors": (
        b'{"metadata": {"total_size": 9}, "weight_map": {"fc.bias": "model-00001-of-00002.safetensors"}}',
        "it is the list of the files into which a checkpoint was divided",
    ),
    "cut safetensors": (
        (64).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.ljust(68),
        "it is incomplete: it has 4 of 8 bytes of tensors",
    ),
    "TorchScript": (script(), "it is TorchScript"),
    "tar": (tar_of("sys_info", "pickle", "storages", "tensors"), "it is a tar archive"),
    "zeros": (bytes(2000), "or only zeros"),
    "pickle": (pickle.dumps({"a": 1}), "a pickle that torch.save did not write"),
    "old pickle": (pickle.dumps({"a": 1}, 0), "it is a text file"),
    "pickle of code": (pickle.dumps({"a": HARMFUL["posix.system"]}), "a pickle that torch.save"),
    "pickle of protocol 2": (pickle.dumps({"a": HARMFUL["posix.system"]}, 2), "a pickle that torch.save"),
    "npy": (written(lambda buffer: np.save(buffer, np.zeros(3))), "a NumPy array"),
    "npz": (written(lambda buffer: np.savez(buffer, a=np.zeros(3))), r"a zip archive .* with a\.npy"),
    "keras": (zip_of(**{"config.json": "{}", "model.weights.h5": hdf5()}), "zip archive .* with config.json"),
    "hdf5": (hdf5(), "it is an HDF5 file"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0" + bytes(90), "it seems to be an ONNX file"),
    "gzip": (gzip.compress(torch_saved(STATE)), "unpack it with gunzip"),
    "noise": (np.random.default_rng(0).bytes(900), "neither a safetensors file nor one of torch.save"),
    "cut archive": (torch_saved(STATE)[:-20], "its archive is damaged or incomplete"),
    "cut old file": (old_saved(STATE)[:-20], "it is damaged"),
    "empty archive": (zip_of(), "one of torch.save|archive"),
}
FOREIGN |= {
    f"{name} {age}": (
        content,
        rf"it contains (a network or .*: )?\S*\b{name.rpartition('.')[2]}, and objects other than tensors could run code",
    )
    for name, made in HARMFUL.items()
    for age, content in zip(("new", "old"), harmful(name, made), strict=True)
}


def refusal(path, content):
    """Return the message for a refused file, and the text that a traceback would show."""
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_checkpoint(path)
    return str(error.value), "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_checkpoint_is_named_and_torchs_advice_never_passed_on(tmp_path, kind):
    content, reason = FOREIGN[kind]
    message, shown = refusal(tmp_path / "a.pth", content)
    assert message.startswith(f"{tmp_path}/a.pth: not a readable checkpoint (")
    assert message.isprintable()
    assert re.search(reason, message), message
    plain = shown.replace("weights_only=True", "")  # a line of the code that was run
    assert not [word for word in ADVICE[1:] if word in message], message
    assert "likely succeed" not in plain
    assert "trust" not in plain.replace(message, "")


@pytest.mark.slow
def test_the_log_of_a_job_holds_none_of_torchs_advice(tmp_path):
    for kind, (content, _) in FOREIGN.items():
        (tmp_path / f"{kind}.pth").write_bytes(content)
    load = """
import sys
from pathlib import Path
from labelmaps.jobs.logs import job
from labelmaps.networks.build import build
from labelmaps.networks.weights import load_weights
network = build("small_resnet", 3)
for path in Path().glob("*.pth"):
    try:
        with job("log"):
            load_weights(network, path)
    except SystemExit as end:
        assert end.code == 1, path
"""
    result = subprocess.run(
        [sys.executable, "-c", load], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    log = (tmp_path / "log").read_text() + result.stdout + result.stderr
    assert result.returncode == 0, log
    assert log.count("\n") == log.count("ERROR: ") == len(FOREIGN)
    assert not [word for word in ADVICE if word in log]


@pytest.mark.parametrize("save", [torch_saved, old_saved])
def test_what_torch_saved_is_read(tmp_path, save):
    (tmp_path / "a.pth").write_bytes(save(STATE))
    read = read_checkpoint(tmp_path / "a.pth")
    assert all(torch.equal(read[key], STATE[key]) for key in STATE)


def test_a_checkpoint_without_checksums_is_read(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        (tmp_path / "a.pth").write_bytes(torch_saved(STATE))
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_checkpoint(tmp_path / "a.pth").keys() == STATE.keys()


def test_no_flipped_byte_of_an_archive_gives_other_tensors(tmp_path):
    content, path, refused = torch_saved(STATE), tmp_path / "a.pth", 0
    places = [(place, 1 << place % 8) for place in range(0, len(content), 3)]
    folder_mark = content.rindex(b"archive/data/0") - 8
    for place, bit in [*places, (folder_mark, 0x10)]:
        spoilt = bytearray(content)
        spoilt[place] ^= bit
        path.write_bytes(spoilt)
        try:
            read = read_checkpoint(path)
        except InputError:
            refused += 1
            continue
        assert read.keys() == STATE.keys()
        assert all(torch.equal(read[key], STATE[key]) for key in STATE), place
    assert refused > len(content) / 3 / 8


def test_a_damaged_tensor_is_named_with_what_to_do(tmp_path):
    content = bytearray(torch_saved(STATE))
    content[content.index(STATE["a"].numpy().tobytes()) + 20] ^= 1
    message, _ = refusal(tmp_path / "a.pth", content)
    assert "it is damaged: archive/data/0 differs from its checksum. Copy or download it again" in message


def test_a_name_that_stands_twice_in_an_archive_is_refused(tmp_path):
    content = torch_saved(STATE)
    (tmp_path / "a.pth").write_bytes(content)
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "a.pth", "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("archive/data/0", bytes(48))
    with pytest.raises(InputError, match="a name occurs twice"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.fixture
def network():
    return build("small_resnet", 3)


def state_with(network, **changes):
    return network.state_dict() | {key.replace("__", "."): value for key, value in changes.items()}


HUGE = torch.zeros(1).expand(10**6, 10**6)  # 10¹² numbers in four bytes
ODD = {
    "expanded": lambda: HUGE,
    "expanded to many axes": lambda: torch.zeros(1).expand(*[2] * 40),
    "overlapping": lambda: torch.zeros(9).as_strided((10**6, 10**6), (0, 0)),
    "sparse": lambda: torch.eye(128).to_sparse(),
    "compressed": lambda: torch.eye(128).to_sparse_csr(),
    "quantised": lambda: torch.quantize_per_tensor(torch.zeros(3, 128), 0.1, 0, torch.qint8),
    "without data": lambda: torch.zeros(3, 128, device="meta"),
    "huge without data": lambda: torch.zeros(10**6, 10**6, device="meta"),
    "nested": lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
    "of 8 bits": lambda: torch.zeros(3, 128).to(torch.float8_e4m3fn),
    "complex": lambda: torch.zeros(3, 128, dtype=torch.complex64),
    "not finite": lambda: torch.full((3, 128), 1e39, dtype=torch.float64),
    "without numbers": lambda: torch.zeros(0),
    "without axes": lambda: torch.zeros(()),
}


@pytest.mark.filterwarnings("ignore")  # of torch, about what it calls prototypes
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("key", ["fc.weight", "bn1.num_batches_tracked"])
def test_odd_tensors_are_refused_by_the_key_that_they_stand_for(tmp_path, network, kind, key):
    if key == "bn1.num_batches_tracked" and kind == "without axes":
        pytest.skip("that is its shape")
    (tmp_path / "a.pth").write_bytes(torch_saved(network.state_dict() | {key: ODD[kind]()}))
    with pytest.raises(
        InputError, match=rf"a\.pth: .*1 keys (of another shape|without plain).*{key}|not a readable"
    ):
        load_weights(network, tmp_path / "a.pth")


@pytest.mark.parametrize("key", ["unknown", "unknown.num_batches_tracked"])
def test_an_odd_tensor_that_the_network_has_no_place_for_is_not_looked_at(tmp_path, network, key):
    (tmp_path / "a.pth").write_bytes(torch_saved(network.state_dict() | {key: HUGE}))
    if key == "unknown":
        with pytest.raises(InputError, match="1 keys unexpected: unknown"):
            load_weights(network, tmp_path / "a.pth")
    else:
        load_weights(network, tmp_path / "a.pth")


def test_keys_of_any_length_and_letters_are_shown_short_and_harmless(tmp_path, network):
    odd = {"x" * 10**6: torch.zeros(1), "\x1b[31mred\n": torch.zeros(1)}
    (tmp_path / "a.pth").write_bytes(torch_saved(network.state_dict() | odd))
    with pytest.raises(InputError, match="2 keys unexpected") as error:
        load_weights(network, tmp_path / "a.pth")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("metadata", [5, {"": 5}, {"": {"version": "x"}, "bn1": {"version": "x"}}], ids=str)
def test_what_a_state_dict_says_beside_its_tensors_may_be_anything(tmp_path, network, metadata):
    state = network.state_dict()
    state._metadata = metadata
    (tmp_path / "a.pth").write_bytes(torch_saved(state))
    with pytest.raises(InputError, match=r"a\.pth: (a damaged state dict|not a readable checkpoint)"):
        load_weights(network, tmp_path / "a.pth")


def test_an_expanded_tensor_of_the_right_shape_is_loaded(tmp_path, network):
    (tmp_path / "a.pth").write_bytes(
        torch_saved(state_with(network, fc__weight=torch.ones(()).expand(3, 128)))
    )
    load_weights(network, tmp_path / "a.pth")
    assert torch.equal(network.fc.weight, torch.ones(3, 128))


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/null", "folder"])
def test_what_is_no_regular_file_is_not_opened(tmp_path, network, kind):
    path = tmp_path / "a.pth"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(kind)
    with pytest.raises(InputError, match=r"not a readable checkpoint \(a \w+, not a regular file\)"):
        load_weights(network, path)
