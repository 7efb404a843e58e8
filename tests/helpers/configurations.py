"""The default configuration with others laid over it, and what is said of them."""

import copy

import pytest
import yaml
from snakemake.utils import update_config

from pipeline.settings.base import ConfigurationError
from pipeline.settings.reading import read_settings
from pipeline.sources import ROOT
from pipeline.study import Study

DEFAULT, READINGS = (
    yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("config.yaml", "readings.yaml")
)


def overlaid(*layers):
    """The default configuration and the readings, with others laid over them, as Snakemake does with --configfile."""
    config = copy.deepcopy(DEFAULT)
    for layer in (copy.deepcopy(READINGS), *layers):
        update_config(config, layer)
    return config


def mistakes(*layers):
    with pytest.raises(ConfigurationError) as error:
        read_settings(overlaid(*layers))
    return str(error.value)


def accepted(*layers):
    return read_settings(overlaid(*layers))


def study_of(*layers):
    return Study(accepted(*layers))
