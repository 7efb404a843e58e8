"""Saliency: what each fixation is worth, per method; the same schema for all methods."""


rule compute_saliency:
    """A method's saliency maps, from label maps."""
    input:
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        index="results/{dataset}/index.parquet",
        code=lambda wc: sources("compute_saliency.py", *study.method_modules([wc.method])),
        env=environment("analysis"),
    output:
        saliency="results/{dataset}/{view}/{model}/saliency/{method}.h5",
    log:
        "logs/compute_saliency/{dataset}/{view}/{model}/{method}.log",
    benchmark:
        "logs/compute_saliency/{dataset}/{view}/{model}/{method}.tsv"
    wildcard_constraints:
        method=match_any(study.methods_on("label maps")),
    conda:
        "../envs/analysis.yaml"
    params:
        method=lambda wc: settings.methods[wc.method].method,
        options=lambda wc: settings.methods[wc.method].options,
    message:
        "Saliency by {wildcards.method}: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/compute_saliency.py"


rule compute_glimpse_saliency:
    """A method's saliency maps, from what the network's last block says of x₀."""
    input:
        index="results/{dataset}/index.parquet",
        classes=per_job(study.classes_file),
        weights=per_job(study.weights_file),
        code=lambda wc: sources(
            "compute_glimpse_saliency.py",
            *study.view_modules([wc.view]),
            *study.method_modules([wc.method]),
        ),
        env=environment("networks"),
    output:
        saliency="results/{dataset}/{view}/{model}/saliency/{method}.h5",
    log:
        "logs/compute_glimpse_saliency/{dataset}/{view}/{model}/{method}.log",
    benchmark:
        "logs/compute_glimpse_saliency/{dataset}/{view}/{model}/{method}.tsv"
    wildcard_constraints:
        method=match_any(study.methods_on("glimpse")),
    conda:
        "../envs/networks.yaml"
    threads: settings.compute.threads
    resources:
        gpu=int(settings.compute.device == "cuda"),
    params:
        method=lambda wc: settings.methods[wc.method].method,
        options=lambda wc: settings.methods[wc.method].options,
        view_config=per_job(study.view_of_maps),
        network_config=per_job(study.network),
        compute_config=per_job(study.compute),
    message:
        "Saliency by {wildcards.method}: {wildcards.model} on {wildcards.dataset} through {wildcards.view} (GPUs: {resources.gpu})"
    script:
        "../workflow/scripts/compute_glimpse_saliency.py"
