"""A stage sums up its jobs: how many are done, and what they say that they have done, how fast, and for how long to go."""

import pytest

from labelmaps.jobs.progress_lines import Progress
from pipeline.stages import Job, distinct, stages_of

FILES = {
    "index": "/r/dataset.smk",
    "draw": "/r/dataset.smk",
    "compute": "/r/label_maps.smk",
    "join": "/r/label_maps.smk",
}
COUNTS = {"index": 1, "compute": 4, "join": 1, "all": 1}


@pytest.fixture
def stages():
    return stages_of(COUNTS, FILES)


def job(rule="compute", message="net looks", progress=None, begun=100.0):
    return Job(rule, message, [], begun, progress)


def test_rules_of_one_file_are_one_stage_and_targets_are_none(stages):
    assert {rule: stage.name for rule, stage in stages.items()} == {
        "index": "dataset",
        "compute": "label maps",
        "join": "label maps",
    }
    assert [(stage.name, stage.n_jobs) for stage in distinct(stages.values())] == [
        ("dataset", 1),
        ("label maps", 5),
    ]


def test_jobs_without_progress_are_named(stages):
    stage = stages["compute"]
    stage.begin(1, job())
    assert stage.describe() == "label maps  0 of 5 jobs: net looks"
    stage.begin(2, job(message="net 2 looks"))
    stage.begin(3, job(message="net 3 looks"))
    assert stage.describe() == "label maps  0 of 5 jobs: net looks and 2 more"


def test_progress_is_summed_over_jobs_that_run_are_done_and_wait(stages):
    stage = stages["compute"]
    stage.begin(1, job(progress=Progress(100, 100, "images", 5)))
    stage.finish(1, now=120)
    stage.begin(2, job(progress=Progress(40, 100, "images", 5)))
    stage.begin(3, job(progress=Progress(20, 100, "images", 3)))
    stage.begin(4, job("join", "joining"))
    assert stage.describe() == "label maps  160 of 400 images, 8 images/s, 30 s left (1 of 5 jobs)"


def test_before_there_is_a_rate_none_is_shown(stages):
    stages["compute"].begin(1, job(progress=Progress(0, 100, "images", 0)))
    assert stages["compute"].describe() == "label maps  0 of 400 images (0 of 5 jobs)"


def test_what_has_no_known_end_shows_its_rate(stages):
    stages["index"].begin(1, job("index", progress=Progress(12, None, "MB", 1.5)))
    assert stages["index"].describe() == "dataset     12 MB, 1.5 MB/s (0 of 1 job)"


def test_a_stage_that_ended_says_what_it_took_and_one_that_did_not_how_far_it_came(stages):
    stage = stages["compute"]
    for number in range(4):
        stage.begin(number, job(progress=Progress(100, 100, "images", 5), begun=100 + number))
    for number in range(4):
        stage.finish(number, now=250)
    assert stage.describe_end() == "label maps  4 of 5 jobs done"
    stage.begin(9, job("join", "joining", begun=9000))  # until when none of its jobs ran
    stage.finish(9, now=9050)
    assert stage.describe_end() == "label maps  5 jobs, 3 min, 400 images, 2 images/s"


def test_several_units_are_counted_each(stages):
    stage = stages["index"]
    stage.planned["draw"] = 1
    stage.begin(1, job("index", progress=Progress(9, 9, "images", 1)))
    stage.begin(2, job("draw", progress=Progress(7, 7, "scenes", 1)))
    stage.finish(1, now=101)
    stage.finish(2, now=102)
    assert stage.describe_end() == "dataset     2 jobs, 2 s, 9 images, 7 scenes"


def test_a_job_reads_how_far_it_is_in_its_log_and_keeps_it(tmp_path):
    log = tmp_path / "a.log"
    running = Job("compute", "m", [str(log)], begun=0)
    running.look()
    assert running.progress is None
    log.write_text("10:00:00 net: 3 of 9 images, 1 images/s, 6 s left\n")
    running.look()
    assert running.progress == Progress(3, 9, "images", 1)
    log.write_text("10:00:00 done: 9 s\n")
    running.look()
    assert running.progress == Progress(3, 9, "images", 1)
