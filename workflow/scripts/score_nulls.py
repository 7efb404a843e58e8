"""Score what there is to gain on a network's label maps without a method's knowledge of where to look."""

import logging
from pathlib import Path

import numpy as np

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.scoring import nulls
from labelmaps.scoring.best_of_n import best_of_n_table
from labelmaps.scoring.null_names import CROPS, NOT_LOOKING
from labelmaps.scoring.pointing import hits
from labelmaps.scoring.pooling import crop_labels, draw_folds
from labelmaps.scoring.statistics import number_images
from labelmaps.storage.label_map_file import IMAGES_PER_READ, LabelMapFile, open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import OLDER, SAME_NETWORK, check_same_origin, check_same_pixels

logger = logging.getLogger(__name__)


def score_nulls(
    *,
    index: Path,
    label_maps: Path,
    standard: Path,
    ten_crop: list[Path],
    scores: Path,
    best_of_n: Path,
    tolerance: float,
    seed: int,
    folds: int,
) -> None:
    """Write the table of `labelmaps.scoring.nulls`, with the label, and that of `labelmaps.scoring.best_of_n`.

    standard: label maps of one view per image, what classifiers usually see. ten_crop: those of the view of this name, or
    none. tolerance: of the Pointing Game, in original pixels. seed: of what is drawn at random. folds: into how many the
    images are divided, at random, for cross-validation.
    """
    generator = np.random.default_rng(seed)
    images = read_index(index)
    ids, label = images["image"].tolist(), images["label"].to_numpy(np.int64)
    with open_label_maps(label_maps, images) as file, open_label_maps(standard, images) as standard_file:
        check_same_looks(file, standard_file, standard)
        without_saccade = nulls.crop_null("standard_crop", standard_file.field("top_label")[:, 0, 0], label)
        views_of_crops = {"standard_view": standard_file.attributes["view"], "ten_crop_view": None}
        for path in ten_crop:
            with open_label_maps(path, images) as crops:
                check_same_looks(file, crops, path)
                blocks = (one.blocks(IMAGES_PER_READ) for one in (standard_file, crops))
                for name, crop_label in zip(CROPS, crop_labels(*blocks), strict=True):
                    without_saccade |= nulls.crop_null(name, crop_label, label)
                views_of_crops["ten_crop_view"] = crops.attributes["view"]
        top_label, centre = file.field("top_label"), file.field("centre")
        n_labels = file.read(0, 1).log_probability.shape[-1]
        other = nulls.draw_other_label(label, n_labels, generator)
        probabilities = nulls.read_probabilities(file.blocks(IMAGES_PER_READ), label, other)
        origin = file.origin_of_tables | views_of_crops
        origin |= {"tolerance": tolerance, "seed": seed, "folds": folds}
    correct = top_label == label[:, None, None]
    hit = hits(*np.moveaxis(centre, -1, 0), images["boxes"], tolerance)
    outcomes = (
        nulls.view_nulls(correct, hit, generator)
        | without_saccade
        | nulls.label_nulls(probabilities, label, other, top_label, centre, hit)
    )
    _, rows, columns = correct.shape
    before, image = correct[:, rows // 2, columns // 2], number_images(ids)
    fold = draw_folds(np.arange(len(ids)) if image is None else image, folds, generator)
    chosen, choices = nulls.cross_validated_nulls(probabilities, fold)
    outcomes |= chosen
    best, best_name = nulls.best_without_looking(before, outcomes)
    for null, by_fold in choices.items():
        logger.info("%s, chosen for each of %d folds: %s", null, len(by_fold), by_fold)
    logger.info("the best null without looking: %s", best_name)
    outcomes |= best
    origin["chosen"] = choices | {NOT_LOOKING: best_name}
    table = nulls.nulls_table(ids, before, outcomes)
    table["label"] = np.tile(label, len(outcomes))
    curve = best_of_n_table(
        probabilities.likelihood.reshape(len(ids), -1),
        correct.reshape(len(ids), -1),
        probabilities.rank,
        image,
    )
    for output, content in ((scores, table), (best_of_n, curve)):
        content.attrs.update(origin)
        write_parquet(output, content)


def check_same_looks(file: LabelMapFile, crops: LabelMapFile, path: Path) -> None:
    """Raise `InputError` unless the label maps of crops, at `path`, are of the network and pixels of other label maps."""
    check_same_origin(file.attributes, crops.attributes, path, (*SAME_NETWORK, "precision"))
    check_same_pixels(file.images, file.digests, crops.digests, path, OLDER)


if __name__ == "__main__":
    run_script(score_nulls, snakemake)
