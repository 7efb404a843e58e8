"""Write the conda environments in envs/ from uv.lock: `python -m pipeline.environments`, or `--check` to compare them.

There is one file per dependency group in which rules run: the exact Python minor version, pip, and all packages of the group
at the versions of the lock. uv.lock's names are PyPI's, so pip installs them.
"""

import argparse
import subprocess
import sys

import yaml

from pipeline.sources import ROOT

GROUPS = ("dataset", "networks", "analysis", "figures")
PYTHON = "3.11"  # the oldest that pyproject.toml accepts
HEADER = "# Generated from uv.lock by `python -m pipeline.environments`; do not edit.\n"


def environment(group: str) -> str:
    """Return the text of envs/{group}.yaml."""
    export = [
        "uv",
        "export",
        "--frozen",
        "--only-group",
        group,
        "--no-hashes",
        "--no-annotate",
        "--no-header",
    ]
    pins = subprocess.run(
        export, cwd=ROOT, check=True, capture_output=True, encoding="utf-8"
    ).stdout.splitlines()
    content = {"channels": ["conda-forge"], "dependencies": [f"python={PYTHON}", "pip", {"pip": pins}]}
    return HEADER + yaml.safe_dump(content, sort_keys=False, width=1000)


def main() -> None:
    """Write every environment; with `--check` compare them, and exit with a message if one differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file differs")
    check = parser.parse_args().check
    for group in GROUPS:
        path, text = ROOT / "envs" / f"{group}.yaml", environment(group)
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} differs from uv.lock: run `python -m pipeline.environments`")


if __name__ == "__main__":
    main()
