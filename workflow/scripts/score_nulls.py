"""Score the nulls of a network: the accuracy that is reached without knowing where to look."""

import logging
from copy import deepcopy
from pathlib import Path

import numpy as np

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.scoring import nulls
from labelmaps.scoring.best_of_n import best_of_n_table
from labelmaps.scoring.null_names import CROPS, NOT_LOOKING
from labelmaps.scoring.pointing import hits
from labelmaps.scoring.pooling import crop_labels, cross_validate, draw_folds
from labelmaps.scoring.right_labels import RightLabels, read_right_labels, state_labels
from labelmaps.scoring.statistics import number_images
from labelmaps.storage.label_map_file import IMAGES_PER_READ, LabelMapFile, open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import (
    OLDER,
    SAME_NETWORK,
    check_same_images,
    check_same_origin,
    check_same_pixels,
)

logger = logging.getLogger(__name__)


def score_nulls(
    *,
    index: Path,
    label_maps: Path,
    standard: Path,
    ten_crop: list[Path],
    acceptable_labels: list[Path],
    scores: Path,
    best_of_n: Path,
    tolerance: float,
    seed: int,
    folds: int,
) -> None:
    """Write the table of nulls (`labelmaps.scoring.nulls`), with the label, to `scores`, and that of `best_of_n_table`.

    standard: label maps of the standard crop, one view per image. ten_crop: those of the view `ten_crop`, or no path.
    acceptable_labels: the data set's table of them, or no path. tolerance: of the Pointing Game, in original pixels.
    seed: of all random draws. folds: the number of folds into which images are divided at random for cross-validation.
    """
    generator = np.random.default_rng(seed)
    images = read_index(index)
    ids, label = images["image"].tolist(), images["label"].to_numpy(np.int64)
    acceptable = read_right_labels(acceptable_labels)
    if acceptable is not None:
        check_same_images(ids, list(acceptable.image), acceptable_labels[0])
    with open_label_maps(label_maps, images) as file, open_label_maps(standard, images) as standard_file:
        check_same_network_and_pixels(file, standard_file, standard)
        crops = {"standard_crop": standard_file.field("top_label")[:, 0, 0]}
        views_of_crops = {"standard_view": standard_file.attributes["view"], "ten_crop_view": None}
        for path in ten_crop:
            with open_label_maps(path, images) as ten_file:
                check_same_network_and_pixels(file, ten_file, path)
                blocks = (one.blocks(IMAGES_PER_READ) for one in (standard_file, ten_file))
                crops |= zip(CROPS, crop_labels(*blocks), strict=True)
                views_of_crops["ten_crop_view"] = ten_file.attributes["view"]
        top_label, centre = file.field("top_label"), file.field("centre")
        n_labels = file.read(0, 1).log_probability.shape[-1]
        other = nulls.draw_other_label(label, n_labels, generator)
        probabilities = nulls.read_probabilities(file.blocks(IMAGES_PER_READ), label, other, acceptable)
        origin = file.origin_of_tables | views_of_crops
        origin |= {"tolerance": tolerance, "seed": seed, "folds": folds}
    _, rows, columns = top_label.shape
    initial = top_label[:, rows // 2, columns // 2]
    hit, image = hits(*np.moveaxis(centre, -1, 0), images["boxes"], tolerance), number_images(ids)

    def judge(right: RightLabels, draw: np.random.Generator) -> tuple[nulls.Outcomes, nulls.Candidates]:
        """Compute by these labels the outcomes of x₀ ("center") and of the nulls, and of the candidates of fitted nulls."""
        by_set = right if right is acceptable else None
        outcomes = (
            {"center": (right.contain(initial),)}
            | nulls.view_nulls(right.contain(top_label), hit, draw)
            | {name: (right.contain(crop),) for name, crop in crops.items()}
            | nulls.label_nulls(probabilities, label, other, top_label, centre, hit, by_set)
        )
        return outcomes, nulls.pooled_candidates(probabilities, right)

    same_draw = deepcopy(generator)
    outcomes, candidates = judge(RightLabels(label[:, None]), generator)
    fold = draw_folds(np.arange(len(ids)) if image is None else image, folds, generator)
    chosen = {null: cross_validate(correct, fold) for null, (_, correct) in candidates.items()}
    outcomes |= nulls.pooled_nulls(candidates, chosen, fold)
    best = nulls.best_without_looking(outcomes)
    outcomes[NOT_LOOKING] = outcomes[best]
    by_fold = {null: [candidates[null][0][i] for i in of_fold] for null, of_fold in chosen.items()}
    logger.info("chosen for each of %d folds: %s; the best null without looking: %s", folds, by_fold, best)
    origin["chosen"] = by_fold | {NOT_LOOKING: best}
    (before,) = outcomes.pop("center")
    table = nulls.nulls_table(ids, before, outcomes)
    table["label"] = np.tile(label, len(outcomes))
    if acceptable is not None:
        by_set, candidates = judge(acceptable, same_draw)
        by_set |= nulls.pooled_nulls(candidates, chosen, fold)
        by_set[NOT_LOOKING] = by_set[best]
        table = nulls.add_acceptable(table, acceptable, initial, by_set)
        origin |= state_labels(acceptable)
    correct = top_label == label[:, None, None]
    curve = best_of_n_table(
        probabilities.likelihood.reshape(len(ids), -1),
        correct.reshape(len(ids), -1),
        probabilities.rank,
        image,
    )
    for output, content in ((scores, table), (best_of_n, curve)):
        content.attrs.update(origin)
        write_parquet(output, content)


def check_same_network_and_pixels(file: LabelMapFile, crops: LabelMapFile, path: Path) -> None:
    """Raise `InputError` unless the label maps of crops, read from `path`, have the network and pixels of `file`."""
    check_same_origin(file.attributes, crops.attributes, path, (*SAME_NETWORK, "precision"))
    check_same_pixels(file.images, file.digests, crops.digests, path, OLDER)


if __name__ == "__main__":
    run_script(score_nulls, snakemake)
