"""Reading a configuration: from files to its settings, or to a list of its mistakes."""

from pathlib import Path

import pydantic
import yaml
from pydantic_core import ErrorDetails

from pipeline.settings.base import Closed, ConfigurationError
from pipeline.settings.configuration import Settings

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, if PyYAML was built with it
MOST_MISTAKES = 50


def read_settings(config: dict) -> Settings:
    """Check a configuration and return its settings.

    Raises `ConfigurationError` with all mistakes (at most `MOST_MISTAKES`), each with the path of its key.
    """
    try:
        return Settings.model_validate(config)
    except pydantic.ValidationError as error:
        mistakes = [describe(mistake) for mistake in error.errors()[:MOST_MISTAKES]]
        if (more := error.error_count() - MOST_MISTAKES) > 0:
            mistakes.append(f"… and {more} more")
        raise ConfigurationError("the configuration cannot be used:\n  " + "\n  ".join(mistakes)) from None


def read_yaml(path: str | Path) -> dict:
    """Read one of the project's configuration files."""
    return yaml.load(Path(path).read_text(encoding="utf-8"), LOADER)


def refuse_repeated_keys(path: str | Path) -> None:
    """Raise `ConfigurationError` if a mapping in a configuration file has a key twice.

    YAML readers keep the last one and drop the first without a warning.
    """
    try:
        document = yaml.compose(Path(path).read_text(encoding="utf-8"), LOADER)
    except yaml.YAMLError:
        return  # JSON with tabs is not YAML
    seen, waiting = set(), [document]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias, which may occur inside its own anchor
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated(node, path)
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _refuse_repeated(mapping: yaml.MappingNode, path: str | Path) -> None:
    """Raise `ConfigurationError` if one mapping has a key twice."""
    first = {}
    for key, _ in mapping.value:
        name = str(key.value)
        if first.setdefault(name, key) is not key:
            line, before = (node.start_mark.line + 1 for node in (key, first[name]))
            raise ConfigurationError(
                f"{path}, line {line}: the key '{name}' is already on line {before}; join the two"
            )


def describe(mistake: ErrorDetails) -> str:
    """Return one of pydantic's errors as a line: the key's path, what is wrong, and the value that was given."""
    keys = [str(key) for key in mistake["loc"]]
    if keys[:1] in (["views"], ["methods"]):
        del keys[2:3]  # the module's name, which the path in the file does not have
    message = mistake["msg"].removeprefix("Value error, ")
    given = "" if isinstance(mistake["input"], dict | Closed) else f" (given: {mistake['input']!r})"
    return f"{'.'.join(keys)}: {message}{given}" if keys else message
