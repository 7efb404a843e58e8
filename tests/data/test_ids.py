"""How images are named after their files."""

import pytest

from labelmaps.data.ids import ids_of


@pytest.mark.parametrize(
    ("paths", "ids"),
    [
        ([], []),
        (["cat/a.jpg", "dog/b.png"], ["a", "b"]),
        (["cat/1.jpg", "dog/1.jpg", "dog/2.jpg"], ["cat/1", "dog/1", "dog/2"]),
        (["cat/1.jpg", "dog/1.png"], ["cat/1", "dog/1"]),
        (["cat/1.jpg", "cat/1.png"], ["cat/1", "cat/1"]),  # the index refuses them
        (["n1/ILSVRC2012_val_00000001_n01751748.JPEG"], ["ILSVRC2012_val_00000001"]),
        (["a/U\u0308.jpg", "b/\u00dc.jpg"], ["a/\u00dc", "b/\u00dc"]),
    ],
)
def test_ids_are_stems_where_these_are_unique_and_paths_otherwise(paths, ids):
    assert ids_of(paths) == ids
