"""Draw the small pictures of docs/methods.md and docs/gallery.md from the embedded default's results.

`uv run python -m website.pictures`, after `uv run snakemake all results/scenes/figures/views_zoom.png --cores all`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from labelmaps import methods
from labelmaps.data.images import read_image
from labelmaps.figures.figure_1 import draw_map
from labelmaps.figures.figure_1_data import Example, Saccade, SeenView
from labelmaps.inference.glimpse import first_glimpse
from labelmaps.inference.inputs import views_to_compare
from labelmaps.methods import facts_of, load_method
from labelmaps.modules import module_names
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import load_network
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import KnownLogits
from labelmaps.results import Results
from labelmaps.scoring.fixations import find_fixations
from labelmaps.views import cell_points, create_view
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
    for saccade, pixels in make_saccades():
        draw_method(saccade, pixels)


def make_saccades() -> Iterator[tuple[Saccade, np.ndarray]]:
    """Compute where each method looks on the scene; yield it with the scene's pixels."""
    results = Results(RUN)
    row, maps, view = results.index.loc[SCENE], results.label_maps(SCENE), create_view("zoom")
    pixels = read_image(row["path"], int(row["offset"]), int(row["length"]))
    label, x0 = np.array([row["label"]], np.int64), maps.extent[:, *maps.initial]
    config = NetworkConfig(architecture="small_resnet", source="trained on scenes")
    n_labels = maps.log_probability.shape[-1]
    network, preprocessing, _ = load_network(config, ROOT / "resources/small_resnet.pth", n_labels)
    views = views_to_compare([pixels], view, preprocessing)
    with torch.no_grad():
        known = KnownLogits(views, network(views))
    classifier = SplitClassifier(network, torch.device("cpu"), known)
    glimpse = first_glimpse(results.index.loc[[SCENE]], [pixels], classifier, view, preprocessing, batch=1)
    for name in module_names(methods):
        if facts_of(name).input == "glimpse":
            of_network, _ = load_method(name)(glimpse, torch.from_numpy(label))
            saliency = of_network.numpy()
            point = cell_points(x0, *saliency.shape[1:])
        else:
            saliency, _ = load_method(name)(maps, label)
            point = maps.centre
        fixation = find_fixations(saliency, point, maps.centre).iloc[0]
        extent = maps.extent[0, fixation["row"], fixation["column"]]
        seen = SeenView(
            pixels, extent, label="", probability=1, truth=1, correct=True
        )  # its extent alone is drawn
        place = fixation["x"], fixation["y"], fixation["dead"]
        yield Saccade(name, facts_of(name).cue, saliency[0], point[0], *place, None, seen), pixels


def draw_method(saccade: Saccade, pixels: np.ndarray) -> None:
    """Draw a method's map over the scene, the selected point, and the extent of the view after the saccade."""
    figure = Figure(figsize=SIZE)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    example = Example(pixels, np.empty((0, 4)), "", saccade.view, [saccade], [])
    draw_map(axes, Image.fromarray(pixels).convert("L"), example, saccade)
    path = ROOT / "docs/methods" / f"{saccade.method}.webp"
    compression = {"quality": 80, "method": 6}
    figure.savefig(path, dpi=150, bbox_inches="tight", pad_inches=0, pil_kwargs=compression)


def save_small(picture: Image.Image, path: Path) -> None:
    """Save a figure as a small picture, no wider than `WIDEST`."""
    picture.thumbnail((WIDEST, 10 * WIDEST))
    picture.convert("RGB").save(path, quality=80, method=6)


if __name__ == "__main__":
    main()
