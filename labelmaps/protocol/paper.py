"""The paper's numbers and orders beside ours."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from labelmaps.scoring.scores import HIT, SKIPPED
from labelmaps.scoring.statistics import paired_difference

COMPATIBLE, INCOMPATIBLE = "compatible", "not compatible"
OTHER_NETWORK, OTHER_IMAGES = "different network", "different images"
OTHER_OPTIONS, NOT_RUN, NO_BOX = "other options", "not run", "no image has a box"
SAME, OPPOSITE, OPEN = "as in the paper", "opposite", "not settled"


def compare_numbers(summary: pd.DataFrame, paper: pd.DataFrame, same_images: bool) -> pd.DataFrame:
    """Compare every number of the paper with ours.

    summary: as in summary.csv. paper: as in resources/paper.csv. same_images: whether ours are of the paper's data set.

    The numbers of each of the paper's networks stand beside our networks of the same architecture, or beside all of them
    where there is none. One row per view, network and number: the paper's value, ours with its 95 % interval and number of
    images, ours − paper, and a verdict: "compatible" where the paper's value lies in our interval. That is said only of the
    same architecture and weights on the same data set; otherwise "different network", "different images", "other options"
    (the paper's are taken to be the default ones), "not run" or "no image has a box". The paper does not define its view, so
    views are not compared.
    """
    rows = []
    for view, view_rows in summary.groupby("view", sort=False):
        for architecture, paper_rows in paper.groupby("architecture", sort=False):
            same = view_rows[view_rows["architecture"] == architecture]
            for model, ours in (view_rows if same.empty else same).groupby("model", sort=False):
                network = {"view": view, "model": model} | ours.iloc[0][["architecture", "weights"]].to_dict()
                otherwise = difference_in_kind(network, paper_rows.iloc[0], same_images)
                rows += [
                    network | {"paper_network": architecture} | beside(stated, ours, otherwise)
                    for stated in numbers(paper_rows)
                ]
    return pd.DataFrame(rows)


def difference_in_kind(network: dict, paper: pd.Series, same_images: bool) -> str:
    """Say why a network of ours cannot be compared with the paper's; return an empty text where it can."""
    weights = network["weights"].removeprefix("torchvision ")
    if network["architecture"] != paper["architecture"] or weights not in paper["weights"].split():
        return OTHER_NETWORK
    return "" if same_images else OTHER_IMAGES


def numbers(paper: pd.DataFrame) -> list[dict]:
    """List the numbers of one of the paper's networks: accuracy and Pointing Game as stated, gains by subtraction."""
    paper = paper.assign(gain=paper["accuracy_after"] - paper["accuracy_before"])
    long = paper.melt("method", ["accuracy_after", "gain", "pointing"], "measure", "paper").dropna()
    is_trivial = (long["method"] == "center") & (long["measure"] == "gain")
    order = paper["method"].tolist()
    return (
        long[~is_trivial]
        .sort_values("method", key=lambda m: m.map(order.index), kind="stable")
        .to_dict("records")
    )


def beside(stated: dict, ours: pd.DataFrame, otherwise: str) -> dict:
    """Compare a number of the paper with ours.

    stated: the paper's number. ours: one network's rows of the summary. otherwise: as from `difference_in_kind`.
    """
    measure = stated["measure"]
    match = ours[ours["variant"] == stated["method"]]
    if match.empty or np.isnan(match[measure].iloc[0]):
        is_other = ours["variant"].str.split().str[0].eq(stated["method"]).any()
        verdict = NO_BOX if len(match) else OTHER_OPTIONS if is_other else NOT_RUN
        return (
            stated
            | dict.fromkeys(("ours", "ours_low", "ours_high", "difference"), np.nan)
            | {"n": 0, "verdict": verdict}
        )
    value, low, high = match.iloc[0][[measure, f"{measure}_low", f"{measure}_high"]].astype(float)
    within = COMPATIBLE if low <= stated["paper"] <= high else INCOMPATIBLE
    return stated | {
        "ours": value,
        "ours_low": low,
        "ours_high": high,
        "difference": value - stated["paper"],
        "n": match["n_pointing" if measure == "pointing" else "n_images"].iloc[0],
        "verdict": otherwise or within,
    }


def compare_orders(scores: Mapping[str, pd.DataFrame], orders: pd.DataFrame) -> pd.DataFrame:
    """Check every order that the paper states on one network that looks through one view.

    scores: variant of the method → one row per image, as from `compute_scores`, the same images in the same order. orders:
    as in resources/paper_orders.csv: of `measure`, the method `greater` has more than `lesser`.

    Adds ours, the difference between the two over the same images (with a box, for the Pointing Game), its 95 % interval,
    n, and a verdict: "as in the paper" or "opposite" where the interval excludes 0, else "not settled"; "not run" where a
    method is not there.
    """
    return pd.DataFrame([order | paired(scores, **order) for order in orders.to_dict("records")])


def paired(scores: Mapping[str, pd.DataFrame], measure: str, greater: str, lesser: str) -> dict:
    """Compute the difference in a measure between two methods over the same images, and the verdict on their order."""
    if greater not in scores or lesser not in scores:
        return dict.fromkeys(("ours", "ours_low", "ours_high"), np.nan) | {"n": 0, "verdict": NOT_RUN}
    more, less = (scores[method] for method in (greater, lesser))
    if measure == "pointing":
        boxed = (more["pointing"] != SKIPPED).to_numpy()
        more, less = ((table["pointing"] == HIT).to_numpy()[boxed] for table in (more, less))
    else:
        more, less = (table["correct_after"].to_numpy(bool) for table in (more, less))
    value, low, high = paired_difference(less, more)
    verdict = NO_BOX if np.isnan(value) else SAME if low > 0 else OPPOSITE if high < 0 else OPEN
    return {"ours": value, "ours_low": low, "ours_high": high, "n": len(more), "verdict": verdict}
