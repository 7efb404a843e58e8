"""The explorer's page: a template with its style, its script and its data, in one file."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

# The template, its style, then its scripts.
PAGE = [Path(__file__).resolve().with_name(name) for name in ("page.html", "page.css", "views.js", "page.js")]


def render_explorer(data: Mapping, template: str, stylesheet: str, script: str) -> str:
    """Put a style, a script and data into a template of HTML.

    The template's policy lets the page run this script alone and load nothing. Text from the data is JSON, in which no tag
    can begin.
    """
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


def _hash(text: str) -> str:
    """Return the name of a script or a style in a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
