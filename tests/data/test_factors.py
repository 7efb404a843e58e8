"""Factors are read as ImageNet-X ships them and as people write them; what is wrong is named with its place."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from helpers.study import noise, write_data_set
from labelmaps.data import listed
from labelmaps.data.factors import OWN, find_factors, read_factors
from labelmaps.errors import InputError
from workflow.scripts.list_factors import list_factors


def write(path, content):
    """Write a text, or objects as JSON Lines."""
    text = content if isinstance(content, str) else "".join(f"{json.dumps(line)}\n" for line in content)
    path.write_text(text, encoding="utf-8")
    return path


IMAGENET_X = [
    {"file_name": "ILSVRC2012_val_00000002.JPEG", "class": 762, "pose": 1, "partial_view": 0}
    | {"justification": 'close up of a pan, "fried"', "one_word": "sea bass"},
    {"file_name": "ILSVRC2012_val_00000001.JPEG", "class": 1, "pose": 0, "partial_view": 0}
    | {"justification": None, "one_word": "0"},
]
READ = {
    "ImageNet-X": ("a.jsonl", IMAGENET_X),
    "an empty line": ("a.JSONL", "\ufeff" + "\n\n".join(map(json.dumps, IMAGENET_X))),
    "keys in another order": ("a.jsonl", [dict(reversed(line.items())) for line in IMAGENET_X]),
    "truths": ("a.jsonl", [line | {"pose": bool(line["pose"]), "partial_view": 0.0} for line in IMAGENET_X]),
    "CSV": (
        "a.csv",
        "file_name,pose,partial_view\r\nILSVRC2012_val_00000002_n01751748.JPEG,1,0\r\nILSVRC2012_val_00000001,0,0\r\n",
    ),
    "pandas's CSV": (
        "a.csv",
        ",image,class,pose,partial_view,metaclass\n0,ILSVRC2012_val_00000002.JPEG,5,True,False,dog\n"
        "1,ILSVRC2012_val_00000001.JPEG,5,False,0.0,other\n",
    ),
}


@pytest.mark.parametrize(("name", "content"), READ.values(), ids=READ)
def test_each_form_is_read(tmp_path, name, content):
    read = read_factors(write(tmp_path / name, content))
    assert sorted(read.columns) == ["partial_view", "pose"]
    assert read.index.tolist() == ["ILSVRC2012_val_00000002", "ILSVRC2012_val_00000001"]
    assert read["pose"].tolist() == [True, False]
    assert read["partial_view"].tolist() == [False, False]


REFUSED = {
    "another ending": ("a.json", "", r"a\.json: give a \.jsonl or a \.csv"),
    "empty": ("a.jsonl", "\n", r"a\.jsonl has no image"),
    "empty CSV": ("a.csv", "image,pose\n", r"a\.csv has no image"),
    "a JSON array": ("a.jsonl", "[1]\n", r"line 1: \[1\] is no object; give one JSON object per line"),
    "one JSON object on several lines": (
        "a.jsonl",
        '{"image":\n"x"}',
        r"line 1: .*; give one JSON object per",
    ),
    "no name": ("a.jsonl", [{"pose": 1}], r"line 1: neither file_name nor image; name the image once"),
    "two names": (
        "a.csv",
        "image,file_name,pose\nx,x,1\n",
        r"line 2: both file_name and image; name the image",
    ),
    "a number for a name": ("a.jsonl", [{"image": 3, "pose": 1}], r"line 1: 3 is no name of an image"),
    "no factor": ("a.jsonl", [{"image": "x", "class": 1}], r"line 1: no factor beside image, class; add"),
    "a number": (
        "a.jsonl",
        [{"image": "x", "pose": 2}],
        r"line 1: pose: 2 is neither 0 nor 1; correct it, or remove",
    ),
    "a text": ("a.csv", "image,pose\nx,1\ny,much\n", r'line 3: pose: "much" is neither 0 nor 1'),
    "nothing": ("a.csv", "image,pose\nx,\n", r'line 2: pose: "" is neither 0 nor 1'),
    "null": ("a.jsonl", [{"image": "x", "pose": None}], r"line 1: pose: null is neither 0 nor 1"),
    "NaN": ("a.jsonl", '{"image": "x", "pose": NaN}', r"line 1: pose: NaN is neither 0 nor 1"),
    "a list": ("a.jsonl", [{"image": "x", "pose": [1]}], r"line 1: pose: \[1\] is neither 0 nor 1"),
    "some lines only": (
        "a.jsonl",
        [{"image": "x", "pose": 1}, {"image": "y", "pose": 1, "shape": 0}],
        r"line 2: 'shape' is in some lines and not in others",
    ),
    "twice": ("a.jsonl", [{"image": "x", "pose": 1}, {"image": "x.png", "pose": 0}], r"'x' occurs twice"),
    "a column twice": ("a.csv", "image,pose,pose\nx,1,1\n", r"a column occurs twice"),
    "a short row": ("a.csv", "image,pose\nx\n", r"a\.csv, line 2"),
    "a name that is taken": (
        "a.csv",
        "image,boxes\nx,1\n",
        r"boxes is the name of a factor that is computed; rename",
    ),
}


@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_such_file_is_refused_with_its_place(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as error:
        read_factors(write(tmp_path / name, content))
    assert len(str(error.value)) < 500


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for name in ("none.jsonl", "none.csv"):
        with pytest.raises(InputError, match=rf"no such file: .*{name}"):
            read_factors(tmp_path / name)
    (tmp_path / "bytes.jsonl").write_bytes(b'{"\xff": 1}')
    with pytest.raises(InputError, match=r"cannot read .*bytes\.jsonl"):
        read_factors(tmp_path / "bytes.jsonl")
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(InputError, match=r"pipe\.jsonl"):
        read_factors(tmp_path / "pipe.jsonl")


def test_they_are_listed_in_the_order_of_the_index_and_come_back(tmp_path):
    sizes = [(8, 8)] * 4
    write_data_set(tmp_path, noise(*sizes), 3, image=[*"aabc"], label=[0, 1, 0, 2], path="x", digest="")
    content = [{"image": "c.png", "dark": 1, "x": 0}, {"image": "a.png", "dark": 0, "x": 1}]
    source, table = write(tmp_path / "factors.jsonl", content), tmp_path / "factors.parquet"
    list_factors(index=tmp_path / "index.parquet", source=source, min_matched=0.5, factors=table)
    back = listed.read_factors(table)
    assert back.columns.tolist() == ["image", "dark", "x"]
    assert back["image"].tolist() == [*"aabc"]
    assert back["dark"].isna().tolist() == [False, False, True, False]
    assert back["dark"].fillna(False).tolist() == [False, False, False, True]
    with pytest.raises(InputError, match=r"index\.parquet: not a table of factors"):
        listed.read_factors(tmp_path / "index.parquet")
    table.write_bytes(table.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"factors\.parquet"):
        listed.read_factors(table)


def test_a_file_of_other_images_is_refused(tmp_path):
    index = pd.DataFrame({"image": [*"abc"]})
    path = write(tmp_path / "a.csv", "image,dark\nx,1\ny,0\na,0\n")
    with pytest.raises(
        InputError, match=r"1 of 3 images find their factors .*Images without factors: 'b', 'c'"
    ):
        find_factors(index, path, 0.5)
    assert find_factors(index, path, 0.3)["dark"].isna().tolist() == [False, True, True]


def test_no_factor_has_the_name_of_a_group_of_its_own():
    from labelmaps.scoring.groups import list_groups

    groups = list_groups([np.array([[0, 0, 1, 1]])], np.array([2]), np.array([2]))
    assert tuple(groups) == OWN
