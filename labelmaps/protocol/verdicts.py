"""The conditions of a verdict on our numbers beside the paper's: the paper's images, trained weights, enough images.

This module does not import scipy, which the environment of the figures does not have.
"""

import numpy as np
import pandas as pd

# Why there is no verdict; "weights …", with their source, if they cannot be trained for ImageNet.
OTHER_IMAGES, UNTRAINED, TOO_FEW = "different images", "does not know ImageNet's labels", "too few images"
REDUCED = (
    "not in float32"  # for readings, whose misfits differ as much between precisions as among themselves
)
REFUSED = 0.05  # a reading of the protocol with a smaller p is refused
# How the summary's names begin of those sources of weights that may be trained for ImageNet.
TRAINED = ("torchvision ", "timm ", "checkpoint")
LEAST_ACCURACY = 0.1  # at x₀, a hundred times chance; a checkpoint with less is not trained for ImageNet
FEWEST = 100  # images
# Half the width of the widest interval that can distinguish the paper's gains from 0, as fractions: its smallest gain is 2.1
# points. A share of 2,400 images has such an interval.
NARROW = 0.02


def find_obstacle(weights: str, accuracy_before: float, same_images: bool) -> str:
    """Return the reason why there can be no verdict on a network, or an empty text if there can.

    weights: their source, as in the summary. accuracy_before: at x₀, a fraction. same_images: whether our images are the
        paper's data set.
    """
    if not weights.startswith(TRAINED):
        return f"weights {weights}"
    if not same_images:
        return OTHER_IMAGES
    return "" if accuracy_before >= LEAST_ACCURACY else UNTRAINED


def is_narrow(low: float, high: float) -> bool:
    """Return whether an interval of fractions is narrow enough to distinguish the paper's gains from 0 (`NARROW`)."""
    return bool(high - low <= 2 * NARROW)


def find_marks(summary: pd.DataFrame, paper: pd.DataFrame, same_images: bool) -> pd.DataFrame:
    """Return the paper's values that a figure may show beside ours.

    summary: rows of one view, as in summary.csv. paper, same_images: as in `compare_numbers`.

    They are those of networks of the paper's architecture, with trained weights, on the paper's images, and only if the
    interval of our accuracy at x₀, or for the Pointing Game that of our hits, is narrow.

    Returns the columns model, variant, accuracy_before, accuracy_after, pointing.
    """
    measures = ["accuracy_before", "accuracy_after", "pointing"]
    stated = paper.rename(columns={"method": "variant"})  # the paper's methods have their default options
    both = summary.merge(stated, on=["architecture", "variant"], suffixes=("_ours", ""))
    is_free = [
        is_narrow(row["accuracy_before_low"], row["accuracy_before_high"])
        and not find_obstacle(row["weights_ours"], row["accuracy_before_ours"], same_images)
        for row in both.to_dict("records")
    ]
    is_known = [*map(is_narrow, both["pointing_low"], both["pointing_high"])]
    both["pointing"] = both["pointing"].where(np.array(is_known, bool))
    return both.loc[np.array(is_free, bool), ["model", "variant", *measures]]
