"""Torch's compiler in tests, without what tests of this project need not do anew."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch._inductor.config


@contextmanager
def trusting_compiler(folder: Path) -> Iterator[Path]:
    """Have torch's compiler keep what it makes in a folder, and take the C++ compiler to know the processor's vectors.

    Otherwise it finds out by compiling a program for each kind of vector, which takes seven seconds.
    """
    kept = mock.patch.dict(os.environ, {"TORCHINDUCTOR_CACHE_DIR": str(folder)})
    with kept, torch._inductor.config.patch("cpp.vec_isa_ok", True):
        yield folder
