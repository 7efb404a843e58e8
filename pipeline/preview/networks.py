"""A network as a run would check it, on two images of its data set, and how long its views take."""

import copy
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from torch import nn

from labelmaps.data.batches import first_images
from labelmaps.data.index import read_index
from labelmaps.errors import InputError
from labelmaps.inference.engines import Engine, create_engine, equivalent_views
from labelmaps.inference.inputs import squares_to_compare
from labelmaps.jobs.memory import with_enough_memory
from labelmaps.networks.compute import be_deterministic, resolve_batch, resolve_compiled, resolve_precision
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import load_network
from labelmaps.networks.preprocessing import Preprocessing, timm_config, torchvision_weights
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import compute_known_logits
from labelmaps.views import View, create_view
from pipeline.preview.data import Previewed
from pipeline.preview.findings import Finding, warnings_of_package
from pipeline.study import Study
from workflow.scripts.check_network import check_network
from workflow.scripts.draw_random_weights import draw_random_weights

LEAST_TIMED, MOST_TIMED = 0.3, 3  # seconds that forward passes are timed for, and how often at most
BYTES_PER_PARAMETER = 4


@dataclass
class Cost:
    """What a network costs on a data set.

    seconds_per_image: view → seconds of one thread of the processor, or of the GPU. is_on_gpu: where that was measured.
    n_bytes: of its weights, where a run must bring them first. map_side: of its map of x₀, in cells; None where it has none.
    """

    is_on_gpu: bool
    n_bytes: int
    map_side: int | None
    seconds_per_image: dict[str, float] = field(default_factory=dict)


def preview_network(
    study: Study, dataset: str, model: str, known: Previewed, views: list[str], folder: Path
) -> Iterator[Finding | Cost]:
    """Check a network as its rule does, on the first two images, and time its engine on each view of the run.

    views: those of the run, and of its nulls. folder: an empty one, for files.

    Where a run downloads, trains or draws the weights, random ones stand for them. Yields findings and, unless a run would
    stop, the cost, last.
    """
    entry, config = study.settings.models[model], NetworkConfig(**study.network(model))
    be_deterministic()
    with warnings_of_package() as warnings:
        try:
            weights, source = _provide_weights(study, dataset, model, known, folder)
            found = _check(config, weights, known, folder)
            network, preprocessing, notes = load_network(config, weights, len(known.classes))
            stop = ""
        except InputError as error:
            stop = str(error)
    if stop:
        yield from (Finding("note", warning) for warning in warnings)  # the traceback of the user's own code
        yield Finding("stop", stop)
        return
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    yield Finding("ok", f"{entry.architecture}, {n_parameters / 1e6:.1f} million parameters; {source}")
    for note in (*notes, *warnings):
        yield Finding("note", note)
    images = first_images(read_index(known.index_file), 2)
    yield _describe_map(study, model, found, network, preprocessing, images)
    device, device_note = _find_device(study.settings.compute.device)
    if device_note:
        yield Finding("note", device_note)
    side = found["layout"]["side"] if found["layer"] else None
    is_made = weights.is_relative_to(folder)
    cost = Cost(device.type == "cuda", n_parameters * BYTES_PER_PARAMETER * is_made, side)
    for view in views:
        try:
            seconds = _time(study, dataset, view, model, network, preprocessing, images, device)
        except InputError as error:
            yield Finding("stop", f"{view}: {error}")
            return
        cost.seconds_per_image[view] = seconds
        yield Finding(
            "ok",
            f"{view}: {seconds:.2g} s per image on {'the GPU' if cost.is_on_gpu else 'a core'}"
            + _compiling(study, dataset, view, model, known.n_images, device),
        )
    yield cost


def _provide_weights(
    study: Study, dataset: str, model: str, known: Previewed, folder: Path
) -> tuple[Path, str]:
    """Return a network's weights, or random ones where they are not there yet, and say which they are."""
    entry, weights = study.settings.models[model], Path(study.weights_file(dataset, model))
    if weights.exists():
        return weights, f"weights {weights}"
    config, seed = study.network(model), 0
    if entry.weights is not None:
        _refuse_other_classes(NetworkConfig(**config), len(known.classes))
        source = "a run downloads its weights: random ones stand for them"
    elif entry.train is not None:
        source = "a run trains it first, for a time that is not estimated: random weights stand for its"
    else:
        source, seed = "random weights (for tests only)", entry.random.seed if entry.random else seed
    drawn = folder / "weights.pth"
    draw_random_weights(classes=known.classes_file, weights=drawn, network_config=config, seed=seed)
    return drawn, source


def _refuse_other_classes(config: NetworkConfig, n_labels: int) -> None:
    """Raise `InputError` where a library's weights, which are not there yet, have another number of classes."""
    name = config.built.removeprefix("timm:")
    if config.built != name:
        stated = timm_config(name)
        n_classes = n_labels if stated is None else stated.num_classes
    else:
        n_classes = len(torchvision_weights(name, str(config.weights)).meta["categories"])
    if n_classes != n_labels:
        raise InputError(
            f"its weights have {n_classes} classes, and the data set's list has {n_labels}: give the classes that it was "
            "trained on, in their order, or the checkpoint of a network for these"
        )


def _check(config: NetworkConfig, weights: Path, known: Previewed, folder: Path) -> dict:
    """Check a network as the rule `check_network` does, on the images of the index that was written."""
    checked = folder / "checked.json"
    check_network(
        index=known.index_file,
        classes=known.classes_file,
        weights=weights,
        checked=checked,
        network_config=vars(config),
    )
    return json.loads(checked.read_text(encoding="utf-8"))


def _describe_map(
    study: Study,
    model: str,
    found: dict,
    network: nn.Module,
    preprocessing: Preprocessing,
    images: list[np.ndarray],
) -> Finding:
    """Say where the network's map of x₀ is; that it has none stops a run whose methods need one.

    found: by the rule `check_network`, which does not know of a layer that the settings name.
    """
    settings, layer = study.settings, study.layer(model)
    needing = [name for name in settings.methods_of(model) if settings.methods[name].input == "glimpse"]
    if layer is not None and needing:
        name = settings.models[model].architecture
        try:
            known = compute_known_logits(network, squares_to_compare(images, preprocessing), name)
            split = SplitClassifier(
                copy.deepcopy(network), torch.device("cpu"), known, name=name, layer=layer
            )
        except InputError as error:
            return Finding("stop", f"models.{model}.layer: {error}")
        found = {"layer": layer, "layout": split.layout._asdict()}
    if found["layer"]:
        layout = found["layout"]
        return Finding(
            "ok",
            f"map of x₀: the output of {found['layer']}, {layout['side']} × {layout['side']} {layout['kind']}",
        )
    if needing:
        return Finding(
            "stop",
            f"no map of x₀, which {', '.join(needing)} need: {found['reason']}. Name its module (models.{model}.layer), or "
            f"leave them out (models.{model}.without: [{', '.join(needing)}])",
        )
    return Finding("note", f"no map of x₀ was found: {found['reason']}")


def _find_device(name: str) -> tuple[torch.device, str]:
    """Return the device on which views are timed, and a note if it is not the one of the run; else an empty text."""
    is_there = torch.cuda.is_available()
    if name == "cuda" and not is_there:
        return torch.device("cpu"), "compute.device is cuda, and here is no GPU: times are those of this CPU"
    return torch.device("cuda" if is_there and name != "cpu" else "cpu"), ""


def _create_view(study: Study, view: str, model: str) -> View:
    """Create a view of the settings, with the values of the options that are left to the network."""
    config = study.view(view, model)
    return create_view(**config | NetworkConfig(**study.network(model)).own_options(config))


def _time(
    study: Study,
    dataset: str,
    view: str,
    model: str,
    network: nn.Module,
    preprocessing: Preprocessing,
    images: list[np.ndarray],
    device: torch.device,
) -> float:
    """Time the engine of a view on one batch, in seconds per image: views made, network run.

    The engine first compares its logits, at the run's precision, with those of the untouched network. It is not compiled.
    """
    compute = study.settings.compute
    precision = resolve_precision(compute.precision, device)
    engine = create_engine(
        study.engine(dataset, view),
        network,
        _create_view(study, view, model),
        preprocessing,
        device,
        precision,
        False,
        images,
        study.settings.models[model].architecture,
    )
    return with_enough_memory(
        lambda batch: _time_batch(engine, images, batch),
        resolve_batch(compute.batch, device),
        engine.round_batch,
    )


def _time_batch(engine: Engine, images: list[np.ndarray], batch: int) -> float:
    """Time one batch of views of these images, repeated, in seconds per image.

    On a CPU that is the processor's time, in which other programs have no part: a batch is worked on by one thread.
    """
    clock = time.perf_counter if engine.device.type == "cuda" else time.process_time
    engine.prepare(batch)
    together = [*islice(cycle(images), engine.images_at_once(batch))]
    engine.network_inputs(images[:1])  # compiles what makes views, once
    with torch.inference_mode():
        begun = clock()
        inputs = torch.cat(engine.network_inputs(together))
        _wait(engine.device)
        making = clock() - begun
        first = inputs[: engine.inputs_at_once(batch)]
        timed: list[float] = []
        while len(timed) < MOST_TIMED and sum(timed) < LEAST_TIMED:
            begun = clock()
            engine.classifier.logits(first)
            _wait(engine.device)
            timed.append(clock() - begun)
    return (making + min(timed) * len(inputs) / len(first)) / len(together)


def _wait(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def _compiling(study: Study, dataset: str, view: str, model: str, n_images: int, device: torch.device) -> str:
    """Say that a run will compile the network, which makes it faster than was measured; return an empty text if not.

    n_images: the number of images that the run will have. device: the one on which views were timed.

    Returns the end of a sentence, with its semicolon.
    """
    compute, settings = study.settings.compute, study.settings
    n_views = n_images // settings.n_parts(dataset, view, model)
    n_views *= equivalent_views(study.engine(dataset, view), _create_view(study, view, model))
    precision = resolve_precision(compute.precision, device)
    is_compiled = resolve_compiled(compute.compile, device, precision, n_views)
    return "; a run compiles it, and is faster" if is_compiled else ""
