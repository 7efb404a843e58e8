"""The positions of ten-crop's crops in the label maps of the view `ten_crop`, in a module that does not import torch."""

import numpy as np

CORNERS = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]], bool)  # (row, column); the other cells are mirror images
