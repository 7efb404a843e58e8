"""Tables of results as HTML pages."""

from html import escape

import numpy as np
import pandas as pd

FRACTIONS = {"paper": "{:.2f}", "difference": "{:+.2f}"}  # columns without an interval that hold fractions
STYLE = """
body { font: 13px/1.5 system-ui, sans-serif; margin: 1.5rem; color: #222; background: #fff; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem; text-align: left; border-bottom: 1px solid #ddd; white-space: nowrap; }
th { position: sticky; top: 0; background: #fff; border-bottom: 2px solid #888; }
p { max-width: 50rem; }
"""


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Format a table's values as text, fractions in %, each with its interval in one cell.

    table: a value with an interval has three columns: `x`, `x_low` and `x_high`.

    Returns the table of texts, with spaces for underscores in the columns' names; missing values are "–".
    """
    text = {}
    for name in map(str, table.columns):
        column = table[name]
        if f"{name}_low" in table:
            low, high = table[f"{name}_low"], table[f"{name}_high"]
            text[f"{name} (%)"] = [
                f"{100 * x:.1f} [{100 * a:.1f}, {100 * b:.1f}]" if np.isfinite(x) else "–"
                for x, a, b in zip(column, low, high, strict=True)
            ]
        elif name in FRACTIONS:
            text[f"{name} (%)"] = [
                FRACTIONS[name].format(100 * x).removesuffix("0") if np.isfinite(x) else "–" for x in column
            ]
        elif not name.endswith(("_low", "_high")):
            text[name] = column.astype(str)
    return pd.DataFrame(text).rename(columns=lambda name: name.replace("_", " "))


def render_table(table: pd.DataFrame, title: str, note: str) -> str:
    """Render a table as a self-contained HTML page, with a title and a note above it.

    table: as for `readable`. title, note: plain text.
    """
    body = readable(table).to_html(index=False, border=0, escape=True)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1><p>{escape(note)}</p>\n{body}\n</body></html>\n"
    )
