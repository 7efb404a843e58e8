"""What n looks at an image are worth, whoever chooses: exact expectations over random subsets of its views.

n of an image's N views are drawn without replacement; every array has one row per image and one column per n = 1…N.
"""

import numpy as np
import pandas as pd

from labelmaps.scoring.statistics import mean_interval


def best_of_n(log_likelihood: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Expected correctness of the view with the highest log p(k*|x_u) among the n drawn, (image, n).

    log_likelihood: log p(k*|x_u), and correct: whether the view says k*; both (image, view). Views that tie are ranked by
    their index, as arg max does. The view of rank r = 1…N is the best with probability P(r, n) = C(N−r, n−1) / C(N, n).
    n = 1 is a uniform random fixation; n = N is the method `likelihood` (which stays at x₀ where all views tie).
    """
    order = np.argsort(-log_likelihood, axis=1, kind="stable")
    return np.take_along_axis(correct, order, axis=1) @ _best_is_rank(correct.shape[1])


def _best_is_rank(n_views: int) -> np.ndarray:
    """P(r, n), (rank, n), by recurrence: P(1, n) = n/N and P(r+1, n) / P(r, n) = (N−r−n+1) / (N−r).

    Once a ratio is 0, as many views as are drawn no longer lie behind: P stays 0.
    """
    n = np.arange(1, n_views + 1)
    rank = n[:-1, None]
    ratio = (n_views - rank - n + 1) / (n_views - rank)
    return np.cumprod(np.vstack([n / n_views, ratio]), axis=0)


def any_of_n(correct: np.ndarray) -> np.ndarray:
    """Probability that any of the n views drawn is correct, (image, n), of correct (image, view).

    1 − C(N−c, n) / C(N, n), where c of the N views are correct: the n-th draw misses with probability (N−c−n+1) / (N−n+1),
    and once that is 0 no further draw counts.
    """
    n_views = correct.shape[1]
    left = np.arange(n_views, 0, -1)  # views not drawn before the n-th draw
    wrong_left = left - correct.sum(axis=1, keepdims=True)
    return 1 - np.cumprod(wrong_left / left, axis=1)


def top_n(rank: np.ndarray, n_max: int) -> np.ndarray:
    """Is k* among x₀'s n best labels, for n = 1…n_max? (image, n), of k*'s rank at x₀ (image,), 0 for the best."""
    return rank[:, None] < np.arange(1, n_max + 1)


def best_of_n_table(log_likelihood: np.ndarray, correct: np.ndarray, rank: np.ndarray) -> pd.DataFrame:
    """The means over images of the three curves with 95 % intervals, one row per n; arguments as of each curve.

    Columns: n_images, n, and each curve with `_low` and `_high`.
    """
    n_images, n_views = correct.shape
    table = pd.DataFrame({"n_images": n_images, "n": np.arange(1, n_views + 1)})
    curves = {
        "best_of_n": best_of_n(log_likelihood, correct).clip(0, 1),  # rounding
        "any_of_n": any_of_n(correct),
        "top_n": top_n(rank, n_views),
    }
    for name, values in curves.items():
        columns = [name, f"{name}_low", f"{name}_high"]
        table[columns] = [mean_interval(of_n) for of_n in values.T]
    return table
