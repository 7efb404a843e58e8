"""Download torchvision's weights for an architecture."""

from labelmaps.jobs.logs import job
from labelmaps.networks.download import download_weights
from labelmaps.networks.preprocessing import torchvision_weights

if __name__ == "__main__":
    with job(snakemake.log[0]):
        weights = torchvision_weights(snakemake.params.architecture, snakemake.params.weights)
        download_weights(weights.url, snakemake.output.weights)
