"""Label maps equal those computed in the simplest way: one view at a time, sampled and classified by torch alone."""

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from helpers.study import save_pictures, soft_pictures
from labelmaps.data.batches import part_of, read_ahead
from labelmaps.errors import InputError
from labelmaps.inference.engines import Exact
from labelmaps.inference.inputs import group_arrays, make_views, normalise_images, normalise_together
from labelmaps.inference.label_maps import compute_label_maps
from labelmaps.inference.parallel import compute_in_batches, one_thread_each
from labelmaps.jobs.transfer import PendingArrays
from labelmaps.networks.build import build
from labelmaps.networks.classifier import Classifier
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.weights import random_weights
from labelmaps.views.zoom import View

CPU = torch.device("cpu")
N_LABELS = 7
PREPROCESSING = Preprocessing(size=64)
SIZES = [(50, 40), (40, 50), (90, 31), (64, 64), (20, 30)]
VIEW = View(grid=3, floor=0.2)


class Recorder:
    """A writer that keeps the blocks in memory, and joins them."""

    def __init__(self):
        self.blocks = []

    def append(self, **blocks):
        self.blocks.append(blocks)

    def __getitem__(self, name):
        return np.concatenate([block[name] for block in self.blocks])


class Mean(nn.Module):
    """A network whose logits are `factor` times the mean colour of the view, in the order of the channels."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def forward(self, views):
        return views.mean(dim=(2, 3)) * self.factor


@pytest.fixture
def pictures():
    return soft_pictures(*SIZES)


@pytest.fixture
def index(tmp_path, pictures):
    return save_pictures(tmp_path, pictures)


@pytest.fixture
def network():
    network = build("small_resnet", N_LABELS)
    network.load_state_dict(random_weights("small_resnet", N_LABELS, seed=3, size=64))
    return network.eval()


def exact(network, view=VIEW, preprocessing=PREPROCESSING):
    return Exact(Classifier(network, CPU, "float32"), view, preprocessing)


def compute(index, network, images=2, preprocessing=PREPROCESSING, threads=1, images_mib=192):
    """Compute label maps in batches of some images."""
    recorder = Recorder()
    engine, batch = exact(network, preprocessing=preprocessing), images * VIEW.grid**2
    return recorder, list(compute_label_maps(index, engine, batch, recorder, threads, images_mib))


def reference_logits(picture, network):
    """Logits (row, column, label), float64."""
    mean, std = torch.tensor(PREPROCESSING.mean).double(), torch.tensor(PREPROCESSING.std).double()
    image = (torch.from_numpy(picture.astype(np.float64)) / 255 - mean) / std
    share = 2 * (torch.arange(PREPROCESSING.size, dtype=torch.float64) + 0.5) / PREPROCESSING.size - 1
    u = np.linspace(-(1 - VIEW.floor), 1 - VIEW.floor, VIEW.grid)
    logits = []
    for uy in u:
        for ux in u:
            r = max(1 - max(abs(ux), abs(uy)), VIEW.floor)
            y, x = torch.meshgrid(uy + r * share, ux + r * share, indexing="ij")
            seen = nn.functional.grid_sample(
                image.permute(2, 0, 1)[None],
                torch.stack([x, y], dim=-1)[None],
                padding_mode="border",
                align_corners=False,
            )
            with torch.inference_mode():
                logits.append(network.double()(seen)[0])
    return torch.stack(logits).reshape(VIEW.grid, VIEW.grid, -1).numpy()


@pytest.mark.slow
def test_label_maps_equal_one_view_at_a_time_in_float64(index, pictures, network):
    expected = np.stack([reference_logits(picture, network) for picture in pictures])
    assert len(np.unique(expected.argmax(-1))) > 1  # else the labels would show nothing
    maps, _ = compute(index, network.float())
    np.testing.assert_array_equal(maps["top_label"], expected.argmax(-1))
    log_sum_exp = np.log(np.exp(expected).sum(-1))
    np.testing.assert_allclose(maps["log_sum_exp"], log_sum_exp, atol=1e-3)
    np.testing.assert_allclose(
        maps["log_probability"], expected - log_sum_exp[..., None], rtol=1e-3, atol=1e-3
    )
    assert (maps["log_probability"].dtype, maps["log_sum_exp"].dtype, maps["top_label"].dtype) == (
        np.float16,
        np.float32,
        np.int16,
    )


def test_each_image_has_its_own_geometry(index, network):
    maps, _ = compute(index, network)
    for i, (width, height) in enumerate(SIZES):
        geometry = VIEW.geometry(width, height)
        np.testing.assert_array_equal(maps["centre"][i], geometry.centre)
        np.testing.assert_array_equal(maps["extent"][i], geometry.extent)


@pytest.mark.parametrize("batch", [1, 3, 4, 5, 8])
def test_outcomes_do_not_depend_on_the_batch_size(index, network, batch):
    one, _ = compute(index, network, images=2)
    other, done = compute(index, network, images=batch)
    np.testing.assert_array_equal(other["top_label"], one["top_label"])
    np.testing.assert_allclose(other["log_probability"], one["log_probability"], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(other["log_sum_exp"], one["log_sum_exp"], rtol=1e-5)
    assert sum(done) == len(index)
    assert all(n == batch for n in done[:-1])


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("parts", [2, 3, 7])
def test_not_a_bit_depends_on_the_parts(index, network, parts, images):
    whole, _ = compute(index, network, images)
    pieces = [compute(part_of(index, part, parts), network, images)[0] for part in range(1, parts + 1)]
    pieces = [piece for piece in pieces if piece.blocks]
    for name in ("log_probability", "log_sum_exp", "top_label", "centre", "extent"):
        np.testing.assert_array_equal(np.concatenate([piece[name] for piece in pieces]), whole[name])


@pytest.mark.parametrize("threads", [2, 4])
def test_not_a_bit_depends_on_the_number_of_threads(index, network, threads):
    one, _ = compute(index, network)
    other, done = compute(index, network, threads=threads)
    assert done == [2, 2, 1]
    for name in ("log_probability", "log_sum_exp", "top_label", "centre", "extent"):
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize(("device", "together"), [("cpu", 3), ("cuda", 1)])
def test_a_cpu_is_asked_of_as_many_batches_at_a_time_as_there_are_threads_and_a_gpu_of_one(
    index, device, together
):
    """Each batch waits until the expected number of batches is being computed."""
    barrier, asked = threading.Barrier(together, timeout=30), []

    def ask(rows, images):
        asked.append(threading.current_thread())
        if len(asked) <= together:
            barrier.wait()
        return [image.shape[:2] for image in images]

    answers = list(compute_in_batches(ask, index, 1, torch.device(device), threads=3))
    assert [shape for _, shapes in answers for shape in shapes] == [(h, w) for w, h in SIZES]
    assert [rows["image"].item() for rows, _ in answers] == index["image"].tolist()
    assert len(set(asked)) == together


def test_parts_divide_the_index_exactly_in_order_and_evenly():
    for n in range(40):
        index = pd.DataFrame({"image": np.arange(n)}, index=np.arange(n) + 100)
        for parts in range(1, 20):
            pieces = [part_of(index, part, parts)["image"].tolist() for part in range(1, parts + 1)]
            assert [image for piece in pieces for image in piece] == list(range(n))
            assert max(map(len, pieces)) - min(map(len, pieces)) <= 1


@pytest.mark.parametrize(("part", "parts"), [(1, 0), (0, 2), (5, 3)])
def test_a_part_that_there_cannot_be_is_refused(part, parts):
    with pytest.raises(InputError, match=f"part {part} of {parts}: there is no such part"):
        part_of(pd.DataFrame({"image": [1, 2, 3]}), part, parts)


def test_an_empty_part_writes_nothing(index, network):
    maps, done = compute(index[:0], network)
    assert maps.blocks == done == []


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 25])
def test_reading_ahead_keeps_the_order(tmp_path, n, workers):
    pictures = [np.full((2, 3 + i, 3), i, np.uint8) for i in range(n)]
    index = save_pictures(tmp_path, pictures)
    for (read, digest), row, expected in zip(
        read_ahead(index, workers), index.itertuples(), pictures, strict=True
    ):
        assert digest == row.digest
        np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize(("images_mib", "expected"), [(1e-9, 1), (2.1, 2), (3.5, 3), (192, 8)])
def test_reading_ahead_holds_no_more_pixels_than_there_is_room_for(
    tmp_path, monkeypatch, images_mib, expected
):
    """Images of a MiB each."""
    index = save_pictures(tmp_path, [np.zeros((256, 1365, 3), np.uint8)] * 10)
    asked = []

    def decode(image, *row):
        asked.append(image)
        return np.zeros(0), ""

    monkeypatch.setattr("labelmaps.data.batches.read_unchanged", decode)
    images = read_ahead(index, images_mib=images_mib)
    next(images)
    images.close()
    assert len(asked) <= expected
    del asked[:]
    assert len(list(read_ahead(index, workers=3, images_mib=images_mib))) == len(asked) == 10


def test_no_label_map_depends_on_the_room_for_images(index, network):
    usual, _ = compute(index, network, threads=2)
    for images_mib in (1e-9, 0.01):
        tight, done = compute(index, network, threads=2, images_mib=images_mib)
        assert sum(done) == len(index)
        for one, other in zip(usual.blocks, tight.blocks, strict=True):
            for name in one:
                np.testing.assert_array_equal(one[name], other[name])


def test_reading_ahead_stops_with_its_consumer(index):
    images = read_ahead(index, depth=2)
    next(images)
    images.close()
    assert list(images) == []


def test_an_unreadable_image_is_named(index, network, tmp_path):
    (tmp_path / "03.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"03\.png"):
        compute(index, network)


def test_an_image_of_which_only_the_header_was_read_may_turn_out_broken_and_can_be_left_out(index, network):
    path = Path(index["path"].iloc[3])
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError) as error:
        compute(index.assign(digest=""), network)
    assert str(error.value).startswith(f"unreadable image: {path}: ")
    assert str(error.value).endswith(
        "; replace or remove it; or set `verify: full` for the data set, which leaves such images out"
    )


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 1e9])
def test_logits_that_cannot_be_stored_are_refused_with_the_images_name(index, batch, factor):
    """Only picture 3 has logits other than 0, because they are (x − mean)/std with mean 0."""
    for i, row in enumerate(index.itertuples()):
        grey = np.zeros((row.height, row.width, 3), np.uint8)
        grey[..., 1] = 128 * (i == 3)
        Image.fromarray(grey).save(row.path)
    index = index.assign(digest="")

    class Spoilt(Mean):
        def forward(self, views):
            mean = views.mean(dim=(2, 3))
            return torch.where(mean > 0, mean * self.factor, mean)

    plain = Preprocessing(size=64, mean=(0, 0, 0), std=(1, 1, 1))
    with pytest.raises(InputError, match=r"^image 03: .*not finite"):
        compute(index, Spoilt(factor), images=batch, preprocessing=plain)


@pytest.mark.parametrize("where", ["logits", "arrays"])
def test_a_gpu_that_fails_says_at_which_images(index, network, monkeypatch, where):
    """It fails during the computation, or when the results are read."""
    owner = {"logits": Exact, "arrays": PendingArrays}[where]
    answers = iter([getattr(owner, where), failing_gpu])
    monkeypatch.setattr(owner, where, lambda *arguments: next(answers)(*arguments))
    with pytest.raises(torch.AcceleratorError) as error:
        compute(index, network)
    assert error.value.__notes__ == ["at the images image 02 to image 03"]


def failing_gpu(*_):
    raise torch.AcceleratorError("CUDA error: unspecified launch failure")


def test_a_stream_does_everything_in_one_thread():
    """Otherwise, if a new thread begins with a convolution, it would use the number of threads in OMP_NUM_THREADS."""
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with one_thread_each(2) as pool:
            assert list(pool.map(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
    finally:
        torch.set_num_threads(threads)


def test_what_is_done_is_counted_once_it_is_written(index, network):
    recorder = Recorder()
    for done, n in enumerate(compute_label_maps(index, exact(network), 2 * 9, recorder), start=1):
        assert n == len(recorder.blocks[done - 1]["top_label"])
    assert done == len(recorder.blocks) == 3


def test_log_probabilities_near_0_keep_their_precision(tmp_path):
    """z − log Σ exp z would round them to multiples of 2^−20 if z is 10."""
    index = save_pictures(tmp_path, [np.full((8, 8, 3), 255, np.uint8) * np.array([1, 0, 0], np.uint8)])
    plain = Preprocessing(size=64, mean=(0, 0, 0), std=(1, 1, 1))
    maps, _ = compute(index, Mean(factor=10.0), preprocessing=plain)
    exact = -np.log1p(2 * np.exp(-10.0))
    np.testing.assert_allclose(maps["log_probability"][..., 0].astype(float), exact, rtol=2.0**-10)


@pytest.mark.slow
def test_views_are_normalised_pixels_of_red_green_and_blue():
    picture = np.full((20, 30, 3), (255, 0, 51), np.uint8)
    preprocessing = Preprocessing(size=32, mean=(0.5, 0.25, 0.1), std=(0.5, 0.25, 0.2))
    (made,) = make_views([picture], View(mask=True), preprocessing, CPU, [24, 0])
    assert made.shape == (2, 3, 32, 32)
    torch.testing.assert_close(made[0, :, 16, 16], torch.tensor([1.0, -1.0, 0.5]))
    torch.testing.assert_close(made[1, :, 0, 0], torch.tensor([-1.0, -1.0, -0.5]))  # black


def test_the_views_of_a_picture_are_those_of_its_normalised_pixels(pictures):
    (made,) = make_views(pictures[:1], VIEW, PREPROCESSING, CPU, range(9))
    pixels = torch.from_numpy(pictures[0].astype(np.float32)).permute(2, 0, 1)
    mean, std = (torch.tensor(x)[:, None, None] for x in (PREPROCESSING.mean, PREPROCESSING.std))
    black = torch.zeros(3)
    expected = (VIEW.sample(pixels, PREPROCESSING.size, black, range(9)) / 255 - mean) / std
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4)


def test_images_that_cross_to_a_device_together_are_those_that_cross_alone(pictures):
    """The images have different sizes."""
    assert len({picture.shape for picture in pictures}) > 2
    alone = list(normalise_images(pictures, PREPROCESSING, CPU))
    together = normalise_together(pictures, PREPROCESSING, CPU)
    for one, other, picture in zip(alone, together, pictures, strict=True):
        assert one.shape == (3, *picture.shape[:2])
        torch.testing.assert_close(other, one, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("most", "groups"),
    [(1, [[3], [2], [4], [1]]), (5, [[3, 2], [4, 1]]), (6, [[3, 2], [4, 1]]), (99, [[3, 2, 4, 1]])],
)
def test_groups_hold_no_more_values_than_they_may_or_a_single_array(most, groups):
    arrays = [np.zeros(n) for n in (3, 2, 4, 1)]
    assert [[array.size for array in group] for group in group_arrays(arrays, most)] == groups
    assert list(group_arrays([], most)) == []


def test_an_image_that_changed_size_since_it_was_indexed_is_refused(index, network):
    Image.new("RGB", (90, 30)).save(index["path"].iloc[2])  # it was 90 x 31
    with pytest.raises(InputError, match="has 90 x 30 pixels, 90 x 31 in the index"):
        compute(index.assign(digest=""), network)  # indexed by its header alone


def test_an_image_whose_content_changed_since_it_was_indexed_is_refused(index, network):
    path = index["path"].iloc[2]
    Image.new("RGB", (90, 31)).save(path)  # of the same size
    with pytest.raises(InputError, match=r"02\.png: the image changed since it was indexed"):
        compute(index, network)
