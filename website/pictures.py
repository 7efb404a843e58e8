"""Draw the small pictures of docs/methods.md and docs/gallery.md from the embedded default's results.

`uv run python -m website.pictures`, after the commands that docs/gallery.md names.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from labelmaps import methods
from labelmaps.data.images import read_image
from labelmaps.figures.figure_1 import draw_map
from labelmaps.figures.figure_1_data import Example, Saccade, SeenView
from labelmaps.methods import facts_of
from labelmaps.modules import module_names
from labelmaps.results import Results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.saliency_file import read_saliency
from website.pages import ROOT

RUN = Path("results/scenes/zoom/small_resnet")
SCENE = "scene_00000052"  # the kite of docs/figure_1.png
SIZE = 2.4, 1.6  # of a method's picture, in inches
WIDEST = 1000  # of a picture in the gallery, in pixels
GALLERY = {  # picture → figure, under results/scenes/figures
    "contact_sheet": "contact_sheet.png",
    "figure_1": "figure_1/zoom/small_resnet/largest_gain.png",
    "figure_2": "figure_2_zoom.png",
    "trade_off": "trade_off_zoom.png",
    "nulls": "nulls_zoom.png",
    "best_of_n": "best_of_n_zoom.png",
    "who_gains": "who_gains_zoom.png",
    "scanpaths": "scanpaths_zoom.png",
    "views": "views_zoom.png",
}


def main() -> None:
    """Draw all pictures into docs/methods/ and docs/gallery/; end with the file that is missing, if one is."""
    for name in ("methods", "gallery"):
        (ROOT / "docs" / name).mkdir(exist_ok=True)
    figures = {name: RUN.parents[1] / "figures" / file for name, file in GALLERY.items()}
    names = module_names(methods)
    needed = [
        RUN / kind / f"{name}.{end}"
        for name in names
        for kind, end in (("saliency", "h5"), ("fixations", "parquet"))
    ]
    if missing := [path for path in (*figures.values(), *needed) if not path.exists()]:
        sys.exit(
            f"{missing[0]}: not there yet. Run: uv run snakemake {' '.join(map(str, missing))} --cores all"
        )
    for name, path in figures.items():
        save_small(Image.open(path), ROOT / "docs/gallery" / f"{name}.webp")
    draw_methods(names)


def draw_methods(names: Sequence[str]) -> None:
    """Draw each method's map over the scene, the selected point, and the extent of the view after the saccade."""
    results = Results(RUN)
    row, maps = results.index.loc[SCENE], results.label_maps(SCENE)
    pixels = read_image(row["path"], int(row["offset"]), int(row["length"]))
    for name in names:
        stored = read_saliency(RUN / f"saliency/{name}.h5")
        i = stored.image.index(SCENE)
        fixation = read_parquet(RUN / f"fixations/{name}.parquet").set_index("image").loc[SCENE]
        extent = maps.extent[0, fixation["row"], fixation["column"]]
        view = SeenView(
            pixels, extent, label="", probability=1, truth=1, correct=True
        )  # of which the extent alone is drawn
        place = (stored.saliency[i], stored.point[i], fixation["x"], fixation["y"], fixation["dead"])
        saccade = Saccade(name, facts_of(name).cue, *place, None, view)
        figure = Figure(figsize=SIZE)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        example = Example(pixels, np.empty((0, 4)), "", view, [saccade], [])
        draw_map(axes, Image.fromarray(pixels).convert("L"), example, saccade)
        options = {"quality": 80, "method": 6}
        figure.savefig(
            ROOT / "docs/methods" / f"{name}.webp",
            dpi=150,
            bbox_inches="tight",
            pad_inches=0,
            pil_kwargs=options,
        )


def save_small(picture: Image.Image, path: Path) -> None:
    """Save a figure as a small picture, no wider than `WIDEST`."""
    picture.thumbnail((WIDEST, 10 * WIDEST))
    picture.convert("RGB").save(path, quality=80, method=6)


if __name__ == "__main__":
    main()
