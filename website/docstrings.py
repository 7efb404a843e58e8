"""An extension of griffe, by which mkdocstrings reads docstrings as Markdown."""

import griffe

from website.markdown import to_markdown


class Docstrings(griffe.Extension):
    """The extension: each docstring is translated once, when griffe has read its object."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Translate the docstring of a module, a class, a function or an attribute."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value)
