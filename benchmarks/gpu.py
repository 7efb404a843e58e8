"""All measurements that need a GPU, in one run: the whole of Figure 2, and label maps beside bare forward passes.

    python -m benchmarks.gpu FOLDER [--images 500 4000] [--networks resnet101 resnet18] [--cores 16] [--threads 6]
        [--device cuda]

Runs `benchmarks.whole_run` in FOLDER, and then, for each network and on the images that were generated there,
`benchmarks.label_maps`: compiled in bfloat16, with the engines `exact` and `shared`. Try it on a CPU with few images first.
"""

import argparse
import subprocess
import sys

from benchmarks import whole_run

WAYS = ["bfloat16 compiled", "shared bfloat16 compiled"]
BLOCKS = 4


def main() -> None:
    """Run the measurements one after another."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[whole_run.make_parser()],
    )
    parser.add_argument("--threads", type=int, default=6)
    arguments = parser.parse_args()

    def measure(module: str, *options: object) -> None:
        command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, options)]
        print(*command, flush=True)
        subprocess.run(command, check=True)

    few, many = sorted(arguments.images)
    networks = ["--networks", *arguments.networks]
    machine = ["--cores", arguments.cores, "--device", arguments.device]
    measure("whole_run", arguments.folder, "--images", few, many, *networks, *machine)
    sizes = ["--images", many, "--block", many // BLOCKS, "--threads", arguments.threads]
    for network in arguments.networks:
        measure("label_maps", arguments.folder / "images", network, *sizes, "--ways", *WAYS)


if __name__ == "__main__":
    main()
