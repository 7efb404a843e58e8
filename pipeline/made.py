"""The message at the end of a run: its table of results, and which figures, tables and pages it made."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.results_table import table_of
from pipeline.study import Study

# Name in the message → pattern of the files in a data set's folder.
SHOWN = {"Figures": "figures/**/*.*", "Tables": "*.csv", "Explorer": "explorer.html"}
SUMMARY = "summary.csv"  # whose table is shown
MOST_NAMED = 3  # tables


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
    """Yield lines for each data set for which a run made something: its table of results, and the places of the rest.

    before: the dates from `dates_of_results` when the run began.
    """
    made = {path for path, date in dates_of_results(study).items() if before.get(path) != date}
    for dataset in dict.fromkeys(path.parts[1] for path in sorted(made)):
        folder = Path(study.folder(dataset))
        if folder / SUMMARY in made:
            yield from table_of(folder / SUMMARY)
        places = {name: sorted(made.intersection(folder.glob(pattern))) for name, pattern in SHOWN.items()}
        if places["Figures"]:
            yield f"Figures: {folder}/figures/"
        if tables := places["Tables"]:
            tables.sort(key=lambda path: path.name != SUMMARY)  # which comes first
            more = len(tables) - MOST_NAMED
            named = [*map(str, tables[:1]), *(path.name for path in tables[1:MOST_NAMED])]
            yield f"Tables: {', '.join(named)}" + f" and {more} more" * (more > 0)
        for page in places["Explorer"]:
            yield f"Explorer: {page}, to be opened in a browser"
        if places["Figures"] or places["Explorer"]:
            yield "All in one page: run again with --report report.zip"
