"""What each stage of a data set took, from the last lines of its jobs' logs: the table `cost.csv`.

It is no output of a rule and no input of any: seconds differ from run to run, and what depended on them would be made anew.
It is written when a run ends, well or not, from the logs that lie there, so it also counts jobs of earlier runs whose
results are used. A job that was tried again counts by its last try, and one that has not ended well not at all.
"""

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from labelmaps.errors import InputError
from labelmaps.jobs.logs import read_cost, read_rate
from labelmaps.storage.files import moved_into_place
from pipeline.study import Study

logger = logging.getLogger(__name__)
ALL = "all"  # the stage of the first row, which sums the others
COLUMNS = (
    *("stage", "view", "model", "jobs", "seconds", "processor_seconds"),
    *("images_per_second", "memory_mib", "device"),
)


@dataclass(frozen=True)
class Cost:
    """What jobs took together.

    seconds, processor_seconds: sums over the jobs. memory_mib: of the largest. images, image_seconds: how many images jobs
    that say so went through, and how long that took without their start. devices: that they name, else "cpu".
    """

    jobs: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    memory_mib: int = 0
    images: int = 0
    image_seconds: float = 0.0
    devices: tuple[str, ...] = ()

    def __add__(self, other: "Cost") -> "Cost":
        """Return what both took together."""
        return Cost(
            self.jobs + other.jobs,
            self.seconds + other.seconds,
            self.processor_seconds + other.processor_seconds,
            max(self.memory_mib, other.memory_mib),
            self.images + other.images,
            self.image_seconds + other.image_seconds,
            tuple(dict.fromkeys(self.devices + other.devices)),
        )

    def fields(self) -> dict[str, str]:
        """Return the table's fields; images_per_second is empty where no job counts images."""
        rate = f"{self.images / self.image_seconds:.3g}" if self.image_seconds else ""
        return {
            "jobs": str(self.jobs),
            "seconds": f"{self.seconds:.1f}",
            "processor_seconds": f"{self.processor_seconds:.1f}",
            "images_per_second": rate,
            "memory_mib": str(self.memory_mib),
            "device": ", ".join(self.devices),
        }


def write_costs(study: Study, logs: Path = Path("logs")) -> None:
    """Write `cost.csv` beside the results of each data set of which there are logs; say so where that is refused.

    logs: the folder of the jobs' logs, `{rule}/{dataset}/{view}/{model}/….log`, of which each rule has as many levels as it
    needs.
    """
    found = sorted(logs.glob("*/**/*.log"))
    for dataset in study.settings.datasets:
        folder = Path(study.folder(dataset))
        costs = costs_of(study, dataset, found, logs) if folder.is_dir() else {}
        if costs:
            path = folder / "cost.csv"
            try:
                with moved_into_place(path) as temporary:
                    temporary.write_text(table_of(costs), encoding="utf-8", newline="")
            except (InputError, OSError) as error:  # the results are there all the same
                logger.warning("%s is not written: %s", path, error)


def costs_of(
    study: Study, dataset: str, found: Sequence[Path], logs: Path
) -> dict[tuple[str, str, str], Cost]:
    """Sum what the jobs of a data set took: stage, view, model → cost, in the order of the logs.

    found: the logs of all jobs. Those of views and networks that the configuration does not have are passed over.
    """
    costs: dict[tuple[str, str, str], Cost] = {}
    for path in found:
        stage, first, *names = path.relative_to(logs).with_suffix("").parts
        if first != dataset:
            continue
        network = place_of(study, names)
        if network is not None:
            with suppress(OSError):
                cost = cost_in(path.read_text(encoding="utf-8", errors="replace"))
                if cost is not None:
                    key = (stage, *network)
                    costs[key] = costs.get(key, Cost()) + cost
    return costs


def cost_in(log: str) -> Cost | None:
    """Read what the job of a log took; None if the log does not say that it ended well."""
    found, rate = read_cost(log), read_rate(log)
    if found is None:
        return None
    n_images, image_seconds, device = rate or (0, 0.0, "cpu")
    return Cost(1, *found, n_images, image_seconds, (device,))


def place_of(study: Study, names: Sequence[str]) -> tuple[str, str] | None:
    """Return the view and the network of a job by the names in its log's path; empty texts where it is of all.

    Returns None for a view or a network that the configuration does not have.
    """
    views, models = study.settings.views, study.settings.models
    if len(names) > 1:
        view, model, *_ = names
        return (view, model) if view in views and model in models else None
    (name,) = names or [""]
    return (name, "") if name in views else ("", name if name in models else "")


def table_of(costs: Mapping[tuple[str, str, str], Cost]) -> str:
    """Write the table, what took longest first, below a row that sums it."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows_of(costs))
    return text.getvalue()


def rows_of(costs: Mapping[tuple[str, str, str], Cost]) -> Iterator[dict[str, str]]:
    """Yield the rows of the table."""
    of_all = replace(sum(costs.values(), Cost()), images=0, image_seconds=0.0)  # of some stages alone
    yield {"stage": ALL, "view": "", "model": "", **of_all.fields()}
    for (stage, view, model), cost in sorted(costs.items(), key=lambda item: -item[1].seconds):
        yield {"stage": stage, "view": view, "model": model, **cost.fields()}
