"""Networks: every network becomes one state dict file, downloaded, trained, drawn at random, or the user's own."""


rule download_weights:
    """Download torchvision's weights, checked by the hash in their file name."""
    input:
        code=sources("download_weights.py"),
        env=environment("networks"),
    output:
        weights="resources/networks/torchvision/{architecture}-{weights}.pth",
    params:
        architecture="{architecture}",
        weights="{weights}",
    log:
        "logs/download_weights/{architecture}-{weights}.log",
    conda:
        "../envs/networks.yaml"
    script:
        "../workflow/scripts/download_weights.py"


rule train_network:
    """Train a small network on synthetic scenes that share no random stream with the evaluation's."""
    input:
        code=sources("train_network.py"),
        env=environment("networks"),
    output:
        weights="resources/networks/trained/{model}.pth",
    params:
        architecture=lambda wc: settings.models[wc.model].architecture,
        training=lambda wc: settings.models[wc.model].train.model_dump(),
        threads=settings.compute.threads,
    threads: settings.compute.threads
    log:
        "logs/train_network/{model}.log",
    conda:
        "../envs/networks.yaml"
    script:
        "../workflow/scripts/train_network.py"


rule draw_random_weights:
    """Random weights, for benchmarks and tests only."""
    input:
        classes=classes_file,
        code=sources("draw_random_weights.py"),
        env=environment("networks"),
    output:
        weights="resources/networks/random/{dataset}/{model}.pth",
    params:
        architecture=lambda wc: settings.models[wc.model].architecture,
        seed=lambda wc: settings.models[wc.model].random.seed,
        size=lambda wc: settings.models[wc.model].size,
    log:
        "logs/draw_random_weights/{dataset}/{model}.log",
    conda:
        "../envs/networks.yaml"
    script:
        "../workflow/scripts/draw_random_weights.py"


def weights_file(wildcards):
    """The state dict of a network."""
    model = settings.models[wildcards.model]
    if model.weights is not None:
        return f"resources/networks/torchvision/{model.architecture}-{model.weights}.pth"
    if model.train is not None:
        return f"resources/networks/trained/{wildcards.model}.pth"
    if model.random is not None:
        return f"resources/networks/random/{wildcards.dataset}/{wildcards.model}.pth"
    return model.checkpoint
