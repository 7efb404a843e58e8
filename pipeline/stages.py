"""How far a run is, stage by stage: counts of jobs, and of what they say in their logs that they have done.

A stage is a file of rules: its jobs are counted together, and it has one line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from pathlib import Path

from labelmaps.jobs.progress_lines import Progress, duration
from pipeline.job_logs import LAST, TAIL, last_progress, read_tail

SLACK = 2.0  # seconds by which the clock of a disk may be behind


@dataclass
class Job:
    """A job that runs.

    message: what it does, as its rule says it. logs: its files. begun: seconds since the epoch.
    """

    rule: str
    message: str
    logs: list[str]
    begun: float
    progress: Progress | None = None

    @property
    def since(self) -> float:
        """The time from which on a log is this job's, in seconds since the epoch."""
        return self.begun - SLACK

    def log_text(self, size: int = TAIL) -> str:
        """Read the last bytes of the job's log."""
        return read_tail(self.logs[0], self.since, size) if self.logs else ""

    def look(self) -> None:
        """Read in the log how far the job is."""
        self.progress = last_progress(self.log_text(LAST)) or self.progress


@dataclass
class Stage:
    """The jobs of some rules.

    planned: rule → how many jobs it has in this run. width: of the names of all stages, in characters.
    seconds: during which any job ran, up to the last time when none did. running: by number.
    """

    name: str
    width: int
    planned: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    n_done: int = 0
    running: dict[int, Job] = field(default_factory=dict)
    _begun: float = 0.0  # when a job began while no other ran
    _finished: list[Job] = field(default_factory=list)

    @property
    def n_jobs(self) -> int:
        """How many jobs the stage has in this run."""
        return sum(self.planned.values())

    def begin(self, number: int, job: Job) -> None:
        """Count a job that begins."""
        if not self.running:
            self._begun = job.begun
        self.running[number] = job

    def finish(self, number: int, now: float) -> None:
        """Count a job that is done."""
        self.n_done += 1
        if job := self.end(number, now):
            job.look()
            self._finished.append(job)

    def end(self, number: int, now: float) -> Job | None:
        """Take a job that ended, well or not, from those that run, and return it; None if it does not run."""
        job = self.running.pop(number, None)
        if job is not None and not self.running:
            self.seconds += now - self._begun
        return job

    def describe(self) -> str:
        """Say how far the stage is: images or the like with rate and time left, or what is done now; and how many jobs."""
        jobs = f"{self.n_done} of {count(self.n_jobs)}"
        going = [text for rule in self.planned if (text := self._describe_rule(rule))]
        if going:
            return f"{self.name:<{self.width}}  {', '.join(going)} ({jobs})"
        first, *more = [job.message for job in self.running.values()]
        return f"{self.name:<{self.width}}  {jobs}: {first}{f' and {len(more)} more' if more else ''}"

    def describe_end(self) -> str:
        """Say what the stage did and how long it took; or, of one that did not end, how many of its jobs are done."""
        if self.n_done < self.n_jobs:
            return f"{self.name:<{self.width}}  {self.n_done} of {count(self.n_jobs)} done"
        sums: dict[str, float] = {}
        for job in self._finished:
            if job.progress:
                sums[job.progress.unit] = sums.get(job.progress.unit, 0) + job.progress.done
        done = [f"{total:.0f} {unit}" for unit, total in sums.items()]
        if len(sums) == 1 and self.seconds > 0:
            ((unit, total),) = sums.items()
            done.append(f"{Progress(total, None, unit, total / self.seconds)}".partition(", ")[2])
        return f"{self.name:<{self.width}}  {', '.join([count(self.n_jobs), duration(self.seconds), *done])}"

    def _describe_rule(self, rule: str) -> str:
        """Say how far all jobs of a rule are together, if those that run say it; one that waits is as large as others."""
        running = [job.progress for job in self.running.values() if job.rule == rule and job.progress]
        if not running:
            return ""
        known = [*running, *(job.progress for job in self._finished if job.rule == rule and job.progress)]
        totals = [progress.total for progress in known if progress.total is not None]
        total = fsum(totals) / len(known) * self.planned[rule] if len(totals) == len(known) else None
        rate = fsum(progress.rate for progress in running)
        text = str(
            Progress(
                fsum(progress.done for progress in known),
                None if total is None else round(total),
                running[0].unit,
                rate,
            )
        )
        return text if rate else text.partition(", ")[0]


def stages_of(counts: Mapping[str, int], files: Mapping[str, str | Path]) -> dict[str, Stage]:
    """Make the stages of a run, in the order of the workflow.

    counts: rule → number of jobs. files: rule → the file in which it is defined, in the order of the workflow.

    Returns the stage of each rule of `files` that has jobs.
    """
    names = {rule: Path(files[rule]).stem.replace("_", " ") for rule in files if counts.get(rule)}
    width = max(map(len, names.values()), default=0)
    stages = {name: Stage(name, width) for name in dict.fromkeys(names.values())}
    for rule, name in names.items():
        stages[name].planned[rule] = counts[rule]
    return {rule: stages[name] for rule, name in names.items()}


def distinct(stages: Iterable[Stage]) -> list[Stage]:
    """List each stage once."""
    return list({id(stage): stage for stage in stages}.values())


def count(n_jobs: int) -> str:
    """Write a number of jobs."""
    return f"{n_jobs} job" if n_jobs == 1 else f"{n_jobs} jobs"
