"""Ten-crop: with the standard crop, the nine views are torchvision's TenCrop after the network's own resize."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from labelmaps import views
from labelmaps.resampling.crops import CORNERS
from labelmaps.views import shift, ten_crop

SIZE, BLACK = 28, torch.tensor([-2.0, -3.0, -4.0])
# In torchvision's order: top left, top right, bottom left, bottom right; mirror images are cropped from the mirrored image.
PLAIN = [0, 2, 6, 8]
MIRRORED = [5, 1, 7, 3]
MIDDLE = 4


def noise(width, height):
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(width))


def sample(view, image, cells=range(9)):
    return view.sample(image, SIZE, BLACK, cells)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("width", "height"), [(96, 64), (64, 96), (64, 64), (192, 64)])
def test_with_the_standard_crop_the_views_are_torchvisions_ten(interpolation, width, height):
    image = noise(width, height)
    mode = v2.InterpolationMode(interpolation)
    resized = v2.functional.resize(image, 32, mode, antialias=True)  # 32 × 48, of which crops are 28
    expected = v2.functional.ten_crop(resized, [SIZE, SIZE])
    options = {"share": SIZE / 32, "interpolation": interpolation}
    standard = sample(shift.View(base="crop", grid=1, **options), image, [0])
    crops = sample(ten_crop.View(**options), image)
    ours = torch.cat([crops[PLAIN], standard, crops[MIRRORED], crops[MIDDLE, None]])
    torch.testing.assert_close(ours, torch.stack(expected), atol=1e-4, rtol=1e-4)
    five = v2.functional.five_crop(resized, [SIZE, SIZE])
    torch.testing.assert_close(
        torch.cat([crops[CORNERS.ravel()], standard]), torch.stack(five), atol=1e-4, rtol=1e-4
    )


def test_geometry_by_hand_for_700_by_400_pixels():
    geometry = ten_crop.View(share=0.5).geometry(700, 400)
    np.testing.assert_allclose(geometry.extent[0, 0], [0, 0, 200, 200])
    np.testing.assert_allclose(geometry.extent[0, 1], [0, 0, 200, 200])
    np.testing.assert_allclose(geometry.extent[1, 2], [500, 0, 700, 200])
    np.testing.assert_allclose(geometry.extent[2, 1], [500, 200, 700, 400])
    np.testing.assert_allclose(geometry.extent[1, 0], [0, 200, 200, 400])
    np.testing.assert_allclose(geometry.centre[1, 1], [350, 200])
    np.testing.assert_allclose(geometry.centre[2, 0], [100, 300])


def test_some_cells_are_those_of_all():
    view, image = ten_crop.View(), noise(50, 40)
    every = sample(view, image)
    for cells in ([4], [8, 1], [2, 0], [3, 5, 7]):
        torch.testing.assert_close(sample(view, image, cells), every[cells], atol=0, rtol=0)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (300, 1), (40, 30)])
@pytest.mark.parametrize("share", [0.875, 1.0, 1.3])
def test_of_the_thinnest_images_and_largest_crops_views_are_what_is_there_and_black(share, width, height):
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) + 1
    seen = sample(ten_crop.View(share=share), image)
    assert seen.isfinite().all()
    assert (seen.amin((0, 2, 3)) >= BLACK - 1e-3).all()
    assert seen.max() <= image.max() + 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [({"grid": 5}, "grid: 5"), *(({"share": share}, "share") for share in (0.0, -1.0, np.inf, np.nan))],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        views.create_view("ten_crop", **options)


def test_maps_of_x0_cannot_be_read_on_it():
    assert "do not lie evenly" in views.find_map_obstacle(ten_crop.View())


@pytest.mark.parametrize("option", ["share", "interpolation"])
def test_what_is_left_to_the_network_is_not_drawn_before_the_network_is_known(option):
    with pytest.raises(AssertionError, match='options with the value "network" are not replaced yet'):
        sample(ten_crop.View(**{option: views.NETWORKS_OWN}), noise(30, 20))
