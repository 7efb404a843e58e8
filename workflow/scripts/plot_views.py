"""Plot where each view of a family looks on one image, and what the network receives."""

from pathlib import Path

from labelmaps import views
from labelmaps.data.batches import read_batches
from labelmaps.data.index import read_index
from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.views import draw_views
from labelmaps.inference.view_pictures import picture_views
from labelmaps.jobs.logs import job
from labelmaps.networks.preprocessing import preprocessing_of


def plot_views(
    index: Path, outputs: list[Path], name: str, view: dict, model: dict, image: str | None
) -> None:
    """Draw the views of an image (default: the first) in the format of each output's name.

    name: of the view in the settings; view and model: as there.
    """
    style.prepare()
    images = read_index(index)
    ids = images["image"].tolist()
    if image is not None and image not in ids:
        raise InputError(f"examples: {image} is not among the images of the index; mend its id")
    at = ids.index(image) if image else 0
    ((rows, (pixels,)),) = read_batches(images.iloc[[at]], 1)
    family = views.create(**view)
    received = picture_views(pixels, family, preprocessing_of(model), range(family.grid**2))
    options = ", ".join(f"{key}: {value}" for key, value in view.items())
    notes = [f"{name} ({options})", rows["image"].iloc[0]]
    height, width = pixels.shape[:2]
    style.save(draw_views(pixels, family.geometry(width, height), received, notes), outputs)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_views(
            Path(snakemake.input.index),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
