"""Compare our numbers, and the order of our methods, with the paper's."""

from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import are_imagenet_validation, read_index
from labelmaps.jobs.script import run_script
from labelmaps.protocol.paper import compare_numbers, compare_orders
from labelmaps.protocol.verdicts import find_obstacle
from labelmaps.scoring.right_labels import add_outcomes, read_right_labels, state_labels
from labelmaps.storage.csv_tables import read_paper, read_paper_orders, read_results, write_results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import check_same_images, check_same_origin, check_settings


def compare_with_paper(
    *,
    summary: Path,
    scores: list[Path],
    acceptable_labels: list[Path],
    paper: Path,
    paper_orders: Path,
    numbers: list[Path],
    orders: list[Path],
    index: Path,
    has_imagenet_classes: bool,
    rows: list[dict],
    made_by: dict,
) -> None:
    """Write the table of numbers and the table of orders.

    acceptable_labels: the data set's table of them, or no path. has_imagenet_classes: whether the labels are ImageNet's.
    rows: the view, model, weights and method's variant of each file of scores. made_by: the settings of all files, as from
    `Study.score_settings`.
    """
    acceptable = read_right_labels(acceptable_labels)
    table_of_all = read_results(summary, made_by | state_labels(acceptable))
    stated, stated_orders, images = read_paper(paper), read_paper_orders(paper_orders), read_index(index)
    ids, same_images = images["image"].tolist(), are_imagenet_validation(images, has_imagenet_classes)
    weights = {(row["view"], row["model"]): row["weights"] for row in rows}
    by_network: dict[tuple[str, str], dict[str, pd.DataFrame]] = {}
    origins: dict[tuple[str, str], dict] = {}
    for row, path in zip(rows, scores, strict=True):
        network, table = (row["view"], row["model"]), read_parquet(path)
        check_same_images(ids, table["image"].tolist(), path)
        origin = origins.setdefault(network, table.attrs)
        check_same_origin(origin, table.attrs, path)
        check_settings(made_by["methods"][row["method"]], table.attrs, path)
        by_network.setdefault(network, {})[row["variant"]] = add_outcomes(table, acceptable, path)
    compared = []
    for (view, model), tables in by_network.items():
        before = next(iter(tables.values()))["correct_before"].mean()
        obstacle = find_obstacle(weights[view, model], before, same_images)
        table = compare_orders(tables, stated_orders, obstacle)
        table.insert(0, "view", view)
        table.insert(1, "model", model)
        compared.append(table)
    found = {"label_maps": [origin["label_maps"] for origin in origins.values()]}
    check_same_origin(found, table_of_all.attrs, summary)
    write_results(numbers, compare_numbers(table_of_all, stated, same_images), made_by)
    write_results(orders, pd.concat(compared), made_by)


if __name__ == "__main__":
    run_script(compare_with_paper, snakemake)
