"""Shared by all rules: the checked settings, the study that follows from them, and what only Snakemake can do.

A rule names files, a script connects them, the package computes. Settings travel config → params → argument; a script never
reads the configuration.
"""

import inspect
import os
import sys
from pathlib import Path

from snakemake.logging import logger

from pipeline import session
from pipeline.checks import refuse_files, refuse_names, selected_files
from pipeline.parts import strays
from pipeline.patterns import match_any
from pipeline.settings.base import ConfigurationError
from pipeline.settings.datasets import reference_of
from pipeline.settings.reading import read_settings, refuse_repeated_keys
from pipeline.sources import ROOT, shown, sources
from pipeline.study import PAPER_METHODS, Study

session.clear(os.environ)

try:
    for path in workflow.overwrite_configfiles:
        refuse_repeated_keys(path)
    settings = read_settings(config)
    study = Study(settings)
    refuse_names(ROOT, sys.executable)
    session.refuse_misread_paths([ROOT, Path.cwd(), *(path for _, path, _ in selected_files(study))])
    refuse_files(study)
except ConfigurationError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    dataset=match_any(settings.datasets),
    view=match_any(settings.views),
    model=match_any(settings.models),
    method=match_any(settings.methods),


# Labels by which the report finds what is about all networks and methods of a run.
MODELS_AND_METHODS = {"models": ", ".join(settings.run.models), "methods": ", ".join(settings.run.methods)}


def per_job(function, **given):
    """Make a function of a job's wildcards, which calls one of the study with those that its parameters name.

    given: arguments that are the same for all jobs of the rule.
    """
    names = inspect.signature(function).parameters

    def call(wildcards):
        named = {name: value for name, value in wildcards.items() if name in names}
        try:
            return function(**(named | given))
        except ConfigurationError as error:
            raise WorkflowError(str(error))

    return call


def environment(name):
    """Return the pinned environment of a group of rules, as an input: new versions mean new results."""
    return shown(ROOT / "envs" / f"{name}.yaml")


def of_networks(file):
    """Make the input of a file of every network's results on a data set."""
    return per_job(study.network_files, file=file)


def of_methods(kind, suffix):
    """Make the input of a file of every network's and method's results on a data set."""
    return per_job(study.method_files, kind=kind, suffix=suffix)


def drawn(name, sizes=None, **report_options):
    """Return a figure's files as outputs; the report shows the PNG of the first size."""
    files = study.figure_files("{dataset}", name, sizes)
    first = next(file for file in files if file.endswith(".png"))
    return [report(file, **report_options) if file == first else file for file in files]


@per_job
def label_map_parts(dataset, view, model):
    """Return the parts of a network's label maps; warn where they are not as many as the settings say."""
    parts, planned = study.label_map_parts(dataset, view, model), settings.n_parts(dataset, view, model)
    folder = Path(parts[0]).parent
    if workflow.is_main_process:
        if len(parts) != planned:
            logger.warning(
                f"{folder} stays divided into {len(parts)} parts, as begun, not {planned}; delete it to begin anew"
            )
        if names := strays(folder):
            logger.warning(f"{folder}: passed over, as no run makes parts of such names: {', '.join(names[:5])}")
    return parts
