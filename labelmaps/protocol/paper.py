"""Comparison of our numbers, and of the order of our methods, with those that the paper states."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from labelmaps.protocol.verdicts import FEWEST, TOO_FEW, TRAINED, find_obstacle, is_narrow
from labelmaps.scoring.right_labels import AFTER
from labelmaps.scoring.scores import HIT, SKIPPED
from labelmaps.scoring.statistics import (
    count_images,
    interval_fields,
    number_images,
    paired_difference,
)

COMPATIBLE, INCOMPATIBLE = "compatible", "not compatible"
SAME, OPPOSITE, OPEN = "as in the paper", "opposite", "not settled"
# Further reasons why there is no verdict, beside those of `labelmaps.protocol.verdicts`.
OTHER_NETWORK = "different network"
OTHER_OPTIONS, NOT_RUN, NO_BOX = "other options", "not run", "no image has a box"


def compare_numbers(summary: pd.DataFrame, paper: pd.DataFrame, same_images: bool) -> pd.DataFrame:
    """Compare every number of the paper with ours.

    summary: as in summary.csv. paper: as in resources/paper.csv. same_images: whether our images are the paper's data set.

    The numbers of each network in the paper are compared with our networks of the same architecture, or with all of them if
    there is none. The paper does not define its view, so they are compared with those of every view.

    Returns one row per view, network and number: the paper's value; ours with its 95 % interval and number of images;
    difference, ours − paper; verdict. This is "compatible" if the paper's value lies in our interval and this is narrow
    (`is_narrow`), "not compatible" if the value lies outside, provided that architecture, weights and images are the
    paper's, and that there are enough images. Otherwise it states why there is none: "weights …", "different network",
    "different images", "does not know ImageNet's labels", "too few images", "other options" (the paper's are taken to be the
    default ones), "not run" or "no image has a box". If the summary has accuracy by acceptable labels, there are also
    ours_acceptable with its interval, and n_acceptable; the verdict is by the label, as the paper's numbers are.
    """
    rows = []
    for view, view_rows in summary.groupby("view", sort=False):
        for architecture, paper_rows in paper.groupby("architecture", sort=False):
            same_network = view_rows[view_rows["architecture"] == architecture]
            candidates = view_rows if same_network.empty else same_network
            for model, ours in candidates.groupby("model", sort=False):
                first = ours.iloc[0]
                network = {"view": view, "model": model} | first[["architecture", "weights"]].to_dict()
                obstacle = find_obstacle(first["weights"], first["accuracy_before"], same_images)
                if first["weights"].startswith(TRAINED) and not is_of_paper(network, paper_rows.iloc[0]):
                    obstacle = OTHER_NETWORK
                rows += [
                    network | {"paper_network": architecture} | compare_number(number, ours, obstacle)
                    for number in list_numbers(paper_rows)
                ]
    return pd.DataFrame(rows)


def is_of_paper(network: Mapping[str, str], paper: pd.Series) -> bool:
    """Return whether a network of ours, with architecture and weights, is that of a row of the paper's numbers."""
    weights = network["weights"].removeprefix("torchvision ")
    return network["architecture"] == paper["architecture"] and weights in paper["weights"].split()


def list_numbers(paper: pd.DataFrame) -> list[dict]:
    """List the numbers of one of the paper's networks: accuracy and Pointing Game as stated, gains by subtraction.

    paper: the rows of that network.

    Returns method, measure and paper, the value, of each number. The gains are over x₀, and over the standard crop, by which
    networks that are right more or less often can be compared.
    """
    paper = paper.assign(
        gain=paper["accuracy_after"] - paper["accuracy_before"],
        gain_over_standard_crop=paper["accuracy_after"] - paper["standard_crop"],
    )
    measures = ["accuracy_after", "gain", "gain_over_standard_crop", "pointing"]
    long = paper.melt("method", measures, "measure", "paper").dropna()
    is_trivial = (long["method"] == "center") & (long["measure"] == "gain")
    order = paper["method"].tolist()
    return (
        long[~is_trivial]
        .sort_values("method", key=lambda m: m.map(order.index), kind="stable")
        .to_dict("records")
    )


def compare_number(number: dict, ours: pd.DataFrame, obstacle: str) -> dict:
    """Compare a number of the paper with ours.

    number: as from `list_numbers`. ours: the rows of one network in the summary. obstacle: as from `find_obstacle`.

    Returns the fields of `number`, and ours, ours_low, ours_high, difference, n and verdict, as in `compare_numbers`.
    """
    measure = number["measure"]
    match = ours[ours["variant"] == number["method"]]
    if match.empty or np.isnan(match[measure].iloc[0]):
        is_other = ours["variant"].str.split().str[0].eq(number["method"]).any()
        verdict = NO_BOX if len(match) else OTHER_OPTIONS if is_other else NOT_RUN
        return (
            number
            | dict.fromkeys(("ours", "ours_low", "ours_high", "difference"), np.nan)
            | {"n": 0, "verdict": verdict}
        )
    of_set = _find_acceptable(match.iloc[0], measure)
    value, low, high = match.iloc[0][[measure, f"{measure}_low", f"{measure}_high"]].astype(float)
    n = match["n_pointing" if measure == "pointing" else "n_images"].iloc[0]
    return (
        number
        | {
            "ours": value,
            "ours_low": low,
            "ours_high": high,
            "difference": value - number["paper"],
            "n": n,
            "verdict": obstacle or judge(number["paper"], low, high, n),
        }
        | of_set
    )


def _find_acceptable(ours: pd.Series, measure: str) -> dict[str, float]:
    """Return a number of ours by acceptable labels as fields of a table; no field if its row of the summary has none.

    ours: the row of the summary. measure: the number's column.
    """
    name = f"{measure}_acceptable"
    if name not in ours:
        return {}
    ends = {f"ours_acceptable{end}": ours[f"{name}{end}"] for end in ("", "_low", "_high")}
    return ends | {"n_acceptable": ours["n_acceptable"]}


def judge(paper: float, low: float, high: float, n: int) -> str:
    """Return the verdict on a number of the paper, given the interval of ours over n images; all are fractions."""
    if n < FEWEST:
        return TOO_FEW
    if not low <= paper <= high:
        return INCOMPATIBLE
    return COMPATIBLE if is_narrow(low, high) else TOO_FEW


def compare_orders(
    scores: Mapping[str, pd.DataFrame], orders: pd.DataFrame, obstacle: str = ""
) -> pd.DataFrame:
    """Check every order of two methods that the paper states, with one network and one view of ours.

    scores: variant of the method → one row per image, as from `compute_scores`, the same images in the same order.
    orders: as in resources/paper_orders.csv: in `measure`, the method `greater` exceeds the method `lesser`.
    obstacle: as from `find_obstacle`.

    Returns the rows of `orders`, each with ours, greater − lesser over the same images (for the Pointing Game, those with a
    box); ours_low, ours_high, its 95 % interval; n, the number of images; verdict: "as in the paper" or
    "opposite" if the interval excludes 0, else "not settled"; or why there is none: the obstacle, "too few images", "not
    run" if a method is missing, "no image has a box". If the scores have the columns of
    `labelmaps.scoring.right_labels.add_outcomes`, accuracies also have ours_acceptable with its interval, and n_acceptable.
    """
    return pd.DataFrame(
        [order | compare_order(scores, obstacle, **order) for order in orders.to_dict("records")]
    )


def compare_order(
    scores: Mapping[str, pd.DataFrame], obstacle: str, measure: str, greater: str, lesser: str
) -> dict:
    """Compute the difference in a measure between two methods over the same images, and the verdict on their order.

    The arguments and the fields of the result are those of `compare_orders`; measure, greater and lesser are one row of
    `orders`.
    """
    if greater not in scores or lesser not in scores:
        return dict.fromkeys(("ours", "ours_low", "ours_high"), np.nan) | {"n": 0, "verdict": NOT_RUN}
    more, less = (scores[method] for method in (greater, lesser))
    image = number_images(more["image"]) if "image" in more else None
    by_set = {} if measure == "pointing" else _compare_acceptable(more, less, image)
    if measure == "pointing":
        has_box = (more["pointing"] != SKIPPED).to_numpy()
        more, less = ((table["pointing"] == HIT).to_numpy()[has_box] for table in (more, less))
        image = image if image is None else image[has_box]
    else:
        more, less = (table["correct_after"].to_numpy(bool) for table in (more, less))
    value, low, high = paired_difference(less, more, image)
    n = count_images(image, len(more))
    if np.isnan(value):
        verdict = NO_BOX
    elif obstacle or n < FEWEST:
        verdict = obstacle or TOO_FEW
    else:
        verdict = SAME if low > 0 else OPPOSITE if high < 0 else OPEN
    return {"ours": value, "ours_low": low, "ours_high": high, "n": n, "verdict": verdict} | by_set


def _compare_acceptable(more: pd.DataFrame, less: pd.DataFrame, image: np.ndarray | None) -> dict[str, float]:
    """Return the accuracy of `more` minus that of `less` by acceptable labels, over the images that have one, as fields.

    more, less: the scores of two methods. image: (case,), a number of the image of each case, or None. Without acceptable
    labels there is no field.
    """
    if AFTER not in more:
        return {}
    known = more[AFTER].notna().to_numpy()
    there = image if image is None else image[known]
    after = (table[AFTER].to_numpy()[known].astype(bool) for table in (less, more))
    fields = interval_fields("ours_acceptable", paired_difference(*after, there))
    return fields | {"n_acceptable": count_images(there, int(known.sum()))}
