"""A Python that starts in milliseconds, for runs of the workflow in tests.

A run starts Python once for Snakemake and once for each of its jobs, and each start imports torch, pandas or matplotlib anew:
seconds, in which nothing is tested. Here one process, the server, imports these libraries once. `executable()` is a program
that is used like Python; it asks the server for a fork of itself, which runs the script in the caller's folder, environment
and terminal, and it ends with the fork's exit status. The project's own modules are not imported in the server: every fork
imports them from where it is told to.

A test that is about starting Python (its environment variables, its signals, what is imported) uses `sys.executable`.
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

IMPORTED = """
    adjustText h5py matplotlib.backends.backend_agg matplotlib.backends.backend_pdf matplotlib.backends.backend_svg
    matplotlib.pyplot numba numpy pandas PIL.Image pyarrow.parquet pydantic pytorch_grad_cam scipy.optimize scipy.special
    scipy.stats seaborn snakemake.cli snakemake.script snakemake.workflow torch torchvision tqdm yaml
""".split()

# The program: a Python that imports nothing but this.
CLIENT = """#!{python} -IS
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect("{address}")
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
server.sendall(request)
answers = server.makefile("r")
pid = int(answers.readline())
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, frame: os.kill(pid, number))
status = int(answers.readline() or -signal.SIGKILL)
if status < 0:
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
    program.write_text(CLIENT.format(python=sys.executable, address=address))
    program.chmod(0o755)
    server = subprocess.Popen([sys.executable, __file__, address, str(program)], stdout=subprocess.PIPE)
    atexit.register(folder.cleanup)
    atexit.register(server.wait)
    atexit.register(server.terminate)
    server.stdout.read()  # until it listens
    return str(program)


def serve(address: str, program: str) -> None:
    """Import the libraries, then fork for every request."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in IMPORTED:
            importlib.import_module(name)
    gc.freeze()  # forks share what is imported, and need not look through it
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen(64)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # who waits for the end of the output knows that it can connect
    ended, is_ended = os.pipe()
    os.set_blocking(is_ended, False)
    signal.set_wakeup_fd(is_ended)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running = {}
    while True:
        ready, _, _ = select.select([server, ended], [], [])
        if server in ready:
            connection, _ = server.accept()
            pid = fork(connection, program)
            running[pid] = connection
        if ended in ready:
            os.read(ended, 4096)
            while running and (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                answer(running.pop(pid), os.waitstatus_to_exitcode(status))


def answer(connection: socket.socket, status: int) -> None:
    """Say how a fork ended, to a program that may be gone."""
    with connection, suppress(OSError):
        connection.sendall(f"{status}\n".encode())


def fork(connection: socket.socket, program: str) -> int:
    """Do in a fork what is requested; return its number, which the program gets to know."""
    size, descriptors, *_ = socket.recv_fds(connection, 8, 3)
    request = connection.makefile("rb").read(int.from_bytes(size, "big"))
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection.close()
        become(*json.loads(request), descriptors, program)
    for descriptor in descriptors:
        os.close(descriptor)
    with suppress(OSError):
        connection.sendall(f"{pid}\n".encode())
    return pid


def end(status: object) -> None:
    """End this process as Python does on `sys.exit(status)`, but leave the imported libraries to the operating system."""
    if status is not None and not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def become(arguments: list, folder: str, environment: dict, descriptors: list, program: str) -> None:
    """Run a script or a module (`-m`) as Python would, and end this process as Python would."""
    for wanted, given in enumerate(descriptors):
        os.dup2(given, wanted)
        os.close(given)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = program
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", errors=errors, buffering=1)
        for number, mode, errors in ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
    )
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


if __name__ == "__main__":
    serve(*sys.argv[1:])
