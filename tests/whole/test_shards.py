"""Data sets in COCO's JSON, in parquet and in WebDataset's tars, each one entry of a configuration, and what reruns them."""

import io
import json
import os
import tarfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.pictures import png
from helpers.runs import planned_jobs, snakemake, succeed, write_config

N = 4
BOX = [1, 2, 9, 11]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with the same data in three formats, after a run on them; its configuration, and its targets."""
    folder = tmp_path_factory.mktemp("shards")
    for name in ("hub", "tars", "photos"):
        (folder / name).mkdir()
    (folder / "classes.txt").write_text("cat a cat\ndog a dog\n")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": png(i), "path": f"{i}.png"} for i in reversed(range(N))]
    labels = [i % 2 for i in reversed(range(N))]
    table = pa.table({"image": pa.array(rows, kind), "label": labels, "bbox": [[BOX]] * N})
    for shard in range(2):
        path = folder / f"hub/validation-{shard:05}-of-00002.parquet"
        pq.write_table(table.slice(2 * shard, 2), path)
    with tarfile.open(folder / "tars/0.tar", "w") as archive:
        for i in range(N):
            (folder / f"photos/{i}.png").write_bytes(png(i))
            boxes = json.dumps({"boxes": [BOX]}).encode()
            for ending, content in (("png", png(i)), ("cls", b"%d" % (i % 2)), ("json", boxes)):
                member = tarfile.TarInfo(f"{i}.{ending}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    x0, y0, x1, y1 = BOX
    content = {
        "images": [{"id": i + 1, "file_name": f"{i}.png"} for i in range(N)],
        "annotations": [
            {"image_id": i + 1, "category_id": 7 + i % 2, "bbox": [x0, y0, x1 - x0, y1 - y0]}
            for i in range(N)
        ],
        "categories": [{"id": 7, "name": "cat"}, {"id": 8, "name": "dog"}],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    datasets = {
        "hub": {"parquet": "hub/validation-*", "columns": {"boxes": "bbox"}},
        "tars": {"webdataset": "tars"},
        "coco": {"coco": "instances.json", "images": "photos"},
    }
    config = write_config(
        folder / "c.yaml",
        datasets={name: entry | {"classes": "classes.txt"} for name, entry in datasets.items()},
        models={"drawn": {"architecture": "small_resnet", "random": {"seed": 0}, "size": 32}},
        views={"zoom": {"grid": 3}},
        run={"datasets": [*datasets], "models": ["drawn"], "methods": ["center", "likelihood"]},
    )
    targets = [f"results/{name}/index.parquet" for name in datasets]
    targets += [f"results/{name}/zoom/drawn/label_maps.h5" for name in ("hub", "tars")]
    succeed(snakemake(folder, *targets, "--configfile", config))
    return folder, config, targets


def test_one_content_in_three_formats_gives_one_index_and_the_same_label_maps(run):
    folder, _, _ = run
    content = ["image", "digest", "label", "width", "height"]
    hub, tars, coco = (
        pd.read_parquet(folder / f"results/{name}/index.parquet") for name in ("hub", "tars", "coco")
    )
    assert list(hub["image"]) == [str(i) for i in range(N)]
    for other in (tars, coco):
        pd.testing.assert_frame_equal(hub[content], other[content])
        assert [box.tolist() for boxes in other["boxes"] for box in boxes] == [BOX] * N
    parts = [folder / f"results/{name}/zoom/drawn/label_maps/1of1.h5" for name in ("hub", "tars")]
    assert parts[0].read_bytes() == parts[1].read_bytes()


def test_dates_rerun_nothing_and_another_content_under_an_old_date_does(run):
    folder, config, targets = run

    def plan():
        return planned_jobs(succeed(snakemake(folder, "-n", *targets[:3], "--configfile", config)))

    files = [
        folder / "hub/validation-00001-of-00002.parquet",
        folder / "tars/0.tar",
        folder / "instances.json",
    ]
    for path in files:
        os.utime(path)
    assert plan() == {}
    for path in files:
        times = path.stat()
        path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert plan() == {"index_dataset": 3}
    files[0].rename(folder / "hub/validation-00002-of-00002.parquet")
    assert plan() == {"index_dataset": 3}
