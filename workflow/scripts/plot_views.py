"""Plot the fixations and views of a view family on one image."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.batches import read_batches
from labelmaps.data.index import read_index
from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.views import draw_views
from labelmaps.inference.view_pixels import view_pixels
from labelmaps.jobs.script import run_script
from labelmaps.networks.config import NetworkConfig
from labelmaps.views import create_view


def plot_views(
    *, index: Path, figures: list[Path], name: str, view_config: dict, network_config: dict, image: str | None
) -> None:
    """Draw the views of an image (by default the first) in the format of each figure's name.

    name: the view's name in the configuration. view_config, network_config: the fields of a view and of `NetworkConfig`.
    image: its id, or `image · class`.

    Raises `InputError` if the index has no such image.
    """
    style.prepare()
    images = read_index(index)
    ids = images["image"].tolist()
    if image is not None and image not in ids:
        image = image.rpartition(" · ")[0]  # the name of a case
    if image is not None and image not in ids:
        raise InputError(f"examples: {image} is not among the images of the index; correct its id")
    place = ids.index(image) if image else 0
    ((rows, (pixels,)),) = read_batches(images.iloc[[place]], 1)
    network = NetworkConfig(**network_config)
    shown = view_config | network.own_options(view_config)
    view = create_view(**shown)
    received = view_pixels(pixels, view, network.preprocessing(), range(view.grid**2))
    options = ", ".join(f"{key}: {value}" for key, value in shown.items())
    notes = [f"{name} ({options})", rows["image"].iloc[0]]
    height, width = pixels.shape[:2]
    style.save(draw_views(pixels, view.geometry(width, height), received, notes), figures)


if __name__ == "__main__":
    run_script(plot_views, snakemake)
