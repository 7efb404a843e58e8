"""The weights in the repository are those that the text beside them describes."""

import re

import torch
import yaml

from labelmaps.networks.build import build
from labelmaps.networks.checkpoints import read_checkpoint
from labelmaps.networks.weights import load_weights
from labelmaps.scenes.things import CLASSES
from labelmaps.storage.files import sha256
from pipeline.sources import ROOT
from pipeline.study import SHIPPED_WEIGHTS

TEXT = SHIPPED_WEIGHTS.with_suffix(".txt").read_text(encoding="utf-8")


def test_the_text_beside_the_weights_states_their_digest_and_what_made_them():
    assert re.findall(r"\b[0-9a-f]{64}\b", TEXT) == [sha256(SHIPPED_WEIGHTS)]
    (recipe,) = re.findall(r"--configfile (config/\S+\.yaml)", TEXT)
    ((model, entry),) = yaml.safe_load((ROOT / recipe).read_text())["models"].items()
    assert f"resources/networks/trained/{model}.pth" in TEXT
    for key, value in entry["train"].items():
        assert re.search(rf"\b{key} {value}\b|\b{value} {key}\b", TEXT), key


def test_the_weights_are_small_and_fit_the_scenes_classes():
    assert SHIPPED_WEIGHTS.stat().st_size < 2_000_000
    state = read_checkpoint(SHIPPED_WEIGHTS)
    assert {value.dtype for value in state.values()} == {torch.float16, torch.int64}
    load_weights(build("small_resnet", len(CLASSES)), SHIPPED_WEIGHTS)
