"""Build the site in site/html/ and check every link: `uv run --only-group docs python -m website`, or show it: `--serve`."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from website.check import find_faults
from website.pages import ROOT, navigation, write_sources

BUILD = ROOT / "site"  # ignored by git
SITE = BUILD / "html"


def main() -> None:
    """Write the sources and the configuration, have them built, and check what was built."""
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="show the site at http://localhost:8000 instead")
    is_served = parser.parse_args().serve
    shutil.rmtree(BUILD, ignore_errors=True)
    write_sources(BUILD / "sources")
    (BUILD / "mkdocs.yml").write_text(write_configuration(), encoding="utf-8")
    command = ["serve"] if is_served else ["build", "--strict", "--clean"]
    result = subprocess.run(
        [sys.executable, "-m", "zensical", *command, "-f", str(BUILD / "mkdocs.yml")], check=False
    )
    if result.returncode or is_served:
        sys.exit(result.returncode)
    if faults := find_faults(SITE):
        sys.exit("\n".join(faults))


def write_configuration() -> str:
    """Write the configuration of site.yml with the navigation, the folders, and what GitHub says of the repository."""
    config = yaml.safe_load(Path(__file__).with_name("site.yml").read_text(encoding="utf-8"))
    config["nav"] = navigation(config["nav"])
    config |= {"docs_dir": "sources", "site_dir": SITE.name}
    (plugin,) = (item["mkdocstrings"] for item in config["plugins"] if isinstance(item, dict))
    python = plugin["handlers"]["python"]
    python["paths"] = [str(ROOT)]
    python["options"]["extensions"] = [str(ROOT / "website/docstrings.py")]
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        owner, name = repository.split("/")
        config["site_url"] = f"https://{owner.lower()}.github.io/{name}/"
        link = {"icon": "fontawesome/brands/github", "link": f"https://github.com/{repository}"}
        config["extra"]["social"] = [link]
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


if __name__ == "__main__":
    main()
