"""Zoom: the fixations, the extents and the pixels of views."""

import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import warm_python
from labelmaps import views
from labelmaps.errors import InputError
from labelmaps.inference.glimpse_saliency import compute_saliency_of_glimpses
from labelmaps.modules import load_module, module_names, option_names
from labelmaps.resampling.boxes import resize_boxes
from labelmaps.resampling.taps import Sampling, sample_intervals
from labelmaps.views.zoom import View
from pipeline.sources import ROOT

SIZE = 16
BLACK = torch.tensor([-2.0, -3.0, -4.0])
SIZES = [(60, 40), (40, 60), (37, 53), (101, 7), (5, 3), (1, 1)]


def positions(width, height):
    """Make an image (3, H, W) whose pixels are the coordinates of their centres: x, y, and a constant."""
    y, x = np.mgrid[:height, :width] + 0.5
    return torch.tensor(np.stack([x, y, np.ones_like(x)]), dtype=torch.float32)


def sample(view, image, size=SIZE):
    """Draw all views of an image: (row, column, 3, size, size)."""
    cells = range(view.grid**2)
    return view.sample(image, size, BLACK, cells).unflatten(0, (view.grid, view.grid))


def noise(width, height, seed=0):
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(seed))


def reference_grid(grid, floor):
    """Compute fixations u and half-sizes r by the formulas in protocol.md, point by point."""
    u = [-(1 - floor) + 2 * (1 - floor) * i / (grid - 1) for i in range(grid)]
    for row, uy in enumerate(u):
        for column, ux in enumerate(u):
            yield row, column, ux, uy, max(1 - max(abs(ux), abs(uy)), floor)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("grid", "floor"), [(7, 0.1), (7, 0.3), (5, 0.2), (3, 1.0), (9, 0.5)])
def test_geometry_is_the_protocols_formula(width, height, grid, floor):
    geometry = View(grid=grid, floor=floor).geometry(width, height)
    assert geometry.centre.shape == (grid, grid, 2)
    assert geometry.extent.shape == (grid, grid, 4)
    for row, column, ux, uy, r in reference_grid(grid, floor):
        x, y = (ux + 1) / 2 * width, (uy + 1) / 2 * height
        half_x, half_y = r * width / 2, r * height / 2
        np.testing.assert_allclose(geometry.centre[row, column], [x, y], atol=1e-9)
        np.testing.assert_allclose(
            geometry.extent[row, column], [x - half_x, y - half_y, x + half_x, y + half_y], atol=1e-9
        )


@pytest.mark.parametrize(
    ("row", "column", "centre", "extent"),
    [
        (3, 3, (200, 100), (0, 0, 400, 200)),  # x₀: the whole image
        (0, 0, (20, 10), (0, 0, 40, 20)),  # u = (−.9, −.9), r = .1
        (0, 6, (380, 10), (360, 0, 400, 20)),
        (6, 0, (20, 190), (0, 180, 40, 200)),
        (3, 4, (260, 100), (120, 30, 400, 170)),  # u = (.3, 0), r = .7
        (1, 3, (200, 40), (120, 0, 280, 80)),  # u = (0, −.6), r = .4
        (2, 6, (380, 70), (360, 60, 400, 80)),  # u = (.9, −.3), r = .1
        (5, 2, (140, 160), (60, 120, 220, 200)),  # u = (−.3, .6), r = .4
    ],
)
def test_geometry_worked_out_by_hand_for_400_by_200_pixels(row, column, centre, extent):
    geometry = View().geometry(400, 200)
    np.testing.assert_allclose(geometry.centre[row, column], centre, atol=1e-9)
    np.testing.assert_allclose(geometry.extent[row, column], extent, atol=1e-9)


@pytest.mark.parametrize("floor", [0.1, 0.2, 0.3, 0.77])
@pytest.mark.parametrize(("width", "height"), [*SIZES, (4999, 3333)])
def test_every_view_stays_inside_the_image_and_the_central_one_is_all_of_it(width, height, floor):
    geometry = View(floor=floor).geometry(width, height)
    assert (geometry.extent >= -1e-9).all()
    assert (geometry.extent <= np.array([width, height] * 2) + 1e-9).all()
    assert geometry.extent[3, 3].tolist() == [0, 0, width, height]
    assert geometry.centre[3, 3].tolist() == [width / 2, height / 2]


def test_a_grid_of_one_is_the_whole_image():
    geometry = View(grid=1, floor=0.25).geometry(30, 20)
    assert geometry.centre.tolist() == [[[15, 10]]]
    assert geometry.extent.tolist() == [[[0, 0, 30, 20]]]
    assert sample(View(grid=1), noise(30, 20)).shape == (1, 1, 3, SIZE, SIZE)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_each_sample_shows_the_place_that_the_geometry_names(width, height):
    sampled = sample(View(), positions(width, height))
    assert sampled.shape == (7, 7, 3, SIZE, SIZE)
    assert sampled.dtype == torch.float32
    x0, y0, x1, y1 = np.moveaxis(View().geometry(width, height).extent, -1, 0)[..., None]
    share = (np.arange(SIZE) + 0.5) / SIZE
    # Between the border and the centres of the outer pixels there is nothing but those pixels.
    x = (x0 + (x1 - x0) * share).clip(0.5, width - 0.5)[:, :, None, :]
    y = (y0 + (y1 - y0) * share).clip(0.5, height - 0.5)[:, :, :, None]
    shape = (7, 7, SIZE, SIZE)
    np.testing.assert_allclose(sampled[:, :, 0], np.broadcast_to(x, shape), rtol=1e-5)
    np.testing.assert_allclose(sampled[:, :, 1], np.broadcast_to(y, shape), rtol=1e-5)
    torch.testing.assert_close(sampled[:, :, 2], torch.ones(shape))


def test_cells_are_counted_row_by_row_and_come_in_the_order_asked_for():
    image = noise(45, 62)
    every = sample(View(grid=5), image)
    chosen = View(grid=5).sample(image, SIZE, BLACK, [12, 1, 23])
    assert torch.equal(chosen, torch.stack([every[2, 2], every[0, 1], every[4, 3]]))


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("size", [16, 17])
def test_sampling_equals_torch_grid_sample(width, height, size):
    image = noise(width, height)
    sampled = sample(View(), image, size)
    share = 2 * (torch.arange(size, dtype=torch.float64) + 0.5) / size - 1
    for row, column, ux, uy, r in reference_grid(7, 0.1):
        y, x = torch.meshgrid(uy + r * share, ux + r * share, indexing="ij")
        expected = torch.nn.functional.grid_sample(
            image[None].double(),
            torch.stack([x, y], dim=-1)[None],
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )[0]
        torch.testing.assert_close(sampled[row, column], expected.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("width", "height"), [(160, 90), (61, 203), (5, 3), (40, 9)])
def test_antialias_equals_pillow_in_float(width, height):
    image = noise(width, height)
    view = View(antialias=True)
    sampled = sample(view, image).numpy()
    extent = view.geometry(width, height).extent.clip(0, [width, height] * 2)
    planes = [Image.fromarray(channel.numpy()) for channel in image]
    assert {plane.mode for plane in planes} == {"F"}
    expected = np.empty_like(sampled)
    for row, column, channel in np.ndindex(7, 7, 3):
        box = tuple(extent[row, column])
        expected[row, column, channel] = planes[channel].resize(
            (SIZE, SIZE), Image.Resampling.BILINEAR, box=box
        )
    np.testing.assert_allclose(sampled, expected, atol=1e-4)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("size", [16, 17])
def test_the_authors_sampling_equals_torch_grid_sample_with_zeros(width, height, size):
    image = noise(width, height)
    sampled = sample(View(sampling="edges"), image, size)
    share = torch.linspace(-1, 1, size, dtype=torch.float64)
    black = BLACK[:, None, None].double()
    for row, column, ux, uy, r in reference_grid(7, 0.1):
        y, x = torch.meshgrid(uy + r * share, ux + r * share, indexing="ij")
        # Zeros stand for black: they are black where black is 0.
        expected = black + torch.nn.functional.grid_sample(
            (image.double() - black)[None],
            torch.stack([x, y], dim=-1)[None],
            mode="bilinear",
            padding_mode="zeros",
            align_corners=False,
        )
        torch.testing.assert_close(sampled[row, column], expected[0].float(), rtol=1e-4, atol=1e-4)


def test_antialias_changes_shrunk_views_only():
    image = noise(60, 60)
    plain, smooth = (sample(View(antialias=flag), image) for flag in (False, True))
    assert not torch.allclose(plain[3, 3], smooth[3, 3], atol=0.1)
    torch.testing.assert_close(plain[0], smooth[0])  # boxes of 6 pixels, magnified


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("axis", ["horizontal", "vertical"])
def test_flipping_the_image_flips_the_grid_and_each_view(axis, antialias):
    image = noise(45, 62)
    view = View(antialias=antialias)
    grid, pixels = (1, -1) if axis == "horizontal" else (0, -2)
    flipped = sample(view, image.flip(pixels))
    torch.testing.assert_close(flipped, sample(view, image).flip(grid, pixels), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_constant_image_gives_constant_views(width, height, antialias):
    image = torch.tensor([0.25, -1.5, 3.0])[:, None, None].expand(3, height, width)
    sampled = sample(View(antialias=antialias), image)
    torch.testing.assert_close(sampled, image[:, :1, :1].expand(7, 7, 3, SIZE, SIZE), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [16, 17])
def test_the_mask_blackens_outside_the_disc_and_touches_nothing_inside(size):
    image = noise(30, 50)
    plain = sample(View(), image, size)
    masked = sample(View(mask=True), image, size)
    place = (np.arange(size) + 0.5) / size * 2 - 1
    inside = torch.tensor(np.hypot(place[:, None], place) <= 1).expand(plain.shape)
    assert 0.7 < inside.float().mean() < 0.85  # π/4
    assert torch.equal(masked[inside], plain[inside])
    assert torch.equal(masked[~inside], BLACK[:, None, None].expand(plain.shape)[~inside])


@pytest.mark.parametrize(
    "options", [{"grid": 0}, {"grid": -1}, {"grid": 6}, {"floor": 0}, {"floor": -0.1}, {"floor": 1.1}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        View(**options)


def test_views_are_created_by_family_and_options():
    assert views.create_view("zoom", grid=5, floor=0.2) == View(grid=5, floor=0.2)
    with pytest.raises(InputError, match=r"no module 'zooom'.*zoom"):
        views.create_view("zooom")


def dense(taps, n_pixels):
    """Return the weights (sample, pixel) of the first interval; the last column is the empty pixel."""
    matrix = np.zeros((taps.pixel.shape[1], n_pixels + 1))
    for sample, (pixels, weights) in enumerate(zip(taps.pixel[0], taps.weight[0], strict=True)):
        np.add.at(matrix[sample], pixels, weights)
    return matrix


@pytest.mark.parametrize("antialias", [False, True])
def test_taps_worked_out_by_hand(antialias):
    sampling = Sampling(antialias=antialias)
    taps = sample_intervals(np.array([[10.0, 14.0]]), (0.0, 100.0), 100, 8, sampling)
    assert taps.pixel[0].tolist()[0] == [
        9,
        10,
    ]  # the sample at 10.25 leans on pixels 9 and 10, with centres at 9.5 and 10.5
    np.testing.assert_allclose(taps.weight[0, 0], [0.25, 0.75])
    np.testing.assert_allclose(taps.weight[0, -1], [0.75, 0.25])
    assert taps.pixel[0].tolist()[-1] == [13, 14]


def test_an_antialiased_sample_is_a_triangle_over_two_steps():
    sampling = Sampling(antialias=True)
    taps = sample_intervals(np.array([[0.0, 8.0]]), (0.0, 8.0), 8, 4, sampling)
    # Samples at 1, 3, 5, 7, two pixels apart: weights 1 − d/2 at distances ½ and 1½; the outer ones lose a pixel.
    np.testing.assert_allclose(dense(taps, 8)[1], np.array([0, 0.25, 0.75, 0.75, 0.25, 0, 0, 0, 0]) / 2)
    np.testing.assert_allclose(dense(taps, 8)[0], np.array([0.75, 0.75, 0.25, 0, 0, 0, 0, 0, 0]) / 1.75)


def test_what_is_beyond_weighs_on_the_empty_pixel():
    edges = Sampling(places="edges")
    taps = sample_intervals(np.array([[0.0, 4.0]]), (0.0, 4.0), 4, 5, edges)
    np.testing.assert_allclose(
        dense(taps, 4)[0], [0.5, 0, 0, 0, 0.5]
    )  # on the edge: half of pixel 0, half nothing
    np.testing.assert_allclose(dense(taps, 4)[2], [0, 0.5, 0.5, 0, 0])
    beyond = sample_intervals(np.array([[-2.0, 4.0]]), (0.0, 4.0), 4, 6, Sampling())
    np.testing.assert_allclose(dense(beyond, 4)[:3], [[0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0]])


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("places", ["centres", "edges"])
@pytest.mark.parametrize("beyond", ["empty", "reflect", "roll"])
def test_weights_sum_to_1_and_taps_are_pixels_or_the_empty_one(antialias, places, beyond):
    sampling = Sampling(antialias, places, beyond)
    intervals = np.array([[-30.0, 20.0], [3.2, 3.9], [0.0, 37.0], [30.0, 90.0]])
    taps = sample_intervals(intervals, (0.0, 37.0), 37, 16, sampling)
    np.testing.assert_allclose(taps.weight.sum(axis=2), 1, rtol=1e-6)
    assert (taps.weight >= 0).all()
    assert taps.pixel.min() >= 0
    assert taps.pixel.max() <= 37


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(places="edges")], ids=["centres", "edges"])
def test_a_view_does_not_depend_on_those_beside_it(sampling):
    """Views with the same columns share the resampled rows of the image."""
    image, boxes = noise(50, 37), View().geometry(50, 37).extent.reshape(-1, 4)
    order = np.random.default_rng(0).permutation(len(boxes))

    def resized(boxes: np.ndarray) -> torch.Tensor:
        return resize_boxes(image, boxes, (0, 0, 50, 37), SIZE, sampling, BLACK)

    views = resized(boxes)
    assert torch.equal(resized(boxes[order]), views[order])
    assert torch.equal(torch.cat([resized(box[None]) for box in boxes]), views)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("sampling", ["centres", "edges"])
def test_views_of_another_type_are_the_rounded_ones_channels_last(dtype, sampling):
    image, view = noise(50, 37), View(sampling=sampling)
    views, rounded = (view.sample(image, SIZE, BLACK, range(49), of_type) for of_type in (None, dtype))
    assert torch.equal(views.to(dtype), rounded)
    assert rounded.is_contiguous(memory_format=torch.channels_last)


def test_what_lies_halfway_is_rounded_to_even():
    """The image is a single pixel; bfloat16 has no number between 1, 1 + 2⁻⁷ and 1 + 2⁻⁶."""
    image = torch.tensor([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8])[:, None, None]
    (view,) = View().sample(image, 1, BLACK, [24], torch.bfloat16)
    assert view.flatten().tolist() == [1, 1 + 2**-6, -1]


@pytest.mark.slow
def test_what_was_compiled_is_kept_and_made_anew_where_it_is_damaged(tmp_path):
    script, folder = tmp_path / "make_a_view.py", tmp_path / "kept"
    script.write_text(
        "import sys\n"
        f"sys.path.append({str(ROOT)!r})\n"
        "import numba, torch\n"
        f"numba.config.CACHE_DIR = {str(folder)!r}\n"  # as NUMBA_CACHE_DIR does where numba is imported later
        "from labelmaps.views.zoom import View\n"
        "print(View().sample(torch.ones(3, 4, 5), 2, torch.zeros(3), [0]).sum())\n"
    )

    def run() -> str:
        done = subprocess.run([warm_python.executable(), script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "tensor(12.)\n"
        return done.stderr

    assert run() == ""
    kept = {path: path.read_bytes() for path in folder.rglob("*.nb?")}
    assert len(kept) == 5  # two functions, one of them for two types
    assert run() == ""
    assert {path: path.read_bytes() for path in folder.rglob("*.nb?")} == kept
    for path in kept:
        path.write_bytes(kept[path][:100])
    assert f"compiling again: the cache in {folder} cannot be used" in run()


def test_every_family_says_whether_a_map_over_its_views_can_be_read_on_the_image():
    """For `ten_crop`, whose corners overlap, it cannot."""
    for family in module_names(views):
        assert (views.find_map_obstacle(views.create_view(family)) == "") == (family != "ten_crop")
        assert "is_affine" not in option_names(load_module(views, family).View)


@pytest.mark.parametrize(
    ("stated", "obstacle"),
    [
        ({}, "does not say"),
        ({"is_affine": False}, "do not lie evenly over a box"),
        ({"is_affine": "no"}, "does not say"),
        (
            {"is_affine": property(lambda view: view.mask)},
            "do not lie evenly over a box",
        ),  # of some options alone
        ({"is_affine": property(lambda view: not view.mask)}, ""),
    ],
)
def test_what_a_family_says_counts_and_silence_is_no(stated, obstacle):
    family = type("View", (), {"__module__": "labelmaps.views.mine", "mask": False, **stated})
    text = views.find_map_obstacle(family())
    assert bool(text) == bool(obstacle)
    assert obstacle in text
    assert not text or "`mine`" in text


def test_a_map_of_x0_is_refused_on_a_view_over_which_it_cannot_be_read(monkeypatch):
    monkeypatch.setattr(View, "is_affine", False)
    with pytest.raises(
        InputError, match=r"^a saliency map over x₀ cannot be located in the image: .*`zoom`.*Choose another"
    ):
        compute_saliency_of_glimpses(None, None, View(), None, None, batch=1)
