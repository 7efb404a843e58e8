"""Saliency: what each fixation is worth, per method; the same schema for all methods."""


rule compute_saliency:
    """A method's saliency maps, from label maps."""
    input:
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        index="results/{dataset}/index.parquet",
        code=lambda wc: sources(
            "compute_saliency.py", f"labelmaps.methods.{settings.methods[wc.method].method}"
        ),
        env=environment("analysis"),
    output:
        saliency="results/{dataset}/{view}/{model}/saliency/{method}.h5",
    log:
        "logs/compute_saliency/{dataset}/{view}/{model}/{method}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        method=lambda wc: settings.methods[wc.method].method,
        options=lambda wc: settings.methods[wc.method].options,
    message:
        "Saliency by {wildcards.method}: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/compute_saliency.py"
