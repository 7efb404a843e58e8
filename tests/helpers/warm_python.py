"""A Python that starts in a tenth of a second, for runs of the workflow in tests.

A run starts Python once for Snakemake and once for each job, and each start imports torch, pandas or matplotlib anew:
seconds in which nothing is tested. Here one process, the server, imports these libraries once. `executable()` is a program
that is used like Python: it asks the server to fork, the fork runs the script in the caller's folder and environment, with
its standard streams, and the program ends as the fork ends. The project's own modules are not imported in the server, so a
fork imports them from where a new Python would.

A test that is about how Python starts or is killed uses `sys.executable` instead.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

LIBRARIES = [
    *("adjustText", "h5py", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf"),
    *("matplotlib.backends.backend_svg", "matplotlib.pyplot", "numba", "numpy", "pandas", "PIL.Image"),
    *("pyarrow.parquet", "pydantic", "pytorch_grad_cam", "scipy.optimize", "scipy.special", "scipy.stats"),
    *(
        "snakemake.cli",
        "snakemake.script",
        "snakemake.workflow",
        "torch._inductor",
        "torchvision",
        "yaml",
    ),
]
# The program imports nothing but this, so that it starts fast.
PROGRAM = """#!{python} -IS
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect("{address}")
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
server.sendall(request)
answers = server.makefile("r")
fork = int(answers.readline())
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, frame: os.kill(fork, number))
status = int(answers.readline())
if status < 0:  # ended by this signal
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


@cache
def executable() -> str:
    """Start the server, which ends with this process; return the path of the program that is used like Python."""
    folder = tempfile.TemporaryDirectory(prefix="warm")
    program, address = Path(folder.name, "python"), f"{folder.name}/socket"
    program.write_text(PROGRAM.format(python=sys.executable, address=address), encoding="utf-8")
    program.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, __file__, address, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(folder.cleanup)
    atexit.register(server.wait)
    atexit.register(server.stdin.close)  # which ends the server, as the death of this process does
    server.stdout.read()  # until the server listens
    return str(program)


def serve(address: str, program: str) -> None:
    """Import the libraries, listen at a socket's address, and fork for every request."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in LIBRARIES:
            importlib.import_module(name)
    gc.freeze()  # a fork need not look through what it shares with the server
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen(64)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # ends the reading in `executable`
    deaths, is_dead = os.pipe()
    os.set_blocking(is_dead, False)
    signal.set_wakeup_fd(is_dead)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    connections = {}
    while True:
        ready, _, _ = select.select([server, deaths, sys.stdin], [], [])
        if sys.stdin in ready:
            os._exit(0)
        if server in ready:
            connection, _ = server.accept()
            connections[fork(connection, program)] = connection
        if deaths in ready:
            os.read(deaths, 4096)
            while connections and (dead := os.waitpid(-1, os.WNOHANG))[0]:
                with connections.pop(dead[0]) as connection, suppress(OSError):  # the program may be gone
                    connection.sendall(f"{os.waitstatus_to_exitcode(dead[1])}\n".encode())


def fork(connection: socket.socket, program: str) -> int:
    """Fork for the request at a connection, tell the fork's process id there, and return it."""
    size, streams, *_ = socket.recv_fds(connection, 8, 3)
    request = connection.makefile("rb").read(int.from_bytes(size, "big"))
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection.close()
        sys.executable = program
        run(*json.loads(request), streams)
    for stream in streams:
        os.close(stream)
    with suppress(OSError):
        connection.sendall(f"{pid}\n".encode())
    return pid


def run(arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """Run a script, or a module after `-m`, as a new Python does, and end this process."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w", 1)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace")
    try:
        if arguments[0] == "-m":
            sys.path[0], sys.argv = folder, arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.path[0], sys.argv = str(Path(arguments[0]).parent), arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as stop:
        end(stop.code)
    except BaseException:
        traceback.print_exc()
        end(1)
    end(0)


def end(status: object) -> None:
    """End this process as `sys.exit(status)` does, but do not free what it shares with the server, which takes seconds."""
    if status is not None and not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


if __name__ == "__main__":
    serve(*sys.argv[1:])
