"""A whole run on images that show several classes, with boxes in Pascal VOC's XML: a case per image and class throughout."""

import json
import re

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.runs import planned_jobs, snakemake, succeed, write_config
from labelmaps.results import Results

pytestmark = pytest.mark.slow

CLASSES = ["cat", "dog", "fox", "owl"]
OBJECTS = [["dog", "cat", "dog"], ["fox"], ["owl", "cat", "fox"], ["dog"], ["cat", "owl"]]
CASES = [
    (f"im{i}", label) for i, objects in enumerate(OBJECTS) for label in sorted({*map(CLASSES.index, objects)})
]
NAMES = [
    f"{image} · {CLASSES[label]}" if len({*OBJECTS[int(image[2])]}) > 1 else image for image, label in CASES
]
RIGHT = {"im0": ["cat"], "im1": [], "im2": ["owl", "dog"], "im4": ["fox"]}
METHODS = ["center", "likelihood", "igub", "gradcam", "dff"]
CUED = ["likelihood", "gradcam"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of a tiny random network to the tables, Figure 1 and the explorer."""
    folder = tmp_path_factory.mktemp("voc")
    for name in ("images", "Annotations"):
        (folder / name).mkdir()
    (folder / "classes.txt").write_text("".join(f"{name} {name}\n" for name in CLASSES))
    random = np.random.default_rng(0)
    for i, objects in enumerate(OBJECTS):
        height, width = 60 + 5 * i, 90 + 10 * i
        picture = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(picture).save(folder / "images" / f"im{i}.png")
        corners = [(5 + 15 * j, 5 + 10 * j, 35 + 15 * j, 30 + 10 * j) for j in range(len(objects))]
        boxes = [
            f"<object><name>{name}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax>"
            f"<ymax>{y1}</ymax></bndbox></object>"
            for name, (x0, y0, x1, y1) in zip(objects, corners, strict=True)
        ]
        (folder / "Annotations" / f"im{i}.xml").write_text(f"<annotation>{''.join(boxes)}</annotation>")
    data = {"images": "images", "boxes": "Annotations", "classes": "classes.txt", "parts": 2}
    data |= {"acceptable_labels": "right.json", "factors": "factors.csv"}
    (folder / "right.json").write_text(json.dumps(RIGHT))
    (folder / "factors.csv").write_text("image,wet\nim0,1\nim2.png,1\nim4,0\n")
    config = write_config(
        folder / "c.yaml",
        datasets={"voc": data | {"examples": {"mine": "im2 · fox", "first": "im4"}}},
        models={"tiny": {"architecture": "small_resnet", "random": {"seed": 0}, "size": 32}},
        views={"zoom": {"grid": 3}},
        run={"datasets": ["voc"], "models": ["tiny"], "views": ["zoom"], "methods": METHODS},
    )
    tables = ("summary", "comparisons", "pointing", "who_gains", "best_of_n", "scanpaths")
    tables += ("paper", "paper_orders")
    results = [f"results/voc/{name}.csv" for name in tables]
    results += ["results/voc/figures/figure_1/zoom/tiny/mine.svg", "results/voc/explorer.html"]
    succeed(snakemake(folder, *results, "--configfile", config))
    assert not planned_jobs(succeed(snakemake(folder, *results, "--configfile", config, "-n")))
    return folder / "results/voc"


def test_there_is_one_label_map_per_image_and_a_row_of_all_else_per_case(folder):
    index = pd.read_parquet(folder / "index.parquet")
    assert list(zip(index["image"], index["label"], strict=True)) == CASES
    base = folder / "zoom/tiny"
    with h5py.File(base / "label_maps.h5") as file:
        assert file["log_probability"].shape == (len(OBJECTS), 3, 3, len(CLASSES))
    results = Results(base)
    for method in METHODS:
        with h5py.File(base / f"saliency/{method}.h5") as file:
            maps = file["saliency"][:]
        assert len(maps) == len(CASES)
        others = [i for i in range(1, len(CASES)) if CASES[i][0] == CASES[i - 1][0]]
        repeats = [np.array_equal(maps[i], maps[i - 1]) for i in others]
        assert not any(repeats) if method in CUED else all(repeats)
        scores = results.scores(method)
        assert scores.index.tolist() == CASES
        assert (scores["correct_after_any"] >= scores["correct_after"]).all()


def test_the_tables_count_images_and_cases(folder):
    summary = (
        pd.read_csv(folder / "summary.csv").set_index("method").drop("likelihood_set")
    )  # of three images
    assert set(summary["n_images"]) == {len(OBJECTS)}
    assert set(summary["n_cases"]) == {len(CASES)}
    scores = pd.read_parquet(folder / "zoom/tiny/scores/igub.parquet")
    by_image = scores.groupby("image")["correct_after_any"].first()  # all the same: it is told no class
    assert summary.loc["igub", "accuracy_after_any"] == pytest.approx(by_image.mean(), abs=1e-6)
    assert summary.loc["igub", "accuracy_after"] == pytest.approx(scores["correct_after"].mean(), abs=1e-6)
    pointing = pd.read_csv(folder / "pointing.csv").set_index(["method", "rule", "tolerance", "subset"])
    for method in METHODS:
        scores = pd.read_parquet(folder / f"zoom/tiny/scores/{method}.parquet")
        row, is_hit = pointing.loc[method, "any", 0, "all"], scores["pointing"] == "hit"
        assert (row["n"], row["n_cases"]) == (len(OBJECTS), len(CASES))
        assert row["pointing"] == pytest.approx(is_hit.mean(), abs=1e-6)
        assert row["class_mean"] == pytest.approx(is_hit.groupby(scores["label"]).mean().mean(), abs=1e-6)
        assert pointing.loc[method, "disc", 15, "difficult"]["n_cases"] <= 7
    for name in ("comparisons", "best_of_n"):
        table = pd.read_csv(folder / f"{name}.csv")
        assert (set(table["n_images"]), set(table["n_cases"])) == ({len(OBJECTS)}, {len(CASES)})
    scanpaths = pd.read_csv(folder / "scanpaths.csv")
    assert set(scanpaths["n_images"]) == {len(OBJECTS)}
    assert set(scanpaths["n_cases"]) == {len(CASES)}
    paths = pd.read_parquet(folder / "zoom/tiny/scanpaths.parquet")
    for (method, _), rows in paths.groupby(["method", "accumulation"]):
        assert list(zip(rows["image"], rows["label"], strict=True)) == CASES
        by_image = rows.assign(views=rows["views"].map(tuple)).groupby("image")["views"].nunique()
        assert (by_image == 1).all() or method == "likelihood"


def test_acceptable_labels_are_of_the_image_in_all_of_its_cases(folder):
    summary = pd.read_csv(folder / "summary.csv").set_index("method")
    assert set(summary["n_acceptable"]) == {3}  # im0, im2 and im4, which are seven cases
    comparisons = pd.read_csv(folder / "comparisons.csv")
    assert set(comparisons["n_acceptable"]) == {3}
    right = {image: {*map(CLASSES.index, names)} for image, names in RIGHT.items() if names}
    for method in METHODS:
        scores = pd.read_parquet(folder / f"zoom/tiny/scores/{method}.parquet")
        known = scores[scores["image"].isin(right)]
        for said, name in (("predicted_before", "before"), ("predicted_after", "after")):
            expected = np.mean(
                [top in right[image] for image, top in zip(known["image"], known[said], strict=True)]
            )
            assert summary.loc[method, f"accuracy_{name}_acceptable"] == pytest.approx(expected, abs=1e-6)
        by_label = known["correct_after"].mean() - known["correct_before"].mean()
        assert summary.loc[method, "gain_label"] == pytest.approx(by_label, abs=1e-6)
    nulls = pd.read_parquet(folder / "zoom/tiny/nulls.parquet")
    told = nulls[nulls["null"] == "likelihood_set"]
    assert list(zip(told["image"], told["label"], strict=True)) == [
        case for case in CASES if case[0] in right
    ]


def test_cases_are_grouped_by_the_boxes_of_their_class(folder):
    table = pd.read_csv(folder / "who_gains.csv").set_index(["method", "factor", "level"])
    counts = {
        (factor, level): (row["n_images"], row["n_cases"])
        for (method, factor, level), row in table.iterrows()
        if method == "igub" and factor in ("all", "boxes", "wet")
    }
    assert counts == {  # of im0 the dog has two boxes, and the cat one
        ("all", "all"): (5, 9),
        ("boxes", "1"): (5, 8),
        ("boxes", "2"): (1, 1),
        ("wet", "yes"): (2, 5),
        ("wet", "no"): (1, 2),
    }


def test_figures_and_explorer_name_the_case(folder):
    examples = pd.read_csv(folder / "zoom/tiny/examples.csv").set_index("example")
    assert examples.loc["mine", ["image", "label"]].tolist() == ["im2", CLASSES.index("fox")]
    assert examples.loc["first", ["image", "label"]].tolist() == ["im4", CLASSES.index("cat")]
    figure = (folder / "figures/figure_1/zoom/tiny/mine.svg").read_text()
    assert "im2 · fox" in figure
    page = (folder / "explorer.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.S)[1])
    assert sorted(image["id"] for image in data["images"]) == NAMES
    assert (data["n_images"], data["unit"]) == (len(CASES), "case")
    chosen = {image["id"] for image in data["images"] if image["kind"] == "chosen by hand"}
    assert chosen == {"im2 · fox", "im4 · cat"}
