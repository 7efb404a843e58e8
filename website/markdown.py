"""Docstrings of this project's form (docs/style.md) as Markdown."""

import re

ARGUMENT = re.compile(r"(\*{0,2}[a-z_]\w*(?:, \*{0,2}[a-z_]\w*)*): (.+)")
COLUMNS = re.compile(r"\S {2,}\S")
SPECIAL = re.compile(r"(`[^`]*`)|([*_<\[\]\\])")


def to_markdown(docstring: str) -> str:
    """Write a docstring as Markdown: arguments become a list, tables and examples blocks of code."""
    summary, *paragraphs = re.split(r"\n\s*\n", docstring)
    return "\n\n".join([escape(summary), *map(write_paragraph, paragraphs)])


def write_paragraph(text: str) -> str:
    """Write one paragraph of a docstring, but not the first, as Markdown."""
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
        elif is_item and (line.startswith(" ") or not line[:1].isupper()):
            lines.append(f"    {escape(line.strip())}")
        else:  # a sentence that begins in a line of its own
            lines += [*([""] if is_item else []), escape(line)]
            is_item = False
    return "\n".join(lines)


def escape(text: str) -> str:
    """Escape the characters that Markdown would take for its own, outside of code."""
    return SPECIAL.sub(lambda match: match[1] or f"\\{match[2]}", text)
