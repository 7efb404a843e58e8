"""The examples of docs/examples.md hold, and each public function of the rooms that the page is about has one."""

import ast
import doctest

import pytest

from pipeline.sources import ROOT

PAGE = ROOT / "docs/examples.md"
ROOMS = ("views", "methods", "scoring")


def public_functions(room):
    """(module, name) of each function of a room, but of those whose name or module begins with _."""
    for path in sorted((ROOT / "labelmaps" / room).rglob("*.py")):
        if path.name == "__init__.py" or not path.name.startswith("_"):
            module = path.parent.name if path.name == "__init__.py" else path.stem
            names = [
                item.name for item in ast.parse(path.read_text()).body if isinstance(item, ast.FunctionDef)
            ]
            yield from ((module, name) for name in names if not name.startswith("_"))


def called(source):
    """What some code calls or decorates with: the last part of each name, and what it is part of, or an empty text."""
    for node in ast.walk(ast.parse(source)):
        functions = node.decorator_list if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.Call):
            functions = [node.func]
        for function in functions:
            if isinstance(function, ast.Attribute):
                yield getattr(function.value, "id", ""), function.attr
            elif isinstance(function, ast.Name):
                yield "", function.id


@pytest.mark.slow
def test_the_examples_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(
        str(PAGE), module_relative=False, encoding="utf-8", optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert failed == 0
    assert tried > 150


def test_each_public_function_has_an_example():
    examples = doctest.DocTestParser().get_examples(PAGE.read_text(encoding="utf-8"))
    code = "".join(example.source for example in examples)
    calls = set(called(code))
    names = {name for _, name in calls}
    everyone = [function for room in ROOMS for function in public_functions(room)]
    assert len(everyone) > 100
    # `saliency` is one of each method; the cued ones on x₀ are called one after the other.
    in_turn = set(code.split("cued = ")[1].split("\n")[0].split(", "))
    assert [
        f"{module}.{name}"
        for module, name in everyone
        if (
            name not in names if name != "saliency" else (module, name) not in calls and module not in in_turn
        )
    ] == []
