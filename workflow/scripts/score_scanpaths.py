"""Score a network's scanpaths: several fixations one after another, and the evidence that they accumulate."""

from pathlib import Path

import numpy as np

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.scoring.scanpaths import (
    CUES,
    GlimpseMaps,
    Plan,
    curves_table,
    make_scanpaths,
    outward_order,
    paths_table,
)
from labelmaps.scoring.statistics import number_images
from labelmaps.storage.derived import check_saliency
from labelmaps.storage.label_map_file import LabelMapFile, open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import check_same_images, check_settings
from labelmaps.storage.saliency_file import read_saliency


def score_scanpaths(
    *,
    index: Path,
    label_maps: Path,
    saliency: list[Path],
    paths: Path,
    curves: Path,
    variants: dict[str, str],
    made_by: dict,
) -> None:
    """Write the paths of each image and the network's curves, as from `labelmaps.scoring.scanpaths`.

    saliency: the files of the uncued methods on x₀. variants: name → variant of these methods. made_by: the settings, as
    from `Study.scanpath_settings`.
    """
    images, plan = read_index(index), Plan(**made_by["scanpaths"])
    ids, label = images["image"].tolist(), images["label"].to_numpy(np.int64)
    with open_label_maps(label_maps, images) as file:
        check_settings(made_by["look"], file.attributes, label_maps)
        maps = {
            name: read_glimpse_maps(path, settings, file)
            for (name, settings), path in zip(made_by["methods"].items(), saliency, strict=True)
        }
        outcomes = make_scanpaths(file, label, maps, plan)
        grid, origin = file.field("top_label").shape[1:], file.origin_of_tables
    names = {name: (name, cue) for name, cue in CUES.items()}
    names |= {name: (variant, "uncued") for name, variant in variants.items()}
    n_views = len(outward_order(*grid, plan.among))
    made = origin | {key: made_by[key] for key in ("methods", "scanpaths")}
    tables = {
        paths: paths_table(ids, label, outcomes),
        curves: curves_table(outcomes, names, plan.thresholds, n_views, number_images(ids)),
    }
    for path, table in tables.items():
        table.attrs.update(made)
        write_parquet(path, table)


def read_glimpse_maps(path: Path, settings: dict, file: LabelMapFile) -> GlimpseMaps:
    """Read a method's maps of x₀, one per image.

    settings: the method, its options and its arrival. file: the label maps with which they must share network and pixels.

    Raises `InputError` if the file is damaged, has other images, or was made from other pixels or with other settings.
    """
    maps = read_saliency(path)
    check_same_images(file.images, maps.image, path)
    check_saliency(maps, file, path)
    check_settings({key: settings[key] for key in ("method", "options")}, maps.attributes, path)
    first = np.flatnonzero(np.diff(file.place, prepend=-1))  # all cases of an image have the same map
    return GlimpseMaps(maps.saliency[first], maps.point[first], settings["arrival"])


if __name__ == "__main__":
    run_script(score_scanpaths, snakemake)
