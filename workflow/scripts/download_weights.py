"""Download torchvision's weights for an architecture."""

from labelmaps import networks
from labelmaps.logs import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        weights = networks.torchvision_weights(snakemake.params.architecture, snakemake.params.weights)
        networks.download_weights(weights.url, snakemake.output.weights)
