"""What a run shows on the terminal: a line per stage, warnings and errors, each once; the log of the run keeps everything.

Snakemake tells its handlers of log records what happens as events, which are documented for its logger plugins. A plugin
would have to be installed, and a profile that names one stops Snakemake where it is not; so the handler here takes the place
of Snakemake's own on the terminal when the workflow is read. The handler that writes `.snakemake/log/` stays as it is.
"""

import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from snakemake_interface_logger_plugins.common import LogEvent

from labelmaps.jobs.progress_lines import duration
from pipeline.job_logs import describe_failure, shorten_exception, warnings_in
from pipeline.screen import RED, YELLOW, Screen, Silence, write_lines
from pipeline.sources import ROOT, shown
from pipeline.stages import Job, Stage, count, distinct, stages_of

SNAKEFILES = (ROOT / "Snakefile", ROOT / "workflow" / "Snakefile")  # of others, this workflow may be a module
OURS = (*SNAKEFILES, ROOT / "rules", ROOT / "pipeline")  # what they say by the logger is meant for the user
PLAIN = "DefaultStreamHandler"  # Snakemake's name of its own handler
# Seconds between two looks at the logs of the jobs that run; more where many run, whose logs may lie on a network's disk.
LIVELY, SPARING = 1.0, 5.0
JOBS_PER_SECOND = 20
MOST_WARNINGS = 3  # of one rule, if they differ
MOST_REPEATED = 3  # jobs that are named with an error that another had before
# Beginnings of what Snakemake says to nobody's use before there are jobs; and those of what is of use when there are.
NOISE = ("Config file ", "Assuming unrestricted shared filesystem usage", "Building DAG of jobs")
NOTHING = "Nothing to be done"
KEPT = (NOTHING, "Will exit after finishing", "Terminating processes")
DEPLOYMENT = "/snakemake/deployment/"  # what makes environments, which takes minutes
RESTART = re.compile(r"Trying to restart job (\S+)\.")
# Texts of `subprocess`, of the end of a script's process.
ENDED = re.compile(
    r"\.py' (?:died with <Signals\.(?P<signal>\w+): \d+>|returned non-zero (?P<status>exit status \d+))"
)
MISSING = re.compile(r"^Job (\d+) +completed successfully, but some output files are missing", re.MULTILINE)
FURTHER = re.compile(
    r" *(?:Detailed failure reason unavailable|For further error details)"
)  # of SLURM's messages
STOPPED = "stopped by SIG"  # what a job says that a signal stopped
FAILED, AT_LEAST_ONE = (
    "Exiting because a job execution failed",
    "At least one job did not complete successfully.",
)


def take_over(workflow: Any) -> "Terminal | None":
    """Show a run in place of Snakemake; None where Snakemake goes on.

    So it does in its subprocesses, where another workflow has this one as a module, with a logger plugin, and with the
    options `--verbose`, `--debug-dag` and `--quiet all`.
    """
    settings, manager = workflow.output_settings, workflow.logger_manager
    plain = next((handler for handler in manager.logger.handlers if handler.name == PLAIN), None)
    is_ours = workflow.is_main_process and Path(workflow.main_snakefile).resolve() in SNAKEFILES
    quiet = {str(item) for item in settings.quiet or ()}
    if plain is None or not is_ours or settings.verbose or settings.debug_dag or "all" in quiet:
        return None
    terminal = Terminal(plain, workflow, is_quiet=not quiet.isdisjoint({"rules", "progress"}))
    manager.logger.removeHandler(plain)
    manager.logger.addHandler(terminal)
    return terminal


def show_results(workflow: Any, lines: Iterable[str]) -> None:
    """Write to stdout what a run made, unless nothing is to be shown (`--quiet all`)."""
    if "all" not in map(str, workflow.output_settings.quiet or ()):
        write_lines(sys.stdout, lines)


class Terminal(logging.Handler):
    """A handler of Snakemake's log records that shows a run in few lines.

    On a terminal the lines of the stages that run stand below all others and are replaced each second.

    results: yields the lines that tell what there is, for a run that finds all made.
    """

    results: Callable[[], Iterable[str]] | None = None

    def __init__(self, plain: logging.StreamHandler, workflow: Any, is_quiet: bool = False):
        """Take the place of Snakemake's own handler, which goes on showing plans (-n). is_quiet: no lines of stages."""
        super().__init__()
        settings = workflow.output_settings
        self._plain, self._workflow, self._is_quiet = plain, workflow, is_quiet
        self._is_plan = settings.dryrun
        self._screen = Screen(plain.stream, not settings.nocolor)
        self._started = 0.0  # seconds since the epoch
        self._silence = Silence()
        self._stages: dict[str, Stage] = {}  # by rule
        self._jobs: dict[int, Job] = {}  # that began, by number
        self._n_said: dict[str, int] = {}  # message → how often it came
        self._n_warnings: dict[str, int] = {}  # by rule
        self._failed: set[int] = set()
        self._group: set[int] = set()  # the jobs of the last group that failed
        self._ends: dict[int | None, str] = {}  # thread → how the process of a script ended that failed
        self._is_over = threading.Event()
        self._watch: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show what a record tells, or nothing; as Snakemake would, where it tells it otherwise than other versions."""
        try:
            self._take(record)
        except Exception:
            self._plain.handle(record)

    def close(self) -> None:
        """Remove the lines that are replaced, at the end of the run."""
        self._is_over.set()
        self.acquire()
        try:
            self._screen.show()
            self._plain.close()
        finally:
            self.release()
        super().close()

    def _take(self, record: Any) -> None:
        event, text = getattr(record, "event", None), str(record.msg or "")
        if event == LogEvent.ERROR:
            self._take_exception(text, record.thread)
        elif event == LogEvent.WORKFLOW_STARTED:
            self._started = time.time()
        elif self._is_plan:
            if not text.startswith(NOISE):
                self._plain.handle(record)
        elif event in self._TAKING:
            self._TAKING[event](self, record)
        elif event is not None or record.levelno < logging.INFO:
            pass
        elif record.levelno >= logging.ERROR:
            if not text.startswith(FAILED):
                self._say_once(text, self._screen.colour(text, RED))
        elif record.levelno >= logging.WARNING:
            self._say_once(text, self._screen.colour(f"WARNING: {text}", YELLOW))
        else:
            self._take_information(record.pathname, text)

    def _take_plan(self, record: Any) -> None:
        files = {rule.name: rule.snakefile for rule in self._workflow.rules if rule.output}  # without targets
        self._stages = stages_of(record.stats, files)
        logs = [shown(Path(log)) for log in self._workflow.logger_manager.get_logfile()]
        n_jobs = sum(stage.n_jobs for stage in distinct(self._stages.values()))
        if not self._is_quiet:
            self._show(f"{count(n_jobs)}; details in {' and '.join(['logs/', *logs])}")

    def _take_start(self, record: Any) -> None:
        rule, message = record.rule_name, record.rule_msg or record.rule_name
        if stage := self._stages.get(rule):
            job = self._jobs[record.jobid] = Job(rule, message, list(record.log or ()), time.time())
            stage.begin(record.jobid, job)
            self._show()
            if self._watch is None:
                self._watch = threading.Thread(target=self._watch_jobs, daemon=True)
                self._watch.start()

    def _take_end(self, record: Any) -> None:
        if job := self._jobs.get(record.job_id):
            stage = self._stages[job.rule]
            self._warn(job)
            stage.finish(record.job_id, time.time())
            is_done = stage.n_done == stage.n_jobs and not self._is_quiet
            self._show(*[stage.describe_end()] * is_done)

    def _take_failure(self, record: Any) -> None:
        job, logs = self._end_failed(record.jobid), list(record.log or ())
        if record.jobid in self._group:  # which was told as a whole
            return
        cluster = FURTHER.split(record.rule_msg or "")[0]
        told = cluster or self._ends.pop(record.thread, None)
        reason = describe_failure(logs, job.since if job else 0.0, told)
        if (
            reason and reason.startswith(STOPPED) and cluster
        ):  # which stops what takes too long, or too much memory
            reason = f"{reason} ({cluster})"
        elif reason and reason.startswith(STOPPED):
            self._failed.discard(record.jobid)
            self._say_once(reason, self._screen.colour(f"ERROR: {reason}", RED))
            return
        self._tell_failure(reason, job.message if job else record.rule_name, logs)

    def _take_group_failure(self, record: Any) -> None:
        """Tell which jobs of a group failed: Snakemake names all, those too that were done and that did not begin."""
        self._group = {info["jobid"] for info in record.job_error_info}
        begun = [job for n, job in self._jobs.items() if n in self._group and job.log_text()]
        reasons = {job.message: describe_failure(job.logs, job.since, None) for job in begun}
        for job in begun:
            if reason := reasons[job.message]:
                self._tell_failure(reason, job.message, job.logs)
        if not any(reasons.values()):
            self._tell_failure("a group of jobs failed", f"its jobs: {len(self._group)}", record.aux_logs)

    def _take_exception(self, text: str, thread: int | None) -> None:
        if ended := ENDED.search(text):  # the job's log has more to say
            self._ends[thread] = ended["signal"] or ended["status"]
        elif text.endswith(AT_LEAST_ONE):
            self._tell_end()
        else:
            if missing := MISSING.search(text):
                self._end_failed(int(missing[1]))
            self._say_once(text, self._screen.colour(f"ERROR: {shorten_exception(text)}", RED))

    def _take_information(self, path: str, text: str) -> None:
        if restart := RESTART.match(text):
            again = {int(restart[1])} if restart[1].isdigit() else self._group
            self._failed -= again
            self._show(
                f"  Tried again: {', '.join(job.message for n, job in self._jobs.items() if n in again)}"
            )
        elif text.startswith("Elapsed time") and self._started:
            if all(stage.n_done == stage.n_jobs for stage in self._stages.values()):
                self._show(f"Done in {duration(time.time() - self._started)}.")
        elif any(map(Path(path).resolve().is_relative_to, OURS)) or DEPLOYMENT in path:
            self._show(text)
        elif text.startswith(KEPT) if self._started else not text.startswith(NOISE):
            self._say_once(text, text)
            if text.startswith(NOTHING) and self.results and not self._workflow.dag_settings.targets:
                show_results(self._workflow, self.results())

    _TAKING: ClassVar = {
        LogEvent.RUN_INFO: _take_plan,
        LogEvent.JOB_INFO: _take_start,
        LogEvent.JOB_FINISHED: _take_end,
        LogEvent.JOB_ERROR: _take_failure,
        LogEvent.GROUP_ERROR: _take_group_failure,
    }

    def _end_failed(self, number: int) -> Job | None:
        """Count a job that failed, and return it if it began here."""
        self._failed.add(number)
        job = self._jobs.get(number)
        if job is not None:
            self._stages[job.rule].end(number, time.time())
            self._warn(job)
        return job

    def _tell_failure(self, reason: str | None, job: str, logs: Sequence[str]) -> None:
        """Say why a job failed, once where many fail for the same reason, and which job it was."""
        where = f"{job} ({logs[0]})" if logs else job
        if reason is None:  # Snakemake has said it
            self._show(f"  {where}")
            return
        n_said = self._n_said[reason] = self._n_said.get(reason, 0) + 1
        if n_said == 1:
            self._show(self._screen.colour(f"ERROR: {reason}", RED), f"  {where}")
        elif n_said <= MOST_REPEATED:
            self._show(f"  The same: {where}")

    def _tell_end(self) -> None:
        """Say how far a run came that did not end well."""
        stages = distinct(self._stages.values())
        begun = [stage for stage in stages if 0 < stage.n_done < stage.n_jobs and not self._is_quiet]
        left = sum(stage.n_jobs - stage.n_done for stage in stages) - len(self._failed)
        ended = f"{count(len(self._failed))} failed" if self._failed else "Stopped"
        others = f", {count(left)} not run" if left > 0 else ""
        kept = f"{ended}{others}. What is finished is kept; run again to go on."
        for stage in stages:
            stage.running.clear()
        self._show(*(stage.describe_end() for stage in begun), kept)

    def _warn(self, job: Job | None) -> None:
        """Show what a job that ended warned of in its log."""
        if job is None:
            return
        for text in warnings_in(job.log_text()):
            if text not in self._n_said:
                n = self._n_warnings[job.rule] = self._n_warnings.get(job.rule, 0) + 1
                if n <= MOST_WARNINGS:
                    self._say_once(
                        text,
                        self._screen.colour(f"WARNING: {text}", YELLOW),
                        f"  {job.message} ({job.logs[0]})",
                    )
                elif n == MOST_WARNINGS + 1:
                    self._show(f"  More warnings: {Path(job.logs[0]).parent}")

    def _say_once(self, key: str, *lines: str) -> None:
        """Show lines, unless those of the key were."""
        self._n_said[key] = self._n_said.get(key, 0) + 1
        if self._n_said[key] == 1:
            self._show(*lines)

    def _show(self, *lines: str) -> None:
        """Show lines that stay, above those of the stages that run."""
        running = (
            [] if self._is_quiet else [stage for stage in distinct(self._stages.values()) if stage.running]
        )
        self._screen.show(lines, [stage.describe() for stage in running])

    def _watch_jobs(self) -> None:
        """Look now and then at how far the jobs that run are: a thread's work."""
        wait = LIVELY if self._screen.is_terminal else SPARING
        while not self._is_over.wait(wait):
            self.acquire()
            try:
                stages = distinct(self._stages.values())
                jobs = [job for stage in stages for job in stage.running.values()]
            finally:
                self.release()
            for job in jobs:
                job.look()
            self.acquire()
            try:
                self._show(*self._lines_due(stages))
            finally:
                self.release()
            wait = max(wait, len(jobs) / JOBS_PER_SECOND)

    def _lines_due(self, stages: Iterable[Stage]) -> list[str]:
        """Say now and then how far the stages are, where no line is replaced."""
        if (
            self._screen.is_terminal
            or self._is_quiet
            or not self._silence.is_over(time.time() - self._started)
        ):
            return []
        return [stage.describe() for stage in stages if stage.running]
