"""The command line: help at once, what is wrong in one line, and the status at exit."""

import os
import subprocess
import sys

import pytest

from helpers.command import process_of_the_command, run
from labelmaps.command import app
from labelmaps.errors import InputError
from pipeline.sources import ROOT


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["look", "--help"], ["check", "--help"], ["--version"]]
)
def test_help_is_no_mistake(capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    assert out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lok"], 'labelmaps: Unknown command "lok". Did you mean "look"?'),
        (["look"], "PHOTO"),
        (["look", "a.jpg"], "--network"),
        (["look", "a.jpg", "--netwrk", "resnet18"], "--network"),
        (["look", "a.jpg", "-n", "resnet18", "--size", "large"], "--size"),
        (["look", "a.jpg", "-n", "resnet18", "--device", "tpu"], "cpu"),
        (["look", "a.jpg", "-n"], "-n requires an argument"),
        (["check", "--core", "2"], "--cores"),
        (["check", "--cores", "two"], "--cores"),
        (["check", "--cores", "0"], "--cores: 0; give 1 or more"),
    ],
)
def test_a_command_line_that_is_wrong_is_told_in_one_line(capsys, arguments, said):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def raising(error):
    def command(*arguments, **options):
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InputError("photo.jpg: no image"), 2, "labelmaps look: photo.jpg: no image\n"),
        (
            ModuleNotFoundError("this needs torch: pip install 'labelmaps[networks]'"),
            2,
            "labelmaps look: this ",
        ),
        (KeyboardInterrupt(), 130, ""),
        (KeyboardInterrupt(15), 143, ""),
    ],
)
def test_what_fails_is_told_without_a_traceback(capsys, monkeypatch, error, status, said):
    monkeypatch.setattr(app, "app", raising(error))
    found = run(capsys, "look", "a.jpg")
    assert found[:2] == (status, "")
    assert found[2].startswith(said)


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'x'"), ValueError("a defect")])
def test_a_defect_is_not_hidden(monkeypatch, error):
    monkeypatch.setattr(app, "app", raising(error))
    with process_of_the_command(), pytest.raises(type(error), match=str(error)):
        app.main(["look"])
    assert "TQDM_DISABLE" not in os.environ


def test_whoever_reads_the_output_may_stop(capsys, monkeypatch):
    monkeypatch.setattr(app, "app", raising(BrokenPipeError()))
    monkeypatch.setattr(app.os, "dup2", lambda *_: None)
    assert run(capsys, "check")[0] == 0


def test_help_comes_at_once_in_any_encoding():
    code = """
import sys
from labelmaps.command.app import main
try:
    main(["look", "--help"])
except SystemExit:
    print(*sys.modules)
"""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    assert "cyclopts" in imported
    assert not imported & {"torch", "numpy", "pandas", "matplotlib", "snakemake", "pydantic", "pipeline"}
