"""Notebooks, run cell by cell without Jupyter, as a test does; `python tests/helpers/notebooks.py` stores what cells show.

What is stored is told by the value of a cell's last line: a figure as a picture, a table as HTML, all else as text.
"""

import ast
import base64
import json
import sys
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

DPI, COLOURS = 80, 255  # of stored pictures, so that they are small


def cells_of(path):
    """The cells with code of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def run(cells, exchange=lambda code: code):
    """Run cells one after the other; return what each shows, as a notebook stores it. exchange: changes their code first."""
    mpl.use("agg")
    names, shown = {"__name__": "__main__"}, []
    for cell in cells:
        code = exchange("".join(cell["source"]))
        tree, said = ast.parse(code), StringIO()
        is_shown = isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";")
        last = ast.Expression(tree.body.pop().value) if is_shown else None
        with redirect_stdout(said):
            exec(compile(tree, "cell", "exec"), names)
            value = None if last is None else eval(compile(last, "cell", "eval"), names)
        outputs = []
        if said.getvalue():
            outputs.append({"name": "stdout", "output_type": "stream", "text": lines(said.getvalue())})
        if value is not None:
            data = {"data": as_data(value), "metadata": {}, "output_type": "execute_result"}
            outputs.append(data | {"execution_count": None})
        for figure in map(plt.figure, plt.get_fignums()):
            if figure is not value:
                outputs.append({"data": as_data(figure), "metadata": {}, "output_type": "display_data"})
        plt.close("all")
        shown.append(outputs)
    return shown


def kinds(shown):
    """What kinds of things cells show, whatever they say: numbers may differ from machine to machine."""
    return [[(one["output_type"], sorted(one.get("data", ()))) for one in outputs] for outputs in shown]


def lines(text):
    """A text as notebooks store it."""
    return text.splitlines(keepends=True)


def as_data(value):
    """What a notebook stores of a value."""
    if isinstance(value, Figure):
        stored, drawn = BytesIO(), BytesIO()
        value.savefig(drawn, format="png", dpi=DPI)
        Image.open(drawn).convert("RGB").quantize(COLOURS).save(stored, "png", optimize=True)
        return {"image/png": base64.b64encode(stored.getvalue()).decode(), "text/plain": ["<Figure>"]}
    data = {"text/plain": lines(repr(value))}
    return ({"text/html": lines(value._repr_html_())} if hasattr(value, "_repr_html_") else {}) | data


def store(path):
    """Run a notebook in its folder, and store in it what its cells show."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, (cell, outputs) in enumerate(zip(cells, run(cells), strict=True), 1):
        for output in outputs:
            if "execution_count" in output:
                output["execution_count"] = number
        cell["outputs"], cell["execution_count"] = outputs, number
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        store(Path(name))
