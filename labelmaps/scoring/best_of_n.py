"""The accuracy that n random views of an image allow, as exact expectations over all subsets of n views.

Of an image's N views, n are drawn without replacement. All results have one row per image and one column per n = 1…N.
"""

import numpy as np
import pandas as pd

from labelmaps.scoring.statistics import count_units, mean_interval


def best_of_n(log_likelihood: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Compute how often the view with the highest log p(k*|x_u) among n random views is correct, (image, n), in [0, 1].

    log_likelihood: (image, view), log p(k*|x_u).
    correct: (image, view), whether the top label of the view is k*.

    Views that tie are ranked by their index, as arg max does. The view of rank r = 1…N is the best of n with probability
    P(r, n) = C(N−r, n−1) / C(N, n). n = 1 is a random fixation; n = N is the method `likelihood`, except that the method
    stays at x₀ if all views tie.
    """
    order = np.argsort(-log_likelihood, axis=1, kind="stable")
    return np.take_along_axis(correct, order, axis=1) @ _best_is_rank(correct.shape[1])


def _best_is_rank(n_views: int) -> np.ndarray:
    """Compute P(r, n), (rank, n), by the recurrence P(1, n) = n/N and P(r+1, n) / P(r, n) = (N−r−n+1) / (N−r).

    Once a ratio is 0, fewer than n views have rank r or worse, so P stays 0.
    """
    n = np.arange(1, n_views + 1)
    rank = n[:-1, None]
    ratio = (n_views - rank - n + 1) / (n_views - rank)
    return np.cumprod(np.vstack([n / n_views, ratio]), axis=0)


def any_of_n(correct: np.ndarray) -> np.ndarray:
    """Compute the probability that at least one of n random views is correct, (image, n).

    correct: (image, view), whether the top label of the view is k*.

    The probability is 1 − C(N−c, n) / C(N, n), where c of the N views are correct. The n-th draw is wrong with probability
    (N−c−n+1) / (N−n+1) if all draws before it were; once that is 0, the result stays 1.
    """
    n_views = correct.shape[1]
    n_left = np.arange(n_views, 0, -1)  # views left before the n-th draw
    n_wrong_left = n_left - correct.sum(axis=1, keepdims=True)
    return 1 - np.cumprod(n_wrong_left / n_left, axis=1)


def top_n(rank: np.ndarray, n_max: int) -> np.ndarray:
    """Return whether k* is among the n best labels at x₀, for n = 1…n_max, (image, n).

    rank: (image,), the rank of k* at x₀, 0 for the best.
    """
    return rank[:, None] < np.arange(1, n_max + 1)


def best_of_n_table(
    log_likelihood: np.ndarray, correct: np.ndarray, rank: np.ndarray, image: np.ndarray | None = None
) -> pd.DataFrame:
    """Average the three curves over cases, with 95 % intervals.

    log_likelihood, correct: (case, view), as for `best_of_n`. rank: (case,), as for `top_n`.
    image: (case,), a number of the image of each case; None where each image shows one class.

    Returns one row per n: n_images, n_cases where images show several classes, n, and best_of_n, any_of_n and top_n, each
    also with `_low` and `_high`.
    """
    n_cases, n_views = correct.shape
    table = pd.DataFrame(count_units(image, n_cases) | {"n": np.arange(1, n_views + 1)})
    curves = {
        "best_of_n": best_of_n(log_likelihood, correct).clip(0, 1),  # against rounding errors
        "any_of_n": any_of_n(correct),
        "top_n": top_n(rank, n_views),
    }
    for name, values in curves.items():
        columns = [name, f"{name}_low", f"{name}_high"]
        table[columns] = [mean_interval(column, image) for column in values.T]
    return table
