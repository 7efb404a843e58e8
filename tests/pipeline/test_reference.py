"""The reference of the configuration is made from the settings, and what stands in the repository is what is made."""

import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from helpers.configurations import DEFAULT
from labelmaps import methods, views
from labelmaps.modules import load_module, module_names
from pipeline import reference
from pipeline.reference import README, SCHEMA, fill_readme, main, make_schema, write_table
from pipeline.settings.configuration import Settings
from pipeline.sources import ROOT

CONFIGURATIONS = sorted((ROOT / "config").glob("*.yaml"))


def rows(name):
    """Read a table back: its rows, as lists of cells."""
    _, _, *lines = write_table(name).split("\n")
    return [re.split(r" (?<!\\)\| ", line.removeprefix("| ").removesuffix(" |")) for line in lines]


def test_the_reference_in_the_repository_agrees_with_the_settings(capsys):
    main(["--check"])


def test_every_key_of_every_block_is_described():
    documented = set(re.findall(r"<!-- keys: ([\w.]+) -->", README.read_text(encoding="utf-8")))
    blocks = Settings.model_fields.keys() - {"views", "sweeps", "figure_2"}  # figure_2 is as figure_1
    assert documented == blocks | {f"views.{family}" for family in module_names(views)}
    for name in documented - {"methods"}:
        for key, default, meaning in rows(name):
            assert re.fullmatch(r"`[\w.]+`", key)
            assert default == "–" or re.fullmatch("`.+`", default)
            assert len(meaning) > 5, (name, key)


def test_keys_defaults_and_nested_keys_are_those_of_the_settings():
    table = {key.strip("`"): default for key, default, _ in rows("models")}
    assert table["architecture"] == "–"
    assert table["train.epochs"] == "`16`"
    assert table["random.seed"] == "`0`"
    assert {key: default for key, default, _ in rows("compute")}["`compile`"] == "`auto`"
    assert {key: default for key, default, _ in rows("views.zoom")} == {
        "`grid`": "`7`",
        "`floor`": "`0.1`",
        "`antialias`": "`false`",
        "`mask`": "`false`",
        "`sampling`": "`centres`",
    }


def test_the_table_of_methods_has_their_facts_and_options():
    table = {name.strip("`"): cells for name, *cells in rows("methods")}
    assert list(table) == module_names(methods)
    for name, (called, cue, seen, summary, options) in table.items():
        facts = methods.facts_of(name)
        assert (called, cue, seen) == (facts.name, facts.cue, facts.input)
        assert summary
        assert all(
            f"`{option}`" in options for option in load_module(methods, name).saliency.__kwdefaults__ or ()
        )


def test_a_table_replaces_what_stood_between_its_marks_and_nothing_else():
    text = "before\n<!-- keys: pointing -->\nold | stuff\n<!-- end -->\nafter <!-- end -->\n"
    made = fill_readme(text)
    assert (
        made
        == f"before\n<!-- keys: pointing -->\n\n{write_table('pointing')}\n\n<!-- end -->\nafter <!-- end -->\n"
    )
    assert fill_readme(made) == made


def test_what_differs_is_named_and_written(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "README", tmp_path / "README.md")
    monkeypatch.setattr(reference, "SCHEMA", tmp_path / "schema.json")
    (tmp_path / "README.md").write_text(README.read_text(encoding="utf-8").replace("`16`", "`19`"))
    with pytest.raises(SystemExit, match=r"^README\.md, schema\.json: differs from the settings\. Run"):
        main(["--check"])
    main([])
    main(["--check"])
    assert (tmp_path / "README.md").read_bytes() == README.read_bytes()
    assert (tmp_path / "schema.json").read_bytes() == SCHEMA.read_bytes()


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_editors_find_no_fault_in_the_configurations_here(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    errors = Draft202012Validator(make_schema()).iter_errors(yaml.safe_load(text))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"compute": {"device": "gpu"}}, ["compute", "device"]),
        ({"run": {"view": ["zoom"]}}, ["run"]),
        ({"datasets": {"scenes": {"max_excluded": 2}}}, ["datasets", "scenes", "max_excluded"]),
        ({"views": {"mine": {"family": "zoom", "flor": 0.2}}}, ["views", "mine"]),
        ({"pointng": {}}, []),
    ],
)
def test_editors_find_faults_where_they_are(change, place):
    validator = Draft202012Validator(json.loads(json.dumps(make_schema())))
    assert not list(validator.iter_errors(DEFAULT))
    (error,) = validator.iter_errors(change)
    assert list(error.absolute_path) == place
