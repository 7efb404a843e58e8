"""Download torchvision's weights for an architecture."""

from labelmaps import networks
from labelmaps.logs import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        url = networks.weights_url(snakemake.params.architecture, snakemake.params.weights)
        networks.download_weights(url, snakemake.output.weights)
