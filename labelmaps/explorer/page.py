"""The explorer's page: a template with its style, its script and its data, in one file."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

WEB = Path(__file__).resolve().with_name("web")
# The template, its style, and the modules of its script.
PAGE = sorted(path for path in WEB.iterdir() if path.suffix in {".html", ".css", ".js"})

# What a module may import and export; other forms are refused.
IMPORT = re.compile(r'^import \{(\s*[\w$]+(?:,\s*[\w$]+)*,?\s*)\} from "\./([\w.]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) ([\w$]+))", re.MULTILINE)
OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def render_explorer(data: Mapping) -> str:
    """Put the style, the script and data into the page's template.

    The template's policy lets the page run this script alone and load nothing. Text from the data is JSON, in which no tag
    can begin.
    """
    template, stylesheet = ((WEB / f"page.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    script = join_modules(WEB / "main.js")
    policy = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": _hash(stylesheet),
        "script-src": _hash(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    parts = {
        "policy": "; ".join(f"{what} {allowed}" for what, allowed in policy.items()),
        "style": stylesheet,
        "script": script,
        "data": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
    }
    # One pass, so that what is put in is not searched itself.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def join_modules(main: Path) -> str:
    """Join a module of JavaScript and those that it imports, directly or not, in one script.

    A browser loads modules from other files by a server alone, and the page is opened from disk. Each module becomes a
    function, so that its names are its own, and is called after those that it imports.

    main: the module; the others lie beside it. Each imports by `import { a, b } from "./other.js";` and exports by `export`
    before a function, a constant or a class.
    Raises `ValueError` for another import or export, and for modules that import each other.
    """
    joined: dict[str, str] = {}

    def join(path: Path, importers: tuple[str, ...]) -> None:
        if path.name in importers:
            raise ValueError(f"{' imports '.join((*importers, path.name))}: modules cannot import each other")
        if path.name in joined:
            return
        code = path.read_text(encoding="utf-8")
        for _, other in IMPORT.findall(code):
            join(path.with_name(other), (*importers, path.name))
        exported = EXPORT.findall(code)
        code = EXPORT.sub("", IMPORT.sub(r'const {\1} = modules["\2"];', code))
        if other := OTHER.search(code):
            raise ValueError(
                f"{path.name}: cannot join `{other[0]}`; see `join_modules` for what can be joined"
            )
        joined[path.name] = (
            f'modules["{path.name}"] = (() => {{\n{code}return {{ {", ".join(exported)} }};\n}})();\n'
        )

    join(main, ())
    return '"use strict";\nconst modules = {};\n' + "".join(joined.values())


def _hash(text: str) -> str:
    """Return the name of a script or a style in a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
