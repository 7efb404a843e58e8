"""Label maps: the logits of a network at every fixation of every image. This stage takes longest; it runs in parts."""


rule compute_label_maps:
    """Compute the logits of every view of the images of one part; the file appears only when it is complete."""
    input:
        index="results/{dataset}/index.parquet",
        made=per_job(study.network_inputs),
        checked="results/{dataset}/networks/{model}.json",
    output:
        label_maps="results/{dataset}/{view}/{model}/label_maps/{part}of{parts}.h5",
    log:
        "logs/compute_label_maps/{dataset}/{view}/{model}/{part}of{parts}.log",
    wildcard_constraints:
        part="[1-9][0-9]*",
        parts="[1-9][0-9]*",
    priority: 1  # most other jobs wait for them
    conda:
        "../envs/networks.yaml"
    threads: settings.compute.threads
    resources:
        gpu=int(settings.compute.device == "cuda"),
        images_mib=settings.compute.images_mib,  # no param: no result depends on it
    params:
        code=lambda wc: code_of("compute_label_maps.py", "networks", *study.view_modules([wc.view])),
        contents=per_job(study.network_contents),
        classes=as_path(study.classes_file),
        weights=as_path(study.weights_file),
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
    """Check the parts and join them, without copying, into one file."""
    input:
        parts=label_map_parts,
        index="results/{dataset}/index.parquet",
    output:
        label_maps="results/{dataset}/{view}/{model}/label_maps.h5",
    log:
        "logs/join_label_maps/{dataset}/{view}/{model}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("join_label_maps.py", "analysis"),
    message:
        "Joining the label maps of {wildcards.model} on {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/join_label_maps.py"
