"""The reference of the configuration: tables in config/README.md and a JSON schema for editors, made from the settings.

`python -m pipeline.reference` writes both; with `--check` it fails with the names of those that differ from the settings.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo

from labelmaps import methods
from labelmaps.methods import facts_of
from labelmaps.modules import load_module, module_names
from pipeline.settings.base import Closed
from pipeline.settings.configuration import METHODS, VIEWS, Settings
from pipeline.settings.views_and_methods import Method, OneOf, View
from pipeline.sources import ROOT

README, SCHEMA = ROOT / "config" / "README.md", ROOT / "config" / "schema.json"
TABLE = re.compile(r"(<!-- keys: ([\w.]+) -->\n).*?(<!-- end -->)", re.S)  # a table in the README


def fill_readme(text: str) -> str:
    """Replace each table of keys in the README, between `<!-- keys: NAME -->` and `<!-- end -->`, by that of the settings.

    NAME is a block of the configuration, `views.FAMILY`, or `methods`. Returns the new text.
    """
    return TABLE.sub(lambda found: f"{found[1]}\n{write_table(found[2])}\n\n{found[3]}", text)


def write_table(name: str) -> str:
    """Return the table of the keys of one block in Markdown."""
    if name == "methods":
        rows = [("method", "name", "cue", "input", "description", "options"), *method_rows()]
    elif name.startswith("views."):
        rows = [
            ("option", "default", "meaning"),
            *key_rows(options_of(VIEWS, View, name.removeprefix("views."))),
        ]
    else:
        (schema,) = nested_schemas(Settings.model_fields[name].annotation)
        rows = [("key", "default", "meaning"), *key_rows(schema.model_fields)]
    head, *body = (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])


def nested_schemas(annotation: Any) -> Iterator[type[Closed]]:
    """Yield the schemas that a field's type contains."""
    if isinstance(annotation, type) and issubclass(annotation, Closed):
        yield annotation
    for part in get_args(annotation):
        yield from nested_schemas(part)


def options_of(one_of: OneOf, base: type[Closed], name: str) -> dict[str, FieldInfo]:
    """Return the options of one view family or method, without the keys that all of them have.

    one_of: `VIEWS` or `METHODS`. base: the schema of the keys that all have. name: the module's.
    """
    fields = one_of.make_schema(base, name).model_fields
    return {option: field for option, field in fields.items() if option not in base.model_fields}


def key_rows(fields: dict[str, FieldInfo], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield key, default and meaning of each field; the keys of a nested block follow it."""
    for name, field in fields.items():
        yield f"`{prefix}{name}`", default_of(field), (field.description or "").removesuffix(".")
        for nested in nested_schemas(field.annotation):
            yield from key_rows(nested.model_fields, f"{prefix}{name}.")


def default_of(field: FieldInfo) -> str:
    """Return the default of a field in YAML; a dash if there is none."""
    if field.is_required() or field.default in (None, {}):
        return "–"
    return f"`{json.dumps(field.default).strip(chr(34))}`"


def method_rows() -> Iterator[tuple[str, ...]]:
    """Yield for each method its facts, the first line of its module's docstring, and its options."""
    for name in module_names(methods):
        facts, (first, *_) = facts_of(name), (load_module(methods, name).__doc__ or "").split("\n\n")
        summary = first.partition(": ")[2].replace("\n", " ").removesuffix(".")
        options = [
            f"{key} ({default}): {meaning}"
            for key, default, meaning in key_rows(options_of(METHODS, Method, name))
        ]
        yield f"`{name}`", facts.name, facts.cue, facts.input, summary, ". ".join(options)


def make_schema() -> dict[str, Any]:
    """Return the JSON schema of a configuration file, in which no key is required, as it is merged into the default."""
    schema = Settings.model_json_schema()
    for partial in (schema, schema["$defs"]["Run"]):
        del partial["required"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def main(arguments: list[str]) -> None:
    """Write the reference, or with `--check` exit with the names of the files that differ from it."""
    made = {
        README: fill_readme(README.read_text(encoding="utf-8")),
        SCHEMA: json.dumps(make_schema(), indent=1, ensure_ascii=False) + "\n",
    }
    differing = [
        path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" not in arguments:
        for path in differing:
            path.write_text(made[path], encoding="utf-8")
    elif differing:
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in differing)
        sys.exit(f"{names}: differs from the settings. Run `uv run python -m pipeline.reference`")


if __name__ == "__main__":
    main(sys.argv[1:])
