"""The report's tables: `snakemake --report report.zip` collects them with the figures."""

# Table → title and what a reader should know of it.
TABLES = {
    "summary": (
        "Summary",
        "Accuracy before and after the saccade, the gain between them, the Pointing Game (among the images with a box), and "
        "the accuracy of the labels that a method itself gives, with 95 % intervals (Wilson; Bonett and Price for gains).",
    ),
    "paper": (
        "The paper's numbers beside ours",
        "Compatible: the paper's value lies in our 95 % interval; said only of the same architecture and weights on the same "
        "data set. The paper does not define its view. Its gains here are its accuracy after minus before.",
    ),
    "paper_orders": (
        "The paper's orders beside ours",
        "Of the measure, the paper has more with the first method than with the second, for ResNet-101. Ours: the difference "
        "over the same images, with its 95 % interval.",
    ),
}


rule render_table:
    """A table as a page for the report."""
    input:
        table="results/{dataset}/{table}.csv",
        code=sources("render_table.py"),
        env=environment("analysis"),
    output:
        page=report(
            "results/{dataset}/report/{table}.html",
            category="Tables",
            labels={"data set": "{dataset}", "table": "{table}", **MODELS_AND_METHODS},
            caption="../workflow/report/table.rst",
        ),
    log:
        "logs/render_table/{dataset}/{table}.log",
    wildcard_constraints:
        table="|".join(TABLES),
    conda:
        "../envs/analysis.yaml"
    params:
        title=lambda wc: f"{TABLES[wc.table][0]}: {wc.dataset}",
        note=lambda wc: TABLES[wc.table][1],
    message:
        "Rendering the table {wildcards.table} of {wildcards.dataset}"
    script:
        "../workflow/scripts/render_table.py"
