"""The site's sources: which files of the repository are pages, and where a page's links lead on the site.

Links are written for the repository, where GitHub follows them. What is linked but is no page gets one here: a text file its
content, a folder of the library its docstrings.
"""

import json
import posixpath
import re
from collections.abc import Callable
from pathlib import Path

from website import graph

ROOT = Path(__file__).resolve().parent.parent
BESIDE_DOCS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "config/README.md", "benchmarks/README.md")
FENCE = re.compile(r"^(?P<mark>```+)(?P<language>\w*)[^`\n]*\n(?P<code>.*?)^(?P=mark)$\n?", re.M | re.S)
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
LANGUAGES = {
    ".py": "python",
    ".smk": "python",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".toml": "toml",
}


def list_pages() -> list[str]:
    """List the repository's pages, by their paths in it."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    return [*BESIDE_DOCS, *(path.relative_to(ROOT).as_posix() for path in docs)]


def list_notebooks() -> list[str]:
    """List the notebooks of `docs/`, by their paths in the repository."""
    return [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.ipynb"))]


def list_media() -> list[str]:
    """List what pages show or offer: the other files of `docs/`, by their paths in the repository."""
    paths = sorted(path for path in (ROOT / "docs").rglob("*") if path.is_file())
    return [p.relative_to(ROOT).as_posix() for p in paths if p.suffix not in (".md", ".ipynb")]


def list_rooms() -> list[str]:
    """List the rooms of the library and the modules that stand alone, in alphabetical order."""
    rooms = [path.parent.name for path in ROOT.glob("labelmaps/*/__init__.py")]
    return sorted(rooms + [path.stem for path in ROOT.glob("labelmaps/[!_]*.py")])


def source_of(target: str) -> str | None:
    """Return the site's source that shows a file or a folder of the repository; None where none does.

    target: a path in the repository.

    README.md is the site's first page, and the pages of `docs/` lie beside it. A notebook, and a text file that is no page,
    become a page; a folder of the library is shown by its room's page.
    """
    path = ROOT / target
    if path.is_dir():
        parts = Path(target).parts
        return f"api/{parts[1]}.md" if len(parts) > 1 and parts[0] == "labelmaps" else None
    if not path.is_file():
        return None
    if target == "README.md":
        return "index.md"
    is_own = target in BESIDE_DOCS or (target.startswith("docs/") and path.suffix != ".ipynb")
    place = (
        target.removeprefix("docs/").removesuffix(".ipynb").lstrip(".")
    )  # hidden folders are no part of a site
    return place if is_own else f"{place}.md"


def write_sources(folder: Path) -> None:
    """Write all sources of the site into a folder.

    A link that leads nowhere stays as it is, and the strict build refuses it.
    """
    linked: dict[str, None] = {}
    for page in list_pages():
        text, targets = translate((ROOT / page).read_text(encoding="utf-8"), page)
        write(folder, page, text)
        linked |= dict.fromkeys(targets)
    for notebook in list_notebooks():
        text, targets = translate(show_notebook((ROOT / notebook).read_text(encoding="utf-8")), notebook)
        write(folder, notebook, text)
        linked |= dict.fromkeys(targets)
    for path in linked:
        if path not in (*list_pages(), *list_notebooks(), *list_media()) and (ROOT / path).is_file():
            write(folder, path, show_file(path))
    for path in list_media():
        write(folder, path, (ROOT / path).read_bytes())
    for room in list_rooms():
        write(folder, f"labelmaps/{room}", show_api(room), f"api/{room}.md")
    write(folder, "website/site.css", (ROOT / "website/site.css").read_bytes(), "site.css")


def write(folder: Path, path: str, content: str | bytes, source: str | None = None) -> None:
    """Write one source; path: that of the file that it shows; source: its own, by default as `source_of` says."""
    file = folder / (source or source_of(path) or path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def translate(text: str, path: str) -> tuple[str, list[str]]:
    """Translate a page of the repository to a source of the site.

    text: the page, in Markdown. path: its path in the repository.

    Returns the source, whose links lead to other sources, whose equations are MathML and whose flowcharts are SVG, so that
    no browser needs a script for them; and the paths of the files in the repository that it links.
    """
    linked: list[str] = []
    here = posixpath.dirname(source_of(path) or path)

    def lead(match: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1]))
        source = source_of(target)
        if source is None:
            return match[0]
        linked.append(target)
        return posixpath.relpath(source, here or ".") + (match[2] or "")

    parts, end = [], 0
    for fence in FENCE.finditer(text):
        draw = DRAWN.get(fence["language"], lambda code, whole=fence[0]: whole)
        parts += [LINK.sub(lead, text[end : fence.start()]), draw(fence["code"])]
        end = fence.end()
    return "".join([*parts, LINK.sub(lead, text[end:])]), linked


def draw_equation(code: str) -> str:
    """Write an equation in LaTeX as MathML."""
    from latex2mathml.converter import convert

    mathml = convert(code.strip(), display="block").replace(
        "<mi>log</mi>", '<mi>log</mi><mspace width="0.17em"/>'
    )
    return f'<div class="equation">{mathml}</div>\n'


DRAWN: dict[str, Callable[[str], str]] = {"math": draw_equation, "mermaid": graph.draw}


def show_file(path: str) -> str:
    """Write the page that shows a text file of the repository, which the search leaves out."""
    language = LANGUAGES.get(Path(path).suffix, "text")
    content = (ROOT / path).read_text(encoding="utf-8")
    return f"---\nsearch:\n  exclude: true\n---\n\n# `{path}`\n\n`````{language}\n{content}\n`````\n"


def show_notebook(content: str) -> str:
    """Write a notebook as Markdown: its texts, its code, and the outputs that it holds; content: its JSON."""
    parts = []
    for cell in json.loads(content)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code" and source.strip():
            parts += [f"`````python\n{source}\n`````", *map(show_output, cell["outputs"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def show_output(output: dict) -> str:
    """Write an output of a notebook's cell as Markdown: a picture, else HTML, else text; empty where it has none."""
    data = {
        kind: "".join(text) for kind, text in output.get("data", {}).items() if isinstance(text, str | list)
    }
    if "image/png" in data:
        return f"![Output of the cell above](data:image/png;base64,{''.join(data['image/png'].split())})"
    if "text/html" in data:
        return f'<div class="output">{data["text/html"]}</div>'
    text = "".join(output.get("text", data.get("text/plain", ""))).rstrip()
    return f"`````text\n{text}\n`````" if text else ""


def show_api(room: str) -> str:
    """Write the page of a room's docstrings, which mkdocstrings fills."""
    return f"# `labelmaps.{room}`\n\n::: labelmaps.{room}\n"


def navigation(nav: list[dict]) -> list[dict]:
    """Write the site's navigation with its sources, notebooks and rooms; without what is empty.

    nav: entry → page, or list of entries, by the pages' paths in the repository.

    Raises `ValueError` for a page that is not there, and for one of the repository's that is left out.
    """
    named: list[str] = []

    def lead(entry: dict) -> dict:
        ((title, target),) = entry.items()
        if isinstance(target, list):
            return {title: [lead(inner) for inner in target]}
        named.append(target)
        if (source := source_of(target)) is None:
            raise ValueError(f"website/site.yml: nav: {target} is not there")
        return {title: source}

    entries = [lead(entry) for entry in nav]
    if left_out := sorted(set(list_pages()) - set(named)):
        raise ValueError(f"website/site.yml: nav: add {', '.join(left_out)}")
    made = {
        "Notebooks": [source_of(path) for path in list_notebooks()],
        "API": [{room: f"api/{room}.md"} for room in list_rooms()],
    }
    filled = [entry | {title: made[title] for title in entry if title in made} for entry in entries]
    return [entry for entry in filled if all(entry.values())]
