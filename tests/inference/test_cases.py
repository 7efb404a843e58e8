"""Results that do not depend on the label are computed once per image, and repeated for each of the image's cases."""

import numpy as np
import pytest

from helpers.study import network_of, noise, run_network, write_data_set
from labelmaps.data.index import read_index, write_index
from labelmaps.networks.weights import random_weights, save_weights
from labelmaps.storage.label_map_file import join_label_maps, open_label_maps
from labelmaps.storage.saliency_file import read_saliency
from workflow.scripts.compute_glimpse_saliency import compute_glimpse_saliency
from workflow.scripts.compute_label_maps import compute_label_maps
from workflow.scripts.compute_saliency import compute_saliency

pytestmark = pytest.mark.slow
SIZES = [(40, 30), (30, 40), (35, 35), (32, 50), (33, 33)]
CASES = [0, 0, 0, 1, 2, 2, 3, 4, 4]  # the image of each
LABEL = [0, 1, 2, 1, 0, 2, 2, 0, 1]
FIRST = [0, 3, 4, 6, 7]  # case of each image
NETWORK = {"network_config": network_of(size=32)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an index of five images of one to three classes, `single` with one class for each image, and weights."""
    folder = tmp_path_factory.mktemp("several")
    (folder / "single").mkdir()
    save_weights(random_weights("small_resnet", 3, seed=0, size=32), folder / "weights.pth")
    images = write_data_set(folder, noise(*SIZES), 3)
    write_index(folder / "single.parquet", images.assign(label=np.array(LABEL)[FIRST]))
    write_index(folder / "index.parquet", images.iloc[CASES].assign(label=LABEL))
    return folder


@pytest.mark.parametrize("parts", [1, 2])
def test_each_image_has_one_label_map_the_same_as_of_one_class(folder, tmp_path, parts):
    made = {}
    for index in ("index", "single"):
        made[index] = [tmp_path / f"{index}/{part}of{parts}.h5" for part in range(1, parts + 1)]
        for part, path in enumerate(made[index], start=1):
            run_network(
                compute_label_maps,
                folder,
                index=folder / f"{index}.parquet",
                label_maps=path,
                part=part,
                parts=parts,
                engine_name="exact",
                **NETWORK,
            )
    assert [path.read_bytes() for path in made["index"]] == [path.read_bytes() for path in made["single"]]
    single = read_index(folder / "single.parquet")
    joined = tmp_path / "index.h5"
    join_label_maps(made["index"], joined, single["image"].tolist(), single["digest"].tolist())
    index = read_index(folder / "index.parquet")
    with open_label_maps(joined, index) as file, open_label_maps(joined) as images:
        assert file.images == index["image"].tolist()
        assert file.digests == index["digest"].tolist()
        assert file.by_image.images == images.images == single["image"].tolist()
        assert file.origin == images.origin
        whole = images.read(0, 5)
        for name in ("log_probability", "top_label", "centre", "extent"):
            expected = getattr(whole, name)[CASES]
            for size in (1, 2, 4, 64):
                found = np.concatenate([getattr(block, name) for block in file.blocks(size)])
                assert np.array_equal(found, expected)
            if name != "log_probability":
                assert np.array_equal(file.field(name), expected)
    for method in ("igub", "likelihood"):
        compute_saliency(
            label_maps=joined,
            index=folder / "index.parquet",
            saliency=tmp_path / "a.h5",
            method=method,
            options={},
        )
        maps = read_saliency(tmp_path / "a.h5")
        assert maps.image == index["image"].tolist()
        same = [np.array_equal(maps.saliency[0], maps.saliency[i]) for i in range(9)]
        assert same == [True, *[method == "igub"] * 2, *[False] * 6]
        if method == "likelihood":
            expected = [whole.log_probability[i, :, :, label] for i, label in zip(CASES, LABEL, strict=True)]
            assert np.array_equal(maps.saliency, expected)


@pytest.mark.parametrize("method", ["gradcam", "dff", "layercam"])
@pytest.mark.parametrize("batch", [2, 9])
def test_maps_of_the_first_glimpse_are_of_each_case(folder, tmp_path, monkeypatch, method, batch):
    made = {}
    for index in ("index", "single"):
        path = tmp_path / f"{index}.h5"
        run_network(
            compute_glimpse_saliency,
            folder,
            {"batch": batch},
            index=folder / f"{index}.parquet",
            saliency=path,
            method=method,
            options={},
            **NETWORK,
        )
        made[index] = read_saliency(path)
    several, single = made["index"], made["single"]
    assert several.image == [single.image[i] for i in CASES]
    assert list(several.digest) == [single.digest[i] for i in CASES]
    assert np.array_equal(several.point, single.point[CASES])
    np.testing.assert_allclose(several.saliency[FIRST], single.saliency, atol=1e-6)
    is_cued = method != "dff"
    for case, image in enumerate(CASES):
        is_as_first = np.allclose(several.saliency[case], single.saliency[image], atol=1e-6)
        assert is_as_first == (not is_cued or case in FIRST)
    if not is_cued:
        assert np.array_equal(several.own_label, single.own_label[CASES])
