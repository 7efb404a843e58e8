"""Label maps: the logits of a network at every fixation of every image. The long stage, in parts, on the GPU."""


rule compute_label_maps:
    """Look at the images of one part through every view; each part appears only when whole."""
    input:
        index="results/{dataset}/index.parquet",
        classes=per_job(study.classes_file),
        weights=per_job(study.weights_file),
        code=lambda wc: sources("compute_label_maps.py", *study.view_modules([wc.view])),
        env=environment("networks"),
    output:
        label_maps="results/{dataset}/{view}/{model}/label_maps/{part}of{parts}.h5",
    log:
        "logs/compute_label_maps/{dataset}/{view}/{model}/{part}of{parts}.log",
    benchmark:
        "logs/compute_label_maps/{dataset}/{view}/{model}/{part}of{parts}.tsv"
    conda:
        "../envs/networks.yaml"
    wildcard_constraints:
        part="[1-9][0-9]*",
        parts="[1-9][0-9]*",
    threads: settings.compute.threads
    resources:
        gpu=int(settings.compute.device == "cuda"),
    params:
        part=lambda wc: int(wc.part),
        parts=lambda wc: int(wc.parts),
        engine_name=per_job(study.engine),
        view_config=per_job(study.view),
        network_config=per_job(study.network),
        compute_config=per_job(study.compute),
    message:
        "{wildcards.model} looks at {wildcards.dataset} through {wildcards.view}, part {wildcards.part} of {wildcards.parts} (GPUs: {resources.gpu})"
    script:
        "../workflow/scripts/compute_label_maps.py"


rule join_label_maps:
    """Verify the parts and join them, without copying, into one file."""
    input:
        parts=label_map_parts,
        index="results/{dataset}/index.parquet",
        code=sources("join_label_maps.py"),
        env=environment("analysis"),
    output:
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
    log:
        "logs/join_label_maps/{dataset}/{view}/{model}.log",
    benchmark:
        "logs/join_label_maps/{dataset}/{view}/{model}.tsv"
    conda:
        "../envs/analysis.yaml"
    message:
        "Joining the label maps of {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/join_label_maps.py"
