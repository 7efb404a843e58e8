"""Plot what a look in two stages saves and changes, beside the scanpaths."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.two_stages import draw_two_stages
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_two_stages(
    *,
    two_stages: Path,
    scanpaths: Path,
    figures: list[Path],
    view: str,
    sizes: list[str],
    made_by: dict,
    scanned: dict,
) -> None:
    """Draw each network's curves through `view`, in these sizes, in the format of each figure's name.

    made_by, scanned: the settings of the two tables, as from `Study.staged_settings` and
        `Study.scanpath_settings_of_networks`.
    """
    style.prepare()
    staged, paths = read_results(two_stages, made_by), read_results(scanpaths, scanned)
    if not set(staged.attrs["label_maps"]) <= set(paths.attrs["label_maps"]):
        raise InputError(
            f"{scanpaths}: made from other label maps than {two_stages}. Delete the older of the two and run again"
        )
    shown = [table[table["view"] == view] for table in (staged, paths)]
    style.draw(lambda width: draw_two_stages(*shown, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_two_stages, snakemake)
