"""Figure 1 of one image that was looked at: what the functions of `labelmaps.figures` draw of it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.figure_1 import draw_figure_1
from labelmaps.figures.figure_1_data import Example, collect_saccades, collect_scanpaths, collect_views
from labelmaps.scoring.scanpaths import (
    GlimpseMaps,
    Plan,
    choose_by_igub,
    compute_evidence,
    compute_view_values,
    follow_paths,
    order_by_value,
    order_log_p,
    outward_order,
)
from labelmaps.storage.saliency_file import SaliencyMaps
from labelmaps.views import name_view

if TYPE_CHECKING:
    from labelmaps.looking.result import Look

SHOWN = ("likelihood", "gradcam", "dff", "igub")  # as the configuration's `figure_1` has them
FORMATS = (".pdf", ".svg", ".png")


def plot_look(look: "Look", path: str | Path | None, methods: Sequence[str] | None, size: str) -> Figure:
    """Draw Figure 1 of an image; arguments and errors as those of `Look.plot`."""
    if size not in style.SIZES:
        raise InputError(f"size: {size!r}. Give {' or '.join(style.SIZES)}")
    file = None if path is None else Path(path).expanduser()
    if file is not None and file.suffix not in FORMATS:
        raise InputError(
            f"{file}: figures are saved as {' '.join(FORMATS)}. Give a name with one of these endings"
        )
    example = make_example(look, choose_methods(look, methods))
    with style.undisturbed():
        figure = draw_figure_1(example, style.SIZES[size].width)
        if file is not None:
            style.save(figure, [file], style.SIZES[size].dpi)
    # A notebook shows what a cell returns, and would show a figure that pyplot keeps once more.
    if file is not None or "inline" in mpl.get_backend():
        plt.close(figure)
    return figure


def choose_methods(look: "Look", methods: Sequence[str] | None) -> list[str]:
    """Choose the methods that are shown; arguments and errors as those of `Look.plot`."""
    if methods is None:
        methods = [name for method in SHOWN for name, given in look.methods.items() if given.method == method]
        methods = methods or [name for name, given in look.methods.items() if given.facts.cue != "baseline"]
        methods = methods or list(look.methods)
    names = [methods] if isinstance(methods, str) else list(methods)
    if not names or not set(names) <= look.methods.keys():
        wanted = ", ".join(name for name in names if name not in look.methods) or "none to be shown"
        raise InputError(
            f"methods: {wanted}; computed are {', '.join(look.methods) or 'none'}. Give some of these"
        )
    return names


def make_example(look: "Look", names: Sequence[str]) -> Example:
    """Collect what Figure 1 shows of an image. names: of the methods."""
    selected = [pd.Series(asdict(look.fixations[name])) for name in names]
    maps, label, class_names = look.label_maps, look.label, look.class_names
    before, *after = collect_views(
        look.pixels, label, maps, selected, look.view, look.preprocessing, class_names
    )
    salient = [SaliencyMaps([look.name], look.maps[name][None], look.points[name][None]) for name in names]
    shown = [{"variant": look.methods[name].variant, "cue": look.methods[name].facts.cue} for name in names]
    predicting = {
        name: look.methods[name].variant
        for name in names
        if (look.methods[name].facts.input, look.methods[name].facts.cue) == ("glimpse", "uncued")
    }
    return Example(
        look.pixels,
        np.empty((0, 4), np.float32),
        None if label is None else class_names[label],
        before,
        collect_saccades(shown, salient, 0, selected, after, class_names),
        [look.network, name_view(look.view), look.name],
        collect_scanpaths(find_paths(look, predicting), predicting, maps, label, class_names),
    )


def find_paths(look: "Look", predicting: Sequence[str] | dict[str, str]) -> dict[str, pd.Series]:
    """Find the scanpaths that Figure 1 shows of an image, as a run finds them by the mean: way of choosing → its row.

    predicting: names of the uncued methods on x₀, whose maps choose. The label chooses where it is given.
    """
    maps = look.label_maps
    order = outward_order(*maps.top_label.shape[1:])
    log_p, n = order_log_p(maps, order), min(Plan().fixations, len(order))
    ways = {"igub": choose_by_igub(log_p, "mean", n)}
    for name in predicting:
        of_x0 = GlimpseMaps(look.maps[name][None], look.points[name][None], look.methods[name].arrival)
        ways[name] = order_by_value(compute_view_values(of_x0, slice(None), maps.centre, order), n)
    if look.label is not None:
        ways["likelihood"] = order_by_value(log_p[..., look.label], n)
    labels, _ = follow_paths(compute_evidence(log_p, "mean"), np.stack(list(ways.values()), axis=1), "mean")
    labels[..., 0] = maps.top_label[:, *maps.initial]  # of unrounded logits
    return {
        name: pd.Series({"views": order[path[0]], "labels": labels[0, i]})
        for i, (name, path) in enumerate(ways.items())
    }
