"""Consensus: the likelihood map of the label on which the inner views agree.

x₀ and the views around it vote for a label, and the eye goes where that label is most likely, as in a visual search whose
cue comes from the label map itself:

    k̂ = arg max_k Π_r mean_{u in ring r} p(k|x_u),    saliency(u) = log p(k̂|x_u)

Ring r consists of the cells at r steps from x₀, and all but the outermost ring vote. The views of a ring show different
places at one scale, and the object need not be in all of them, so that their probabilities are averaged. From ring to ring
the view `zoom` changes its scale, and the object should be plausible at each, so that these means are multiplied. With
`zoom` the outermost ring shows only magnified details, so that it has no vote; the eye may still go there. If it is the only
ring beside x₀, or the grid is x₀ alone, x₀ decides.

The label k̂ is also returned as the method's own: it is the decision without a saccade, with which the one after the saccade
can be compared. The rule is ours; its two ways of pooling are those of Kittler et al. (1998), doi 10.1109/34.667881.
"""

from typing import TYPE_CHECKING

import numpy as np

from labelmaps.methods import likelihood, log_sum_exp

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "uncued"
NAME = "consensus"
UNIT = "log p of the label the views agree on, nats"
COLOUR = "#999933"


def saliency(maps: "LabelMaps", label: None) -> tuple[np.ndarray, np.ndarray]:
    """Compute the likelihood map of the label k̂ on which the inner views agree.

    maps: the label maps of a block of images.
    label: None, as k* is not given.

    Returns log p(k̂|x_u) in nats, (image, row, column), and k̂ (image,).
    """
    view = maps.log_probability
    # A ring's sum stands for its mean: the same factor for every label.
    votes = np.sum([log_sum_exp(view[:, ring], axis=1) for ring in voting_rings(view.shape[1])], axis=0)
    agreed = votes.argmax(axis=-1)
    return likelihood.saliency(maps, agreed), agreed


def voting_rings(grid: int) -> list[np.ndarray]:
    """List the rings around x₀ that vote: x₀ itself and all but the outermost.

    grid: the number of fixations along each axis.

    Returns the cells of each ring, (row, column) boolean, from x₀ outwards.
    """
    steps = abs(np.arange(grid) - grid // 2)
    ring = np.maximum(steps[:, None], steps)
    return [ring == r for r in range(max(grid // 2, 1))]
