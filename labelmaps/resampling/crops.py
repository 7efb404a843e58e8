"""The positions of ten-crop's crops in the label maps of the view `ten_crop`, in a module that does not import torch."""

import numpy as np

# (row, column): whether a cell holds the crop at a corner of the image; all others are mirror images.
CORNERS = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]], bool)
