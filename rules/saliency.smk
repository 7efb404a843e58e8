"""Saliency: the maps of each method, in files with the same schema for all methods."""


rule compute_saliency:
    """Compute a method's saliency maps from label maps."""
    input:
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
        index="results/{dataset}/index.parquet",
    output:
        saliency="results/{dataset}/{view}/{model}/saliency/{method}.h5",
    log:
        "logs/compute_saliency/{dataset}/{view}/{model}/{method}.log",
    wildcard_constraints:
        method=match_any(study.methods_on("label maps")),
    conda:
        "../envs/analysis.yaml"
    params:
        code=lambda wc: code_of("compute_saliency.py", "analysis", *study.method_modules([wc.method])),
        method=lambda wc: settings.methods[wc.method].method,
        options=lambda wc: settings.methods[wc.method].options,
    message:
        "Saliency by {wildcards.method}: {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/compute_saliency.py"


rule compute_glimpse_saliency:
    """Compute a method's saliency maps from the activations of the network's last block at x₀."""
    input:
        index="results/{dataset}/index.parquet",
        made=per_job(study.network_inputs),
        checked="results/{dataset}/networks/{model}.json",
    output:
        saliency="results/{dataset}/{view}/{model}/saliency/{method}.h5",
    log:
        "logs/compute_glimpse_saliency/{dataset}/{view}/{model}/{method}.log",
    wildcard_constraints:
        method=match_any(study.methods_on("glimpse")),
    conda:
        "../envs/networks.yaml"
    threads: settings.compute.threads
    resources:
        gpu=int(settings.compute.device == "cuda"),
        images_mib=settings.compute.images_mib,  # no param: no result depends on it
    params:
        code=lambda wc: code_of(
            "compute_glimpse_saliency.py",
            "networks",
            *study.view_modules([wc.view]),
            *study.method_modules([wc.method]),
        ),
        contents=per_job(study.network_contents),
        classes=as_path(study.classes_file),
        weights=as_path(study.weights_file),
        method=lambda wc: settings.methods[wc.method].method,
        options=lambda wc: settings.methods[wc.method].options,
        view_config=per_job(study.view_of_maps),
        network_config=per_job(study.network),
        layer=per_job(study.layer),
        compute_config=per_job(study.compute),
    message:
        "Saliency by {wildcards.method}: {wildcards.model} on {wildcards.dataset} through {wildcards.view} (GPUs: {resources.gpu})"
    script:
        "../workflow/scripts/compute_glimpse_saliency.py"
