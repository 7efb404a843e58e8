"""Draw the synthetic scenes of the embedded default."""

from pathlib import Path
from tempfile import TemporaryDirectory

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.scenes.scene import write_scenes
from labelmaps.storage.files import explaining_refusals


def generate_scenes(*, images: Path, boxes: Path, classes: Path, n: int, seed: int, threads: int) -> None:
    """Write `n` scenes, their boxes and the classes; each output appears complete or not at all."""
    with (
        explaining_refusals(images.parent),
        TemporaryDirectory(dir=images.parent, prefix=".scenes.") as temporary,
    ):
        folder = Path(temporary)
        write_scenes(folder, n, seed, threads)
        (folder / "images").replace(images)
        (folder / "boxes.csv").replace(boxes)
        (folder / "classes.txt").replace(classes)


if __name__ == "__main__":
    run_script(generate_scenes, snakemake)
