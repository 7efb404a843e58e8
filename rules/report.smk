"""The report's tables: `snakemake --report report.zip` collects them with the figures."""

# Table → its title and the note above it.
TABLES = {
    "summary": (
        "Summary",
        "Accuracy before and after the saccade, the gain between them, the Pointing Game (among the images with a box), and "
        "the accuracy of the labels that a method itself gives, with 95 % intervals (Wilson; Bonett and Price for gains; "
        "Student for expected outcomes; gain_cluster: a bootstrap over classes). Rows whose cue is 'null model' say what "
        "there is to gain without the method.",
    ),
    "comparisons": (
        "Methods two by two",
        "Accuracy after the saccade over the same images; McNemar's exact test, and Holm's adjustment over the table's pairs "
        "of a network. Among the methods stand nulls that choose no fixation image by image; the best constant "
        "cell (best_cell) is chosen on these very images, which favours it.",
    ),
    "pointing": (
        "The Pointing Game's variants",
        "Any box, the first box, or the authors' cells (the centre of the point's cell, of 7 × 7, lies in a box); tolerance in "
        "pixels; by the boxes' share of the image, on the images whose centre misses (hard), and on those whose boxes leave a "
        "cell free (unfilled: the authors leave the others out). best_cell is chosen on the images it is scored on.",
    ),
    "who_gains": (
        "Who gains",
        "Accuracy before and after the saccade, by the share of the image that the boxes cover, the distance of the nearest box's "
        "centre from the image's (whose sides are 1), whether the boxes fill the grid of 7 × 7 cells (the authors leave such "
        "images out), the number of boxes, and the data set's own factors, if it has any; with 95 % intervals.",
    ),
    "best_of_n": (
        "The best of n views",
        "Exact expectations over n views drawn at random: of the one with the highest probability of the label (best_of_n), "
        "and whether any is right (any_of_n); beside them, whether the label is among the n best of x₀ (top_n).",
    ),
    "scanpaths": (
        "Scanpaths",
        "Several fixations one after another, none twice, x₀ first. Accuracy of the posterior accumulated over them, by the mean "
        "of the views' probabilities or their normalised product (accumulation), its gain over x₀ and over the path outward "
        "from the centre with as many fixations, and accuracy of the last view alone, with 95 % intervals over images. Passes: "
        "the views that the network must see; IGUB, maximum softmax and the oracle (likelihood) choose among all. Rows with a "
        "threshold end each path where the entropy of the accumulated posterior is below it, in nats; fixations, saccades and "
        "passes are means there. Blind: a fixed order learnt on other images; random: the mean over draws.",
    ),
    "paper": (
        "The paper's numbers beside ours",
        "Compatible: the paper's value lies in our 95 % interval, which reaches at most 2 points to either side; not "
        "compatible: it lies outside. Said only of the same architecture and weights, on enough of ImageNet's validation "
        "images; elsewhere the verdict says why there is none. The paper does not define its view. Its gains here are its "
        "accuracy after minus before.",
    ),
    "paper_orders": (
        "The paper's orders beside ours",
        "Of the measure, the paper has more with the first method than with the second, for ResNet-101. Ours: the difference "
        "over the same images, with its 95 % interval. A verdict only with trained weights, on 100 or more of ImageNet's "
        "validation images.",
    ),
}
# The same for the tables of the targets `fidelity`, `calibration`, `two_stages` and `sweeps`.
READINGS = {
    "fidelity": (
        "Fidelity: the run beside the exact engine in float32",
        "On a sample: the share of views, and of x₀, whose top label differs; accuracies by the reference and as the run "
        "computes them, with the change's 95 % interval; images right in the run alone (corrected) or in the reference alone "
        "(broken), and McNemar's exact p.",
    ),
    "calibration": (
        "Readings of the protocol",
        "The misfit to the paper's numbers, weighted by the inverse covariance of ours; its χ² p, as if no other reading had been "
        "tried; and how often a resample of the images has no better reading. The paper's gains are ResNet-101's, on ImageNet. "
        "Without trained weights or 100 of its images there is no rank, p or share, and the verdict says why.",
    ),
    "calibration_terms": (
        "Readings of the protocol, number by number",
        "Ours with its 95 % interval, the paper's, and the deviation in standard errors (z).",
    ),
    "two_stages": (
        "Two stages",
        "The inner views first, the outer ring of the grid always (all views), where the best inner value is below a bound (the "
        "quantile, over other images, of the best outer value), or never. Passes: the mean of the views that the network "
        "must see. Accuracy of the chosen view and its change against all views, with 95 % intervals over images; same_view: how "
        "often the view is that chosen among all. Methods whose values of inner views need the outer ones are left out.",
    ),
} | {
    f"sweep_{option}": (
        f"Sweep of {option}",
        "Accuracy after the saccade with 95 % intervals. views: forward passes per image that the method takes; gflop: their cost.",
    )
    for option in settings.sweeps
}


rule render_tables:
    """Render the tables of a run as pages for the report, in one job, since starting Python takes longer than a table."""
    input:
        tables=expand("results/{{dataset}}/{table}.parquet", table=TABLES),
    output:
        pages=[page_of(table) for table in TABLES],
    log:
        "logs/render_tables/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("render_tables.py", "analysis"),
        titles=lambda wc: [f"{title}: {wc.dataset}" for title, _ in TABLES.values()],
        notes=[note for _, note in TABLES.values()],
        made_by=per_job(lambda dataset: [study.table_settings(dataset, table) for table in TABLES]),
    message:
        "Rendering the tables of {wildcards.dataset}"
    script:
        "../workflow/scripts/render_tables.py"


rule render_reading:
    """Render a table of the readings as a page for the report."""
    input:
        tables=["results/{dataset}/{table}.parquet"],
    output:
        pages=[page_of("{table}")],
    log:
        "logs/render_reading/{dataset}/{table}.log",
    wildcard_constraints:
        table=match_any(READINGS),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("render_tables.py", "analysis"),
        titles=lambda wc: [f"{READINGS[wc.table][0]}: {wc.dataset}"],
        notes=lambda wc: [READINGS[wc.table][1]],
        made_by=per_job(lambda dataset, table: [study.table_settings(dataset, table)]),
    message:
        "Rendering the table {wildcards.table} of {wildcards.dataset}"
    script:
        "../workflow/scripts/render_tables.py"
