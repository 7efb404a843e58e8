"""The workflow through profiles/slurm, on a cluster of one node started for the test: its own tools say what ran there."""

import subprocess
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from helpers import warm_python
from helpers.cluster import cluster, needs_slurm, wait_until
from helpers.runs import result_files
from pipeline.sources import ROOT

GPUS = 2
# Two parts of the view, one of the standard crop, one look at x₀: four jobs for two GPUs. As the GPUs are pretended, the
# network runs on the CPU. `batch` and `threads` are settings, so that it computes the same wherever it runs.
CONFIG = {
    "datasets": {"few": {"scenes": {"images": 12, "seed": 2}, "parts": 2}},
    "models": {"drawn": {"architecture": "small_resnet", "random": {"seed": 3}}},
    "compute": {"device": "cpu", "batch": 7, "threads": 1},
    "run": {"datasets": ["few"], "models": ["drawn"], "methods": ["likelihood", "gradcam"]},
}
TARGETS = ["results/few/summary.csv", "results/few/figures/figure_2_zoom.svg"]
# There is no database of jobs that ended; and the test does not wait 40 s to ask for the first time.
ASKS = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]

pytestmark = [pytest.mark.slurm, needs_slurm]


def snakemake(folder, *arguments, environment=None):
    """Start the workflow in a folder."""
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    options = ["--directory", folder, "--configfile", folder / "config.yaml", "--cores", 2, *arguments]
    command = [
        warm_python.executable(),
        "-m",
        "snakemake",
        "--snakefile",
        ROOT / "Snakefile",
        *options,
        *TARGETS,
    ]
    with (folder / "said").open("w") as said:
        return subprocess.Popen(
            list(map(str, command)), cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT
        )


@contextmanager
def finished(process, folder):
    """Wait for a run; what goes on beside it is the block's."""
    try:
        yield
        assert process.wait(300) == 0, (folder / "said").read_text()
    finally:
        process.terminate()
        process.wait()


def rule(job):
    """The rule, or the group, that Snakemake submitted a job for."""
    return job["Comment"].split("_wildcards_")[0].removeprefix("rule_")


def resources(job):
    """What a job asked for: cpu, mem and others."""
    return dict(pair.split("=") for pair in job["TRES"].split(","))


@dataclass(frozen=True)
class Run:
    """A run on the cluster, after its end."""

    folder: Path
    jobs: list[dict[str, str]]
    cancelled: str
    completed: dict[str, str]
    devices: list[tuple[str, str]]


@pytest.fixture(scope="module")
def submitted(tmp_path_factory):
    """A run through the profile, of whose parts one was cancelled while the cluster computed it."""
    folder = tmp_path_factory.mktemp("submitted")
    with tempfile.TemporaryDirectory(prefix="slurm") as base, cluster(Path(base), GPUS) as here:
        process = snakemake(folder, "--profile", ROOT / "profiles/slurm", *ASKS, environment=here.environment)

        def running():
            jobs = [job for job in here.jobs() if rule(job) == "compute_label_maps"]
            return [job["JobId"] for job in jobs if job["JobState"] == "RUNNING"]

        with finished(process, folder):
            wait_until(lambda: running() or process.poll() is not None, seconds=200)
            assert process.poll() is None, (folder / "said").read_text()
            cancelled = running()[0]
            here.run("scancel", cancelled)
        wait_until(lambda: not here.run("squeue", "--noheader"))
        return Run(folder, here.jobs(), cancelled, here.completed(), here.devices())


def test_the_cluster_ran_every_job_and_the_small_ones_in_groups(submitted):
    assert Counter(map(rule, submitted.jobs)) == {
        "prepare_draw_random_weights_generate_scenes_index_dataset": 1,
        "check_network": 1,
        "compute_label_maps": 2 + 1 + 1,
        "compute_glimpse_saliency": 1,
        "evaluate_compute_saliency_join_label_maps_score_fixations_score_nulls_select_fixations": 1,
        "report_plot_figure_2_summarise_scores": 1,
    }
    states = {job["JobId"]: job["JobState"] for job in submitted.jobs}
    assert states.pop(submitted.cancelled) == "CANCELLED"
    assert set(states.values()) == {"COMPLETED"}
    assert submitted.completed == states | {submitted.cancelled: "CANCELLED"}


def test_a_cancelled_job_is_tried_again_with_more_memory_and_time(submitted):
    (first,) = (job for job in submitted.jobs if job["JobId"] == submitted.cancelled)
    same = [job for job in submitted.jobs if job["Comment"] == first["Comment"]]
    assert [job["JobState"] for job in same] == ["CANCELLED", "COMPLETED"]
    assert [(resources(job)["mem"], job["TimeLimit"]) for job in same] == [
        ("8000M", "02:00:00"),
        ("16000M", "04:00:00"),
    ]


def test_each_gpu_job_had_a_gpu_to_itself_and_the_others_none(submitted):
    on_gpus = [job for job in submitted.jobs if job["Partition"] == "gpu"]
    assert {rule(job) for job in on_gpus} == {"compute_label_maps", "compute_glimpse_saliency"}
    assert {job.get("TresPerJob") for job in on_gpus} == {"gres:gpu:1"}
    others = [job for job in submitted.jobs if job not in on_gpus]
    assert {(job["Partition"], job.get("TresPerJob")) for job in others} == {("cpu", None)}
    for job in on_gpus:
        at_once = [other for other in on_gpus if other["StartTime"] <= job["StartTime"] < other["EndTime"]]
        assert len(at_once) <= GPUS
    visible = dict(submitted.devices)
    assert {visible[job["JobId"]] for job in others} == {""}
    completed = [job for job in on_gpus if job["JobId"] != submitted.cancelled]
    assert {visible[job["JobId"]] for job in completed} == {"0", "1"}
    for gpu in ("0", "1"):  # whoever has the same one has it before or after
        times = sorted(
            (job["StartTime"], job["EndTime"]) for job in completed if visible[job["JobId"]] == gpu
        )
        assert all(end <= start for (_, end), (start, _) in pairwise(times))


def test_a_group_asks_for_the_memory_of_one_step_and_the_time_of_all(submitted):
    (evaluate,) = (job for job in submitted.jobs if rule(job).startswith("evaluate"))
    assert (resources(evaluate)["cpu"], resources(evaluate)["mem"]) == ("1", "2000M")
    steps = 2 + 1 + 2 + 2 + 1  # joins, a map, fixations, scores, the nulls
    assert evaluate["TimeLimit"] == f"00:{5 * steps}:00"


def test_the_results_are_those_of_a_local_run_byte_for_byte(submitted, tmp_path):
    with finished(snakemake(tmp_path), tmp_path):
        pass
    ours, theirs = (contents(folder) for folder in (submitted.folder, tmp_path))
    assert len([path for path in theirs if path.endswith(".h5")]) == 3 + 2 + 2
    assert ours.keys() == theirs.keys()
    assert [path for path in theirs if ours[path] != theirs[path]] == []


def contents(folder):
    """Path → bytes of everything that a run left, except its logs, its costs and its cache of what was compiled."""
    tops = ("results", "resources/scenes", "resources/networks")
    paths = [path for top in tops for path in result_files(folder / top)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
