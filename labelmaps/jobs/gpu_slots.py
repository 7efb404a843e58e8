"""A GPU of its own for each job, on a machine with several.

Snakemake's `--resources gpu=4` counts GPUs and hands none out: every job would take the first. So a job locks a file that
stands for a GPU and makes that GPU the only one it sees. The lock goes with the process, however that ends.
"""

import fcntl
import logging
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from labelmaps.jobs.local_disk import private_folder

VISIBLE = "CUDA_VISIBLE_DEVICES"
SECONDS_BETWEEN_LOOKS = 1
logger = logging.getLogger(__name__)
_locks: list[IO] = []  # open, and so locked, until the process ends


def take_gpu(device: str, gpus: Sequence[str] | None = None, folder: Path | None = None) -> None:
    """Make one GPU, which no other job of this user on this machine has, the only one that CUDA shows this process.

    Call it before anything asks CUDA. Where all GPUs are taken it waits, and the log says so. It leaves a set
    CUDA_VISIBLE_DEVICES alone: there a scheduler, or the user, chose.

    device: as in the settings; `cpu` takes none. gpus: their UUIDs; by default those that the driver lists. folder: of the
    locks; by default one on this machine's own disk, as other machines' locks mean other GPUs. Raises `InputError` where
    that is another user's.
    """
    if device == "cpu":
        return
    if VISIBLE in os.environ:
        logger.info("GPU: %s=%s, as given", VISIBLE, os.environ[VISIBLE])
        return
    gpus = listed_gpus() if gpus is None else gpus
    if not gpus:
        return
    folder = private_folder("gpus") if folder is None else folder
    gpu = first_free(gpus, folder)
    if gpu is None:
        n = len(gpus)
        logger.info(
            "GPU: waiting, other jobs have all %d here (--resources gpu=%d starts no more at once)", n, n
        )
    while gpu is None:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        gpu = first_free(gpus, folder)
    os.environ[VISIBLE] = gpu
    logger.info("GPU: %s", gpu)


def listed_gpus() -> list[str]:
    """UUIDs of the GPUs that NVIDIA's driver lists; none where there is no driver.

    Not asked of torch, which may start CUDA to answer: from then on CUDA_VISIBLE_DEVICES changes nothing.
    """
    try:
        command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return []


def first_free(gpus: Sequence[str], folder: Path) -> str | None:
    """The first GPU whose lock can be had, locked from now on; None where others hold them all."""
    for gpu in gpus:
        lock = (folder / gpu).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            _locks.append(lock)
            return gpu
    return None
