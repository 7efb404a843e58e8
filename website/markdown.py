"""Docstrings of this project's form (docs/style.md) as Markdown."""

import re

ARGUMENT = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*): (.+)")
COLUMNS = re.compile(r"\S {2,}\S")
SPECIAL = re.compile(r"(`[^`]*`)|([*_<\[\]\\])")


def to_markdown(docstring: str) -> str:
    """Write a docstring as Markdown: arguments become a list, tables and examples blocks of code."""
    return "\n\n".join(write_paragraph(text) for text in re.split(r"\n\s*\n", docstring))


def write_paragraph(text: str) -> str:
    """Write one paragraph of a docstring as Markdown."""
    if text.lstrip().startswith(">>>"):
        return f"```pycon\n{text}\n```"
    if any(COLUMNS.search(line.strip()) for line in text.splitlines()):
        return f"```text\n{text}\n```"
    lines: list[str] = []
    is_item = False
    for line in text.splitlines():
        if match := ARGUMENT.fullmatch(line):
            lines += [*([""] if lines and not is_item else []), f"- **`{match[1]}`**: {escape(match[2])}"]
            is_item = True
        elif is_item and line.startswith(" "):
            lines.append(f"    {escape(line.strip())}")
        else:
            lines += [*([""] if is_item else []), escape(line)]
            is_item = False
    return "\n".join(lines)


def escape(text: str) -> str:
    """Escape the characters that Markdown would take for its own, outside of code."""
    return SPECIAL.sub(lambda match: match[1] or f"\\{match[2]}", text)
