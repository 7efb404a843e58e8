"""Plot the contact sheet: some images of a data set with their boxes and labels, and the data set's counts."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.classes import read_classes, short_names
from labelmaps.data.counts import count_images, describe_contents
from labelmaps.data.index import read_excluded, read_index
from labelmaps.figures import style
from labelmaps.figures.contact_sheet import DPI, PNG_LEVEL, choose_rows, draw_contact_sheet, read_pictures
from labelmaps.jobs.script import run_script


def plot_contact_sheet(
    *, index: Path, excluded: Path, classes: Path, figures: list[Path], dataset: str, whole: str
) -> None:
    """Draw the contact sheet in the format of each figure's name.

    dataset: the data set's name. whole: the name of the data set of which it is a sample, or its own. excluded: the images
    that the index of `whole` leaves out.
    """
    style.prepare()
    images, names = read_index(index), short_names(read_classes(classes))
    rows = images.iloc[choose_rows(images["label"])]
    _, *counts = describe_contents(images, len(names), read_excluded(excluded))  # the title has the first
    shown = "all" if len(rows) == len(images) else f"{len(rows)} of"
    sample = "" if whole == dataset else f", a sample of {whole}"
    title = f"{dataset}{sample}: {shown} {count_images(images)}"
    sheet = draw_contact_sheet(read_pictures(rows, names), title, counts)
    style.save(sheet, figures, DPI, PNG_LEVEL)


if __name__ == "__main__":
    run_script(plot_contact_sheet, snakemake)
