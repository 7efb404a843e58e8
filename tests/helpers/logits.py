"""Label maps of logits, given or drawn at random."""

import numpy as np
from scipy.special import log_softmax, logsumexp

from labelmaps.storage.label_map_file import LabelMaps


def label_maps(logits):
    """Label maps, float32, of logits (image, row, column, label)."""
    logits = np.asarray(logits, np.float64)
    n, rows, columns, _ = logits.shape
    return LabelMaps(
        image=[f"image {i}" for i in range(n)],
        log_probability=log_softmax(logits, axis=-1).astype(np.float32),
        log_sum_exp=logsumexp(logits, axis=-1).astype(np.float32),
        top_label=logits.argmax(axis=-1).astype(np.int16),
        centre=np.zeros((n, rows, columns, 2)),
        extent=np.zeros((n, rows, columns, 4)),
    )


def random_logits(n=4, grid=5, n_labels=6, scale=4.0, seed=0):
    return np.random.default_rng(seed).normal(0, scale, (n, grid, grid, n_labels))
