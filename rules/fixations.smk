"""Fixations: the point and the view that each method selects in each image."""


rule select_fixations:
    """Select the most salient point of each map, and the view in which the eye arrives."""
    input:
        saliency="results/{dataset}/{view}/{model}/saliency/{method}.h5",
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
    output:
        fixations="results/{dataset}/{view}/{model}/fixations/{method}.parquet",
    log:
        "logs/select_fixations/{dataset}/{view}/{model}/{method}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("select_fixations.py", "analysis"),
        arrival=lambda wc: settings.methods[wc.method].arrival,
    message:
        "Fixations by {wildcards.method}: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/select_fixations.py"
