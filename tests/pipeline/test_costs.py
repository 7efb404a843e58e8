"""The table of costs sums what the logs of a data set's jobs say, last tries alone, and never stops a run."""

import csv
import logging
from pathlib import Path

import pytest

from helpers.configurations import study_of
from labelmaps.jobs.logs import describe_cost, log_rate, read_cost, read_rate
from pipeline.costs import COLUMNS, write_costs

CONFIG = {
    "datasets": {"mine": {"images": "images"}, "mine_too": {"images": "images"}},
    "models": {"own": {"architecture": "resnet18", "checkpoint": "net.pth"}},
    "run": {"datasets": ["mine"], "models": ["own"], "views": ["zoom"]},
}
BEGUN = (
    "09:59:58 process 7 on node. If the job fails and no ERROR follows, the process was killed from outside\n"
)


def done(seconds, processor=1.0, memory=100):
    return (
        f"10:00:00 done: {seconds:.1f} s ({processor:.1f} s of processor), {memory} MiB of memory at most\n"
    )


def rate(images, seconds, device="cpu"):
    return f"10:00:00 {images} images in {seconds:.1f} s, {images / seconds:.1f} images/s, on {device}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with results of `mine`; returns what writes a log, and what runs and reads the table."""
    monkeypatch.chdir(tmp_path)
    Path("results/mine").mkdir(parents=True)

    def log(name, *lines):
        path = Path("logs", f"{name}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join([BEGUN, *lines]), encoding="utf-8")

    def table(dataset="mine"):
        write_costs(study_of(CONFIG))
        path = Path("results", dataset, "cost.csv")
        if not path.exists():
            return None
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return log, table


def test_jobs_of_a_stage_and_a_network_are_summed_by_hand(folder):
    log, table = folder
    log("index_dataset/mine", rate(400, 2.0), done(3, 4, 200))
    log("compute_label_maps/mine/zoom/own/1of2", rate(200, 100, "NVIDIA H100"), done(110, 50, 900))
    log("compute_label_maps/mine/zoom/own/2of2", rate(200, 60, "NVIDIA H100"), done(70, 40, 950))
    log("compute_saliency/mine/zoom/own/igub", done(2))
    log("plot_figure_2/mine/zoom", done(5))
    log("check_network/mine/own", done(4))
    log("summarise_scores/mine", done(1))
    rows = table()
    assert list(rows[0]) == list(COLUMNS)
    assert [tuple(row.values()) for row in rows] == [
        ("all", "", "", "7", "195.0", "98.0", "", "950", "cpu, NVIDIA H100"),
        ("compute_label_maps", "zoom", "own", "2", "180.0", "90.0", "2.5", "950", "NVIDIA H100"),
        ("plot_figure_2", "zoom", "", "1", "5.0", "1.0", "", "100", "cpu"),
        ("check_network", "", "own", "1", "4.0", "1.0", "", "100", "cpu"),
        ("index_dataset", "", "", "1", "3.0", "4.0", "200", "200", "cpu"),
        ("compute_saliency", "zoom", "own", "1", "2.0", "1.0", "", "100", "cpu"),
        ("summarise_scores", "", "", "1", "1.0", "1.0", "", "100", "cpu"),
    ]


def test_what_did_not_end_well_or_is_of_others_does_not_count(folder):
    log, table = folder
    log("summarise_scores/mine", done(1))
    log("compare_methods/mine", "10:00:00 ERROR: no memory left\n")
    log("score_nulls/mine/zoom/own", done(9)[:-30])  # cut
    log("plot_nulls/mine/zoom", done(2), "a library: what it says at its end\n")
    log("score_nulls/mine/zoom/gone", done(9))  # a network that the configuration does not have
    log("score_nulls/mine/fovea/own", done(9))
    log("score_nulls/mine_too/zoom/own", done(9))
    log("train_network/own", done(9))
    Path("logs/odd/mine").mkdir(parents=True)
    Path("logs/odd/mine/zoom.log").write_bytes(b"\xff\xfe" + done(7).encode())
    assert {row["stage"]: row["seconds"] for row in table()} == {
        "all": "10.0",
        "odd": "7.0",
        "plot_nulls": "2.0",
        "summarise_scores": "1.0",
    }


def test_a_job_that_ran_again_counts_by_its_last_try_and_others_stay(folder):
    log, table = folder
    log("summarise_scores/mine", done(1))
    log("plot_nulls/mine/zoom", done(2))
    table()
    log("plot_nulls/mine/zoom", done(6))
    assert {row["stage"]: (row["jobs"], row["seconds"]) for row in table()} == {
        "all": ("2", "7.0"),
        "plot_nulls": ("1", "6.0"),
        "summarise_scores": ("1", "1.0"),
    }


def test_each_data_set_has_its_own_table_and_none_without_logs_or_results(folder):
    log, table = folder
    assert table() is None
    log("summarise_scores/mine_too", done(1))
    assert table() is None
    assert table("mine_too") is None  # no result of it is there
    Path("results/mine_too").mkdir()
    assert table("mine_too")[0]["jobs"] == "1"


def test_a_table_that_cannot_be_written_is_said_and_stops_nothing(folder, caplog):
    log, table = folder
    log("summarise_scores/mine", done(1))
    Path("results/mine/cost.csv").mkdir()
    with caplog.at_level(logging.WARNING), pytest.raises(IsADirectoryError):
        table()  # which then reads it
    assert "results/mine/cost.csv is not written: " in caplog.text
    assert [path.name for path in Path("results/mine").iterdir()] == ["cost.csv"]


def test_what_a_job_says_is_what_is_read(caplog):
    with caplog.at_level(logging.INFO):
        log_rate(400, 80.0, "NVIDIA H100 80GB HBM3")
    log = f"10:00:00 {caplog.messages[0]}\n10:00:01 done: {describe_cost()}\n"
    assert read_rate(log) == (400, 80.0, "NVIDIA H100 80GB HBM3")
    seconds, processor_seconds, memory = read_cost(log)
    assert seconds > 0
    assert processor_seconds > 0
    assert memory > 10
    assert read_rate(BEGUN) is None
    assert read_cost(BEGUN) is None
