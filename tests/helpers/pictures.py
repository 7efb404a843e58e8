"""Images as bytes, for data sets that hold them in tables and archives."""

import io
from functools import cache

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 20, 12


@cache
def png(seed: int) -> bytes:
    """Draw a small image of random pixels, as the bytes of a PNG."""
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()
