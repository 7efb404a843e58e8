"""The examples are those that the tables say, by hand; always as many as asked for."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.study import NO_BOX, both, index_of, origin_of, write_joined
from labelmaps.data.index import write_index
from labelmaps.errors import InputError
from labelmaps.scoring.examples import (
    KINDS,
    RANKING,
    choose_telling,
    describe,
    measure_images,
    read_examples,
    select_examples,
    write_examples,
)
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.storage.parquet import read_parquet, write_parquet
from pipeline.settings.datasets import AUTOMATIC
from workflow.scripts.choose_examples import choose_examples

BOX = np.array([[10, 10, 50, 30]], np.float32)


def label_maps(p, label):
    """Label maps of a 3 × 3 grid and two labels, where p (image, row, column) is that of the image's label."""
    p = np.asarray(p, float)
    log_probability = np.empty((*p.shape, 2), np.float32)
    for image, k in enumerate(label):
        log_probability[image, ..., k] = np.log(p[image])
        log_probability[image, ..., 1 - k] = np.log(1 - p[image])
    n = len(p)
    return LabelMaps(
        [f"image {i}" for i in range(n)],
        log_probability,
        np.zeros(p.shape, np.float32),
        log_probability.argmax(axis=-1).astype(np.int16),
        np.zeros((*p.shape, 2)),
        np.zeros((*p.shape, 4)),
    )


@pytest.fixture
def tables():
    """Three images, 30 × 40 (diagonal 50) but for the last, 60 × 80; two methods."""
    label = np.array([1, 0, 1], np.int16)
    p = np.full((3, 3, 3), 0.5)
    p[:, 1, 1] = 0.25, 0.5, 0.75
    p[0, 0, 2], p[0, 2, 1] = 0.875, 0.625
    p[1, 0, 0] = 0.125
    p[2, 2, 2], p[2, 1, 2] = 0.25, 0.5
    columns = {"image": [f"image {i}" for i in range(3)], "label": label, "boxes": [BOX, BOX, NO_BOX]}
    index = index_of(["x"] * 3, [(30, 40), (30, 40), (60, 80)], **columns)
    fixations = [
        pd.DataFrame({"row": [0, 0, 2], "column": [2, 0, 2], "x": [5.0, 0, 30], "y": [5.0, 0, 40]}),
        pd.DataFrame({"row": [2, 1, 1], "column": [1, 1, 2], "x": [8.0, 30, 30], "y": [9.0, 40, 50]}),
    ]
    scores = [
        pd.DataFrame(
            {"correct_after": [True, False, True], "pointing": ["hit", "miss", "skipped"]},
        ),
        pd.DataFrame(
            {"correct_after": [True, True, False], "pointing": ["miss", "hit", "skipped"]},
        ),
    ]
    return index, label_maps(p, label), fixations, scores


def test_measures_by_hand(tables):
    index, maps, fixations, scores = tables
    expected = pd.DataFrame(
        {
            "image": ["image 0", "image 1", "image 2"],
            "has_box": [True, True, False],
            "p_before": [0.25, 0.5, 0.75],
            "p_after": [0.75, 0.3125, 0.375],
            "gain": [0.5, -0.1875, -0.375],
            "n_correct": [2, 1, 1],
            "is_divided": [False, True, True],
            "n_hit": [1, 1, 0],
            # image 0: the second method missed. image 1: it was right, and hit, but its eye stayed at x₀. image 2: without a
            # box, being right is enough.
            "n_agreeing": [1, 0, 1],
            "spread": [5 / 50, 50 / 50, 10 / 100],
        }
    )
    pd.testing.assert_frame_equal(
        measure_images(index, [maps], fixations, scores), expected, check_dtype=False
    )


def test_blocks_of_any_size_give_the_same_measures(tables):
    index, maps, fixations, scores = tables

    def block(start, stop):
        return LabelMaps(*(getattr(maps, name)[start:stop] for name in LabelMaps.__dataclass_fields__))

    whole = measure_images(index, [maps], fixations, scores)
    for cuts in ([0, 1, 3], [0, 2, 3], [0, 1, 2, 3]):
        blocks = (block(*ends) for ends in pairwise(cuts))
        pd.testing.assert_frame_equal(
            measure_images(index, blocks, fixations, scores), whole, check_exact=True
        )


def test_spread_is_the_mean_over_all_pairs_and_0_for_one_method(tables):
    index, maps, fixations, scores = tables
    third = fixations[0].assign(x=[5.0, 0, 30], y=[17.0, 0, 40])
    three = measure_images(index, [maps], [*fixations, third], [*scores, scores[0]])
    assert three["spread"][0] == pytest.approx((5 + 12 + np.hypot(3, 8)) / 3 / 50)
    one = measure_images(index, [maps], fixations[:1], scores[:1])
    assert one["spread"].tolist() == [0, 0, 0]


def measures(**columns):
    """A table of measures; what is not given is the same for all images."""
    n = len(next(iter(columns.values())))
    same = {"has_box": True, "p_before": 0.5, "p_after": 0.5, "gain": 0.0}
    same |= {"n_correct": 1, "is_divided": False, "n_hit": 1, "n_agreeing": 1, "spread": 0.5}
    table = pd.DataFrame({"image": list("abcdefghijklmnopqrstuvwxyz")[:n]} | same, index=range(n))
    return table.assign(**columns)


def choice(table, **chosen):
    chosen_examples = select_examples(table, chosen)
    return dict(zip(chosen_examples["example"], chosen_examples["image"], strict=True))


def test_each_kind_has_its_ranking():
    table = measures(
        gain=[0.1, 0.7, 0.0, -0.9, 0.2, -0.1],
        n_agreeing=[3, 1, 3, 0, 2, 0],
        spread=[0.3, 0.0, 0.2, 0.1, 0.0, 0.9],
    )
    assert choice(table) == {"gain": "b", "agreement": "c", "disagreement": "f", "failure": "d"}
    assert list(KINDS) == list(choice(table))


def test_methods_disagree_most_where_some_are_right_and_some_are_wrong():
    table = measures(
        spread=[0.9, 0.1, 0.4, 0.3], is_divided=[False, True, True, False], gain=[0.0, 0.1, 0.2, 0.3]
    )
    assert choice(table)["disagreement"] == "c"


def test_ties_go_to_the_lowest_index_and_each_image_is_shown_once():
    n = 26
    assert list(choice(measures(gain=[0.0] * n)).values()) == ["a", "b", "c", "d"]
    best = measures(gain=[0.0, 0.9, 0.5, -0.5, -0.9], spread=[0.3, 0.9, 0.8, 0.1, 0.9])
    assert choice(best) == {"gain": "b", "agreement": "d", "disagreement": "e", "failure": "a"}


@pytest.mark.parametrize(("n", "expected"), [(1, "aaaa"), (2, "abaa"), (3, "abca"), (4, "abcd")])
def test_too_few_images_are_shown_again(n, expected):
    assert "".join(choice(measures(gain=[0.0] * n)).values()) == expected


def test_images_without_a_box_come_last():
    table = measures(
        gain=[0.9, 0.1, -0.9, 0.2, -0.1],
        n_agreeing=[9, 0, 9, 0, 9],
        spread=[0.0, 0.5, 0.9, 0.5, 0.4],
        has_box=[False, True, False, True, True],
    )
    assert choice(table) == {"gain": "d", "agreement": "e", "disagreement": "b", "failure": "c"}


def test_the_users_images_come_first_and_are_not_shown_again():
    table = measures(gain=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    assert choice(table, mine="g", best="a") == {
        "mine": "g",
        "best": "a",
        "gain": "b",
        "agreement": "c",
        "disagreement": "d",
        "failure": "f",
    }
    assert list(choice(table, mine="g", best="a"))[:2] == ["mine", "best"]
    chosen = select_examples(table, {"mine": "g"})
    words = ["chosen by hand", "largest gain", "agreement", "disagreement", "failure"]
    assert [text.split(" (")[0] for text in map(describe, chosen.to_dict("records"))] == words


@pytest.mark.parametrize(
    ("columns", "example", "qualifies"),
    [
        ({"gain": [0.1, 0.2]}, "gain", True),
        ({"gain": [-0.1, -0.2]}, "gain", False),
        ({"gain": [0.1, 0.2]}, "failure", False),
        ({"gain": [0.1, -0.2]}, "failure", True),
        ({"n_agreeing": [0, 1]}, "agreement", False),
        ({"n_agreeing": [0, 2]}, "agreement", True),
        ({"is_divided": [False, False]}, "disagreement", False),
        ({"is_divided": [False, True]}, "disagreement", True),
    ],
)
def test_where_no_image_is_one_the_example_says_so(columns, example, qualifies):
    table = measures(**columns)
    chosen = select_examples(table, {}).set_index("example", drop=False).loc[example]
    assert chosen["qualifies"] == qualifies
    assert describe(chosen).endswith("(no image is one; the nearest)") != qualifies


def test_an_unknown_image_is_named_and_the_place_of_the_ids():
    with pytest.raises(InputError, match=r"mine.*'z'.*index\.parquet.*excluded\.csv"):
        choice(measures(gain=[0.0] * 3), mine="z")


def test_the_table_says_why(tables):
    index, maps, fixations, scores = tables
    chosen = select_examples(measure_images(index, [maps], fixations, scores), {})
    assert list(chosen.columns) == [
        "example",
        "image",
        "p_before",
        "p_after",
        "gain",
        "n_correct",
        "is_divided",
        "n_hit",
        "n_agreeing",
        "spread",
        "qualifies",
    ]
    assert chosen.loc[0, ["example", "image", "n_hit"]].tolist() == ["gain", "image 0", 1]


def test_ids_of_any_kind_come_back(tmp_path):
    path = tmp_path / "examples.parquet"
    table = select_examples(
        measures(gain=[0.1, 1 / 3, 0, 0]).assign(image=["001", "NA", 'a "b",\r\nc', "é"]), {}
    )
    write_examples(both(path), table)
    back = read_examples(path)
    assert back["image"].tolist() == table["image"].tolist() == ["NA", "001", 'a "b",\r\nc', "é"]
    assert back["gain"].tolist() == [0.333333, 0.1, 0, 0]
    write_examples(both(path), table.assign(image=["01", "02", "03", "04"]))
    assert read_examples(path)["image"].tolist() == ["01", "02", "03", "04"]


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"\xff\xfe"])
def test_a_file_that_is_no_table_of_examples_is_refused(tmp_path, content):
    path = tmp_path / "examples.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"examples\.parquet: .*un again"):
        read_examples(path)


@pytest.fixture
def files(tables, tmp_path):
    """The same tables, as the workflow writes them."""
    index, maps, fixations, scores = tables
    write_joined(tmp_path / "label_maps.h5", maps)
    origin = origin_of(tmp_path / "label_maps.h5")
    write_index(tmp_path / "index.parquet", index)
    paths = {"scores": [], "fixations": []}
    for kind, made in (("scores", scores), ("fixations", fixations)):
        for i, table in enumerate(made):
            paths[kind].append(tmp_path / f"{kind}_{i}.parquet")
            table = table.assign(image=maps.image)
            table.attrs = origin | {"tolerance": 0.0}
            write_parquet(paths[kind][-1], table)
    return {
        "label_maps": tmp_path / "label_maps.h5",
        "index": tmp_path / "index.parquet",
        "classes": Path("resources/imagenet_classes.txt"),
        "examples": both(tmp_path / "examples"),
        "measures": tmp_path / "measures.parquet",
        "made_by": {"look": {}, "methods": {"a": {}, "b": {}}, "tolerance": 0.0},
        **paths,
    }


def test_the_script_chooses_from_files_and_gives_the_same_bytes(files):
    choose_examples(**files, chosen={"mine": "image 2"})
    table = read_examples(files["examples"][1])
    assert dict(zip(table["example"], table["image"], strict=True)) == {
        "mine": "image 2",
        "gain": "image 0",
        "agreement": "image 1",
        "disagreement": "image 1",
        "failure": "image 1",
    }
    assert table["n_agreeing"].tolist() == [1, 1, 0, 0, 0]
    assert table["gain"].tolist() == pytest.approx([-0.375, 0.5, -0.1875, -0.1875, -0.1875], abs=1e-3)
    outputs = [*files["examples"], files["measures"]]
    written = [path.read_bytes() for path in outputs]
    choose_examples(**files, chosen={"mine": "image 2"})
    assert [path.read_bytes() for path in outputs] == written


def test_the_script_says_of_every_image_how_telling_it_is(files, tables):
    choose_examples(**files, chosen={})
    index, maps, fixations, scores = tables
    expected = measure_images(index, [maps], fixations, scores)
    pd.testing.assert_frame_equal(pd.read_parquet(files["measures"]), expected, atol=1e-3)  # log p is rounded


def test_a_table_of_other_images_is_refused(files):
    path = files["scores"][1]
    write_parquet(path, read_parquet(path).iloc[::-1])
    with pytest.raises(InputError, match=r"scores_1\.parquet: contains other images"):
        choose_examples(**files, chosen={})
    assert not any(path.exists() for path in files["examples"])


BOXES = {"large": np.array([[0, 0, 10, 9]], np.float32), "small": np.array([[0, 0, 3, 3]], np.float32)}


def index_with(*boxes):
    """Images of 10 × 10 pixels, called a, b, c …"""
    names = list("abcdef"[: len(boxes)])
    return index_of(names, [(10, 10)] * len(names), image=names, boxes=[BOXES.get(b, NO_BOX) for b in boxes])


def telling(index, chosen=(), images=99, **networks):
    measured = {name: measures(**columns) for name, columns in networks.items()}
    table = choose_telling(index, measured, {f"mine {i}": image for i, image in enumerate(chosen)}, images)
    return [tuple(row) for row in table.itertuples(index=False)]


def test_telling_images_are_taken_in_turn_from_each_kind():
    index = index_with("large", "large", "large", "large", "small", "large")
    gain = [0.1, 0.4, -0.2, -0.1, 0.0, 0.0]
    assert telling(index, images=4, net={"gain": gain}) == [
        ("b", "largest gain", "net"),
        ("a", "largest gain", "net"),
        ("c", "failure", "net"),
        ("e", "small object", ""),
    ]
    assert telling(index, images=1, net={"gain": gain}) == [("b", "largest gain", "net")]


def test_an_image_counts_once_and_the_rest_come_last():
    index = index_with("large", "small", "large", "none")
    gain = [0.0, 0.3, 0.0, 0.0]
    assert telling(index, net={"gain": gain}) == [
        ("b", "largest gain", "net"),
        ("a", "the rest", ""),
        ("c", "the rest", ""),
        ("d", "the rest", ""),
    ]


def test_each_network_has_its_turn():
    index = index_with("large", "large", "large")
    first, second = {"gain": [0.1, 0.2, 0.0]}, {"gain": [0.1, 0.2, -0.3]}
    assert telling(index, images=3, first=first, second=second) == [
        ("b", "largest gain", "first"),
        ("a", "largest gain", "second"),
        ("c", "failure", "second"),
    ]


def test_the_users_own_telling_images_come_first_and_all_of_them():
    index = index_with("large", "large", "large")
    chosen = telling(index, chosen=["c", "a"], images=1, net={"gain": [0.1, 0.2, 0.3]})
    assert chosen == [("c", "chosen by hand", ""), ("a", "chosen by hand", "")]
    with pytest.raises(InputError, match="mine 0: the data set has no image 'z'"):
        telling(index, chosen=["z"], net={"gain": [0.1, 0.2, 0.3]})


def test_the_configuration_knows_the_names_that_are_chosen_automatically():
    assert list(AUTOMATIC) == list(RANKING) == list(KINDS)
