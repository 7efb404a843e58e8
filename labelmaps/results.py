"""Access to the results of a run from Python: label maps, views, saliency maps and scores.

from labelmaps.results import Results
results = Results("results/scenes/zoom/small_resnet")
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from labelmaps import methods as package
from labelmaps import views
from labelmaps.data.batches import read_batches
from labelmaps.data.index import has_several_classes, images_of, read_index
from labelmaps.errors import InputError
from labelmaps.looking.given_images import GivenImage
from labelmaps.looking.given_methods import GivenMethod
from labelmaps.methods import load_method
from labelmaps.modules import check_options, load_module
from labelmaps.storage.derived import read_maps, read_rows
from labelmaps.storage.label_map_file import LabelMaps, open_label_maps
from labelmaps.storage.provenance import REMAKE, check_same_pixels, parse_attributes, seen_view

if TYPE_CHECKING:
    from labelmaps.looking.stored_network import StoredNetwork


@dataclass(frozen=True)
class Results:
    """The results of one network and one view: the folder results/{dataset}/{view}/{model}.

    folder: also after it was moved, or linked to. images: the folder in which the images, or the files that hold them, lie
    now, if they are found neither where the index says nor, as after the whole run was moved, at the same place in the run's
    folder. weights: the file of the network's weights, for methods on x₀ that were not run, if it is not found in
    `resources`.

    Arguments `image` are ids; `label` says of which class, where an image shows several. Each method reads the files that
    it needs when it is called, and raises `InputError` if one is missing or damaged, or if the index has no such image.
    """

    folder: str | Path
    images: str | Path | None = None
    weights: str | Path | None = None

    @cached_property
    def index(self) -> pd.DataFrame:
        """The index, by the image's id: path, label, size, boxes (box, 4) in original pixels.

        It has one row per image, or, where it shows several classes, one per class.
        """
        # The folder of the results may be a link to another disk, or be reached through one.
        places = [self._folder.parent.parent, self._folder.resolve().parent.parent]
        files = [place / "index.parquet" for place in places]
        file = next((file for file in files if file.exists()), files[0])
        if not self._label_maps.exists():
            raise InputError(
                f"{self.folder}: no results of one network and one view. Give the folder "
                "results/{dataset}/{view}/{model} of a run"
            )
        return read_index(file).set_index("image", drop=False)

    @cached_property
    def made_by(self) -> dict[str, Any]:
        """Provenance of the label maps: weights, view, preprocessing, precision, versions."""
        with open_label_maps(self._label_maps, self.index) as file:
            return file.provenance

    def label_maps(self, image: str) -> LabelMaps:
        """Read the label maps of one image; axes (image, row, column, …), the first of length 1."""
        place = self._find_place(image)
        with open_label_maps(self._label_maps, self.index) as file:
            return file.read(place, place + 1)

    def logits(self, image: str) -> np.ndarray:
        """Compute the network's logits at every fixation from the label maps of one image, (row, column, label) float32."""
        maps = self.label_maps(image)
        return (maps.log_probability + maps.log_sum_exp[..., None])[0]

    def pixels(self, image: str) -> np.ndarray:
        """Read an image, (y, x, RGB) uint8; raise `InputError` if it is not the one that the network saw."""
        place = self._find_place(image)
        file = self._find_file(Path(self.index["path"].iloc[place]))
        ((rows, (pixels,)),) = read_batches(self.index.iloc[[place]].assign(path=str(file)), 1)
        with open_label_maps(self._label_maps, self.index) as maps:
            check_same_pixels(
                [image], rows["digest"], maps.digests[place : place + 1], self._label_maps, REMAKE
            )
        return pixels

    def views(self, image: str) -> np.ndarray:
        """Compute the views of one image at every fixation, (row, column, y, x, RGB) uint8. This needs torch."""
        from labelmaps.inference.view_pixels import grid_pixels
        from labelmaps.networks.preprocessing import Preprocessing

        view = views.create_view(**seen_view(self.made_by))
        return grid_pixels(self.pixels(image), view, Preprocessing(**self.made_by["preprocessing"]))

    @property
    def methods(self) -> list[str]:
        """The names of the methods that were run, as the configuration has them."""
        return sorted(path.stem for path in (self._folder / "saliency").glob("*.h5") if path.name[0] != ".")

    def saliency(self, method: str, image: str, label: int | None = None, **options: object) -> np.ndarray:
        """Read or compute the saliency map (row, column) of a method, float32, in its own units.

        method: one of `methods`, whose map is read; or a module of `labelmaps.methods`, whose map is computed: from the
        label maps, or, of a method on x₀ such as Grad-CAM, by the network, which needs torch, the image and the weights.
        label: k* of a cued method, needed where the image shows several classes. options: those of the method, otherwise
        than it was run with, or than by default.

        Raises `InputError` for a label that the image does not have, for options that there are not, and where the image or
        the weights are not found.
        """
        if method not in self.methods:
            return self._compute(GivenMethod(method, options), image, label)
        stored, place = self._folder / "saliency" / f"{method}.h5", self._find_place(image)
        with open_label_maps(self._label_maps, self.index) as file:
            maps = read_maps(stored, [place], [image], file)
            made_by = parse_attributes(maps.attributes)
            given = GivenMethod(made_by["method"], made_by["options"] | options)
            if given.options != made_by["options"]:
                return self._compute(given, image, label)
            if made_by["cue"] == "cued":
                maps = read_maps(stored, [self._find_case(image, label)], [image], file)
        return maps.saliency[0]

    def _compute(self, given: GivenMethod, image: str, label: int | None) -> np.ndarray:
        """Compute a method's map of an image, or, if it is cued, of one of its cases."""
        facts = given.facts
        check_options(load_module(package, given.method).saliency, given.options, given.method)
        place = self._find_case(image, label) if facts.cue == "cued" else self._find_place(image)
        maps, label = self.label_maps(image), int(self.index["label"].iloc[place])
        if facts.input == "label maps":
            saliency, _ = load_method(given.method, **given.options)(maps, np.array([label], np.int64))
            return saliency[0].astype(np.float32)
        from labelmaps.looking.stored_network import compute_saliency_of_image

        return compute_saliency_of_image(
            self._network, given, GivenImage(image, self.pixels(image)), maps, label
        )

    @cached_property
    def _network(self) -> "StoredNetwork":
        """The network, cut at its last map; loaded when a method on x₀ that was not run first needs it."""
        from labelmaps.looking.stored_network import load_stored_network
        from labelmaps.networks.load import COMPARED_IMAGES

        with open_label_maps(self._label_maps) as file:
            n_labels = file.read(0, 1).log_probability.shape[-1]
        # On the images that a run compares the network on.
        images = [self.pixels(image) for image in images_of(self.index)["image"][:COMPARED_IMAGES]]
        return load_stored_network(self.made_by, n_labels, images, self.weights, self._roots())

    def scores(self, method: str) -> pd.DataFrame:
        """Read the scores of a method that was run: fixation, correct before and after, Pointing Game.

        Returns one row per image, by its id, or, where images show several classes, one per case, by image and label. Raises
        `InputError` for a method that is none of `methods`.
        """
        if method not in self.methods:
            raise InputError(
                f"{method}: the run has no scores of it, but of {', '.join(self.methods) or 'no method'}. Add it to the "
                "run, or see its map of single images: saliency"
            )
        with open_label_maps(self._label_maps, self.index) as file:
            files = (self._folder / kind / f"{method}.parquet" for kind in ("fixations", "scores"))
            tables = [read_rows(path, file.images, file.origin) for path in files]
        fixations, scores = tables
        if has_several_classes(fixations):
            fixations.insert(1, "label", scores["label"])
        keys = [name for name in ("image", "label") if name in fixations]
        new = scores.columns.difference(fixations.columns, sort=False)
        return fixations.join(scores[new]).set_index(keys if len(keys) > 1 else "image")

    @property
    def _label_maps(self) -> Path:
        """Path of the joined label maps."""
        return self._folder / "label_maps.h5"

    @property
    def _folder(self) -> Path:
        """The folder, from the root, without `~` and `..`, so that it has the parents that its name says."""
        return Path(os.path.abspath(Path(self.folder).expanduser()))  # noqa: PTH100 (Path keeps `..`)

    def _find_place(self, image: str) -> int:
        """Find the row of an image in the index, from 0."""
        if image not in self.index.index:
            raise InputError(
                f"{image}: no image of this id in the index; the first is {self.index['image'].iloc[0]}"
            )
        return int(self.index.index.get_indexer_for([image])[0])  # the first of its rows

    def _find_case(self, image: str, label: int | None) -> int:
        """Find the row of an image and one of its labels in the index, from 0; the label may be None if it has one alone."""
        first = self._find_place(image)
        labels = self.index.loc[[image], "label"].tolist()
        if label is None and len(labels) == 1:
            return first
        if label not in labels:
            given = "none is given" if label is None else f"{label} is none of them"
            raise InputError(
                f"{image}: its labels are {', '.join(map(str, labels))}, and {given}; give one as label"
            )
        return first + labels.index(label)  # the rows of an image stand one after the other

    def _roots(self) -> list[Path]:
        """List the folders in which the run may have been made: that which holds `results`, as named and as linked to."""
        folders = [self._folder, self._folder.resolve()]
        return list(dict.fromkeys(folder.parents[3] for folder in folders if len(folder.parents) > 3))

    def _find_file(self, path: Path) -> Path:
        """Find a file of images that the index names, also after the run's folder or the images were moved."""
        if self.images is None:
            places = [root / path for root in self._roots()] + [path]
            tops = self._roots()
        else:
            places, tops = [], [Path(self.images).expanduser()]
        names = path.parts[1:] if path.is_absolute() else path.parts
        places += [top.joinpath(*names[i:]) for top in tops for i in range(len(names))]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            where = ", ".join(map(str, tops))
            raise InputError(
                f"{path}: no such file, nor one of this name at its place below {where}. Give the folder in which the "
                "images lie now: Results(folder, images=…)"
            )
        return found
