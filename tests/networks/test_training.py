from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch.nn import functional

from labelmaps.networks import training
from labelmaps.networks.small_resnet import SmallResNet
from labelmaps.networks.training import ENOUGH, draw_training_scenes, make_batch, random_crop, train
from labelmaps.scenes import scene as scenes
from labelmaps.scenes.scene import Scene, Stream, nth_scene
from labelmaps.scenes.things import CLASSES


@pytest.fixture(autouse=True)
def _same_threads_afterwards():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@contextmanager
def scenes_drawn_here() -> Iterator[None]:
    """Draw scenes in a thread, because each process would import torch again; one test does use processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "ProcessPoolExecutor", lambda workers, *_, **__: ThreadPoolExecutor(workers))
        yield


@pytest.fixture
def _scenes_drawn_here():
    with scenes_drawn_here():
        yield


@pytest.fixture(scope="module")
def trained():
    with scenes_drawn_here():
        return train("small_resnet", seed=4, scenes=30, epochs=6, threads=1)


def test_the_last_feature_map_is_7_by_7():
    network = SmallResNet(num_classes=5).eval()
    features = []
    network.layer4.register_forward_hook(lambda module, inputs, output: features.append(output))
    with torch.inference_mode():
        logits = network(torch.randn(2, 3, 224, 224))
    assert features[0].shape == (2, 128, 7, 7)
    assert logits.shape == (2, 5)
    torch.testing.assert_close(logits, network.fc(features[0].mean((2, 3))))


@pytest.mark.slow
@pytest.mark.usefixtures("_scenes_drawn_here")
def test_training_lowers_the_loss(trained):
    drawn = draw_training_scenes(seed=4, n=30, workers=1)
    views, targets = make_batch(drawn, 96, np.random.default_rng(1))
    torch.manual_seed(4)
    untrained = SmallResNet(len(CLASSES))
    network = SmallResNet(len(CLASSES))
    network.load_state_dict(trained)
    # Batch statistics for both: six batches are too few for the running ones.
    before, after = (
        functional.cross_entropy(net.train()(views), targets).item() for net in (untrained, network)
    )
    assert after < before - 0.2


@pytest.mark.slow
def test_weights_are_of_float16_and_have_statistics_of_their_own(trained):
    floats = [value for value in trained.values() if value.is_floating_point()]
    assert {value.dtype for value in floats} == {torch.float16}
    assert len(floats) == len(trained) - sum(key.endswith("num_batches_tracked") for key in trained)
    # One batch of statistics: those of the 30 scenes, none of the six batches before.
    assert {int(value) for key, value in trained.items() if key.endswith("num_batches_tracked")} == {1}


@pytest.mark.slow
@pytest.mark.usefixtures("_scenes_drawn_here")
def test_weights_are_averages_over_the_last_steps(trained, monkeypatch):
    monkeypatch.setattr(training, "AVERAGED", 0)
    last = train("small_resnet", seed=4, scenes=30, epochs=6, threads=1)
    assert not torch.equal(trained["conv1.weight"], last["conv1.weight"])


@pytest.mark.slow
@pytest.mark.usefixtures("_scenes_drawn_here")
def test_training_repeats_bit_for_bit_and_follows_its_seed(trained):
    again = train("small_resnet", seed=4, scenes=30, epochs=6, threads=1)
    assert all(torch.equal(trained[key], again[key]) for key in trained)
    other = train("small_resnet", seed=5, scenes=2, epochs=1, threads=1)
    assert not torch.equal(trained["conv1.weight"], other["conv1.weight"])


@pytest.mark.usefixtures("_scenes_drawn_here")
def test_training_leaves_torchs_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    train("small_resnet", seed=5, scenes=2, epochs=1, threads=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.slow
def test_training_scenes_are_the_training_stream_in_order():
    drawn = draw_training_scenes(seed=6, n=3, workers=2)
    for i, scene in enumerate(drawn):
        expected = nth_scene(6, Stream.TRAINING, i)
        assert np.array_equal(scene.image, expected.image)
        assert (scene.box, scene.label) == (expected.box, expected.label)


def scene_of_a_white_rectangle() -> Scene:
    image = np.zeros((200, 300, 3), np.uint8)
    image[60:120, 40:140] = 255
    return Scene(image, (40, 60, 139, 119), 3)


def test_crops_know_how_much_of_the_object_they_hold():
    scene, rng = scene_of_a_white_rectangle(), np.random.default_rng(0)
    shares = []
    for _ in range(300):
        (x0, y0, x1, y1), share = random_crop(scene, rng)
        assert 0 <= x0 < x1 <= 300
        assert 0 <= y0 < y1 <= 200
        held = (scene.image[y0:y1, x0:x1, 0] == 255).sum() / (60 * 100)
        assert share == pytest.approx(min(1, held / ENOUGH))
        shares.append(share)
    assert 0.8 < np.mean(np.array(shares) == 1) < 1
    assert min(shares) == 0


def test_half_of_the_crops_are_mirrored():
    brighter_to_the_right = np.broadcast_to(np.linspace(0, 255, 300)[None, :, None], (200, 300, 3))
    scene = Scene(brighter_to_the_right.astype(np.uint8), (40, 60, 139, 119), 3)
    views, _ = make_batch([scene] * 200, 8, np.random.default_rng(0))
    is_mirrored = views[..., 0].mean((1, 2)) > views[..., -1].mean((1, 2))
    assert 0.4 < is_mirrored.float().mean() < 0.6


def test_targets_are_evidence():
    scene = scene_of_a_white_rectangle()
    views, targets = make_batch([scene] * 64, 32, np.random.default_rng(0))
    assert views.shape == (64, 3, 32, 32)
    torch.testing.assert_close(targets.sum(1), torch.ones(64))
    assert set(targets.argmax(1)[targets.amax(1) > 0.5].tolist()) == {scene.label}
    blind = views.amax((1, 2, 3)) < 0  # black alone
    assert blind.any()
    torch.testing.assert_close(targets[blind], torch.full((int(blind.sum()), len(CLASSES)), 1 / len(CLASSES)))
