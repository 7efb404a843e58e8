"""Score what there is to gain on a network's label maps without a method's knowledge of where to look."""

from copy import deepcopy
from pathlib import Path

import numpy as np

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.scoring import nulls
from labelmaps.scoring.best_of_n import best_of_n_table
from labelmaps.scoring.pointing import hits
from labelmaps.scoring.right_labels import read_right_labels, state_labels
from labelmaps.scoring.statistics import number_images
from labelmaps.storage.label_map_file import IMAGES_PER_READ, open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import (
    OLDER,
    SAME_NETWORK,
    check_same_images,
    check_same_origin,
    check_same_pixels,
)


def score_nulls(
    *,
    index: Path,
    label_maps: Path,
    standard: Path,
    acceptable_labels: list[Path],
    scores: Path,
    best_of_n: Path,
    tolerance: float,
    seed: int,
) -> None:
    """Write the table of `labelmaps.scoring.nulls`, with the label, and that of `labelmaps.scoring.best_of_n`.

    standard: label maps of one view per image, what classifiers usually see. acceptable_labels: the table of them, if the
    data set has one. tolerance: of the Pointing Game, in original pixels. seed: of what is drawn at random.
    """
    generator = np.random.default_rng(seed)
    images = read_index(index)
    ids, label = images["image"].tolist(), images["label"].to_numpy(np.int64)
    acceptable = read_right_labels(acceptable_labels)
    if acceptable is not None:
        check_same_images(ids, list(acceptable.image), acceptable_labels[0])
    with open_label_maps(standard, images) as file:
        standard_label, made, digests = file.field("top_label")[:, 0, 0], file.attributes, file.digests
    with open_label_maps(label_maps, images) as file:
        check_same_origin(file.attributes, made, standard, (*SAME_NETWORK, "precision"))
        check_same_pixels(ids, file.digests, digests, standard, OLDER)
        top_label, centre = file.field("top_label"), file.field("centre")
        n_labels = file.read(0, 1).log_probability.shape[-1]
        other = nulls.draw_other_label(label, n_labels, generator)
        probabilities = nulls.read_probabilities(file.blocks(IMAGES_PER_READ), label, other, acceptable)
        origin = file.origin_of_tables | {"standard_view": made["view"], "tolerance": tolerance, "seed": seed}
    correct = top_label == label[:, None, None]
    hit = hits(*np.moveaxis(centre, -1, 0), images["boxes"], tolerance)
    same_draw = deepcopy(generator)
    outcomes = (
        nulls.view_nulls(correct, hit, generator)
        | nulls.standard_crop(standard_label, label)
        | nulls.label_nulls(probabilities, label, other, top_label, centre, hit)
    )
    _, rows, columns = correct.shape
    table = nulls.nulls_table(ids, correct[:, rows // 2, columns // 2], outcomes)
    table["label"] = np.tile(label, len(outcomes))
    if acceptable is not None:
        by_set = (
            nulls.view_nulls(acceptable.contain(top_label), hit, same_draw)
            | {"standard_crop": (acceptable.contain(standard_label),)}
            | nulls.label_nulls(probabilities, label, other, top_label, centre, hit, acceptable)
        )
        table = nulls.add_acceptable(table, acceptable, top_label[:, rows // 2, columns // 2], by_set)
        origin |= state_labels(acceptable)
    curve = best_of_n_table(
        probabilities.likelihood.reshape(len(ids), -1),
        correct.reshape(len(ids), -1),
        probabilities.rank,
        number_images(ids),
    )
    for output, content in ((scores, table), (best_of_n, curve)):
        content.attrs.update(origin)
        write_parquet(output, content)


if __name__ == "__main__":
    run_script(score_nulls, snakemake)
