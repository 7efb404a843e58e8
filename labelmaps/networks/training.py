"""Training of a classifier on synthetic scenes, in a few minutes on two CPU cores.

Crops are random in size and place, as is usual for ImageNet. The target depends on the share of the object that a crop
contains: the object's class gets that share of the probability, and the rest is spread evenly over all classes. From crops
without the object, the network therefore learns to be uncertain.

Another kind of processor rounds sums differently, and training diverges from there. The trained weights are therefore an
average over the last steps, which depends less on the processor than the weights after the last step.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from labelmaps.jobs.progress import progress
from labelmaps.networks.build import build
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.scenes.scene import Box, Scene, Stream, draw_scenes
from labelmaps.scenes.things import CLASSES

BATCH = 32
LEARNING_RATE = 0.004  # the maximum of a one-cycle schedule
WEIGHT_DECAY = 0.05
SIZES = (
    96,
    96,
    96,
    160,
)  # side of the views in each quarter of the epochs, in pixels; small views are fast
AVERAGED = 0.2  # time constant of the exponential average of the weights, as a share of the steps
CALIBRATION = 1024  # scenes; batch-norm statistics of the averaged weights are computed from a crop of each
STRAY = 0.2  # share of the crops that may be anywhere, with or without the object
STRAY_AREA = 0.01  # area of the smallest of these crops, as a share of the scene's area
LEAST_AREA = 0.04  # area of the smallest of the other crops, as a share of the scene's area
ENOUGH = 0.5  # share of the object's box that counts as full evidence


def train(architecture: str, seed: int, scenes: int, epochs: int, threads: int) -> dict[str, Tensor]:
    """Train a classifier of the classes `labelmaps.scenes.things.CLASSES`, and return its state dict, in float16.

    The weights are an exponential average over the steps; the batch-norm statistics are computed again with these weights.
    The same arguments give the same bytes on the same machine.

    architecture: as for `build`.
    seed: the seed of the scenes, the initial weights and the crops.
    scenes: the number of training scenes; none of them is in an evaluation set.
    epochs: how often the network is trained on each scene.
    threads: the number of CPU threads, which is set for the whole process.
    """
    torch.set_num_threads(threads)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(architecture, len(CLASSES))
    network.train().to(memory_format=torch.channels_last)
    training_scenes = draw_training_scenes(seed, scenes, workers=threads)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * math.ceil(scenes / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.2)
    kept = 1 - 1 / max(1, AVERAGED * steps)  # the weight of the old average at each step
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(kept))
    with progress(total=steps, unit="batch", desc=f"train {architecture}") as bar:
        for epoch in range(epochs):
            size = SIZES[epoch * len(SIZES) // epochs]
            losses, hits = [], 0
            for indices in np.split(rng.permutation(scenes), range(BATCH, scenes, BATCH)):
                batch = [training_scenes[i] for i in indices]
                views, targets = make_batch(batch, size, rng)
                logits = network(views)
                loss = functional.cross_entropy(logits, targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                averaged.update_parameters(network)
                losses.append(loss.item())
                hits += sum(
                    guess == scene.label for guess, scene in zip(logits.argmax(1), batch, strict=True)
                )
                bar.update()
            bar.set_postfix(epoch=epoch + 1, loss=f"{np.mean(losses):.3f}", accuracy=f"{hits / scenes:.3f}")
    starts = range(0, min(scenes, CALIBRATION), BATCH)
    update_bn((make_batch(training_scenes[i : i + BATCH], SIZES[-1], rng)[0] for i in starts), averaged)
    return {
        name: value.half() if value.is_floating_point() else value
        for name, value in averaged.module.state_dict().items()
    }


def draw_training_scenes(seed: int, n: int, workers: int) -> list[Scene]:
    """Draw the first `n` training scenes of a seed in `workers` processes, and show a progress bar."""
    drawn = draw_scenes(seed, Stream.TRAINING, n, workers)
    return list(progress(drawn, total=n, unit="scene", desc="draw scenes"))


def make_batch(batch: Sequence[Scene], size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Crop each scene at random, resize the crops to views, mirror about half of them, and compute their targets.

    size: the side of the views, in pixels. rng: the source of randomness.

    Returns normalised views (scene, 3, size, size) float32, and target probabilities (scene, label) float32.
    """
    views = torch.empty((len(batch), 3, size, size), dtype=torch.uint8)
    targets = torch.empty(len(batch), len(CLASSES))
    for view, target, scene in zip(views, targets, batch, strict=True):
        (x0, y0, x1, y1), share = random_crop(scene, rng)
        crop = torch.from_numpy(scene.image[y0:y1, x0:x1]).permute(2, 0, 1)
        crop = functional.interpolate(crop[None], (size, size), mode="bilinear", antialias=True)[0]
        view.copy_(crop.flip(-1) if rng.random() < 0.5 else crop)
        target.fill_((1 - share) / len(CLASSES))[scene.label] += share
    views = Preprocessing().normalise(views)
    return views.contiguous(memory_format=torch.channels_last), targets


def random_crop(scene: Scene, rng: np.random.Generator) -> tuple[Box, float]:
    """Choose a crop of a scene at random; most crops contain at least half of the object.

    Returns x0, y0, x1, y1 in pixels, x1 and y1 exclusive, and the evidence for the object: the share of its box in the crop,
    as a multiple of `ENOUGH`, at most 1.
    """
    height, width, _ = scene.image.shape
    stray = rng.random() < STRAY
    for _ in range(10):
        area = width * height * math.exp(rng.uniform(math.log(STRAY_AREA if stray else LEAST_AREA), 0))
        aspect = math.exp(rng.uniform(-1, 1) * math.log(4 / 3))
        across, down = (
            min(round(math.sqrt(area * aspect)), width),
            min(round(math.sqrt(area / aspect)), height),
        )
        x, y = int(rng.integers(width - across + 1)), int(rng.integers(height - down + 1))
        crop = (x, y, x + across, y + down)
        share = _share_inside(scene.box, crop)
        if stray or share >= ENOUGH:
            return crop, min(1.0, share / ENOUGH)
    return (0, 0, width, height), 1.0


def _share_inside(box: Box, crop: Box) -> float:
    """Compute the share of a box's area that lies in a crop.

    box: x0, y0, x1, y1 in pixels, all inclusive. crop: x0, y0, x1, y1 in pixels, x1 and y1 exclusive.
    """
    x0, y0, x1, y1 = box
    across = max(0, min(x1 + 1, crop[2]) - max(x0, crop[0]))
    down = max(0, min(y1 + 1, crop[3]) - max(y0, crop[1]))
    return across * down / ((x1 + 1 - x0) * (y1 + 1 - y0))
