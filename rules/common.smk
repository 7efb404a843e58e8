"""Shared by all rules: the checked settings, and which code and environment a rule depends on.

A rule names files, a script connects them, the package computes. Settings travel config → params → argument; a script never
reads the configuration.
"""

from pathlib import Path

from pipeline.settings import ConfigurationError, read_settings
from pipeline.sources import ROOT, shown, sources

try:
    settings = read_settings(config)
except ConfigurationError as error:
    raise WorkflowError(str(error))

FIGURE_FORMATS = ["pdf", "svg", "png"]


wildcard_constraints:
    dataset="|".join(map(re.escape, settings.datasets)),
    view="|".join(map(re.escape, settings.views)),
    model="|".join(map(re.escape, settings.models)),
    method="|".join(map(re.escape, settings.methods)),


def environment(name):
    """The pinned environment of a group of rules, as an input: new versions mean new results."""
    return shown(ROOT / "envs" / f"{name}.yaml")

