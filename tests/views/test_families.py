"""Shift and crop: the fixations, the extents and the pixels of views, inside the image and beyond it."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from labelmaps import views
from labelmaps.views import crop, shift, zoom

SIZE = 28  # a seventh of it is a whole number of pixels, as of 224
BLACK = torch.tensor([-2.0, -3.0, -4.0])
GRAY = torch.zeros(3)
SIZES = [(60, 40), (40, 60), (37, 53), (101, 31), (56, 56)]
SHIFTS = [
    ("letterbox", "black"),
    ("letterbox", "gray"),
    ("letterbox", "reflect"),
    ("letterbox", "roll"),
    ("crop", "black"),
    ("crop", "gray"),
    ("crop", "reflect"),
    ("crop", "roll"),
    ("crop", "surroundings"),
    ("squash", "black"),
    ("squash", "gray"),
    ("squash", "reflect"),
    ("squash", "roll"),
]
FAMILIES = [
    *(shift.View(base=base, beyond=beyond) for base, beyond in SHIFTS),
    *(
        crop.View(side=side, beyond=beyond)
        for side in (0.4, 1.0)
        for beyond in ("black", "gray", "reflect", "inside")
    ),
]


def names(view):
    return str(view).replace("View", type(view).__module__.split(".")[-1])


def positions(width, height):
    """Make an image (3, H, W) whose pixels are the coordinates of their centres: x, y, and a constant."""
    y, x = np.mgrid[:height, :width] + 0.5
    return torch.tensor(np.stack([x, y, np.ones_like(x)]), dtype=torch.float32)


def noise(width, height, seed=0):
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(seed))


def sample(view, image, size=SIZE):
    """Draw all views of an image: (row, column, 3, size, size)."""
    cells = range(view.grid**2)
    return view.sample(image, size, BLACK, cells).unflatten(0, (view.grid, view.grid))


def mirrored(position, first, last):
    """Mirror a position beyond an interval at its ends, one reflection at a time, until it lies inside."""
    while not first <= position <= last:
        position = 2 * first - position if position < first else 2 * last - position
    return position


def seen(view, position, interval, side):
    """Compute the position in the image that a sample shows along one axis, or None if it shows nothing of the image."""
    first, last = interval
    if isinstance(view, crop.View) or view.beyond == "surroundings":
        first, last = 0, side
    if view.beyond == "reflect":
        position = mirrored(position, first, last)
    elif view.beyond == "roll":
        while not first <= position <= last:
            position += (last - first) * (1 if position < first else -1)
    return position if max(first, 0) <= position <= min(last, side) else None


@pytest.mark.parametrize("family", [zoom, shift, crop])
def test_a_geometry_is_that_of_its_view_and_size_and_nobody_can_change_it(family):
    small, large = (family.View(grid=grid).geometry(60, 40) for grid in (3, 5))
    assert (small.centre.shape, large.centre.shape) == ((3, 3, 2), (5, 5, 2))
    wide = family.View(grid=3).geometry(90, 40)
    assert not np.array_equal(wide.centre, small.centre)
    with pytest.raises(ValueError, match="read-only"):
        small.extent += 1
    np.testing.assert_array_equal(family.View(grid=3).geometry(60, 40).extent, small.extent)


@pytest.mark.parametrize("view", FAMILIES, ids=names)
@pytest.mark.parametrize(("width", "height"), [(60, 40), (37, 53)])
def test_each_sample_shows_the_place_that_the_geometry_names(view, width, height):
    # Averaging at the image's edge moves a place a little; without it, a sample is exactly where it should be.
    view = type(view)(**(vars(view) | {"antialias": False}))
    size = 14
    sampled = sample(view, positions(width, height), size).numpy()
    geometry = view.geometry(width, height)
    square = geometry.extent[3, 3]
    empty = GRAY if view.beyond == "gray" else BLACK
    for row, column in np.ndindex(7, 7):
        x0, y0, x1, y1 = geometry.extent[row, column]
        xs, ys = (
            [seen(view, start + (stop - start) * (i + 0.5) / size, interval, side) for i in range(size)]
            for start, stop, interval, side in (
                (x0, x1, square[0::2], width),
                (y0, y1, square[1::2], height),
            )
        )
        expected = np.broadcast_to(empty[:, None, None], (3, size, size)).copy()
        for i, j in np.ndindex(size, size):
            if xs[j] is not None and ys[i] is not None:
                expected[:, i, j] = min(max(xs[j], 0.5), width - 0.5), min(max(ys[i], 0.5), height - 0.5), 1
        np.testing.assert_allclose(sampled[row, column], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("view", FAMILIES, ids=names)
@pytest.mark.parametrize("axis", ["horizontal", "vertical"])
def test_flipping_the_image_flips_the_grid_and_each_view(view, axis):
    image = noise(45, 62)
    grid, pixels = (1, -1) if axis == "horizontal" else (0, -2)
    flipped = sample(view, image.flip(pixels))
    torch.testing.assert_close(flipped, sample(view, image).flip(grid, pixels), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("view", FAMILIES, ids=names)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_central_view_looks_at_the_centre_and_neighbours_are_evenly_spaced(view, width, height):
    geometry = view.geometry(width, height)
    assert geometry.centre.shape == (7, 7, 2)
    assert geometry.extent.shape == (7, 7, 4)
    np.testing.assert_allclose(geometry.centre[3, 3], [width / 2, height / 2])
    for axis, coordinate in ((1, 0), (0, 1)):
        step = np.diff(geometry.centre[..., coordinate], axis=axis)
        np.testing.assert_allclose(step, step[0, 0])
        assert (step > 0).all()
    sides = geometry.extent[..., 2:] - geometry.extent[..., :2]
    np.testing.assert_allclose(sides, np.broadcast_to(sides[0, 0], sides.shape))


@pytest.mark.parametrize(
    ("base", "square"),
    [
        ("letterbox", (0, -112, 448, 336)),
        ("crop", (126, 14, 322, 210)),  # 224/256 of 224 pixels: 196
        ("squash", (0, 0, 448, 224)),
    ],
)
def test_shift_geometry_worked_out_by_hand_for_448_by_224_pixels(base, square):
    geometry = shift.View(base=base).geometry(448, 224)
    width, height = square[2] - square[0], square[3] - square[1]
    np.testing.assert_allclose(geometry.extent[3, 3], square)
    # One cell to the right, three up.
    moved = [width / 7, -3 * height / 7]
    np.testing.assert_allclose(geometry.centre[0, 4], [224 + moved[0], 112 + moved[1]])
    np.testing.assert_allclose(geometry.extent[0, 4], np.add(square, moved * 2))


def test_crop_geometry_worked_out_by_hand_for_700_by_350_pixels():
    padded, inside = (crop.View(side=0.4, beyond=beyond).geometry(700, 350) for beyond in ("black", "inside"))
    for geometry in (padded, inside):
        np.testing.assert_allclose(geometry.centre[0, 6], [650, 25])
        np.testing.assert_allclose(geometry.centre[4, 2], [250, 225])
        np.testing.assert_allclose(geometry.extent[4, 2], [180, 155, 320, 295])  # 140 pixels around it
    np.testing.assert_allclose(padded.extent[0, 6], [580, -45, 720, 95])
    np.testing.assert_allclose(inside.extent[0, 6], [560, 0, 700, 140])


@pytest.mark.parametrize("side", [0.4, 0.75, 1.0])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_crop_kept_inside_never_leaves_the_image(side, width, height):
    extent = crop.View(side=side, beyond="inside").geometry(width, height).extent
    assert (extent >= -1e-9).all()
    assert (extent <= np.array([width, height] * 2) + 1e-9).all()


def shifted(base, rows, columns, beyond, empty):
    """Move the square `base` (3, S, S) by whole pixels, by copying them."""
    size = base.shape[-1]
    if beyond == "roll":
        return base.roll((-rows, -columns), (1, 2))
    padded = np.pad(base, ((0, 0), (size, size), (size, size)), mode="symmetric")
    if beyond != "reflect":
        padded = np.broadcast_to(np.asarray(empty)[:, None, None], padded.shape).copy()
        padded[:, size : 2 * size, size : 2 * size] = base
    return torch.tensor(padded)[:, size + rows : 2 * size + rows, size + columns : 2 * size + columns]


@pytest.mark.parametrize("beyond", ["black", "gray", "reflect", "roll"])
@pytest.mark.parametrize("antialias", [True, False])
def test_a_squashed_shift_is_torchvisions_resize_moved_by_whole_pixels(beyond, antialias):
    image = noise(97, 61)
    base = v2.functional.resize(image, [SIZE, SIZE], antialias=antialias)
    sampled = sample(shift.View(base="squash", beyond=beyond, antialias=antialias), image)
    empty = GRAY if beyond == "gray" else BLACK
    for row, column in np.ndindex(7, 7):
        expected = shifted(base, (row - 3) * SIZE // 7, (column - 3) * SIZE // 7, beyond, empty)
        torch.testing.assert_close(sampled[row, column], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("beyond", ["black", "gray", "reflect", "roll"])
@pytest.mark.parametrize(("width", "height"), [(112, 56), (56, 112)])
def test_a_letterboxed_shift_is_the_padded_resize_moved_by_whole_pixels(beyond, width, height):
    image = noise(width, height)
    empty = GRAY if beyond == "gray" else BLACK
    base = empty[:, None, None].repeat(1, SIZE, SIZE)
    middle = slice(SIZE // 4, 3 * SIZE // 4)
    whole = slice(None)
    rows, columns = (middle, whole) if width > height else (whole, middle)
    size = [SIZE // 2, SIZE] if width > height else [SIZE, SIZE // 2]
    base[:, rows, columns] = v2.functional.resize(image, size, antialias=True)
    sampled = sample(shift.View(beyond=beyond), image)
    for row, column in np.ndindex(7, 7):
        expected = shifted(base, (row - 3) * SIZE // 7, (column - 3) * SIZE // 7, beyond, empty)
        torch.testing.assert_close(sampled[row, column], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("beyond", ["black", "gray", "reflect", "roll", "surroundings"])
def test_a_cropped_shift_is_the_usual_transform_moved_by_whole_pixels(beyond):
    width, height = 96, 64  # resized to 48 × 32, of which the crop is the central 28
    image = noise(width, height)
    resized = v2.functional.resize(image, [32, 48], antialias=True)
    base = v2.functional.center_crop(resized, [SIZE, SIZE])
    sampled = sample(shift.View(base="crop", beyond=beyond), image)
    empty = GRAY if beyond == "gray" else BLACK
    around = np.broadcast_to(BLACK[:, None, None], (3, 32 + 2 * SIZE, 48 + 2 * SIZE)).copy()
    around[:, SIZE:-SIZE, SIZE:-SIZE] = resized
    for row, column in np.ndindex(7, 7):
        down, right = (row - 3) * SIZE // 7, (column - 3) * SIZE // 7
        if beyond == "surroundings":
            top, left = SIZE + 2 + down, SIZE + 10 + right
            expected = torch.tensor(around[:, top : top + SIZE, left : left + SIZE])
        else:
            expected = shifted(base, down, right, beyond, empty)
        torch.testing.assert_close(sampled[row, column], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("share", [0.7, 1.0, 1.4])
def test_a_shift_may_have_another_crop_and_interpolation_as_networks_are_evaluated_with(share, interpolation):
    image, resized_to = noise(90, 60), round(SIZE / share)
    mode = v2.InterpolationMode(interpolation)
    resized = v2.functional.resize(image, [resized_to, resized_to * 3 // 2], mode, antialias=True)
    # What the crop takes beyond the image is black.
    black = torch.zeros_like(resized)[:, :1, :1] + BLACK[:, None, None]
    padded = v2.functional.center_crop(resized - black, [SIZE, SIZE]) + black
    view = shift.View(base="crop", grid=1, share=SIZE / resized_to, interpolation=interpolation)
    torch.testing.assert_close(sample(view, image)[0, 0], padded, atol=1e-4, rtol=1e-4)


def test_a_view_left_to_the_network_is_not_drawn_before_the_network_is_known():
    for option in ("share", "interpolation"):
        view = views.create_view("shift", base="crop", grid=1, **{option: views.NETWORKS_OWN})
        with pytest.raises(AssertionError, match='options with the value "network" are not replaced yet'):
            sample(view, noise(30, 20))


def test_a_crop_of_a_whole_square_is_torchvisions_resize():
    image = noise(64, 64)
    expected = v2.functional.resize(image, [SIZE, SIZE], antialias=True)
    torch.testing.assert_close(sample(crop.View(side=1.0), image)[3, 3], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("beyond", "empty"), [("black", BLACK), ("gray", GRAY)])
def test_a_row_of_pixels_in_a_letterbox_is_lost_between_samples_and_the_bars_are_empty(beyond, empty):
    sampled = sample(shift.View(beyond=beyond), noise(700, 1))
    torch.testing.assert_close(sampled, empty[:, None, None].expand(sampled.shape))


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("shift", {"grid": 4}, "grid"),
        ("shift", {"beyond": "surroundings"}, "beyond.*letterbox"),
        ("shift", {"base": "squash", "beyond": "surroundings"}, "beyond.*squash"),
        *(("shift", {"base": "crop", "share": share}, "share") for share in (0.0, -1.0, np.inf, np.nan)),
        *(("shift", {"base": base, "share": 0.9}, f"share.*{base}") for base in ("letterbox", "squash")),
        ("crop", {"grid": 0}, "grid"),
        ("crop", {"side": 0.0}, "side"),
        ("crop", {"side": 1.01}, "side"),
    ],
)
def test_impossible_options_are_refused(family, options, message):
    with pytest.raises(ValueError, match=message):
        views.create_view(family, **options)


THINNEST = [(1, 1), (1, 300), (300, 1), (2, 9_000)]
ZOOMS = [
    zoom.View(),
    zoom.View(antialias=True),
    zoom.View(mask=True),
    zoom.View(sampling="edges"),
    zoom.View(grid=1, floor=1),
]


@pytest.mark.parametrize("view", [*FAMILIES, *ZOOMS, shift.View(base="crop", grid=1)], ids=names)
@pytest.mark.parametrize(("width", "height"), THINNEST)
def test_of_the_thinnest_images_views_are_what_is_there_and_black(view, width, height):
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) + 1
    cells = sorted({0, view.grid**2 // 2, view.grid**2 - 1})
    seen = view.sample(image, 8, BLACK, cells)
    assert seen.shape == (len(cells), 3, 8, 8)
    assert seen.isfinite().all()
    rounding = 1e-3  # float32, in means over up to 2,000 pixels
    for channel, black in zip(seen.unbind(1), BLACK, strict=True):
        assert channel.min() >= black - rounding
        assert channel.max() <= image.max() + rounding
    assert np.isfinite(view.geometry(width, height).extent).all()
