"""Access to the results of a run from Python: label maps, views, saliency maps and scores.

from labelmaps.results import Results
results = Results("results/scenes/zoom/small_resnet")
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labelmaps import views
from labelmaps.data.batches import read_batches
from labelmaps.data.index import has_several_classes, read_index
from labelmaps.errors import InputError
from labelmaps.methods import facts_of, load_method
from labelmaps.storage.derived import read_rows
from labelmaps.storage.label_map_file import LabelMaps, open_label_maps
from labelmaps.storage.provenance import REMAKE, check_same_pixels, seen_view


@dataclass(frozen=True)
class Results:
    """The results of one network and one view: the folder results/{dataset}/{view}/{model}.

    Arguments `image` are ids; `label` says of which class, where an image shows several. Each method reads the files that
    it needs when it is called, and raises `InputError` if one is missing or damaged, or if the index has no such image.
    """

    folder: str | Path

    @cached_property
    def index(self) -> pd.DataFrame:
        """The index, by the image's id: path, label, size, boxes (box, 4) in original pixels.

        It has one row per image, or, where it shows several classes, one per class.
        """
        # The folder of the results may be a link to another disk, or be reached through one.
        places = [self._folder.parent.parent, self._folder.resolve().parent.parent]
        files = [place / "index.parquet" for place in places]
        file = next((file for file in files if file.exists()), files[0])
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

    def views(self, image: str) -> np.ndarray:
        """Compute the views of one image at every fixation, (row, column, y, x, RGB) uint8. This needs torch."""
        from labelmaps.inference.view_pixels import view_pixels
        from labelmaps.networks.preprocessing import Preprocessing

        place = self._find_place(image)
        view = views.create_view(**seen_view(self.made_by))
        ((rows, (pixels,)),) = read_batches(self.index.iloc[[place]], 1)
        with open_label_maps(self._label_maps, self.index) as file:
            digests = file.digests[place : place + 1]
        check_same_pixels([image], rows["digest"], digests, self._label_maps, REMAKE)
        cells = range(view.grid**2)
        views_seen = view_pixels(pixels, view, Preprocessing(**self.made_by["preprocessing"]), cells)
        return views_seen.reshape(view.grid, view.grid, *views_seen.shape[1:])

    def saliency(self, method: str, image: str, label: int | None = None, **options: object) -> np.ndarray:
        """Compute the saliency map (row, column) of a method on label maps.

        method: the name of a module of `labelmaps.methods`. label: k* of a cued method, needed where the image shows several
        classes. options: those of the method.

        Raises `InputError` for a method on activations, and for a label that the image does not have.
        """
        if facts_of(method).input != "label maps":
            raise InputError(
                f"{method} looks at activations; read its stored maps with `labelmaps.storage.saliency_file`"
            )
        maps = self.label_maps(image)
        labels = self.index.loc[[image], "label"].tolist()
        if facts_of(method).cue != "cued":
            label = labels[0]  # which the method is not given
        elif label is None and len(labels) == 1:
            label = labels[0]
        elif label not in labels:
            given = "none is given" if label is None else f"{label} is none of them"
            raise InputError(
                f"{image}: its labels are {', '.join(map(str, labels))}, and {given}; give one as label"
            )
        saliency, _ = load_method(method, **options)(maps, np.array([label], np.int64))
        return saliency[0]

    def scores(self, method: str) -> pd.DataFrame:
        """Read the scores of a method: fixation, correct before and after, Pointing Game.

        Returns one row per image, by its id, or, where images show several classes, one per case, by image and label.
        """
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
