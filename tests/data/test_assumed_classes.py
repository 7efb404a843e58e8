"""Labels that are numbers, of a data set of which nobody named the classes: ImageNet's only where they reach far."""

import io
import json
import shutil
import tarfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from labelmaps.data.classes import IMAGENETS_REACH
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError

IMAGENET = "resources/imagenet_classes.txt"


def png(seed):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def write_folders(folder, labels):
    for i, label in enumerate(labels):
        (folder / "images" / label).mkdir(parents=True, exist_ok=True)
        (folder / "images" / label / f"{i}.png").write_bytes(png(i))
    return {"images": folder / "images"}


def write_root(folder, labels):
    for part in ("train", "val"):
        shutil.move(write_folders(folder, labels)["images"], folder / "root" / part)
    return {"images": folder / "root"}


def write_tar(folder, labels):
    with tarfile.open(folder / "images.tar", "w") as archive:
        archive.add(write_folders(folder, labels)["images"], "images")
    return {"images": folder / "images.tar"}


def write_table(folder, labels):
    for i, _ in enumerate(labels):
        (folder / f"{i}.png").write_bytes(png(i))
    table = pd.DataFrame({"image": [f"{i}.png" for i, _ in enumerate(labels)], "label": labels})
    table.to_csv(folder / "mine.csv", index=False)
    return {"table": folder / "mine.csv"}


def write_parquet(folder, labels):
    numbers = [int(label) if label.isdigit() else label for label in labels]
    pq.write_table(
        pa.table({"image": [png(i) for i, _ in enumerate(labels)], "label": numbers}), folder / "a.parquet"
    )
    return {"parquet": str(folder / "a.parquet")}


def write_samples(folder, labels, ending):
    with tarfile.open(folder / "a.tar", "w") as archive:
        for i, label in enumerate(labels):
            text = label if ending == "cls" else json.dumps({"label": label})
            for name, content in ((f"{i}.png", png(i)), (f"{i}.{ending}", text.encode())):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return {"webdataset": str(folder / "a.tar")}


FORMATS = {
    "folders": write_folders,
    "root with val": write_root,
    "tar": write_tar,
    "table": write_table,
    "parquet": write_parquet,
    "WebDataset, .cls": lambda folder, labels: write_samples(folder, labels, "cls"),
    "WebDataset, .json": lambda folder, labels: write_samples(folder, labels, "json"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_small_numbers_are_nobodys_labels_until_somebody_says_whose(tmp_path, name):
    source = FORMATS[name](tmp_path, [str(label) for label in range(10)])
    assert list(index_dataset(IMAGENET, **source)[0]["label"]) == [*range(10)]  # somebody gave the classes
    message = (
        f"labels are numbers, 9 the largest, but it is not known of which classes. Give `classes`: {IMAGENET}"
    )
    with pytest.raises(InputError, match=message):
        index_dataset(IMAGENET, **source, are_classes_assumed=True)


@pytest.mark.parametrize("name", FORMATS)
def test_numbers_that_reach_far_and_synsets_are_imagenets(tmp_path, name):
    for case, labels in {"far": ["3", str(IMAGENETS_REACH)], "synsets": ["n01440764", "n01443537"]}.items():
        (tmp_path / case).mkdir()
        index, excluded = index_dataset(
            IMAGENET, **FORMATS[name](tmp_path / case, labels), are_classes_assumed=True
        )
        assert excluded.empty
        assert sorted(index["label"]) == ([3, IMAGENETS_REACH] if case == "far" else [0, 1])
