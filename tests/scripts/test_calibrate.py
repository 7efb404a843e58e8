"""The script of the calibration: several networks, each beside its own standard crop and all together."""

import numpy as np
import pandas as pd
import pytest

from helpers.study import MADE_BY, both, digests_of, index_of, random_label_maps, write_joined
from labelmaps.data.index import write_index
from labelmaps.errors import InputError
from labelmaps.storage.csv_tables import read_results
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.views import create_view
from pipeline.sources import ROOT
from workflow.scripts import calibrate

N, METHODS = 120, ["likelihood", "gradcam", "max_logit", "igub", "dff"]
IDS = [f"image {i:03}" for i in range(N)]
CROP = {"family": "shift", "base": "crop", "grid": 1}
LOOKS = [{"view": {"family": name}, "network": {}, "engine": "exact"} for name in ("zoom", "crop")]


@pytest.fixture
def study(tmp_path):
    """Two networks, two readings of each; the second network's views by index differ from the nearest ones."""
    random, digests = np.random.default_rng(0), digests_of(IDS)
    label = random.integers(3, size=N)
    write_index(
        tmp_path / "index.parquet", index_of(IDS, [(40, 30)] * N, image=IDS, digest=digests, label=label)
    )
    outcomes, standard, rows = [], [], []
    for model in ("one", "two"):
        maps = random_label_maps(IDS, [(40, 30)] * N, create_view(**CROP), 3, random)
        standard.append(tmp_path / f"{model}.h5")
        write_joined(standard[-1], maps, MADE_BY | {"view": CROP, "weights_sha256": model}, digests=digests)
        with open_label_maps(standard[-1]) as file:
            pixels = file.pixels_sha256
        for look in LOOKS:
            view = look["view"]["family"]
            right = random.random((N, 6)) < np.linspace(0.5, 0.9, 6)
            tables = [
                pd.DataFrame(right, columns=["before", *METHODS]).assign(image=IDS, arrival=arrival)
                for arrival in ("nearest", "index")
            ]
            if model == "two":
                tables[1]["dff"] = ~tables[1]["dff"]
            table = pd.concat(tables, ignore_index=True)
            table.attrs = look | {"methods": {}, "label_maps": f"{model} {view}", "weights_sha256": model}
            table.attrs |= {"precision": "float32", "pixels_sha256": pixels}
            outcomes.append(tmp_path / f"{model} {view}.parquet")
            write_parquet(outcomes[-1], table)
            network = {"dataset": "d", "view": view, "model": model, "weights": "checkpoint"}
            rows.append(network | {"architecture": {"one": "resnet18", "two": "resnet50"}[model]})
    made_by = {"networks": LOOKS * 2, "methods": {}, "standard_views": [CROP] * 2}
    return {
        "outcomes": outcomes,
        "standard": standard,
        "index": tmp_path / "index.parquet",
        "paper": ROOT / "resources/paper.csv",
        "ranking": both(tmp_path / "calibration"),
        "terms": both(tmp_path / "terms"),
        "has_imagenet_classes": True,
        "rows": rows,
        "resamples": 50,
        "seed": 0,
        "made_by": made_by,
    }


def run(study, monkeypatch, same_images=True):
    """Calibrate, on images that are the paper's or not, and return the two tables."""
    monkeypatch.setattr(calibrate, "are_imagenet_validation", lambda *_: same_images)
    calibrate.calibrate(**study)
    return [read_results(study[name][1], study["made_by"]) for name in ("ranking", "terms")]


def changed(study, place, **attributes):
    """Write one table of outcomes with other attributes."""
    table = pd.read_parquet(study["outcomes"][place])
    table.attrs |= attributes
    write_parquet(study["outcomes"][place], table)


def test_each_network_is_ranked_alone_and_all_together(study, monkeypatch):
    ranking, terms = run(study, monkeypatch)
    assert ranking.groupby("model", sort=False)["reading"].agg(sorted).to_dict() == {
        "one": ["crop", "zoom"],
        "two": [f"{view}, {how}" for view in ("crop", "zoom") for how in ("nearest view", "view by index")],
        "all networks": [
            f"{view}, {how}" for view in ("crop", "zoom") for how in ("nearest view", "view by index")
        ],
    }
    together = ranking[ranking["model"] == "all networks"]
    assert set(together["degrees"]) == {12}
    assert set(together["architecture"]) == {"resnet18, resnet50"}
    assert set(together["verdict"]) <= {"refused", "too few images"}
    assert set(terms["model"]) == {"one", "two"}
    assert set(terms["measure"]) == {"gain_over_standard_crop", "gain"}


def test_x0_is_held_beside_the_networks_own_standard_crop(study, monkeypatch):
    _, terms = run(study, monkeypatch)
    label = pd.read_parquet(study["index"])["label"].to_numpy()
    for model, path in zip(("one", "two"), study["standard"], strict=True):
        with open_label_maps(path) as file:
            crop = (file.field("top_label")[:, 0, 0] == label).mean()
        before = pd.read_parquet(study["outcomes"][("one", "two").index(model) * 2])["before"].mean()
        of_zoom = (terms["model"] == model) & (terms["view"] == "zoom") & (terms["method"] == "center")
        assert terms.loc[of_zoom, "ours"].tolist() == pytest.approx([before - crop] * of_zoom.sum(), rel=1e-5)


def test_one_network_has_no_rows_of_all(study, monkeypatch):
    for name in ("outcomes", "rows"):
        study[name] = study[name][:2]
    study["standard"] = study["standard"][:1]
    study["made_by"] |= {"networks": LOOKS, "standard_views": [CROP]}
    ranking, _ = run(study, monkeypatch)
    assert set(ranking["model"]) == {"one"}


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_readings_that_are_not_in_float32_are_not_ranked_nor_are_all_networks_together(
    study, monkeypatch, precision
):
    changed(study, 3, precision=precision)
    ranking, _ = run(study, monkeypatch)
    verdicts = ranking.groupby("model")["verdict"].agg(set)
    assert verdicts["two"] == verdicts["all networks"] == {"not in float32"}
    assert not verdicts["one"] & {"not in float32"}


def test_other_images_have_no_verdict(study, monkeypatch):
    ranking, _ = run(study, monkeypatch, same_images=False)
    assert set(ranking["verdict"]) == {"different images"}
    assert ranking["misfit"].notna().all()


def test_a_standard_crop_of_another_network_view_or_pixels_is_refused(study, monkeypatch):
    other = {"family": "crop", "grid": 1}
    for refused, said in (
        ({"standard": study["standard"][::-1]}, "made with other weights_sha256"),
        ({"made_by": study["made_by"] | {"standard_views": [other] * 2}}, "made with other settings"),
    ):
        with pytest.raises(InputError, match=said):
            run(study | refused, monkeypatch)
    for place in range(2):
        changed(study, place, pixels_sha256="other")
    with pytest.raises(InputError, match=r"one\.h5: made from other pixels than the file it is read with"):
        run(study, monkeypatch)
    assert not study["ranking"][1].exists()
