"""The example of docs/sealed_files.md holds."""

import doctest

from helpers.logits import label_maps, random_logits
from labelmaps.storage.label_map_file import write_label_maps
from pipeline.sources import ROOT


def test_the_example_shows_what_is_sealed(tmp_path, monkeypatch):
    maps = label_maps(random_logits(n=2, grid=3))
    part = tmp_path / "results/scenes/zoom/small_resnet/label_maps/1of2.h5"
    part.parent.mkdir(parents=True)
    with write_label_maps(part, maps.image, 3, 6, {"batch": 9}) as writer:
        arrays = {name: array for name, array in vars(maps).items() if name != "image"}
        writer.append(digest=["", ""], **arrays)
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(
        str(ROOT / "docs/sealed_files.md"), module_relative=False, encoding="utf-8"
    )
    assert failed == 0
    assert tried > 2
