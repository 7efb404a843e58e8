"""Code that all rules share: the checked settings, the study that follows from them, and functions that need Snakemake.

A rule names files, a script connects them, the package computes. Settings go from the configuration to params and from there
to arguments; a script never reads the configuration.

Every file that one rule makes and another reads is an input. Params hold the contents of all other files (see
`pipeline.contents`); their paths are of type `Path`, which Snakemake does not compare. It compares the values of params, but
not their names: if two values could be exchanged without notice, they are in one param `by_name`.
"""

import inspect
import os
import sys
from pathlib import Path

from snakemake.logging import logger

from pipeline import session
from pipeline.checks import refuse_files, refuse_names, selected_files
from pipeline.contents import Contents, name_code
from pipeline.parts import strays
from pipeline.patterns import match_any
from pipeline.settings.base import ConfigurationError
from pipeline.settings.datasets import reference_of
from pipeline.settings.reading import read_settings, read_yaml, refuse_repeated_keys
from pipeline.sources import ROOT, remember, sources
from pipeline.study import PAPER_METHODS, Study

session.clear(os.environ)
if workflow.is_main_process:
    remember(Path(".snakemake/imports.json"))

try:
    if workflow.is_main_process:
        session.refuse_repeated_options(sys.argv)
    for path in workflow.overwrite_configfiles:
        refuse_repeated_keys(path)
    settings = read_settings(config)
    study = Study(settings, Contents(Path(".snakemake/contents.json") if workflow.is_main_process else None))
    refuse_names(ROOT, sys.executable)
    session.refuse_misread_paths([ROOT, Path.cwd(), *(path for _, path, _ in selected_files(study))])
    refuse_files(study)
except ConfigurationError as error:
    raise WorkflowError(str(error))

given = workflow.config_settings.overwrite_config
if given and workflow.is_main_process:
    defaults = [read_yaml(ROOT / "config" / name) for name in ("config.yaml", "readings.yaml")]
    for key, names in study.unselected(given, defaults).items():
        selected = ", ".join(getattr(settings.run, key))
        left = ", ".join([*names[:5], f"and {len(names) - 5} more"] if len(names) > 5 else names)
        logger.info(f"run.{key} selects {selected}, but not what your configuration adds: {left}")


wildcard_constraints:
    dataset=match_any(settings.datasets),
    view=match_any(settings.views),
    model=match_any(settings.models),
    method=match_any(settings.methods),


# The paper's numbers and orders.
PAPER, PAPER_ORDERS = ROOT / "resources" / "paper.csv", ROOT / "resources" / "paper_orders.csv"
# The report's labels for results of all networks and methods of a run.
MODELS_AND_METHODS = {"models": ", ".join(settings.run.models), "methods": ", ".join(settings.run.methods)}


def per_job(function, **given):
    """Return a function of a job's wildcards that calls `function` with those that its parameters name.

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


def as_path(function):
    """Return a param that is the path that `function` returns, as a `Path`, which Snakemake does not compare."""
    call = per_job(function)
    return lambda wildcards: Path(call(wildcards))


def code_of(script, environment, *modules, files=()):
    """Return the digest of a rule's code, as a param: new code, or another version of a library, makes results out of date.

    environment: the pinned environment of the rule's group. modules: as for `sources`. files: further ones of the project.
    """
    if not workflow.is_main_process:  # only the main process compares params
        return ""
    return name_code([*sources(script, *modules), ROOT / "envs" / f"{environment}.yaml", *files])


def of_networks(file):
    """Return an input function: one file of the results of every network and view on a data set."""
    return per_job(study.network_files, file=file)


def of_methods(kind, suffix):
    """Return an input function: one file of the results of every network, view and method on a data set."""
    return per_job(study.method_files, kind=kind, suffix=suffix)


def drawn(name, sizes=None, **report_options):
    """Return a figure's files as outputs; the report shows the PNG of the first size."""
    files = study.figure_files("{dataset}", name, sizes)
    first = next(file for file in files if file.endswith(".png"))
    return [report(file, **report_options) if file == first else file for file in files]


def page_of(table):
    """Return the page of a table as an output, with its labels in the report."""
    return report(
        f"results/{{dataset}}/report/{table}.html",
        category="Tables",
        labels={"data set": "{dataset}", "table": table, **MODELS_AND_METHODS},
        caption="../workflow/report/table.rst",
    )


@per_job
def label_map_parts(dataset, view, model):
    """Return the parts of a network's label maps; warn if their number is not that of the settings."""
    parts, planned = study.label_map_parts(dataset, view, model), settings.n_parts(dataset, view, model)
    folder = Path(parts[0]).parent
    if workflow.is_main_process:
        if len(parts) != planned:
            logger.warning(
                f"{folder} stays divided into {len(parts)} parts, as begun, not {planned}; delete it to begin anew"
            )
        if names := strays(folder):
            logger.warning(f"{folder}: ignored, as no run makes parts of such names: {', '.join(names[:5])}")
    return parts
