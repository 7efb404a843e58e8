"""A data set as a run would index it: in memory, and from the headers of its images."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from labelmaps.data.acceptable_labels import find_acceptable_labels
from labelmaps.data.annotations import BOX_FORMATS, UnusableError
from labelmaps.data.classes import Class, read_classes, short_names, write_classes
from labelmaps.data.counts import describe_contents
from labelmaps.data.damage import examine_image
from labelmaps.data.factors import find_factors
from labelmaps.data.formats.named_classes import named_classes
from labelmaps.data.index import draw_sample, images_of, name_cases, write_index
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError
from labelmaps.scenes.scene import write_scenes
from labelmaps.scoring.examples import find_positions
from pipeline.preview.findings import Finding, warnings_of_package
from pipeline.study import SOURCE_FILES, Study

SCENES = 4  # that are drawn of a data set of scenes
MOST_TRIED = 20  # images, to find some that are whole


@dataclass
class Previewed:
    """What is known of a data set.

    index: its rows. n_images, n_cases: that a run will have, of which the index may hold some. classes: in the order of the
    logits. classes_file, index_file: where the list of classes and the index lie, in a temporary folder where a run makes
    them.
    """

    index: pd.DataFrame
    n_images: int
    n_cases: int
    classes: list[Class]
    classes_file: Path
    index_file: Path


def preview_dataset(study: Study, dataset: str, folder: Path, threads: int) -> Iterator[Finding | Previewed]:
    """Index a data set of the run, and compare with it what else the settings say of its images.

    folder: an empty one, for files. threads: that read images.

    Yields findings, and, where a run would not stop, what is known of it, last.
    """
    settings, whole = study.settings, study.settings.whole_name(dataset)
    entry = settings.datasets[whole]
    with warnings_of_package() as warnings:
        try:
            classes_file = _provide_classes(study, dataset, folder)
            classes = read_classes(classes_file)
            index, excluded = _index(study, dataset, classes_file, folder, threads)
            stop = ""
        except InputError as error:
            stop = str(error)
    if stop:
        yield Finding("stop", stop)
        yield Finding("note", "its networks are not checked: that takes its images")
        return
    drawn = f"{entry.scenes.images} scenes, of which here are drawn " if entry.scenes else ""
    yield Finding("ok", drawn + "; ".join(describe_contents(index, len(classes), excluded)))
    for warning in warnings:
        yield Finding("note", warning)
    yield from _describe_boxes(index, entry.check_boxes, entry.box_format)
    if entry.verify == "full" and entry.scenes is None:
        yield Finding(
            "note", "of the images, headers were read; a run decodes each, and leaves damaged ones out"
        )
    try:
        _compare_lists(study, dataset, index, classes)
    except InputError as error:
        yield Finding("stop", str(error))
        return
    n_images, n_cases = index["image"].nunique(), len(index)
    if entry.scenes is not None:
        n_images = n_cases = entry.scenes.images
    sample = settings.datasets[dataset].sample
    if sample is not None:
        drawn = draw_sample(index, sample.images, sample.seed)
        n_images, n_cases = min(sample.images, n_images), max(len(drawn), min(sample.images, n_cases))
        yield Finding("ok", f"{n_images:,} of them, drawn at random, are the sample {dataset}")
        index = drawn
    index_file = folder / "index.parquet"
    write_index(index_file, _first_sound(images_of(index), 2))
    yield Previewed(index, n_images, n_cases, classes, classes_file, index_file)


def _provide_classes(study: Study, dataset: str, folder: Path) -> Path:
    """Return the list of classes; where a run makes it, write it to a folder, with some scenes where the images are such."""
    entry = study.settings.whole(dataset)
    if entry.scenes is not None:
        write_scenes(folder, min(SCENES, entry.scenes.images), entry.scenes.seed, 1)
    elif source := study.class_source(dataset):
        write_classes(folder / "classes.txt", named_classes(source, study.columns(dataset)))
    else:
        return Path(study.classes_file(dataset))
    return folder / "classes.txt"


def _index(
    study: Study, dataset: str, classes: Path, folder: Path, threads: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Index a data set, or that of which it is a sample, as the rule `index_dataset` does, from headers."""
    entry, paths = study.settings.whole(dataset), study.dataset_paths(dataset)
    sources = {key: paths[key] for key in SOURCE_FILES}
    if entry.scenes is not None:
        sources |= {"images": str(folder / "images"), "boxes": str(folder / "boxes.csv")}
    return index_dataset(
        classes,
        **sources,
        subset=entry.subset,
        columns=study.columns(dataset),
        are_classes_assumed=study.origin_of_classes(dataset) == "assumed",
        verify="header",
        expect_images=entry.expect_images,
        max_excluded=entry.max_excluded,
        box_format=entry.box_format,
        check_boxes=entry.check_boxes,
        min_matched=entry.min_matched,
        workers=threads,
    )


def _first_sound(images: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the first images that are whole, as a run that decodes them leaves out the others; the first where few are."""
    places = images[["path", "offset", "length"]].head(MOST_TRIED).itertuples(index=False)
    sound = list(islice((i for i, place in enumerate(places) if is_sound(*place)), n))
    return images.iloc[sound] if len(sound) == min(n, len(images)) else images.head(n)


def is_sound(path: str, offset: int, length: int) -> bool:
    """Tell whether an image can be decoded without a sign of damage."""
    try:
        examine_image(path, offset, length)
    except (UnusableError, InputError):
        return False
    return True


def _describe_boxes(index: pd.DataFrame, are_checked: bool, box_format: str) -> Iterator[Finding]:
    """Say whether the boxes are plausible; that they are not would have stopped the index."""
    n_boxes = int(index["boxes"].map(len).sum())
    if not n_boxes:
        yield Finding("note", "no boxes: the Pointing Game is left out")
    elif are_checked:
        yield Finding("ok", f"the boxes are plausible: {BOX_FORMATS[box_format]}")
    else:
        yield Finding("note", "whether the boxes are plausible is not checked, as check_boxes is false")


def _compare_lists(study: Study, dataset: str, index: pd.DataFrame, classes: list[Class]) -> None:
    """Read acceptable labels and factors, and find the examples; raise `InputError` where any of them does not fit."""
    entry = study.settings.whole(dataset)
    if entry.acceptable_labels is not None:
        find_acceptable_labels(index, entry.acceptable_labels, classes, entry.min_matched)
    if entry.factors is not None:
        find_factors(index, entry.factors, entry.min_matched)
    if entry.scenes is None:
        chosen = study.settings.datasets[dataset].examples
        find_positions(index["image"], chosen, name_cases(index, short_names(classes)))
