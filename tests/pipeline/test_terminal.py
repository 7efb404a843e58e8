"""A run is shown in a line per stage, with each warning and each error once, whatever Snakemake and the jobs say."""

import io
import logging
import time
from types import SimpleNamespace

import pytest
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from pipeline import screen
from pipeline import terminal as module
from pipeline.sources import ROOT
from pipeline.terminal import take_over

SNAKEMAKE = "/env/lib/python3/site-packages/snakemake/scheduling/job_scheduler.py"
LAST = "WorkflowError:\nAt least one job did not complete successfully."


def rule(name, stage, output=("out",)):
    return SimpleNamespace(name=name, snakefile=f"/r/rules/{stage}.smk", output=output)


class Run:
    """A run as Snakemake tells it, and what is shown of it."""

    def __init__(self, folder, **settings):
        self.folder, self.stream, self.plain = folder, io.StringIO(), io.StringIO()
        settings = {
            "dryrun": False,
            "nocolor": True,
            "quiet": None,
            "verbose": False,
            "debug_dag": False,
        } | settings
        plain = logging.StreamHandler(self.plain)
        plain.stream, plain.name = self.stream, module.PLAIN
        self.logger = logging.Logger("snakemake")
        self.logger.addHandler(plain)
        self.workflow = SimpleNamespace(
            output_settings=SimpleNamespace(**settings),
            rules=[rule("compute", "label_maps"), rule("plot", "figures"), rule("all", "Snakefile", ())],
            logger_manager=SimpleNamespace(logger=self.logger, get_logfile=lambda: [".snakemake/log/1.log"]),
            dag_settings=SimpleNamespace(targets=set()),
            is_main_process=True,
            main_snakefile=str(ROOT / "Snakefile"),
        )
        self.terminal = take_over(self.workflow)

    @property
    def shown(self):
        return self.stream.getvalue().splitlines()

    def say(self, text, level=logging.INFO, path=SNAKEMAKE, **extra):
        record = logging.LogRecord("snakemake", level, path, 1, text, (), None)
        vars(record).update(extra)
        self.logger.handle(record)

    def plan(self, **counts):
        self.say("Workflow has started!", event=LogEvent.WORKFLOW_STARTED)
        counts = {"compute": 2, "plot": 1, "all": 1} | counts
        self.say("Job stats:", event=LogEvent.RUN_INFO, stats=counts | {"total": sum(counts.values())})

    def log(self, number):
        return self.folder / f"{number}.log"

    def start(self, number, name="compute", text=""):
        self.log(number).write_text(text)
        log = [str(self.log(number))]
        self.say(
            "", event=LogEvent.JOB_INFO, jobid=number, rule_name=name, rule_msg=f"{name} {number}", log=log
        )

    def finish(self, number):
        self.say("", event=LogEvent.JOB_FINISHED, job_id=number)

    def fail(self, number, name="compute", told="returned non-zero exit status 1", message=None, text=""):
        """As Snakemake reports a script that failed: the exception first, then the job."""
        with self.log(number).open("a") as log:
            log.write(text)
        process = f"Command 'python /x/.snakemake/scripts/tmp.{name}.py' {told}."
        self.say(
            f"RuleException:\nCalledProcessError in file x:\n{process}",
            logging.ERROR,
            event=LogEvent.ERROR,
            exception="R",
        )
        logs = [str(self.log(number))]
        self.say(
            "",
            logging.ERROR,
            event=LogEvent.JOB_ERROR,
            jobid=number,
            rule_name=name,
            rule_msg=message,
            log=logs,
        )
        self.say(f"Removing output files of failed job {name} since they might be corrupted:\nout")

    def end(self):
        self.say("Exiting because a job execution failed. Look above for error messages", logging.ERROR)
        self.say(LAST, logging.ERROR, event=LogEvent.ERROR, exception="WorkflowError")
        self.logger.handlers[0].close()


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


HEAD = "3 jobs; details in logs/ and .snakemake/log/1.log"


def test_a_run_that_succeeds_has_a_line_per_stage(run):
    for noise in (
        "Config file x is extended",
        "Assuming unrestricted shared filesystem usage.",
        "Building DAG of jobs...",
    ):
        run.say(noise)
    run.plan()
    run.say("Provided cores: 2", event=LogEvent.RESOURCES_INFO)
    for number in (1, 2):
        run.say("Select jobs to execute...")
        run.say("Execute 1 jobs...", event=LogEvent.JOB_STARTED, jobs=[number])
        run.start(number, text="10:00:01 net: 30 of 30 images, 5 images/s\n")
        run.say("Shell command: None", event=LogEvent.SHELLCMD, shellcmd=None)
        run.finish(number)
        run.say("1 of 4 steps", event=LogEvent.PROGRESS, done=1, total=4)
    run.start(3, "plot")
    run.finish(3)
    run.say("Complete log(s): /x/.snakemake/log/1.log")
    run.say("Elapsed time: 0:00:01")
    assert run.shown[:1] + run.shown[2:] == [HEAD, "figures     1 job, 0 s", "Done in 0 s."]
    assert run.shown[1].startswith("label maps  2 jobs, 0 s, 60 images, ")


def test_an_error_is_one_line_and_the_job(run):
    run.plan()
    run.start(1)
    run.fail(1, text="10:00:01 ERROR: w.pth: damaged. Delete it\n")
    run.end()
    assert run.shown == [
        HEAD,
        "ERROR: w.pth: damaged. Delete it",
        f"  compute 1 ({run.log(1)})",
        "1 job failed, 2 jobs not run. What is finished is kept; run again to go on.",
    ]


def test_an_error_of_many_jobs_is_said_once(run):
    run.plan(compute=9)
    for number in range(1, 9):
        run.start(number)
        run.fail(number, text="10:00:01 ERROR: torch sees no CUDA device here\n")
    run.start(9)
    run.finish(9)
    run.end()
    assert run.shown == [
        "10 jobs; details in logs/ and .snakemake/log/1.log",
        "ERROR: torch sees no CUDA device here",
        f"  compute 1 ({run.log(1)})",
        f"  The same: compute 2 ({run.log(2)})",
        f"  The same: compute 3 ({run.log(3)})",
        "label maps  1 of 9 jobs done",
        "8 jobs failed, 1 job not run. What is finished is kept; run again to go on.",
    ]


def test_the_end_of_a_process_is_that_of_its_own_job(run):
    """Jobs end in threads of their own: what one says of its process is not taken for another's."""
    run.plan()
    run.start(
        1,
        text="10:00:00 process 1. If no ERROR follows, the process was killed from outside, most often by x\n",
    )
    run.start(2, text="10:00:00 begun\n")
    run.fail(1, told="died with <Signals.SIGKILL: 9>")
    run.fail(2, told="returned non-zero exit status 3")
    assert [line for line in run.shown if line.startswith("ERROR")] == [
        "ERROR: the process was killed from outside (SIGKILL), most often by x",
        "ERROR: the process ended without a reason (exit status 3)",
    ]


def test_a_job_that_is_tried_again_and_succeeds_has_not_failed(run):
    run.plan()
    run.start(1)
    run.fail(1, message="SLURM status is: 'TIMEOUT'")
    run.say("Trying to restart job 1.")
    run.start(1, text="10:00:01 net: 30 of 30 images, 5 images/s\n")
    run.finish(1)
    run.start(2)
    run.finish(2)
    run.say(LAST, logging.ERROR, event=LogEvent.ERROR, exception="WorkflowError")
    assert run.shown[1:4] == [
        "ERROR: the job failed before it wrote its log (SLURM status is: 'TIMEOUT')",
        f"  compute 1 ({run.log(1)})",
        "  Tried again: compute 1",
    ]
    assert run.shown[4].startswith("label maps  2 jobs, 0 s, 30 images")
    assert run.shown[5] == "Stopped, 1 job not run. What is finished is kept; run again to go on."


def test_of_a_group_that_failed_those_jobs_are_told_that_did(run):
    run.plan(compute=3)
    run.start(1, text="10:00:01 done: 3 s\n")
    run.start(2, text="10:00:01 ERROR: w.pth: damaged\n")
    run.start(3)
    infos = [{"jobid": number, "rule_name": "compute", "log": [str(run.log(number))]} for number in (1, 2, 3)]
    run.say(
        "",
        logging.ERROR,
        event=LogEvent.GROUP_ERROR,
        groupid="g",
        aux_logs=["slurm.log"],
        job_error_info=infos,
    )
    for info in infos:
        run.say("", logging.ERROR, event=LogEvent.JOB_ERROR, rule_msg=None, **info)
    assert run.shown[1:] == ["ERROR: w.pth: damaged", f"  compute 2 ({run.log(2)})"]
    run.say("Trying to restart job 1b2e-uuid.")
    assert run.shown[3:] == ["  Tried again: compute 1, compute 2, compute 3"]


def test_what_a_cluster_stopped_has_failed_and_the_cluster_says_why(run):
    run.plan()
    run.start(1)
    status = "SLURM-job '3' failed, SLURM status is: 'TIMEOUT'."
    further = " Detailed failure reason unavailable (status command is not 'sacct').For further error details see the log"
    run.fail(1, message=status + further, text="10:00:01 ERROR: stopped by SIGTERM. Run again\n")
    run.end()
    assert run.shown[1:] == [
        f"ERROR: stopped by SIGTERM. Run again ({status})",
        f"  compute 1 ({run.log(1)})",
        "1 job failed, 2 jobs not run. What is finished is kept; run again to go on.",
    ]


def test_what_a_signal_stopped_has_not_failed(run):
    run.plan()
    run.start(1)
    run.start(2)
    run.say("Terminating processes on user request, this might take some time.")
    stopped = "stopped by SIGINT. Run again; what is finished is kept"
    for number in (1, 2):
        run.fail(number, told="died with <Signals.SIGINT: 2>", text=f"10:00:01 ERROR: {stopped}\n")
    run.end()
    assert run.shown[1:] == [
        "Terminating processes on user request, this might take some time.",
        f"ERROR: {stopped}",
        "Stopped, 3 jobs not run. What is finished is kept; run again to go on.",
    ]


def test_an_output_that_is_missing_is_the_jobs_failure(run):
    run.plan()
    run.start(1, text="10:00:01 done: 3 s\n")
    text = (
        'MissingOutputException in rule compute in file "/r/a.smk", line 1:\nJob 1  completed successfully, '
    )
    run.say(
        f"{text}but some output files are missing. 1",
        logging.ERROR,
        event=LogEvent.ERROR,
        exception="MissingOutputException",
    )
    run.end()
    assert run.shown[1] == "ERROR: MissingOutputException in rule compute:"
    assert run.shown[-1] == "1 job failed, 2 jobs not run. What is finished is kept; run again to go on."


def test_a_warning_is_said_once_and_of_many_that_differ_the_first(run):
    run.plan(compute=6)
    for number in range(1, 7):
        text = "10:00:01 WARNING: low on memory\n" + f"10:00:02 WARNING: image {number} is dark\n"
        run.start(number, text=text)
        run.say("Snakemake warns", logging.WARNING)
        if number < 6:
            run.finish(number)
    assert run.shown[1:] == [
        "WARNING: Snakemake warns",
        "WARNING: low on memory",
        f"  compute 1 ({run.log(1)})",
        "WARNING: image 1 is dark",
        f"  compute 1 ({run.log(1)})",
        "WARNING: image 2 is dark",
        f"  compute 2 ({run.log(2)})",
        f"  More warnings: {run.folder}",
    ]


def test_what_the_workflow_itself_says_is_shown_and_what_snakemake_says_only_where_it_is_of_use(run):
    run.say("Unlocked working directory.")
    run.plan()
    for _ in range(3):
        run.say("Will exit after finishing currently running jobs (scheduler).")
        run.say("Job 5 has been submitted with SLURM jobid 7 (log: x).")
    run.say("Reading x (2 GB), once", path=str(ROOT / "pipeline/contents.py"))
    run.say(
        "in the environment of the clone", path=str(ROOT / ".venv/lib/python3/site-packages/snakemake/dag.py")
    )
    run.say("Creating conda environment x", path="/e/site-packages/snakemake/deployment/conda.py")
    assert run.shown == [
        "Unlocked working directory.",
        HEAD,
        "Will exit after finishing currently running jobs (scheduler).",
        "Reading x (2 GB), once",
        "Creating conda environment x",
    ]


def test_a_mistake_in_the_configuration_is_its_message(run):
    place = f'{ROOT}/rules/common.smk", line 52'
    text = f'WorkflowError in file "{place}:\ndatasets.d: no such file: x\n  File "{place}, in <module>'
    run.say(text, logging.ERROR, event=LogEvent.ERROR, exception="WorkflowError")
    assert run.shown == ["ERROR: datasets.d: no such file: x"]


def test_a_run_that_finds_all_made_says_where_the_results_are(run, capsys):
    run.terminal.results = lambda: ["Figures: f"]
    nothing = "Nothing to be done (all requested files are present and up to date)."
    run.say("", event=LogEvent.WORKFLOW_STARTED)
    run.say(nothing)
    assert run.shown == [nothing]
    assert capsys.readouterr().out == "Figures: f\n"
    run.workflow.dag_settings.targets = {"results/x"}
    run.say(nothing)
    assert capsys.readouterr().out == ""


def test_a_plan_is_snakemakes_without_its_banner(tmp_path):
    run = Run(tmp_path, dryrun=True)
    run.say("SNAKEMAKE\n====", event=LogEvent.WORKFLOW_STARTED)
    run.say("Building DAG of jobs...")
    run.say("Job stats:\njob  count", event=LogEvent.RUN_INFO, stats={"compute": 1, "total": 1})
    run.say("Job 1: compute 1\nReason: x")
    assert run.shown == ["Job stats:", "job  count", "Job 1: compute 1", "Reason: x"]


def test_a_quiet_run_shows_warnings_and_errors_alone(tmp_path):
    run = Run(tmp_path, quiet={Quietness.RULES, Quietness.PROGRESS})
    run.plan()
    run.start(1, text="10:00:01 WARNING: low on memory\n")
    run.finish(1)
    run.start(2)
    run.fail(2, text="10:00:01 ERROR: w.pth: damaged\n")
    run.end()
    assert [line[:20] for line in run.shown if not line.startswith("  ")] == [
        "WARNING: low on memo",
        "ERROR: w.pth: damage",
        "1 job failed, 1 job ",
    ]


@pytest.mark.parametrize(
    "settings",
    [{"verbose": True}, {"debug_dag": True}, {"quiet": {Quietness.ALL}}],
    ids=["verbose", "dag", "quiet"],
)
def test_snakemake_itself_shows_what_the_user_wants_of_it(tmp_path, settings):
    run = Run(tmp_path, **settings)
    assert run.terminal is None
    assert [handler.name for handler in run.logger.handlers] == [module.PLAIN]


def test_another_workflows_run_and_a_logger_plugins_are_left_alone(run):
    run.workflow.main_snakefile = "/other/Snakefile"
    assert take_over(run.workflow) is None
    run.workflow.main_snakefile = str(ROOT / "Snakefile")
    run.logger.handlers = [logging.StreamHandler(io.StringIO())]  # of a plugin
    assert take_over(run.workflow) is None


def test_an_event_that_another_version_tells_otherwise_is_shown_as_snakemake_does(run):
    run.plan()
    run.say("Finished jobid: 1", event=LogEvent.JOB_FINISHED)  # without a job_id
    assert run.shown == [HEAD, "Finished jobid: 1"]


def test_a_run_that_is_no_terminals_says_now_and_then_how_far_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SPARING", 0.01)
    monkeypatch.setattr(screen, "FIRST_LINE", 0.0)
    run = Run(tmp_path)
    run.plan()
    run.start(1, text="10:00:01 net: 10 of 30 images, 5 images/s, 4 s left\n")
    end = time.monotonic() + 60
    while len(run.shown) == 1 and time.monotonic() < end:
        time.sleep(0.01)
    run.logger.handlers[0].close()
    assert run.shown[1] == "label maps  10 of 60 images, 5 images/s, 10 s left (0 of 2 jobs)"
