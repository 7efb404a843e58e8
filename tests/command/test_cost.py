"""The disk and the time that a run needs, from what was measured of its views."""

from types import SimpleNamespace

import pytest

from helpers.configurations import study_of
from pipeline.preview.cost import Maps, bytes_of_label_map, find_maps, find_results, reckon_time
from pipeline.preview.findings import duration, size
from pipeline.preview.networks import Cost

MODELS = {"drawn": {"architecture": "small_resnet", "random": {}}}


def study(**blocks):
    blocks = {"datasets": {"mine": {"scenes": {"images": 1000}}}, "models": MODELS} | blocks
    run = {"datasets": ["mine"], "models": ["drawn"], "methods": ["likelihood", "gradcam"]}
    return study_of(blocks, {"run": run | blocks.get("run", {})})


def known(n_images=1000, n_classes=1000):
    """A data set, of which no more is known."""
    return {"mine": SimpleNamespace(n_images=n_images, n_cases=n_images, classes=range(n_classes))}


def costs(is_on_gpu=False, **seconds):
    return {("mine", "drawn"): Cost(is_on_gpu, 0, 7, {"zoom": 1.0, "standard_crop": 0.02} | seconds)}


def test_label_maps_take_the_space_that_the_documentation_states():
    """README: 5 GB for ImageNet's 50,000 images."""
    assert 4.9e9 < 50_000 * bytes_of_label_map(study(), "zoom", 1000) < 5.1e9


def test_the_label_maps_of_a_run_are_those_of_its_views_and_of_its_nulls(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    maps = list(find_maps(study(), known(), costs()))
    assert [item.seconds for item in maps] == [1000, 20]
    assert [item.share for item in maps] == [1, 1]


def test_where_views_share_a_trunk_a_sample_and_its_reference_are_looked_at_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    views = {"far": {"family": "shift", "engine": "shared"}}
    shared = study(views=views, run={"views": ["far"]}, sample={"images": 30})
    seconds = {"far": 0.1, "standard_crop": 0.02}
    maps = list(find_maps(shared, known(), {("mine", "drawn"): Cost(False, 0, 7, seconds)}))
    assert [round(item.seconds, 3) for item in maps] == [100, 20, 3, 3]


@pytest.mark.parametrize(
    ("workers", "cores", "expected"), [(1, 8, 1000), (4, 8, 250), (100, 8, 125), (8, 1, 1000), (8, 16, 125)]
)
def test_no_more_cores_work_than_there_are_parts_and_threads(workers, cores, expected):
    needed = reckon_time(study(), known(), costs(), [Maps(0, 1000, 1, workers)], cores, 0)
    assert needed.label_maps == pytest.approx(expected)


def test_networks_share_the_cores_and_gpus_are_no_cores():
    maps = [Maps(0, 1000, 1, 1), Maps(0, 600, 0.5, 1)]
    assert reckon_time(study(), known(), costs(), maps, 1, 0).label_maps == 1300
    assert reckon_time(study(), known(), costs(), maps, 4, 0).label_maps == 1000
    assert reckon_time(study(), known(), costs(is_on_gpu=True), maps, 4, 2).label_maps == 650


def test_what_is_not_label_maps_grows_with_methods_and_images():
    def other(images=1000, cores=2, **run):
        return reckon_time(study(run=run), known(images), costs(), [], cores, 0).other

    assert other() < other(images=10_000)
    assert other() < other(methods=["likelihood", "gradcam", "dff"])
    assert other() == pytest.approx(2 * other(cores=4))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "a second"), (45, "45 seconds"), (150, "2.5 minutes"), (3000, "50 minutes"), (9000, "2.5 hours")],
)
def test_times_are_written_as_people_do(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(900, "1 kB"), (1.25e6, "1.2 MB"), (71e6, "71 MB"), (5e9, "5.0 GB"), (3e12, "3.0 TB")],
)
def test_sizes_are_written_as_people_do(n_bytes, text):
    assert size(n_bytes) == text


def test_results_go_where_the_folder_leads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_results() == tmp_path
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to("disk")
    assert find_results() == tmp_path / "disk"
