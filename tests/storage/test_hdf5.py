"""New HDF5 files appear complete or not at all, whatever the operating system refuses."""

import shutil
import subprocess
import sys

import pytest

from pipeline.sources import ROOT

pytestmark = pytest.mark.slow
WRITE = """
import numpy as np
from pathlib import Path
from helpers.study import digests_of, of_glimpse, random_label_maps, write_part
from labelmaps.storage.label_map_file import join_label_maps
from labelmaps.storage.saliency_file import write_saliency
from labelmaps.views.zoom import View

N = 300
random = np.random.default_rng(0)
images = [f"image {i}" for i in range(N)]
part = Path("label_maps/1of1.h5")

def make_maps():
    return random_label_maps(images, [(40, 30)] * N, View(grid=3), 20, random)

def write_maps(path=Path("maps.h5")):
    write_part(path, make_maps())

def join():
    join_label_maps([part], Path("joined.h5"), images, digests_of(images))

def write_saliency_maps():
    write_saliency("saliency.h5", of_glimpse(make_maps(), random.random((N, 3, 3))), {"method": "igub"})

write_maps(part)
WRITERS = {"maps.h5": write_maps, "joined.h5": join, "saliency.h5": write_saliency_maps}
"""
# A job is refused to write beyond a place in its file, wherever that is, and ends as Python ends. The places are the first,
# the last and so many between them.
REFUSE = """
import os, resource, sys
from random import Random
from labelmaps.jobs.logs import job

name, between = sys.argv[1], int(sys.argv[2])
WRITERS[name]()
size = os.path.getsize(name)
before = Path(name).read_bytes()
first, *others = range(0, size, size // 30)
for place in [first, *Random(0).sample(others, min(between, len(others))), size - 1]:
    child = os.fork()
    if child == 0:
        with job("job.log"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (place, resource.RLIM_INFINITY))
            try:
                WRITERS[name]()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        sys.exit()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    log = Path("job.log").read_text()
    assert status == 1, (place, status, log)
    assert log.count("\\n") == 1 and f"ERROR: {name}: cannot be written (File too large)" in log, (place, log)
    assert Path(name).read_bytes() == before, place
    assert not list(Path().glob(".*")), place
print("tried")
"""
NO_LOCKS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

int flock(int file, int operation) { errno = ENOLCK; return -1; }

static int answer(const char *name, int file, int command, void *argument) {
  switch (command) {
  case F_SETLK: case F_SETLKW: case F_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW: case F_OFD_GETLK:
    errno = ENOLCK;
    return -1;
  }
  int (*real)(int, int, ...) = dlsym(RTLD_NEXT, name);
  return real(file, command, argument);
}

#define ANSWER(name) int name(int file, int command, ...) { \\
  va_list arguments; va_start(arguments, command); \\
  void *argument = va_arg(arguments, void *); va_end(arguments); \\
  return answer(#name, file, command, argument); }
ANSWER(fcntl)
ANSWER(fcntl64)
"""


def run(code, folder, *arguments, **environment):
    """Run code in a new process, in a folder."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["maps.h5", "joined.h5", "saliency.h5"])
def test_wherever_writing_is_refused_the_job_says_so_and_leaves_the_old_file(tmp_path, thorough, name):
    """HDF5 crashes if it cannot write buffered data; a crash would have another exit status, and no line in the log."""
    result = run(WRITE + REFUSE, tmp_path, name, "99" if thorough else "6")
    assert (result.returncode, result.stdout) == (0, "tried\n"), result.stderr


@pytest.fixture
def no_locks(tmp_path):
    """Compile a library that refuses locks as some NFS do, and return its folder."""
    if shutil.which("gcc") is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux, and gcc to build a library that refuses locks")
    (tmp_path / "no_locks.c").write_text(NO_LOCKS)
    command = ["gcc", "-shared", "-fPIC", "-o", "no_locks.so", "no_locks.c", "-ldl"]
    subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path / "no_locks.so"


def test_files_are_written_joined_and_read_where_locks_are_refused(tmp_path, no_locks):
    plain = run("import h5py; h5py.File('plain.h5', 'w')", tmp_path, LD_PRELOAD=str(no_locks))
    assert "No locks available" in plain.stderr  # else the library would show nothing
    read = """
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.saliency_file import read_saliency
for write in WRITERS.values():
    write()
with open_label_maps("joined.h5") as file:
    print(len(file.images), len(read_saliency("saliency.h5").image))
"""
    result = run(WRITE + read, tmp_path, LD_PRELOAD=str(no_locks))
    assert (result.returncode, result.stdout) == (0, "300 300\n"), result.stderr
