"""The message at the end of a run: which figures, tables and pages it made."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.study import Study

# Name in the message → pattern of the files in a data set's folder.
SHOWN = {"Figures": "figures/**/*.*", "Tables": "*.csv", "Explorer": "explorer.html"}


def dates_of_results(study: Study) -> dict[Path, int]:
    """Return path → date, in ns, of the figures, tables and explorers of the run's data sets and their samples."""
    datasets = dict.fromkeys([*study.settings.run.datasets, *study.samples()])
    return {
        path: path.stat().st_mtime_ns
        for dataset in datasets
        for pattern in SHOWN.values()
        for path in sorted(Path(study.folder(dataset)).glob(pattern))
    }


def describe_made(study: Study, before: dict[Path, int]) -> Iterator[str]:
    """Yield a line for each data set for which a run made something: the places of figures, tables and explorer.

    before: the dates from `dates_of_results` when the run began.
    """
    made = {path for path, date in dates_of_results(study).items() if before.get(path) != date}
    for dataset in dict.fromkeys(path.parts[1] for path in sorted(made)):
        folder = Path(study.folder(dataset))
        places = {name: sorted(made.intersection(folder.glob(pattern))) for name, pattern in SHOWN.items()}
        if places["Figures"]:
            places["Figures"] = [folder / "figures"]
        texts = [
            f"{name}: {', '.join(f'{path}/' if path.is_dir() else str(path) for path in paths)}"
            for name, paths in places.items()
            if paths
        ]
        if places["Figures"] or places["Explorer"]:
            texts.append("Report: run again with --report report.zip")
        yield "   ".join(texts)
