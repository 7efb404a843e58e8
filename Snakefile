"""Where should a classifier look? From images to the paper's figures; see README.md."""

from snakemake.utils import min_version

from pipeline.sources import ROOT, shown

min_version("9.0")


configfile: shown(ROOT / "config" / "config.yaml")


include: "rules/common.smk"
include: "rules/dataset.smk"
include: "rules/networks.smk"
include: "rules/label_maps.smk"
include: "rules/saliency.smk"
include: "rules/fixations.smk"
include: "rules/scores.smk"
include: "rules/figures.smk"


rule all:
    default_target: True
    input:
        figures=[
            f"results/{dataset}/figures/figure_2_{view}.{format}"
            for dataset in settings.run.datasets
            for view in settings.run.views
            for format in FIGURE_FORMATS
        ],
        tables=expand("results/{dataset}/summary.csv", dataset=settings.run.datasets),


onsuccess:
    for dataset in settings.run.datasets:
        if Path(f"results/{dataset}/summary.csv").exists():
            print(f"Figures: results/{dataset}/figures/   Summary: results/{dataset}/summary.csv")
