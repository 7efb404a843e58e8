"""The assignment of one GPU to each job, on a machine with several.

Snakemake's `--resources gpu=4` counts GPUs but does not assign them, so every job would use the first. Each job therefore
locks a file that represents one GPU, and hides all other GPUs from itself. The lock is released when the process ends, in
whatever way it ends.
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
SECONDS_BETWEEN_ATTEMPTS = 1
logger = logging.getLogger(__name__)
_locks: list[IO] = []  # open files, which stay locked until the process ends


def take_gpu(device: str, gpus: Sequence[str] | None = None, folder: Path | None = None) -> None:
    """Reserve a GPU that no other job of this user on this machine has, and hide all others from CUDA in this process.

    Call this before CUDA is initialised. If all GPUs are reserved, it logs this and waits for one. If CUDA_VISIBLE_DEVICES
    is set, a scheduler or the user has chosen a GPU, and nothing is reserved.

    device: the setting `compute.device`; nothing is reserved for `cpu`.
    gpus: the UUIDs of the GPUs; by default those that the driver lists.
    folder: the folder of the lock files; by default on this machine's own disk, because other machines have other GPUs.

    Raises `InputError` if the default folder belongs to another user.
    """
    if device == "cpu":
        return
    if VISIBLE in os.environ:
        logger.info("GPU: %s=%s, as set in the environment", VISIBLE, os.environ[VISIBLE])
        return
    gpus = list_gpus() if gpus is None else gpus
    if not gpus:
        return
    folder = private_folder("gpus") if folder is None else folder
    gpu = lock_free_gpu(gpus, folder)
    if gpu is None:
        n = len(gpus)
        logger.info(
            "GPU: waiting, because other jobs use all %d GPUs of this machine (--resources gpu=%d starts at most so many)",
            n,
            n,
        )
    while gpu is None:
        time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        gpu = lock_free_gpu(gpus, folder)
    os.environ[VISIBLE] = gpu
    logger.info("GPU: %s", gpu)


def list_gpus() -> list[str]:
    """List the UUIDs of the GPUs that NVIDIA's driver reports; the list is empty if there is no driver.

    This does not use torch, which may initialise CUDA; after that, CUDA_VISIBLE_DEVICES would have no effect.
    """
    try:
        command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return []


def lock_free_gpu(gpus: Sequence[str], folder: Path) -> str | None:
    """Lock the first GPU that no other process has locked, and return its UUID; return None if all are locked.

    gpus: their UUIDs. folder: the folder of the lock files. The lock lasts until this process ends.
    """
    for gpu in gpus:
        lock = (folder / gpu).open("a", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            _locks.append(lock)
            return gpu
    return None
