"""Runs that are killed, and disks that are full or cannot be written: nothing is lost, nothing half-written taken for whole.

A run of the label maps is one process here, which computes the parts that are not there, as Snakemake would start them, and
joins them. The forkserver starts such processes cheaply: it has imported torch once. Some runs go through Snakemake itself.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch._inductor  # noqa: F401 (imported by every job that runs a network; here once, by the forkserver)
import yaml
from matplotlib.figure import Figure
from tqdm import tqdm

from helpers import warm_python
from helpers.runs import contents_of, result_files
from helpers.study import index_of, noise, write_data_set
from labelmaps.data.index import read_index, write_excluded, write_index
from labelmaps.errors import InputError
from labelmaps.figures.style import prepare, save
from labelmaps.inference import engines
from labelmaps.jobs.logs import job
from labelmaps.networks.weights import random_weights, save_weights
from labelmaps.storage.files import moved_into_place
from labelmaps.storage.label_map_file import join_label_maps
from labelmaps.storage.saliency_file import SaliencyMaps, write_saliency
from pipeline.sources import ROOT
from workflow.scripts.compute_label_maps import compute_label_maps
from workflow.scripts.generate_scenes import generate_scenes

pytestmark = pytest.mark.faults

PARTS = 4
IMAGES_PER_PART = 7
N_LABELS = 400
COMPUTE = {"device": "cpu", "precision": "float32", "compile": "never", "batch": None}
NETWORK = {"architecture": "small_resnet", "source": "checkpoint", "size": 64}
TRIALS, TRIALS_IF_THOROUGH = 3, 8  # of each signal
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
STATUS = {signal.SIGKILL: -9, signal.SIGTERM: 128 + 15, signal.SIGINT: 128 + 2}
SECONDS = 120  # after which something hangs


# Runs of the label maps in a process


def part_files(results):
    return [results / f"label_maps/{part}of{PARTS}.h5" for part in range(1, PARTS + 1)]


def quieten():
    """Say nothing on the terminal."""
    with Path(os.devnull).open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    tqdm.set_lock(threading.RLock())  # its own is a semaphore: Python warns of it where the process is killed


def compute(inputs, results, broken, log):
    """Compute the parts that are not there, and join them; `broken`: what to break first."""
    quieten()
    if broken is not None:
        broken()
    with job(log):
        for part, output in enumerate(part_files(results), start=1):
            if not output.exists():
                compute_label_maps(
                    index=inputs / "index.parquet",
                    classes=inputs / "classes.txt",
                    weights=inputs / "weights.pth",
                    label_maps=output,
                    part=part,
                    parts=PARTS,
                    engine_name="exact",
                    view_config={"family": "zoom"},
                    network_config=NETWORK,
                    compute_config=COMPUTE,
                    threads=1,
                    images_mib=192,
                )
        if not (results / "label_maps.h5").exists():
            index = read_index(inputs / "index.parquet")
            images, digests = index["image"].tolist(), index["digest"].tolist()
            join_label_maps(part_files(results), results / "label_maps.h5", images, digests)


@pytest.fixture(scope="module")
def forkserver():
    """Starts processes that have imported this module."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, ROOT / "tests"))))
        first = context.Process(target=int)
        first.start()
        first.join(SECONDS)
    return context


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Images of noise, their index, and a network."""
    folder = tmp_path_factory.mktemp("inputs")
    write_inputs(folder, PARTS * IMAGES_PER_PART)
    return folder


def write_inputs(folder, n):
    """Images of noise, their table, classes, and weights."""
    write_data_set(folder, noise(*[(90, 60)] * n), N_LABELS)
    (folder / "table.csv").write_text("path,label\n" + "".join(f"{i:02}.png,0\n" for i in range(n)))
    save_weights(random_weights("small_resnet", N_LABELS, seed=3, size=64), folder / "weights.pth")


@pytest.fixture(scope="module")
def start_process(forkserver):
    """Starts a function that gets its arguments and a log; what still runs is ended with the tests."""
    started = []

    def start_process(function, *arguments, log):
        log.unlink(missing_ok=True)
        process = forkserver.Process(target=function, args=(*arguments, log))
        process.start()
        process.log = log
        started.append(process)
        return process

    yield start_process
    for process in started:
        process.kill()


@pytest.fixture(scope="module")
def start(start_process, inputs, tmp_path_factory):
    """Starts a run."""
    logs = tmp_path_factory.mktemp("logs")
    number = count()

    def start(results, broken=None):
        return start_process(compute, inputs, results, broken, log=logs / f"{next(number)}.log")

    return start


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory):
    """What an undisturbed run leaves, file → bytes; and the seconds that it takes, and that it writes a part."""
    results = tmp_path_factory.mktemp("undisturbed") / "results"
    began = time.monotonic()
    process = start(results)
    wait_for(partial(temporary_files, results), process)
    writes = time.monotonic()
    end(process)
    contents = contents_of(results)
    assert len(contents) == PARTS + 1
    return contents, time.monotonic() - began, (time.monotonic() - writes) / PARTS


def end(process, status=0):
    """Wait for the end of a run; its log."""
    process.join(SECONDS)
    log = process.log.read_text() if process.log.exists() else ""
    assert process.exitcode == status, log
    return log


def temporary_files(folder, name="*"):
    return list(folder.rglob(f".{name}.*.tmp*"))


def wait_for(condition, process):
    """Until it holds, or the process has ended."""
    give_up = time.monotonic() + SECONDS
    while not condition() and is_running(process):
        assert time.monotonic() < give_up
        time.sleep(0.001)


def is_running(process):
    return process.poll() is None if isinstance(process, subprocess.Popen) else process.is_alive()


def check_whole(results, undisturbed):
    """What has its final name is as an undisturbed run leaves it; returns what identifies each such file."""
    whole = {path: path.stat() for path in result_files(results) if not path.name.startswith(".")}
    for path in whole:
        assert path.read_bytes() == undisturbed[str(path.relative_to(results))], path
    return {path: (status.st_ino, status.st_mtime_ns) for path, status in whole.items()}


def check_rerun(results, undisturbed, finished):
    """All is as an undisturbed run leaves it, nothing else is there, and what was finished is the same file as before."""
    assert contents_of(results) == undisturbed
    now = check_whole(results, undisturbed)
    assert {path: now[path] for path in finished} == finished


# Killed


@pytest.mark.parametrize("killing", SIGNALS, ids=lambda number: number.name)
def test_a_run_killed_at_random_moments_loses_nothing(start, undisturbed, tmp_path, killing, thorough):
    contents, seconds, seconds_of_a_part = undisturbed
    trials = TRIALS_IF_THOROUGH if thorough else TRIALS
    landed = Counter()
    for seed in range(trials):
        results = tmp_path / str(seed)
        random = np.random.default_rng([seed, killing])
        process = start(results)
        if seed % 4 == 0:  # at any moment
            time.sleep(random.uniform(0, 1.1 * seconds))
        else:  # while a part is written
            part = random.integers(1, PARTS)
            wait_for(partial(temporary_files, results, f"{part}of{PARTS}"), process)
            time.sleep(random.uniform(0, 0.5 * seconds_of_a_part))
        is_writing = bool(temporary_files(results))
        with suppress(ProcessLookupError):  # it has ended
            os.kill(process.pid, killing)
        process.join(SECONDS)
        finished = check_whole(results, contents)
        if process.exitcode == 0:
            landed["after the last part"] += 1
        elif is_writing:
            landed["while writing"] += 1
            assert process.exitcode == STATUS[killing]
        else:
            landed["between parts" if finished else "before the first part"] += 1
        if killing != signal.SIGKILL:
            assert not temporary_files(results)
        end(start(results))
        check_rerun(results, contents, finished)
    print(f"{killing.name}: {dict(landed)}")
    assert landed["while writing"] >= trials // 3  # a busy machine runs ahead of the signal now and then


def stop_before_moving():
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)


def stop_after_moving():
    def move_and_stop(*names, move=os.replace):
        move(*names)
        os.kill(os.getpid(), signal.SIGKILL)

    os.replace = move_and_stop


@pytest.mark.parametrize(("stop", "n_finished"), [(stop_before_moving, 0), (stop_after_moving, 1)])
def test_a_machine_that_stops_around_the_move_loses_nothing(start, undisturbed, tmp_path, stop, n_finished):
    contents, *_ = undisturbed
    end(start(tmp_path / "results", broken=stop), status=-9)
    finished = check_whole(tmp_path / "results", contents)
    assert len(finished) == n_finished
    assert len(temporary_files(tmp_path)) == 1 - n_finished
    end(start(tmp_path / "results"))
    check_rerun(tmp_path / "results", contents, finished)


# Two at once


def write_again_and_again(path, letter, log):
    """Write a file of one letter, slowly; the log counts how often another process was in between."""
    refused = 0
    for _ in range(100):
        try:
            with moved_into_place(path) as temporary, temporary.open("w") as file:
                for _ in range(4):
                    file.write(1000 * letter)
                    file.flush()
                    time.sleep(0.001)
        except InputError:
            refused += 1
    log.write_text(str(refused))


def test_two_processes_that_write_one_file_at_once_never_mix_it(start_process, tmp_path):
    path = tmp_path / "a.txt"
    writers = [
        start_process(write_again_and_again, path, letter, log=tmp_path / f"{letter}.log") for letter in "ab"
    ]
    seen = Counter()
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            seen[path.read_text()] += 1
    assert set(seen) == {4000 * "a", 4000 * "b"}
    assert sum(int(end(writer)) for writer in writers) > 0
    assert not temporary_files(tmp_path)


def test_two_runs_in_one_folder_at_once_leave_what_one_leaves(start, undisturbed, tmp_path):
    """Without Snakemake's lock: a job that outlived its Snakemake, and the rerun."""
    earlier = start(tmp_path / "results")
    wait_for(partial(temporary_files, tmp_path), earlier)
    later = start(tmp_path / "results")
    for process in (earlier, later):
        process.join(SECONDS)
        if process.exitcode != 0:
            assert "is gone" in end(process, status=1)
    assert 0 in (earlier.exitcode, later.exitcode)
    assert contents_of(tmp_path / "results") == undisturbed[0]


# Disks


class Disk:
    """A small disk, mounted at a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __truediv__(self, name):
        return self.folder / name

    def mount(self, *options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def change(self, *options):
        result = self.mount("remount", *options)
        assert result.returncode == 0, result.stderr

    def fill(self):
        with (self / "filler").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))


@pytest.fixture
def disk(tmp_path):
    """A disk of 4 MB."""
    disk = Disk(tmp_path / "disk")
    disk.folder.mkdir()
    result = disk.mount("size=4m")
    if result.returncode != 0:
        pytest.skip(f"needs the right to mount: {result.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk.folder)], check=True)


def only_error(log):
    """The last line, which is the only one that is an error."""
    assert log.count("ERROR") == 1
    assert "Traceback" not in log
    return log.splitlines()[-1]


@pytest.mark.parametrize("fits", [0, 1, 2])
def test_a_full_disk_ends_the_run_with_a_word_and_a_larger_one_completes_it(start, undisturbed, disk, fits):
    contents, *_ = undisturbed
    of_a_part = len(contents[f"label_maps/1of{PARTS}.h5"])
    disk.change(f"size={int((fits + 0.6) * of_a_part)}")
    error = only_error(end(start(disk / "results"), status=1))
    output = part_files(disk / "results")[fits]
    assert f"{output}: cannot be written (No space left on device). Free some space" in error
    finished = check_whole(disk / "results", contents)
    assert len(finished) == fits
    assert not temporary_files(disk.folder)
    disk.change("size=4m")
    end(start(disk / "results"))
    check_rerun(disk / "results", contents, finished)


def test_a_folder_that_cannot_be_written_ends_the_run_with_a_word(start, undisturbed, disk):
    contents, *_ = undisturbed
    end(start(disk / "results"))
    part_files(disk / "results")[1].unlink()
    before = contents_of(disk.folder)
    finished = check_whole(disk / "results", contents)
    disk.change("ro")
    error = only_error(end(start(disk / "results"), status=1))
    assert "2of4.h5: cannot be written (Read-only file system). Mount the file system for writing" in error
    assert contents_of(disk.folder) == before
    disk.change("rw")
    end(start(disk / "results"))
    check_rerun(disk / "results", contents, finished)


def draw(path):
    prepare()
    figure = Figure()
    figure.subplots().imshow(np.random.default_rng(0).random((99, 99)))
    save(figure, [path])


def write_rows(path):
    write_excluded(
        path, pd.DataFrame({"image": [f"{i}" for i in range(9999)], "path": "a.png", "reason": "broken"})
    )


def write_maps(path):
    maps = np.random.default_rng(0).random((100, 7, 7))
    write_saliency(
        path, SaliencyMaps([f"{i}" for i in range(100)], maps, np.stack([maps, maps], axis=-1)), {}
    )


def write_tensors(path):
    save_weights({"a": torch.zeros(9999)}, path)


WRITERS = {
    "index.parquet": lambda path: write_index(
        path, index_of([f"images/{i}.png" for i in range(100)], [(90, 60)] * 100)
    ),
    "excluded.csv": write_rows,
    "saliency.h5": write_maps,
    "weights.pth": write_tensors,
    "figure.png": draw,
    "figure.pdf": draw,
    "figure.svg": draw,
}


def write(path, log):
    with job(log):
        WRITERS[path.name](path)


@pytest.mark.parametrize("there", ["the old file", "nothing"])
@pytest.mark.parametrize("name", WRITERS)
def test_what_a_full_disk_does_not_take_is_told_and_the_old_file_stays(
    start_process, disk, tmp_path, name, there
):
    path, log = disk / name, tmp_path / "job.log"
    end(start_process(write, path, log=log))
    written = path.read_bytes()
    path.unlink()
    if there == "the old file":
        path.write_text("old")
    disk.fill()
    before = contents_of(disk.folder)
    assert f"{path}: cannot be written (No space left on device)" in only_error(
        end(start_process(write, path, log=log), status=1)
    )
    assert contents_of(disk.folder) == before
    (disk / "filler").unlink()
    end(start_process(write, path, log=log))
    assert contents_of(disk.folder) == {name: written}


def test_scenes_that_a_full_disk_does_not_take_are_told(disk):
    disk.fill()
    before = contents_of(disk.folder)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
        generate_scenes(
            images=disk / "images",
            boxes=disk / "boxes.csv",
            classes=disk / "classes.txt",
            n=2,
            seed=0,
            threads=1,
        )
    assert contents_of(disk.folder) == before


# GPUs


def fail_in_the_second_part():
    """As a GPU does that is lost."""
    asked = count(1)
    logits = engines.Exact.logits

    def failing(*arguments):
        if next(asked) == IMAGES_PER_PART + 5:
            raise torch.AcceleratorError(
                "CUDA error: unspecified launch failure\nCompile with `TORCH_USE_CUDA_DSA` to enable assertions"
            )
        return logits(*arguments)

    engines.Exact.logits = failing


def test_a_gpu_that_is_lost_ends_the_run_with_a_word_and_the_images(start, undisturbed, tmp_path):
    contents, *_ = undisturbed
    results = tmp_path / "results"
    error = only_error(end(start(results, broken=fail_in_the_second_part), status=1))
    image = f"image {IMAGES_PER_PART + 4:02}"
    assert f"the GPU failed at the images {image} to {image} or just before" in error
    assert "(CUDA error: unspecified launch failure). Run again" in error
    finished = check_whole(results, contents)
    assert len(finished) == 1
    assert not temporary_files(results)
    end(start(results))
    check_rerun(results, contents, finished)


# Through Snakemake


@pytest.fixture(scope="module")
def snakemake():
    """Starts runs of the label maps, each in a session of its own; what still runs is ended with the tests.

    A run that is killed with its jobs is a new Python, so that its jobs are in its session.
    """
    started = []

    def snakemake(folder, *arguments, python=None):
        python = python or warm_python.executable()
        command = [python, "-m", "snakemake", "results/few/zoom/own/label_maps.h5", *arguments]
        command += ["--cores", "1", "--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.yaml"]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, cwd=folder, start_new_session=True, **options))
        return started[-1]

    yield snakemake
    for process in started:
        if is_running(process):
            kill_group(process, signal.SIGKILL)
            process.communicate()


def ended(process, status=0):
    """Wait for the end of a run; what it said."""
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == status, said
    return said


@pytest.fixture(scope="module")
def study(snakemake, tmp_path_factory):
    """A folder with a finished run of two parts, and the contents of its results."""
    folder = tmp_path_factory.mktemp("study")
    write_inputs(folder, 24)
    config = {
        "datasets": {"few": {"table": "table.csv", "classes": "classes.txt", "parts": 2}},
        "models": {"own": {"architecture": "small_resnet", "checkpoint": "weights.pth", "size": 64}},
        "compute": {"device": "cpu", "threads": 1},
        "run": {"datasets": ["few"], "models": ["own"]},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    ended(snakemake(folder))
    return folder, contents_of(folder / "results")


@pytest.fixture
def half_finished(study):
    """The study without its second part; its folder, its contents when whole, and what is finished."""
    folder, contents = study
    for name in ("label_maps/2of2.h5", "label_maps.h5"):
        (folder / "results/few/zoom/own" / name).unlink()
    return folder, contents, check_whole(folder / "results", contents)


def kill_group(process, number):
    """As a terminal, a batch system or the end of a container does."""
    os.killpg(process.pid, number)


def kill_job(process, number):
    """As a machine does whose memory is used up."""
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    (child,) = "".join((thread / "children").read_text() for thread in threads).split()
    os.kill(int(child), number)


def test_a_snakemake_that_is_killed_again_and_again_ends_as_if_undisturbed(
    snakemake, half_finished, thorough
):
    folder, contents, finished = half_finished
    random = np.random.default_rng(0)
    kept = "Run again; what is finished is kept"
    kills = [
        (kill_group, signal.SIGTERM, 1, f"ERROR: stopped by SIGTERM. {kept}"),
        (kill_group, signal.SIGINT, 1, f"ERROR: stopped by SIGINT. {kept}"),
        (
            kill_job,
            signal.SIGKILL,
            1,
            "ERROR: the process was killed from outside (SIGKILL), most often",
        ),
        (kill_group, signal.SIGKILL, -9, ""),
    ]
    for kill, number, status, message in kills if thorough else kills[1:]:
        process = snakemake(folder, python=sys.executable)
        left = set(temporary_files(folder))
        wait_for(lambda left=left: set(temporary_files(folder)) - left, process)
        time.sleep(random.uniform(0, 0.2))
        kill(process, number)
        assert message in ended(process, status)
        assert check_whole(folder / "results", contents) == finished
    assert "It can be removed with the --unlock argument" in ended(snakemake(folder), status=1)
    ended(snakemake(folder, "--unlock"))
    ended(snakemake(folder))
    check_rerun(folder / "results", contents, finished)


def test_a_second_snakemake_in_the_folder_is_refused_and_harms_nothing(snakemake, half_finished):
    folder, contents, finished = half_finished
    process = snakemake(folder)
    wait_for(lambda: list(folder.glob(".snakemake/locks/*")), process)
    assert "Directory cannot be locked" in ended(snakemake(folder), status=1)
    ended(process)
    check_rerun(folder / "results", contents, finished)


@pytest.fixture
def read_only(half_finished):
    """The study without its second part, whose results cannot be written."""
    results = half_finished[0] / "results"
    for command in (["--bind", results, results], ["-o", "remount,bind,ro", results]):
        result = subprocess.run(["mount", *command], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            pytest.skip(f"needs the right to mount: {result.stderr.strip()}")
    yield half_finished
    subprocess.run(["umount", results], check=True)


def test_snakemake_refuses_results_that_cannot_be_written(snakemake, read_only):
    folder, contents, finished = read_only
    assert "Read-only file system: 'results/few/zoom/own/label_maps/2of2.h5'" in ended(
        snakemake(folder), status=1
    )
    assert check_whole(folder / "results", contents) == finished
    assert not temporary_files(folder)
