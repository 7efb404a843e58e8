"""A SLURM cluster of one node on this machine, without systemd, for one test: its GPUs and its size are pretended."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
ABSENT = [name for name in ("munged", "slurmctld", "slurmd", "srun") if shutil.which(name, path=PATH) is None]
needs_slurm = pytest.mark.skipif(
    bool(ABSENT), reason=f"no {', '.join(ABSENT)} here (Debian: slurmctld slurmd slurm-client munge)"
)
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
NodeName={host} NodeAddr=127.0.0.1 CPUs=64 RealMemory=256000 Gres=gpu:{gpus}
# The node's size is as stated, whatever the machine has.
SlurmdParameters=config_overrides
PartitionName=cpu Nodes=ALL Default=YES MaxTime=1-0
PartitionName=gpu Nodes=ALL MaxTime=1-0
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory

SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
# Nobody listens but at the node's address.
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthInfo=socket={folder}/munge.socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log

# No cgroups, no MPI, no switch.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
KillWait=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=2
# There is no database: slurmctld answers for jobs that ended.
MinJobAge=86400
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
TaskProlog={folder}/prolog
"""
PROLOG = """#!/bin/sh
echo "$SLURM_JOB_ID $CUDA_VISIBLE_DEVICES" >> {folder}/devices
"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster. environment: for commands that shall use it."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """What a command of SLURM's prints."""
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def jobs(self) -> list[dict[str, str]]:
        """What `scontrol show job` says of each job, ended ones too, in the order of their submission."""
        jobs = read_pairs(self.run("scontrol", "--oneliner", "show", "job"))
        return sorted(jobs, key=lambda job: int(job["JobId"]))

    def completed(self) -> dict[str, str]:
        """Job id → state, from the log of jobs that ended."""
        return {job["JobId"]: job["JobState"] for job in read_pairs((self.folder / "completed").read_text())}

    def devices(self) -> list[tuple[str, str]]:
        """(job id, CUDA_VISIBLE_DEVICES) of every task that was started."""
        lines = (self.folder / "devices").read_text().splitlines()
        return [(line.split(" ")[0], line.split(" ")[1]) for line in lines]


def read_pairs(text: str) -> list[dict[str, str]]:
    """Key → value of each line that tells of a job."""
    lines = [line for line in text.splitlines() if line.startswith("JobId=")]
    return [dict(pair.split("=", 1) for pair in line.split() if "=" in pair) for line in lines]


@contextmanager
def cluster(folder: Path, gpus: int) -> Iterator[Cluster]:
    """Start a cluster whose files lie in a new folder with a short name, with so many GPUs; stop it at the end."""
    configuration, srun = folder / "slurm.conf", shutil.which("srun", path=PATH)
    environment = os.environ | {"SLURM_CONF": str(configuration), "PATH": f"{folder}/bin:{PATH}"}
    host, user = socket.gethostname().split(".")[0], getpass.getuser()
    configuration.write_text(
        CONFIGURATION.format(host=host, user=user, gpus=gpus, ports=free_ports(2), folder=folder)
    )
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    devices = [folder / f"gpu{n}" for n in range(gpus)]
    for device in devices:
        device.symlink_to("/dev/null")  # not a plain file, or CUDA_VISIBLE_DEVICES stays empty
    (folder / "gres.conf").write_text("".join(f"Name=gpu File={device}\n" for device in devices))
    (folder / "cgroup.conf").touch()
    executable(folder / "prolog", PROLOG.format(folder=folder))
    # Snakemake drops SLURM_CONF before it calls srun inside a job.
    executable(folder / "bin/srun", f'#!/bin/sh\nSLURM_CONF={configuration} exec {srun} "$@"\n')
    (folder / "key").write_bytes(os.urandom(1024))
    (folder / "key").chmod(0o600)
    folder.chmod(0o755)  # munged wants its socket within everybody's reach
    munge = {
        "socket": "munge.socket",
        "key-file": "key",
        "pid-file": "pid",
        "log-file": "log",
        "seed-file": "seed",
    }
    here = Cluster(folder, environment)
    with ExitStack() as stack:
        for command in (
            ["munged", "--foreground", *(f"--{option}={folder / name}" for option, name in munge.items())],
            ["slurmctld", "-D"],
            ["slurmd", "-D"],
        ):
            stack.enter_context(daemon(command, here))
        wait_until(lambda: "idle" in here.run("sinfo", "--noheader", "--format=%T"))
        try:
            yield here
        finally:
            here.run("scancel", f"--user={user}")
            wait_until(lambda: not here.run("squeue", "--noheader"))


@contextmanager
def daemon(command: list[str], here: Cluster) -> Iterator[None]:
    """Run a daemon in the foreground; what it says goes to a file, and is told with what goes wrong meanwhile."""
    said = here.folder / f"{command[0]}.out"
    with said.open("w") as out:
        process = subprocess.Popen(command, env=here.environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield
    except Exception as error:
        error.add_note(f"{command[0]} says:\n{said.read_text()[-2000:]}")
        raise
    finally:
        process.terminate()
        process.wait()


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Ask again and again; a command that fails is no answer. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(subprocess.SubprocessError):
            if true():
                return
        time.sleep(0.2)
    raise TimeoutError("it did not come to pass")


def executable(path: Path, text: str) -> None:
    """Write a script."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def free_ports(n: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
