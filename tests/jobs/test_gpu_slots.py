"""On a machine with several GPUs, each job has one of its own as long as it runs. The GPUs here are simulated."""

import os
import subprocess
import sys

import pytest

from labelmaps.errors import InputError
from labelmaps.jobs import gpu_slots
from labelmaps.jobs.gpu_slots import list_gpus, take_gpu
from labelmaps.jobs.local_disk import private_folder
from pipeline.sources import ROOT
from workflow.scripts.compute_glimpse_saliency import compute_glimpse_saliency
from workflow.scripts.compute_label_maps import compute_label_maps

GPUS = ["GPU-a", "GPU-b", "GPU-c", "GPU-d"]
# A job: takes a GPU, says what CUDA would show it, and goes on until its input ends.
JOB = """
import logging, os, pathlib, sys
from labelmaps.jobs.gpu_slots import take_gpu
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
take_gpu(sys.argv[1], sys.argv[3:], pathlib.Path(sys.argv[2]))
print("sees", os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Start a job on simulated GPUs."""
    running = []

    def start(device="cuda", gpus=GPUS, **environment):
        job = subprocess.Popen(
            [sys.executable, "-c", JOB, device, str(tmp_path), *gpus],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
            | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(job)
        return job

    yield start
    for job in running:
        job.kill()
        job.communicate()


def says(job):
    return job.stdout.readline().strip()


@pytest.mark.slow
def test_four_jobs_at_once_get_four_gpus(start):
    jobs = [start() for _ in GPUS]
    taken = [says(job) for job in jobs]
    assert sorted(taken) == [f"GPU: {gpu}" for gpu in GPUS]
    assert [says(job) for job in jobs] == [line.replace("GPU: ", "sees ") for line in taken]


@pytest.mark.slow
def test_a_fifth_job_waits_says_so_and_gets_the_gpu_of_one_that_was_killed(start):
    jobs = [start() for _ in GPUS]
    taken = [says(job) for job in jobs]
    fifth = start()
    assert says(fifth).startswith("GPU: waiting, because other jobs use all 4 GPUs of this machine")
    jobs[2].kill()
    assert says(fifth) == taken[2]


@pytest.mark.slow
def test_the_gpu_of_a_job_that_ended_is_free_again(start):
    first = start(gpus=GPUS[:1])
    assert says(first) == "GPU: GPU-a"
    first.communicate()
    assert says(start(gpus=GPUS[:1])) == "GPU: GPU-a"


@pytest.mark.slow
def test_visible_devices_that_were_chosen_are_left_alone_and_hold_no_lock(start):
    chosen = start(CUDA_VISIBLE_DEVICES="GPU-a")
    assert says(chosen) == "GPU: CUDA_VISIBLE_DEVICES=GPU-a, as set in the environment"
    assert says(chosen) == "sees GPU-a"
    none_at_all = start(CUDA_VISIBLE_DEVICES="")
    assert [says(none_at_all), says(none_at_all)] == [
        "GPU: CUDA_VISIBLE_DEVICES=, as set in the environment",
        "sees",
    ]
    assert says(start()) == "GPU: GPU-a"


@pytest.mark.slow
@pytest.mark.parametrize(("device", "gpus"), [("cpu", GPUS), ("auto", []), ("cuda", [])])
def test_a_job_on_the_cpu_and_a_machine_without_gpus_take_none(start, tmp_path, device, gpus):
    assert says(start(device, gpus)) == "sees None"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compute", [compute_label_maps, compute_glimpse_saliency])
def test_jobs_that_run_networks_take_a_gpu_before_anything_asks_cuda(tmp_path, monkeypatch, compute):
    def ask(*_):
        raise InterruptedError(os.environ["CUDA_VISIBLE_DEVICES"])

    locks = []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "what the test shall leave alone")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(gpu_slots, "_locks", locks)
    monkeypatch.setattr(gpu_slots, "list_gpus", lambda: ["GPU-only"])
    monkeypatch.setattr(gpu_slots, "private_folder", lambda _: tmp_path)
    monkeypatch.setattr(sys.modules[compute.__module__], "be_deterministic", ask)
    arguments = dict.fromkeys(compute.__annotations__.keys() - {"return"})
    arguments["view_config"] = {"family": "zoom"}
    arguments["network_config"] = {"architecture": "small_resnet", "source": "checkpoint"}
    with pytest.raises(InterruptedError, match="GPU-only"):
        compute(**arguments | {"compute_config": {"device": "auto"}})
    locks.pop().close()


def put_on_path(folder, monkeypatch, script):
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_gpus_are_those_that_the_driver_lists(tmp_path, monkeypatch):
    put_on_path(tmp_path, monkeypatch, "printf 'GPU-1f\\nGPU-2e\\n'; [ $1 = --query-gpu=uuid ]")
    assert list_gpus() == ["GPU-1f", "GPU-2e"]


def test_there_are_no_gpus_where_the_driver_fails_or_is_not_there(tmp_path, monkeypatch):
    put_on_path(tmp_path, monkeypatch, "echo NVIDIA-SMI has failed because it could not communicate; exit 9")
    assert list_gpus() == []
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert list_gpus() == []


def test_locks_lie_in_a_folder_that_no_other_user_can_write(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = private_folder("gpus")
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_folder("gpus") == folder


def test_a_folder_of_locks_that_leads_elsewhere_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"labelmaps-gpus-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(InputError, match="belongs to another user"):
        take_gpu("cuda", GPUS)
