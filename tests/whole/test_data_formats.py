"""Data sets of several formats, each one entry of a configuration, from their files to the index or the summary."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.runs import planned_jobs, snakemake, succeed, write_config
from labelmaps.data.classes import read_classes

XML = """<annotation><filename>{0}.jpg</filename><object><name>{1}</name><difficult>0</difficult><bndbox><xmin>10</xmin>
<ymin>5</ymin><xmax>40</xmax><ymax>30</ymax></bndbox></object></annotation>"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with data sets of several formats, after a run on them; and its configuration."""
    folder = tmp_path_factory.mktemp("formats")
    random = np.random.default_rng(0)
    images = [
        f"pets/{part}/{kind}/{i}.png"
        for part in ("train", "val")
        for kind in ("cat", "red fox")
        for i in (1, 2)
    ]
    images += ["v2/7/abc.jpeg", "v2/999/bcd.jpeg", "r/n01443537/art_0.jpg", "r/n01484850/art_0.jpg"]
    for path in [
        folder / name for name in [*images, *[f"VOC2012/JPEGImages/2008_{i}.jpg" for i in range(3)]]
    ]:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (48, 64, 3), np.uint8)).save(path)
    root = folder / "VOC2012"
    for name in ("Annotations", "ImageSets/Main"):
        (root / name).mkdir(parents=True)
    (root / "ImageSets/Main/val.txt").write_text("2008_0\n2008_2\n")
    for number, kind in enumerate(["cat", "dog", "tvmonitor"]):
        (root / f"Annotations/2008_{number}.xml").write_text(XML.format(f"2008_{number}", kind))
    (folder / "classes.txt").write_text("fox a fox\ncat a cat\n")
    (folder / "table.csv").write_text(
        "filename,width,height,class,xmin,ymin,xmax,ymax\nval/cat/1.png,64,48,cat,1,2,30,40\nval/cat/1.png,64,48,cat,5,5,9,9\n"
        "val/red fox/2,64,48,fox,1,1,64,48\n"
    )
    config = write_config(
        folder / "c.yaml",
        datasets={
            "pets": {"images": "pets"},
            "v2": {"images": "v2"},
            "r": {"images": "r"},
            "voc": {"voc": "VOC2012"},
            "table": {"table": "table.csv", "images": "pets", "classes": "classes.txt"},
        },
        models={"drawn": {"architecture": "small_resnet", "random": {"seed": 0}, "size": 32}},
        views={"zoom": {"grid": 3}},
        run={
            "datasets": ["pets", "v2", "r", "voc", "table"],
            "models": ["drawn"],
            "methods": ["center", "likelihood"],
        },
    )
    indexes = [f"results/{name}/index.parquet" for name in ("v2", "voc", "table")]
    summaries = [
        "results/pets/summary.csv",
        "results/r/summary.csv",
        "results/pets/figures/figure_2_zoom.png",
    ]
    succeed(snakemake(folder, *indexes, *summaries, "--configfile", config))
    return folder, config


def rows(folder, dataset):
    index = pd.read_parquet(folder / "results" / dataset / "index.parquet")
    return [(row.image, row.label, len(row.boxes)) for row in index.itertuples()]


def test_each_format_is_one_entry(run):
    folder, _ = run
    names = ("cat/1", "cat/2", "red fox/1", "red fox/2")
    assert rows(folder, "pets") == [(name, int("fox" in name), 0) for name in names]
    assert [item.id for item in read_classes(folder / "results/pets/classes.txt")] == ["cat", "red fox"]
    assert "the images are those of val" in (folder / "logs/index_dataset/pets.log").read_text()
    assert rows(folder, "v2") == [("abc", 7, 0), ("bcd", 999, 0)]
    assert rows(folder, "r") == [("n01443537/art_0", 1, 0), ("n01484850/art_0", 2, 0)]
    assert rows(folder, "voc") == [("2008_0", 7, 1), ("2008_2", 19, 1)]
    assert rows(folder, "table") == [("val/cat/1", 1, 2), ("val/red fox/2", 0, 1)]


def test_classes_that_folders_name_go_through_the_whole_run(run):
    folder, _ = run
    for name, images in {"pets": 4, "r": 2}.items():
        summary = pd.read_csv(folder / f"results/{name}/summary.csv")
        assert set(summary["n_images"]) == {images}
    assert (folder / "results/pets/figures/figure_2_zoom.png").exists()


def test_nothing_runs_again_but_after_a_change_that_concerns_it(run):
    folder, config = run

    def plan(*names):
        targets = [f"results/{name}/index.parquet" for name in ("pets", "v2", "voc", "table")]
        return planned_jobs(succeed(snakemake(folder, "-n", *targets, "--configfile", config)))

    (folder / "pets/train/cow").mkdir()
    assert plan() == {}
    (folder / "VOC2012/Annotations/2008_2.xml").write_text(XML.format("2008_2", "cat"))
    assert plan() == {"list_classes": 1, "index_dataset": 1}
