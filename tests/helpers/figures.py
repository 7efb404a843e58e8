"""What can be seen of a figure, and whether it can be read."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.transforms import Bbox

from labelmaps.figures import style
from labelmaps.scoring.scanpaths import ACCUMULATIONS, CUES, count_passes

THRESHOLDS = [0.1, 1.0]  # of `curves`
LONG = "a_network_with_a_very_long_name_that_fits_nowhere_on_a_line_of_this_page"


def shown_texts(figure):
    """All texts that can be seen."""
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [text for text in texts if text.get_visible() and text.get_text()]


def unreadable(figure):
    """Pairs of texts that cover each other, and texts that leave the page or are too small."""
    figure.set_dpi(style.SIZES["page"].dpi)
    figure.draw_without_rendering()
    texts = shown_texts(figure)
    boxes = [text.get_window_extent().padded(-1) for text in texts]
    page = figure.bbox.padded(1)
    found = [
        (texts[i].get_text(), texts[j].get_text())
        for i, j in combinations(range(len(texts)), 2)
        if boxes[i].overlaps(boxes[j])
    ]
    for text, box in zip(texts, boxes, strict=True):
        if Bbox.intersection(box, page).bounds != box.bounds or text.get_fontsize() < 6.5:
            found.append(text.get_text())
    return found


def smallest_panel(figure):
    """The least width and height of a panel, in inches; of a figure that `unreadable` has laid out."""
    return np.min([axes.get_window_extent().size for axes in figure.axes], axis=0) / figure.dpi


def same_bytes(draw, folder):
    """Whether two drawings give the same files, in every format."""
    with mpl.rc_context(style.REPRODUCIBLE):
        for run in "ab":
            style.save(draw(), [folder / f"{run}.{suffix}" for suffix in ("pdf", "svg", "png")])
    return all(
        (folder / f"a.{suffix}").read_bytes() == (folder / f"b.{suffix}").read_bytes()
        for suffix in ("pdf", "svg", "png")
    )


def curves(*models, n=8, views=49, more=()):
    """The curves of the scanpaths of some networks, by all ways of choosing."""
    rows = []
    for i, model in enumerate(models):
        network = {"model": model, "architecture": "resnet18", "weights": "checkpoint", "n_images": 1000}
        for j, (variant, rule) in enumerate((v, r) for v in (*CUES, *more) for r in ACCUMULATIONS):
            shared = network | {"method": variant, "variant": variant, "accumulation": rule}
            for k in range(1, n + 1):
                passes = float(count_passes(variant, np.array(k), views))
                after = {
                    "accuracy": 0.6 + 0.01 * (k > 1) * j + 0.02 * i,
                    "accuracy_last": 0.6 - 0.05 * (k - 1),
                }
                rows.append(shared | {"threshold": np.nan, "fixations": k, "passes": passes} | after)
            for k, threshold in enumerate(THRESHOLDS):
                stopped = {"threshold": threshold, "fixations": 3.5 - k, "passes": 20.5 - 9 * k}
                rows.append(shared | stopped | {"accuracy": 0.61, "accuracy_last": np.nan})
    table = pd.DataFrame(rows)
    for measure in ("accuracy", "accuracy_last"):
        table[f"{measure}_low"], table[f"{measure}_high"] = table[measure] - 0.05, table[measure] + 0.04
    return table.assign(saccades=table["fixations"] - 1)
