"""The table of results on a terminal: the accuracies of a summary, as in the README."""

import csv
import shutil
from collections.abc import Container, Sequence
from contextlib import suppress
from pathlib import Path

from labelmaps.errors import InputError
from labelmaps.methods import facts_of

# Rows that are no methods, by the name of the null or the baseline; others of those kinds stand in the file alone.
BEFORE = {"standard_crop": "standard crop", "center": "before: centre"}
AFTER = {"not_looking": "best without looking"}
INTERVAL, GAP = "[95 % interval]", "  "
MOST_LINES = 40  # of all views together
NARROW, WIDE = 80, 200  # columns, where the terminal does not tell, or tells of more than one reads


def table_of(summary: Path, columns: int | None = None) -> list[str]:
    """Write the accuracies of a summary as lines: a row per method, a column per network, a table per view.

    columns: of the terminal; by default as many as it has. Intervals are left out where there is not enough room for them.

    Returns no line if the file cannot be read, or is none of ours: the run that made it is done all the same.
    """
    columns = columns or min(shutil.get_terminal_size((NARROW, 24)).columns, WIDE)
    try:
        with summary.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        views = {row["view"]: [other for other in rows if other["view"] == row["view"]] for row in rows}
        tables = [_table_of_view(view, of_view, columns) for view, of_view in views.items()]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    shown: list[str] = []
    for i, table in enumerate(tables):
        if i and len(shown) + len(table) > MOST_LINES:
            return [*shown, f"… {len(tables) - i} more views: {summary}", ""]
        shown += [*table, ""]
    return shown


def _table_of_view(view: str, rows: Sequence[dict[str, str]], columns: int) -> list[str]:
    """Write the table of one view."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    names = _name_rows(rows)
    cells = {(row["variant"], row["model"]): row for row in rows}
    first = max(map(len, [*names.values(), INTERVAL]))
    for has_interval in (True, False):
        texts = {key: _accuracy(row, has_interval) for key, row in cells.items() if key[0] in names}
        width = max(map(len, [*models, *texts.values()])) + len(GAP)
        if first + width * len(models) <= columns:
            break
    at_once = max(1, (columns - first) // width)
    lines = [
        f"Accuracy in %, before and after the saccade: {rows[0]['dataset']}, {view}{_count(rows, names)}"
    ]
    for i in range(0, len(models), at_once):
        some = models[i : i + at_once]
        table = {INTERVAL if has_interval else "": some}
        table |= {
            name: [texts.get((variant, model), "–") for model in some] for variant, name in names.items()
        }
        lines += [
            "".join([f"{name:<{first}}", *(f"{GAP}{value:<{width - len(GAP)}}" for value in values)]).rstrip()
            for name, values in table.items()
        ]
    return lines


def _name_rows(rows: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return what is shown, by its variant: the standard crop and x₀, each method, and the best without looking."""
    variants = {row["variant"]: row for row in rows}
    methods = {
        variant: row for variant, row in variants.items() if row["cue"] not in ("baseline", "null model")
    }
    named = {variant: _name_method(variant) for variant in methods}
    named |= {
        variant: f"{named[variant]}, told the label"
        for variant, row in methods.items()
        if row["cue"] == "cued"
    }
    ends = [
        {variant: titles[row["method"]] for variant, row in variants.items() if row["method"] in titles}
        for titles in (BEFORE, AFTER)
    ]
    return dict(sorted(ends[0].items(), key=lambda item: [*BEFORE.values()].index(item[1]))) | named | ends[1]


def _name_method(variant: str) -> str:
    """Return what figures call a method with its options."""
    method, *options = variant.split()
    with suppress(InputError):  # of a method that has no module here any more
        method = facts_of(method).name
    return ", ".join([method, *options])


def _count(rows: Sequence[dict[str, str]], names: Container[str]) -> str:
    """Say of how many images, or cases, the accuracies of the variants `names` are, if all are of as many."""
    unit = "cases" if "n_cases" in rows[0] else "images"
    counts = {row[f"n_{unit}"] for row in rows if row["variant"] in names}
    return f", {counts.pop()} {unit}" if len(counts) == 1 else ""


def _accuracy(row: dict[str, str], has_interval: bool) -> str:
    """Write an accuracy in percent, with the ends of its interval."""
    if not row["accuracy_after"]:
        return "–"
    value, low, high = (100 * float(row[f"accuracy_after{end}"]) for end in ("", "_low", "_high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]" if has_interval else f"{value:.1f}"
