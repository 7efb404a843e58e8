"""From images and a network to label maps, saliency maps and fixations, by the functions that the rules call."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import nn

from labelmaps.errors import InputError
from labelmaps.inference.engines import Engine, create_engine
from labelmaps.inference.glimpse import Glimpse, first_glimpse
from labelmaps.inference.label_maps import convert_logits, with_places
from labelmaps.inference.parallel import concurrent_batches, one_thread_each
from labelmaps.jobs.memory import with_enough_memory
from labelmaps.jobs.progress import progress
from labelmaps.looking.given_images import GivenImage
from labelmaps.looking.given_labels import choose_classes, find_label, name_labels
from labelmaps.looking.given_methods import GivenMethod
from labelmaps.looking.given_network import GivenNetwork
from labelmaps.looking.result import Fixation, Look
from labelmaps.methods import load_method
from labelmaps.networks.compute import resolve_batch
from labelmaps.networks.load import COMPARED_IMAGES
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.tap import NoMapError
from labelmaps.networks.verification import KnownLogits, copy_with_folded_norms
from labelmaps.scoring.fixations import Arrival, find_fixations
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.storage.saliency_file import SaliencyMaps, check_finite
from labelmaps.views import View, cell_points, find_map_obstacle


@dataclass(frozen=True)
class NetworkOutput:
    """What a network said of one image. logits: (row, column, label) float32; maps: what a run's file holds of it."""

    logits: np.ndarray
    maps: LabelMaps


@dataclass(frozen=True)
class Machine:
    """What computes. device, precision: as resolved; threads: of a CPU."""

    device: torch.device
    precision: str
    threads: int

    def executor(self) -> Executor:
        """Make an executor that runs as many batches at a time as suit the device."""
        return one_thread_each(concurrent_batches(self.device, self.threads))


def look_through(
    network: GivenNetwork,
    view: View,
    images: Sequence[GivenImage],
    labels: Sequence[object],
    methods: Mapping[str, GivenMethod],
    machine: Machine,
    layer: str | None,
    are_all: bool,
) -> list[Look]:
    """Look at images through a network, with its view and methods.

    labels: of each image, as given. layer: as for `SplitClassifier`. are_all: whether methods that cannot be computed are
    left out; otherwise they are refused.

    Raises `InputError` where something given does not fit the network, the view or the label.
    """
    engine = make_engine(images, network, view, machine)
    known = engine.known
    assert known is not None
    n_labels = known.logits.shape[1]
    classes = choose_classes(network.classes, labels, n_labels, network.name)
    found = [None if label is None else find_label(label, classes, n_labels) for label in labels]
    skipped = [leave_out(methods, view, label is not None) for label in found]
    on_x0 = {
        name: given
        for name, given in methods.items()
        if given.facts.input == "glimpse" and any(name not in reasons for reasons in skipped)
    }
    classifier = split(network, known, layer, machine) if on_x0 else None
    if on_x0 and classifier is None:
        why = f"{network.name} has no map from which alone its logits follow, which methods such as Grad-CAM and DFF need"
        skipped = [reasons | dict.fromkeys(on_x0, why) for reasons in skipped]
    for reasons in [] if are_all else skipped:
        for name, reason in reasons.items():
            raise InputError(f"methods: {name}: {reason}. Leave it out")
    outputs = compute_label_maps(images, engine, machine)
    of_x0 = [{} for _ in images]
    if classifier is not None:
        maps = [one.maps for one in outputs]
        of_x0 = compute_saliency_of_x0(on_x0, images, maps, found, classifier, view, network.preprocessing)
    names = name_labels(classes, n_labels)
    return [
        _make_look(network, view, names, image, one, label, methods, reasons, salient)
        for image, one, label, reasons, salient in zip(images, outputs, found, skipped, of_x0, strict=True)
    ]


def _make_look(
    network: GivenNetwork,
    view: View,
    class_names: Sequence[str],
    image: GivenImage,
    outputs: NetworkOutput,
    label: int | None,
    methods: Mapping[str, GivenMethod],
    skipped: Mapping[str, str],
    of_x0: Mapping[str, SaliencyMaps],
) -> Look:
    """Compute the maps of methods on label maps of one image, and the fixations of all. of_x0: the maps of the others."""
    chosen = {name: given for name, given in methods.items() if name not in skipped}
    salient = {
        name: of_x0[name] if name in of_x0 else compute_saliency(given, outputs.maps, label)
        for name, given in chosen.items()
    }
    return Look(
        name=image.name,
        pixels=image.pixels,
        network=network.name + (f" ({network.source})" if network.source else ""),
        preprocessing=network.preprocessing,
        view=view,
        label=label,
        class_names=class_names,
        label_map=outputs.logits,
        label_maps=outputs.maps,
        methods=chosen,
        maps={name: maps.saliency[0] for name, maps in salient.items()},
        points={name: maps.point[0] for name, maps in salient.items()},
        fixations={
            name: find_fixation(maps, chosen[name].arrival, outputs.maps, label, class_names)
            for name, maps in salient.items()
        },
        skipped=dict(skipped),
    )


def make_engine(images: Sequence[GivenImage], network: GivenNetwork, view: View, machine: Machine) -> Engine:
    """Make the engine of label maps, which knows what the untouched network says of the first images' x₀."""
    compared = [image.pixels for image in images[:COMPARED_IMAGES]]
    check_channels(network)
    return create_engine(
        "exact",
        network.module,
        view,
        network.preprocessing,
        machine.device,
        machine.precision,
        False,
        compared,
        network.name,
    )


def check_channels(network: GivenNetwork) -> None:
    """Raise `InputError` for a network whose first layer does not take red, green and blue, where that can be seen."""
    first = next((module for module in network.module.modules() if isinstance(module, nn.Conv2d)), None)
    if first is not None and first.in_channels == 1:
        raise InputError(
            f"network: {network.name} takes views of one channel, and here they have three. Give a module that calls it on "
            "views.mean(dim=1, keepdim=True)"
        )


def compute_label_maps(images: Sequence[GivenImage], engine: Engine, machine: Machine) -> list[NetworkOutput]:
    """Compute the label maps of images, with a progress bar where there are several."""

    def attempt(batch: int) -> list[NetworkOutput]:
        engine.prepare(batch)
        outputs: list[NetworkOutput] = []
        bar = progress(total=len(images), unit="image", desc=engine.name, disable=len(images) == 1)
        with bar, machine.executor() as pool:
            for group in grouped(images, engine.images_at_once(batch)):
                outputs += _compute_group(group, engine, batch, pool)
                bar.update(len(group))
        return outputs

    most = min(resolve_batch(None, machine.device), len(images) * engine.view.grid**2)
    return with_enough_memory(attempt, most, engine.round_batch)


def grouped(images: Sequence[GivenImage], n: int) -> Iterator[Sequence[GivenImage]]:
    """Yield images, `n` at a time."""
    for start in range(0, len(images), n):
        yield images[start : start + n]


def _compute_group(
    images: Sequence[GivenImage], engine: Engine, batch: int, pool: Executor
) -> Iterator[NetworkOutput]:
    """Compute the label maps of one group of images together, and yield the output of each image in turn.

    images: at most `engine.images_at_once(batch)`, which the caller has grouped.
    """
    pixels, names = [image.pixels for image in images], [image.name for image in images]
    logits = engine.logits(pixels, batch, pool.map)
    sizes = [image.shape[1::-1] for image in pixels]
    arrays = with_places(convert_logits(logits).arrays(), names, sizes, engine.view)
    arrays["log_probability"] = arrays["log_probability"].astype(np.float32)  # as the reader of the file does
    for i, of_image in enumerate(logits.cpu().numpy()):
        yield NetworkOutput(
            of_image, LabelMaps([names[i]], **{name: some[i : i + 1] for name, some in arrays.items()})
        )


def leave_out(methods: Mapping[str, GivenMethod], view: View, has_label: bool) -> dict[str, str]:
    """Say why methods cannot be computed without a label, or on a view: name → reason."""
    reasons = {}
    for name, given in methods.items():
        if given.facts.cue == "cued" and not has_label:
            reasons[name] = "it is told the label, and none is given"
        elif given.facts.input == "glimpse" and (obstacle := find_map_obstacle(view)):
            reasons[name] = f"a map of x₀ cannot be read on this view: {obstacle}"
    return reasons


def split(
    network: GivenNetwork, known: KnownLogits, layer: str | None, machine: Machine
) -> SplitClassifier | None:
    """Cut a network at its last map, as a run does; None where it has none. known: what it says untouched."""
    prepared = copy_with_folded_norms(network.module, known, network.name)
    try:
        return SplitClassifier(prepared, machine.device, known, machine.precision, network.name, layer)
    except NoMapError:
        return None


def compute_saliency(given: GivenMethod, maps: LabelMaps, label: int | None) -> SaliencyMaps:
    """Compute the map of one image by a method whose input is label maps.

    maps: those of this one image. label: k*, which a cued method needs; others may have None.
    """
    labels = None if label is None else np.array([label], np.int64)
    saliency, own_label = load_method(given.method, **given.options)(maps, labels)
    return _checked(SaliencyMaps(maps.image, saliency, maps.centre, own_label))


def compute_saliency_of_x0(
    methods: Mapping[str, GivenMethod],
    images: Sequence[GivenImage],
    maps: Sequence[LabelMaps],
    labels: Sequence[int | None],
    classifier: SplitClassifier,
    view: View,
    preprocessing: Preprocessing,
) -> list[dict[str, SaliencyMaps]]:
    """Compute the maps of methods on x₀, a cued one of the images that have a label: of each image, name → map."""
    computed: list[dict[str, SaliencyMaps]] = [{} for _ in images]
    start, n = 0, resolve_batch(None, classifier.device)
    for group in grouped(images, n):
        glimpse = glimpse_at(group, classifier, view, preprocessing)
        for name, given in methods.items():
            is_cued = given.facts.cue == "cued"
            places = [i for i in range(len(group)) if not is_cued or labels[start + i] is not None]
            if not places:
                continue
            told = [labels[start + i] for i in places] if is_cued else None
            label = None if told is None else torch.tensor(told, dtype=torch.int64, device=classifier.device)
            found, own = load_method(given.method, **given.options)(glimpse.of_cases(np.array(places)), label)
            saliency = found.cpu().numpy()
            for i, place in enumerate(places):
                own_label = None if own is None else own[i : i + 1].cpu().numpy()
                of_image = maps[start + place]
                point = cell_points(of_image.extent[:, *of_image.initial], *saliency.shape[1:])
                one = SaliencyMaps(of_image.image, saliency[i : i + 1], point, own_label)
                computed[start + place][name] = _checked(one)
        start += len(group)
    return computed


def glimpse_at(
    images: Sequence[GivenImage], classifier: SplitClassifier, view: View, preprocessing: Preprocessing
) -> Glimpse:
    """Compute the last map of a network at the x₀ of images."""
    rows, pixels = (
        pd.DataFrame({"image": [image.name for image in images]}),
        [image.pixels for image in images],
    )
    return with_enough_memory(
        lambda batch: first_glimpse(rows, pixels, classifier, view, preprocessing, batch),
        resolve_batch(None, classifier.device),
        round_batch=lambda batch: batch,
    )


def _checked(maps: SaliencyMaps) -> SaliencyMaps:
    """Return maps as their file holds them; raise `InputError` where it could not."""
    check_finite(maps)
    return replace(maps, saliency=maps.saliency.astype(np.float32), point=maps.point.astype(np.float64))


def find_fixation(
    saliency: SaliencyMaps, arrival: Arrival, maps: LabelMaps, label: int | None, class_names: Sequence[str]
) -> Fixation:
    """Select a fixation on the map of one image, and read what the network says of the view there."""
    selected = find_fixations(saliency.saliency, saliency.point, maps.centre, arrival).iloc[0]
    row, column = int(selected["row"]), int(selected["column"])
    top = int(maps.top_label[0, row, column])
    return Fixation(
        row=row,
        column=column,
        x=float(selected["x"]),
        y=float(selected["y"]),
        peak=float(selected["peak"]),
        tie=bool(selected["tie"]),
        dead=bool(selected["dead"]),
        own_label=None if saliency.own_label is None else int(saliency.own_label[0]),
        label=top,
        name=class_names[top],
        probability=float(np.exp(maps.log_probability[0, row, column, top])),
        correct=None if label is None else top == label,
    )
