"""Draw the small pictures of docs/methods.md and docs/gallery.md from the embedded default's results.

`uv run python -m website.pictures`, after `uv run snakemake all results/scenes/figures/views_zoom.png --cores all`.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from labelmaps import methods
from labelmaps.figures.figure_1 import draw_map
from labelmaps.figures.figure_1_data import Example, Saccade
from labelmaps.looking.figure import make_example
from labelmaps.looking.look import look
from labelmaps.modules import module_names
from labelmaps.results import Results
from website.pages import ROOT

RUN = Path("results/scenes/zoom/small_resnet")
SCENE = "scene_00000052"  # the kite of docs/figure_1.png
SIZE = 2.4, 1.6  # of a method's picture, in inches
WIDEST = 1000  # of a picture in the gallery, in pixels
GALLERY = {  # picture → figure, under results/scenes/figures
    "contact_sheet": "contact_sheet.png",
    "figure_1": "figure_1/zoom/small_resnet/gain.png",
    "figure_2": "figure_2_zoom.png",
    "trade_off": "trade_off_zoom.png",
    "nulls": "nulls_zoom.png",
    "best_of_n": "best_of_n_zoom.png",
    "who_gains": "who_gains_zoom.png",
    "scanpaths": "scanpaths_zoom.png",
    "views": "views_zoom.png",
}


def main() -> None:
    """Draw all pictures into docs/methods/ and docs/gallery/; stop at a figure that is missing."""
    for name in ("methods", "gallery"):
        (ROOT / "docs" / name).mkdir(exist_ok=True)
    for name, file in GALLERY.items():
        path = RUN.parents[1] / "figures" / file
        if not path.exists():
            sys.exit(f"{path}: not there yet. Run: uv run snakemake {path} --cores all")
        save_small(Image.open(path), ROOT / "docs/gallery" / f"{name}.webp")
    example = look_at_scene()
    for name, saccade in zip(module_names(methods), example.saccades, strict=True):
        draw_method(name, example, saccade)


def look_at_scene() -> Example:
    """Look at the scene by every method, in the order of their modules, and collect what Figure 1 shows of it."""
    results = Results(RUN)
    label = int(results.index.loc[SCENE, "label"])
    seen = look(results.pixels(SCENE), "small_resnet", label=label)
    return make_example(seen, module_names(methods))


def draw_method(name: str, example: Example, saccade: Saccade) -> None:
    """Draw a method's map over the scene, the selected point, and the extent of the view after the saccade."""
    figure = Figure(figsize=SIZE)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    draw_map(axes, Image.fromarray(example.pixels).convert("L"), example, saccade)
    path = ROOT / "docs/methods" / f"{name}.webp"
    compression = {"quality": 80, "method": 6}
    figure.savefig(path, dpi=150, bbox_inches="tight", pad_inches=0, pil_kwargs=compression)


def save_small(picture: Image.Image, path: Path) -> None:
    """Save a figure as a small picture, no wider than `WIDEST`."""
    picture.thumbnail((WIDEST, 10 * WIDEST))
    picture.convert("RGB").save(path, quality=80, method=6)


if __name__ == "__main__":
    main()
