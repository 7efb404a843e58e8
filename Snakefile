"""Where should a classifier look? From images to the paper's figures; see README.md."""

import gc
import sys
from pathlib import Path

from snakemake.utils import min_version

clone = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
# Snakemake does so, but not where it stands there already, behind another copy, say.
sys.path.insert(0, str(clone))

from begin_job import find_another

# Else Python searches what Snakemake imported for cycles again and again: a third of the time of a run that finds all made.
gc.freeze()

for package in ("labelmaps", "pipeline"):
    if problem := find_another(package, clone):
        raise WorkflowError(problem)

from pipeline.costs import write_costs
from pipeline.made import dates_of_results, describe_made
from pipeline.sources import ROOT, shown
from pipeline.terminal import show_results, take_over

min_version("9.0")
terminal = take_over(workflow)


configfile: shown(ROOT / "config" / "config.yaml")
configfile: shown(ROOT / "config" / "readings.yaml")


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/dataset.smk"
include: "rules/networks.smk"
include: "rules/label_maps.smk"
include: "rules/saliency.smk"
include: "rules/fixations.smk"
include: "rules/scores.smk"
include: "rules/figures.smk"
include: "rules/explorer.smk"
include: "rules/readings.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        figures=[
            file
            for dataset in settings.run.datasets
            for view in settings.run.views
            for figure in (
                f"figure_2_{view}",
                f"trade_off_{view}",
                f"nulls_{view}",
                f"best_of_n_{view}",
                f"who_gains_{view}",
                *(f"label_noise_{view}" for _ in study.list_file(dataset, "acceptable_labels")),
                f"scanpaths_{view}",
                *(
                    f"figure_1/{view}/{model}/{example}"
                    for model in settings.run.models
                    for example in study.examples(dataset)
                ),
            )
            for file in study.figure_files(dataset, figure)
        ],
        views=[
            file
            for dataset in settings.run.datasets
            for view in settings.run.views
            for file in study.figure_files(dataset, f"views_{view}", ["page"])
        ],
        contact_sheets=[
            file
            for dataset in settings.run.datasets
            for file in study.figure_files(dataset, "contact_sheet", ["page"])
        ],
        tables=[
            table
            for dataset in settings.run.datasets
            for name in TABLES
            for table in study.table_files(dataset, name)
        ],
        explorers=[f"{study.folder(dataset)}/explorer.html" for dataset in settings.run.datasets],
        fidelity=[
            table for sample in study.watched_samples() for table in study.table_files(sample, "fidelity")
        ],


before = {}
if terminal:
    terminal.results = lambda: describe_made(study, {})


onstart:
    before.update(dates_of_results(study))


onsuccess:
    show_results(workflow, describe_made(study, before))
    write_costs(study)


onerror:
    write_costs(study)
