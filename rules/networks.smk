"""Networks: the weights of each are one file, which is downloaded, trained, drawn at random, or the user's own."""


rule download_weights:
    """Download torchvision's weights, checked by the hash in their file name."""
    output:
        weights="resources/networks/torchvision/{architecture}-{weights}.pth",
    log:
        "logs/download_weights/{architecture}-{weights}.log",
    localrule: True  # a cluster's nodes may have no access to the internet
    conda:
        "../envs/networks.yaml"
    params:
        code=code_of("download_weights.py", "networks"),
        architecture="{architecture}",
        name="{weights}",
    message:
        "Downloading torchvision's {wildcards.weights} weights of {wildcards.architecture}"
    script:
        "../workflow/scripts/download_weights.py"


rule download_timm_weights:
    """Download timm's weights from the hub of Hugging Face, checked by a sha256: the configuration's or the hub's."""
    output:
        weights="resources/networks/timm/{architecture}-{tag}-{pin}.safetensors",
    log:
        "logs/download_timm_weights/{architecture}-{tag}-{pin}.log",
    wildcard_constraints:
        architecture="[^-/]+",
        tag="[^-/]+",
        pin="(main|[0-9a-f]+)(-[0-9a-f]+)?",
    localrule: True  # as for `download_weights`
    conda:
        "../envs/networks.yaml"
    params:
        code=code_of("download_timm_weights.py", "networks"),
        name="{architecture}.{tag}",
        by_name=per_job(study.timm_pins),
    message:
        "Downloading timm's {wildcards.tag} weights of {wildcards.architecture}"
    script:
        "../workflow/scripts/download_timm_weights.py"


rule train_network:
    """Train a small network on synthetic scenes that share no random stream with the evaluation's."""
    output:
        weights="resources/networks/trained/{model}.pth",
    log:
        "logs/train_network/{model}.log",
    conda:
        "../envs/networks.yaml"
    threads: settings.compute.threads
    params:
        code=code_of("train_network.py", "networks"),
        architecture=lambda wc: settings.models[wc.model].architecture,
        training=per_job(study.training),
        n_threads=settings.compute.threads,  # the weights depend on the number of threads
    message:
        "Training {wildcards.model} on synthetic scenes"
    script:
        "../workflow/scripts/train_network.py"


rule draw_random_weights:
    """Draw random weights, for benchmarks and tests only."""
    input:
        made=per_job(study.classes_inputs),
    output:
        weights="resources/networks/random/{dataset}/{model}.pth",
    log:
        "logs/draw_random_weights/{dataset}/{model}.log",
    conda:
        "../envs/networks.yaml"
    params:
        code=code_of("draw_random_weights.py", "networks"),
        contents=per_job(study.drawn_contents),
        classes=as_path(study.classes_file),
        network_config=per_job(study.network),
        seed=lambda wc: settings.models[wc.model].random.seed,
    message:
        "Drawing random weights for {wildcards.model}"
    script:
        "../workflow/scripts/draw_random_weights.py"


rule check_network:
    """Check a network on a data set in seconds, before its label maps take hours.

    Its params are among those of the label maps, so that these are computed again if it runs again.
    """
    input:
        index="results/{dataset}/index.parquet",
        made=per_job(study.network_inputs),
    output:
        checked="results/{dataset}/networks/{model}.json",
    log:
        "logs/check_network/{dataset}/{model}.log",
    priority: 2
    retries: 0  # a mistake would only be repeated
    conda:
        "../envs/networks.yaml"
    params:
        code=code_of("check_network.py", "networks"),
        contents=per_job(study.network_contents),
        classes=as_path(study.classes_file),
        weights=as_path(study.weights_file),
        network_config=per_job(study.network),
    message:
        "Checking {wildcards.model} on {wildcards.dataset}"
    script:
        "../workflow/scripts/check_network.py"
