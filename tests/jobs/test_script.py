"""A script's function is called with the files and params of its rule, by name."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import Namedlist

from labelmaps.jobs.script import run_script


def rule(folder, inputs=(), outputs=(), params=(), threads=3):
    """Make the object that Snakemake defines in the script of a rule, from names and values."""
    return SimpleNamespace(
        input=Namedlist(fromdict=dict(inputs)),
        output=Namedlist(fromdict=dict(outputs)),
        params=Namedlist(fromdict=dict(params)),
        log=[str(folder / "log")],
        threads=threads,
        resources=Namedlist(fromdict={"images_mib": 256, "tmpdir": "/tmp"}),
    )


@pytest.fixture(autouse=True)
def logs(monkeypatch):
    """Record the logs of the jobs that are begun; other tests cover the content of a log."""
    begun = []
    monkeypatch.setattr("labelmaps.jobs.script.job", lambda log: begun.append(log) or nullcontext())
    return begun


def test_names_of_inputs_outputs_params_resources_and_threads_are_the_functions_own(tmp_path, logs):
    given = {}

    def script(
        *,
        table: Path,
        maps: list[Path],
        summary: Path,
        seed: int,
        names: list[str],
        threads: int,
        images_mib: int,
    ):
        given.update(locals())  # but for `given` itself, which is not this function's

    run_script(
        script,
        rule(
            tmp_path,
            {"table": "a.csv", "maps": ["1.h5", "2.h5"], "made": ["x.pth"]},
            {"summary": "s.csv", "other": "o.csv"},
            {"by_name": {"seed": 5, "size": 5}, "names": ["a", "b"], "unused": 1},
        ),
    )
    del given["given"]
    assert given == {
        "table": Path("a.csv"),
        "maps": [Path("1.h5"), Path("2.h5")],
        "summary": Path("s.csv"),
        "seed": 5,
        "names": ["a", "b"],
        "threads": 3,
        "images_mib": 256,
    }
    assert logs == [str(tmp_path / "log")]


def test_a_list_of_one_file_stays_a_list(tmp_path):
    given = []
    run_script(lambda maps: given.append(maps), rule(tmp_path, {"maps": ["1.h5"]}))
    assert given == [[Path("1.h5")]]


@pytest.mark.parametrize(
    ("inputs", "outputs", "n"), [({}, {}, 0), ({"index": "a"}, {"index": "b"}, 2)], ids=["none", "two"]
)
def test_a_name_that_the_rule_does_not_have_once_is_a_defect(tmp_path, inputs, outputs, n):
    with pytest.raises(
        TypeError, match=f"the rule has {n} inputs, outputs, params and resources of the name index"
    ):
        run_script(lambda index: None, rule(tmp_path, inputs, outputs))
