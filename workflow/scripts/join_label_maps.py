"""Verify the parts of a network's label maps and join them."""

from pathlib import Path

from labelmaps.label_map_file import join_label_maps
from labelmaps.logs import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        join_label_maps([Path(part) for part in snakemake.input.parts], Path(snakemake.output.label_maps))
