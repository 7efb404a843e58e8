"""The workflow as its users run it: end to end, rerunning only what changed, refusing what cannot be."""

import doctest
import json
import os
import re
import shutil
from contextlib import contextmanager
from functools import partial

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import labelmaps
from helpers.browser import needs_browser, opened
from helpers.damage import flip_data
from helpers.notebooks import cells_of, kinds, run
from helpers.runs import (
    SIZES,
    contents_of,
    copy_repository,
    jobs_that_ran,
    planned_jobs,
    run_snakemake,
    snakemake,
    succeed,
    write_config,
    write_images,
)
from labelmaps.networks.weights import random_weights, save_weights
from labelmaps.scoring.null_names import CROPS, NULL_NAMES
from labelmaps.scoring.scanpaths import CUES
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.saliency_file import read_saliency
from pipeline.sources import ROOT

DATA = os.environ.get("LABELMAPS_TEST_DATA")
PAPER = ["center", "likelihood", "gradcam", "max_logit", "igub", "dff"]
METHODS = [*PAPER[:4], "max_softmax", "min_entropy", "igub", "igub_mean", "igub_inner", "consensus", "dff"]
ON_GLIMPSES = ["gradcam", "dff"]
FIGURES = {"plot_figure_2": 1, "plot_trade_off": 1, "plot_nulls": 1, "plot_best_of_n": 1, "plot_who_gains": 1}
SCANPATHS = {"score_scanpaths": 1, "summarise_scanpaths": 1, "plot_scanpaths": 1}
CONTACT_SHEET = {"plot_contact_sheet": 1}  # which depends on the data set alone
TABLES = {
    "summarise_scores": 1,
    "compare_with_paper": 1,
    "compare_methods": 1,
    "find_who_gains": 1,
    "play_pointing_game": 1,
    "render_tables": 1,
    **FIGURES,
}
FIGURE_1 = {"choose_examples": 1, "plot_figure_1": 1}
EXPLORER = {"build_explorer": 1}
AFTER_SCORES = TABLES | FIGURE_1 | EXPLORER
ONE_METHOD = {"compute_saliency": 1, "select_fixations": 1, "score_fixations": 1, **AFTER_SCORES}
ONE_GLIMPSE_METHOD = {
    "compute_glimpse_saliency": 1,
    "select_fixations": 1,
    "score_fixations": 1,
    **AFTER_SCORES,
}
ONE_VIEW = {
    "compute_label_maps": 2,
    "join_label_maps": 1,
    "compute_saliency": 9,
    "compute_glimpse_saliency": 2,
    "select_fixations": 11,
    "score_fixations": 11,
    "score_nulls": 1,
    **AFTER_SCORES,
    **SCANPATHS,
}
# A network looks through the standard crop, too; one job is enough for a view per image.
ONE_MODEL = ONE_VIEW | {"check_network": 1, "compute_label_maps": 3, "join_label_maps": 2}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A copy of the repository, a folder with four images and a run of the workflow on them."""
    repository = copy_repository(tmp_path_factory.mktemp("repository"))
    folder = tmp_path_factory.mktemp("study with spaces")
    write_images(folder)
    save_weights(random_weights("small_resnet", 1000, seed=3), folder / "network.pth")
    config = {
        "datasets": {"four": {"images": "images", "boxes": "boxes.csv", "parts": 2, "expect_images": 4}},
        "models": {"own": {"architecture": "small_resnet", "checkpoint": "network.pth"}},
        "run": {"datasets": ["four"], "models": ["own"]},
    }
    write_config(folder / "config.yaml", **config)
    succeed(snakemake(folder, "--configfile", folder / "config.yaml", repository=repository))
    return repository, folder, config


CATEGORIES = [
    "Best of n: what n views are worth",
    "Contact sheet: images, boxes and labels",
    "Explorer: image by image",
    "Figure 1: what each method looks at",
    "Figure 2: accuracy and localisation",
    "Nulls: what a method adds",
    "Scanpaths: several fixations one after another",
    "Tables",
    "Trade-off: localisation against accuracy",
    "Views: what the network receives",
    "Who gains: gains by what the images are like",
]
TABLE_NAMES = [
    *("best_of_n", "comparisons", "paper", "paper_orders", "pointing", "scanpaths", "summary", "who_gains"),
]


@needs_browser
def test_the_report_opens_in_a_browser_with_every_figure_and_table(study, tmp_path):
    repository, folder, _ = study
    report = tmp_path / "report.zip"
    succeed(
        snakemake(folder, "--configfile", folder / "config.yaml", "--report", report, repository=repository)
    )
    shutil.unpack_archive(report, tmp_path)
    seen = []
    with opened(tmp_path / "report/report.html") as page:
        for category in CATEGORIES:
            page.get_by_role("link", name=category, exact=True).click()
            results = page.locator("[iconname=eye]")
            results.first.wait_for()
            assert "own" in page.inner_text("#app") or category.startswith("Contact")  # the network
            for i in range(results.count()):
                results.nth(i).click()
                seen.append(seen_in_report(page, *seen[-1:]))
            page.get_by_role("link", name="Results", exact=True).click()
    assert [seen.pop(1), seen.pop(1)] == ["contact_sheet.png", "explorer.html"]
    assert sorted(seen[1:5]) == ["agreement.png", "disagreement.png", "failure.png", "gain.png"]
    assert sorted(seen[8:-3]) == [f"{name}.html" for name in TABLE_NAMES]
    of_view = [seen[0], *seen[5:8], *seen[-3:]]
    assert of_view == [
        f"{name}_zoom.png"
        for name in ("best_of_n", "figure_2", "nulls", "scanpaths", "trade_off", "views", "who_gains")
    ]


def seen_in_report(page, before="nothing"):
    """The name of the figure or table that the report shows instead of the one `before`, when it can be seen."""
    shown = page.locator(f":is(img, iframe):not([src^='data:'], [src$='/{before}'])")
    shown.wait_for(state="visible")
    name = shown.get_attribute("src").split("/")[-1]
    if name == "explorer.html":
        page.frame_locator("iframe").locator("#place", has_text="1 of 4").wait_for()
    elif name.endswith(".html"):
        page.frame_locator("iframe").locator("tr").nth(1).wait_for()  # more than the heading
    else:
        page.wait_for_function(
            "image => image.complete && image.naturalWidth > 500", arg=shown.element_handle()
        )
    return name


def plan(study, **changes):
    """Jobs that a run with a changed configuration would do."""
    repository, folder, config = study
    path = write_config(folder / "changed.yaml", **{**config, **changes})
    return planned_jobs(succeed(snakemake(folder, "-n", "--configfile", path, repository=repository)))


def test_a_run_leaves_one_summary_row_per_method_and_the_figure(study):
    _, folder, _ = study
    results = folder / "results/four"
    summary = pd.read_csv(results / "summary.csv")
    nulls = [name for name in NULL_NAMES if name not in CROPS]  # which the configuration does not ask for
    assert summary["method"].tolist() == [*METHODS, *nulls]
    assert (summary["cue"] == "null model").tolist() == [False] * len(METHODS) + [True] * len(nulls)
    assert summary["gain_over_not_looking"].notna().all()
    best = summary.set_index("method").loc["not_looking"]
    known = summary.set_index("variant")["accuracy_after"]
    assert best["accuracy_after"] == known[best["variant"].removeprefix("not_looking null=")]
    assert set(summary["n_images"]) == {4}
    assert set(summary.loc[summary["method"].isin(METHODS), "n_pointing"]) == {4}
    assert set(summary["weights"]) == {"checkpoint"}
    examples = ["gain", "agreement", "disagreement", "failure"]
    names = ("figure_2", "trade_off", "nulls", "best_of_n", "scanpaths", "views")
    of_view = [f"{name}_zoom" for name in names]
    for figure in ("contact_sheet", *of_view, *(f"figure_1/zoom/own/{name}" for name in examples)):
        for suffix, start in {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}.items():
            assert (results / f"figures/{figure}.{suffix}").read_bytes().startswith(start)
    explorer = (results / "explorer.html").read_text(encoding="utf-8")
    assert all(f'"id":"{image}"' in explorer for image in SIZES)
    assert set(pd.read_csv(results / "paper.csv")["verdict"]) == {"different network"}
    orders = pd.read_csv(results / "paper_orders.csv")
    assert len(orders) == 8
    assert set(orders["verdict"]) == {
        "does not know ImageNet's labels"
    }  # as of random weights in a checkpoint
    n_compared = len(METHODS) + 7  # nulls that choose no fixation
    n_pairs = n_compared * (n_compared - 1) // 2
    assert len(pd.read_csv(results / "comparisons.csv")) == n_pairs
    assert pd.read_csv(results / "best_of_n.csv")["n"].tolist() == list(range(1, 50))
    ways, thresholds = [*CUES, "dff"], 7
    scanpaths = pd.read_csv(results / "scanpaths.csv")
    assert len(scanpaths) == len(ways) * 2 * (8 + thresholds)
    assert set(scanpaths["method"]) == set(ways)
    rules_and_tolerances, subsets, baselines = 3 * 2, 8, 3
    rows = rules_and_tolerances * subsets * (len(METHODS) + baselines)
    assert len(pd.read_csv(results / "pointing.csv")) == rows
    assert not list(folder.rglob(".*.tmp*"))
    logs = [path.read_text(encoding="utf-8") for path in (folder / "logs").rglob("*.log")]
    assert len(logs) > 50
    took = re.compile(r" done: [\d.]+ s \([\d.]+ s of processor\), \d+ MiB of memory at most\n\Z")
    assert [log for log in logs if not took.search(log)] == []
    of_all, *stages = pd.read_csv(results / "cost.csv").to_dict("records")
    assert of_all["stage"] == "all"
    assert of_all["jobs"] == len(logs) == sum(row["jobs"] for row in stages)
    (maps,) = (row for row in stages if (row["stage"], row["view"]) == ("compute_label_maps", "zoom"))
    assert (maps["model"], maps["jobs"], maps["device"]) == ("own", 2, "cpu")
    assert maps["images_per_second"] > 0
    assert {row["stage"] for row in stages if row["images_per_second"] > 0} == {
        "compute_glimpse_saliency",
        "compute_label_maps",
        "index_dataset",
    }


def test_the_tables_follow_from_the_label_maps(study):
    """Recomputed here from the stored logits, in a few lines of numpy."""
    _, folder, _ = study
    base = folder / "results/four/zoom/own"
    with h5py.File(base / "label_maps.h5") as file:
        log_p, top = file["log_probability"][:].astype(np.float64), file["top_label"][:]
        lse, centre = file["log_sum_exp"][:], file["centre"][:]
        assert file.attrs["weights_sha256"]
        assert file.attrs["precision"] == b"float32"
    joint = log_p[:, 3:4, 3:4] + log_p
    joint = np.exp(joint) / np.exp(joint).sum(-1, keepdims=True)
    expected = {
        "likelihood": log_p[..., 0],
        "max_logit": log_p.max(-1) + lse,
        "igub": (joint * log_p).sum(-1),
    }
    for method, saliency in expected.items():
        fixations = pd.read_parquet(base / f"fixations/{method}.parquet")
        scores = pd.read_parquet(base / f"scores/{method}.parquet")
        row, column = np.divmod(saliency.reshape(4, -1).argmax(1), 7)
        assert fixations["image"].tolist() == scores["image"].tolist() == list(SIZES)
        assert (fixations["row"] == row).all()
        assert (fixations["column"] == column).all()
        assert (scores["correct_after"] == (top[range(4), row, column] == 0)).all()
        x, y = centre[range(4), row, column].T
        inside = (x >= 10) & (x <= 40) & (y >= 10) & (y <= 40)
        inside[3] |= (50 <= x[3] <= 60) and (50 <= y[3] <= 60)
        assert (scores["pointing"] == np.where(inside, "hit", "miss")).all()
    # Scanpaths: outward from the centre; and by the largest softmax, x₀ first.
    p, best = np.exp(log_p.reshape(4, 49, -1)), log_p.max(-1).reshape(4, 49)
    best[:, 24] = np.inf
    row, column = np.divmod(np.arange(49), 7)
    distance = (row - 3) ** 2 + (column - 3) ** 2  # in a tie the nearest to the centre
    outward = np.tile(np.argsort(distance, kind="stable"), (4, 1))
    assert outward[0, :6].tolist() == [24, 17, 23, 25, 31, 16]
    by_softmax = np.lexsort((np.tile(distance, (4, 1)), -best))
    orders = {"outward": outward, "max_softmax": by_softmax}
    scanpaths = pd.read_csv(folder / "results/four/scanpaths.csv").query("threshold.isna()")
    rows = scanpaths.set_index(["method", "accumulation", "fixations"])
    for method, order in orders.items():
        for n in range(2, 7):
            views = p[np.arange(4)[:, None], order[:, :n]]
            for rule, evidence in (("mean", views.sum(1)), ("product", np.log(views).sum(1))):
                row = rows.loc[method, rule, n]
                assert row["accuracy"] == np.mean(evidence.argmax(-1) == 0)
                assert row["passes"] == (n if method == "outward" else 49)
            last = top.reshape(4, 49)[range(4), order[:, n - 1]]
            assert rows.loc[method, "mean", n]["accuracy_last"] == np.mean(last == 0)


def test_the_examples_from_python_hold(study, tmp_path, monkeypatch):
    page = tmp_path / "python.md"
    text = (ROOT / "docs/python.md").read_text()
    paths = {
        "results/scenes/zoom/small_resnet": "results/four/zoom/own",
        "resources/small_resnet.pth": "network.pth",
    }
    for path, ours in paths.items():
        assert path in text
        text = text.replace(path, ours)
    page.write_text(text)
    monkeypatch.chdir(study[1])
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert failed == 0
    assert tried > 30


def test_the_notebook_on_a_run_runs_and_shows_what_it_stores(study, monkeypatch):
    monkeypatch.chdir(study[1])
    cells = cells_of(ROOT / "docs/a_run.ipynb")
    stored, ours = (
        'Results("../results/scenes/zoom/small_resnet")',
        'Results("results/four/zoom/own", weights="network.pth")',
    )
    assert stored in "".join(cells[0]["source"])
    shown = run(cells, lambda code: code.replace(stored, ours))
    assert kinds(shown) == kinds(cell["outputs"] for cell in cells)


def test_python_looks_at_images_as_the_run_did(study):
    folder = study[1]
    results = labelmaps.Results(folder / "results/four/zoom/own")
    paths = [folder / path for path in results.index["path"]]
    methods = {name: {"method": name} for name in results.methods if not name.startswith("igub")}
    methods |= {
        "igub": {},
        "igub_mean": {"method": "igub", "prior": "mean"},
        "igub_inner": {"method": "igub", "prior": "inner"},
    }
    known = {"checkpoint": folder / "network.pth", "classes": "imagenet", "label": 0, "device": "cpu"}
    looks = labelmaps.look(paths, "small_resnet", methods=methods, **known)
    scores = {name: results.scores(name) for name in METHODS}
    for seen in looks:
        stored = results.label_maps(seen.name)
        assert np.array_equal(seen.label_maps.log_probability, stored.log_probability)
        assert np.array_equal(seen.views, results.views(seen.name))
        for name in METHODS:
            assert np.array_equal(seen.maps[name], results.saliency(name, seen.name)), name
            row, fixation = scores[name].loc[seen.name], seen.fixations[name]
            assert (fixation.x, fixation.y, fixation.label) == (row["x"], row["y"], row["predicted_after"]), (
                name
            )


def test_every_column_of_a_run_is_explained(study):
    page = set(re.findall(r"`(\w+)`", (ROOT / "docs/files.md").read_text()))
    results = study[1] / "results/four"
    base = results / "zoom/own"
    names = set()
    for path in results.rglob("*.csv"):
        names |= set(pd.read_csv(path).columns)
    for path in (*base.rglob("*.parquet"), results / "index.parquet"):
        names |= set(pd.read_parquet(path).columns)
    for path in (base / "label_maps.h5", base / "saliency/dff.h5"):
        with h5py.File(path) as file:
            names |= set(file)
    assert len(names) > 70
    explained = {name for name in names if re.sub("_(low|high)$", "", name) in page}
    assert names - explained == set()


@pytest.fixture(scope="module")
def as_module(study, tmp_path_factory):
    """The folder of a workflow that uses this one as docs/module.md says, on the study's inputs, and what its run said."""
    repository, folder, _ = study
    place = tmp_path_factory.mktemp("module")
    code = re.compile(r"```\n(module labelmaps:.*?)```", re.S)
    example = code.search((ROOT / "docs/module.md").read_text()).group(1)
    (place / "Snakefile").write_text(example.replace("labelmaps/Snakefile", str(repository / "Snakefile")))
    for name in ("images", "boxes.csv", "network.pth"):
        (place / name).symlink_to(folder / name)
    targets = [f"results/four/report/{name}.html" for name in TABLE_NAMES]
    configurations = [repository / "config/config.yaml", folder / "config.yaml"]
    return place, succeed(run_snakemake(place, *targets, "--cores", "2", "--configfile", *configurations))


def test_another_workflow_uses_this_one_as_a_module(study, as_module):
    place, text = as_module
    assert planned_jobs(text)["labelmaps_select_fixations"] == len(METHODS)
    table = "results/four/zoom/own/fixations/likelihood.parquet"
    made, expected = (pd.read_parquet(folder / table) for folder in (place, study[1]))
    pd.testing.assert_frame_equal(made, expected)


def test_the_same_inputs_give_the_same_bytes(study, as_module, tmp_path, thorough):
    """Up to the tables; of figures and the explorer where all is tried, and in tests of their own."""
    repository, folder, _ = study
    expected, made = contents_of(folder / "results"), contents_of(as_module[0] / "results")
    assert len(made) > 50
    assert [path for path in made if made[path] != expected[path]] == []
    if thorough:
        for name in ("images", "boxes.csv", "network.pth"):
            (tmp_path / name).symlink_to(folder / name)
        options = ["--configfile", folder / "config.yaml"]
        succeed(snakemake(tmp_path, *options, repository=repository))
        assert contents_of(tmp_path / "results") == expected


def test_saliency_says_what_made_it_whatever_it_looked_at(study):
    _, folder, _ = study
    base = folder / "results/four/zoom/own"
    with open_label_maps(base / "label_maps.h5") as file:
        origin = file.origin
    common = {
        "architecture",
        "weights_sha256",
        "weights_source",
        "weights_notes",
        "preprocessing",
        "versions",
        "view",
        "precision",
    }
    for method, looks_at in {"igub_mean": "label maps", "consensus": "label maps", "dff": "glimpse"}.items():
        made_by = read_saliency(base / f"saliency/{method}.h5").attributes
        assert {key: made_by[key] for key in common} == {key: origin[key] for key in common}
        assert {"cue", "options", "method_versions"} < made_by.keys()
        assert made_by["method"] == method.split("_")[0]
        assert made_by.get("label_maps") == (origin["label_maps"] if looks_at == "label maps" else None)


def test_a_damaged_part_stops_the_run_by_name_and_what_it_advises_mends_it(study):
    repository, folder, _ = study
    base = folder / "results/four/zoom/own"
    joined, part, fixations = (
        base / name for name in ("label_maps.h5", "label_maps/2of2.h5", "fixations/igub.parquet")
    )
    before = {path: path.read_bytes() for path in (joined, part, fixations)}
    times = part.stat()
    flip_data(part, "centre")
    os.utime(part, ns=(times.st_atime_ns, times.st_mtime_ns))  # as bits rot: Snakemake sees nothing
    fixations.unlink()
    run = folder, fixations.relative_to(folder), "--configfile", folder / "config.yaml"
    result = snakemake(*run, repository=repository)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert f"ERROR: {part.relative_to(folder)}: damaged" in said
    assert f"Delete it and {joined.relative_to(folder)}, and run again" in said
    assert "Traceback" not in said
    assert not fixations.exists()
    part.unlink()
    joined.unlink()
    succeed(snakemake(*run, repository=repository))
    assert {path: path.read_bytes() for path in before} == before
    assert plan(study) == {}


def test_touching_everything_reruns_nothing(study):
    """A date in the future is another machine's clock."""
    repository, folder, _ = study
    files = [folder / "boxes.csv", folder / "network.pth", folder / "images"]
    files += [*repository.rglob("*"), *(folder / "images").iterdir()]
    for time in (None, (2**32, 2**32)):
        for path in files:
            os.utime(path, time)
        assert plan(study) == {}


@contextmanager
def edited(path, text):
    """Change a text file for a while."""
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text(text(before), encoding="utf-8")
        yield
    finally:
        path.write_text(before, encoding="utf-8")


def commented(text):
    return text + "\n# edited\n"


@contextmanager
def exchanged(path, other):
    """Put another file in a file's place for a while, under the date of the first, as `cp -p` and `rsync -a` do."""
    before, times = path.read_bytes(), path.stat()
    try:
        for content in (other, before):
            path.write_bytes(content)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            if content is other:
                yield
    finally:
        path.write_bytes(before)


def test_the_six_edits_plan_these_jobs_and_no_others(study, tmp_path):
    repository, folder, config = study
    second = {"second": {"architecture": "small_resnet", "random": {"seed": 4}}}
    models, run = config["models"] | second, config["run"] | {"models": ["own", "second"]}
    other = random_weights("small_resnet", 1000, seed=5)
    save_weights(other, tmp_path / "other.pth")
    planned = {"a network is added": plan(study, models=models, run=run)}
    with_key = partial(re.sub, r'(class Model\(Closed\):\n    """[^"]+"""\n)', r"\1\n    invented: int = 7\n")
    with edited(repository / "pipeline/settings/networks.py", with_key):
        assert "invented" in (repository / "pipeline/settings/networks.py").read_text()
        planned["a key with a default is added"] = plan(study)
        own = config["models"]["own"] | {"invented": 8}
        assert plan(study, models={"own": own}) == {}  # the key is there, and no rule uses it
    with edited(repository / "labelmaps/methods/igub.py", commented):
        planned["a method is edited"] = plan(study)
    with exchanged(folder / "network.pth", (tmp_path / "other.pth").read_bytes()):
        planned["a checkpoint is exchanged under an old date"] = plan(study)
    with edited(repository / "labelmaps/figures/figure_1.py", commented):
        planned["a figure is edited"] = plan(study)
    with (
        edited(repository / "labelmaps/looking/look.py", commented),
        edited(repository / "labelmaps/looking/compute.py", commented),
        edited(repository / "labelmaps/results.py", commented),
        edited(repository / "labelmaps/__init__.pyi", commented),
    ):
        planned["what the package exports is edited"] = plan(study)
    assert planned == {
        "a network is added": {"draw_random_weights": 1, **ONE_MODEL},
        "a key with a default is added": {},
        "a method is edited": ONE_METHOD  # with three priors, and as a way of choosing
        | SCANPATHS
        | dict.fromkeys(("compute_saliency", "select_fixations", "score_fixations"), 3),
        "a checkpoint is exchanged under an old date": ONE_MODEL,
        "a figure is edited": {"plot_figure_1": 1, **EXPLORER},
        "what the package exports is edited": {},
    }
    assert plan(study) == {}


def test_acceptable_labels_given_later_plan_no_map_and_no_selection(study):
    """Nor scores of methods: only what shows accuracy by them, and their own table and figure; likewise when they change."""
    repository, folder, config = study
    labels = folder / "right.json"
    labels.write_text(json.dumps({name: [0, 3] for name in list(SIZES)[:3]}))
    with_labels = {"four": config["datasets"]["four"] | {"acceptable_labels": "right.json"}}
    expected = {"list_acceptable_labels": 1, "score_nulls": 1, "plot_label_noise": 1, **TABLES, **EXPLORER}
    for of_others in ("play_pointing_game", "find_who_gains", "plot_who_gains"):
        expected.pop(of_others)
    assert plan(study, datasets=with_labels) == expected
    (folder / "with labels").mkdir()
    for name in ("images", "boxes.csv", "network.pth", "right.json"):
        (folder / "with labels" / name).symlink_to(folder / name)
    for name in ("results", ".snakemake"):
        shutil.copytree(folder / name, folder / "with labels" / name)
    path = write_config(folder / "with labels/config.yaml", **config | {"datasets": with_labels})
    run = folder / "with labels", "--configfile", path
    succeed(snakemake(*run, repository=repository))
    results = folder / "with labels/results/four"
    summary = pd.read_csv(results / "summary.csv")
    known = [name for name in NULL_NAMES if name not in CROPS]
    assert summary["method"].tolist() == [*METHODS, *known, "likelihood_set"]
    assert summary["n_acceptable"].tolist() == [3] * len(summary)
    plain, page = folder / "results/four", set(re.findall(r"`(\w+)`", (ROOT / "docs/files.md").read_text()))
    for name in ("summary", "comparisons", "paper", "paper_orders"):
        table, before = (pd.read_csv(at / f"{name}.csv") for at in (results, plain))
        assert len(table.columns) > len(before.columns), name
        pd.testing.assert_frame_equal(table[list(before)][: len(before)], before)
        assert {re.sub("_(low|high)$", "", column) for column in table} - page == set(), name
    assert {*pd.read_parquet(results / "zoom/own/nulls.parquet")} - page == set()
    with exchanged(labels, labels.read_bytes().replace(b"3", b"4")):
        again = planned_jobs(succeed(snakemake(*run, "-n", repository=repository)))
    assert again == expected
    assert planned_jobs(succeed(snakemake(*run, "-n", repository=repository))) == {}


def test_factors_given_later_plan_who_gains_alone(study):
    _, folder, config = study
    factors = folder / "factors.csv"
    factors.write_text(
        "".join(["file_name,pose\n", *(f"{name}.JPEG,{i % 2}\n" for i, name in enumerate(SIZES))])
    )
    with_factors = {"four": config["datasets"]["four"] | {"factors": "factors.csv"}}
    expected = {"list_factors": 1, "find_who_gains": 1, "plot_who_gains": 1, "render_tables": 1}
    assert plan(study, datasets=with_factors) == expected


def test_adding_or_editing_a_network_of_ones_own_plans_its_jobs_alone(study):
    repository, folder, config = study
    (folder / "nets").mkdir()
    (folder / "nets/mine.py").write_text(
        "from blocks import Net\ndef build(num_classes):\n    return Net(num_classes)\n"
    )
    (folder / "nets/blocks.py").write_text("from labelmaps.networks.small_resnet import SmallResNet as Net\n")
    (folder / "nets/stranger.py").write_text("")
    mine = {"architecture": "nets/mine.py:build", "checkpoint": "network.pth"}
    timms = {
        "architecture": "timm:test_resnet",
        "weights": "DEFAULT",
        "revision": "0" * 40,
        "sha256": "0" * 64,
    }
    for added, expected in ((mine, ONE_MODEL), (timms, ONE_MODEL | {"download_timm_weights": 1})):
        models, run = config["models"] | {"second": added}, config["run"] | {"models": ["own", "second"]}
        assert plan(study, models=models, run=run) == expected

    path = write_config(folder / "mine.yaml", **config | {"models": config["models"] | {"second": mine}})
    maps = [f"results/four/zoom/{model}/label_maps.h5" for model in ("own", "second")]
    options = [folder, *maps, "--configfile", path]
    try:
        succeed(snakemake(*options, repository=repository))
        made = jobs_that_ran(folder)
        assert made == {"check_network": 1, "compute_label_maps": 2, "join_label_maps": 1}
        for file, expected in (("mine", made), ("blocks", made), ("stranger", {})):
            with edited(folder / f"nets/{file}.py", commented):
                assert planned_jobs(succeed(snakemake(*options, "-n", repository=repository))) == expected
    finally:
        shutil.rmtree(folder / "results/four/zoom/second")
        (folder / "results/four/networks/second.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("labelmaps/methods/gradcam.py", ONE_GLIMPSE_METHOD),
        ("labelmaps/scoring/scores.py", {"score_fixations": 11, **AFTER_SCORES}),
        ("labelmaps/explorer/web/map.js", EXPLORER),
        ("labelmaps/figures/figure_2.py", {"plot_figure_2": 1}),
        ("labelmaps/figures/contact_sheet.py", CONTACT_SHEET),
        ("labelmaps/scoring/scanpaths.py", SCANPATHS | {"render_tables": 1, "plot_figure_1": 1, **EXPLORER}),
        ("labelmaps/figures/scanpaths.py", {"plot_scanpaths": 1, "plot_figure_1": 1, **EXPLORER}),
        ("envs/figures.yaml", FIGURES | CONTACT_SHEET | {"plot_scanpaths": 1}),
        ("labelmaps/views/zoom.py", ONE_VIEW | {"plot_views": 1}),
    ],
)
def test_an_edit_reruns_its_users_and_what_follows(study, file, expected):
    with edited(study[0] / file, commented):
        assert plan(study) == expected


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("boxes.csv", lambda content: content.replace(b"10 10 40 40", b"10 10 40 41")),
        ("images/ILSVRC2012_val_00000001.JPEG", lambda content: content[::-1]),
    ],
)
def test_a_data_sets_file_exchanged_under_an_old_date_is_indexed_anew(study, file, change):
    path = study[1] / file
    with exchanged(path, change(path.read_bytes())):
        assert plan(study)["index_dataset"] == 1
    assert plan(study) == {}


def test_files_dated_ahead_cost_nothing(study, tmp_path):
    """Another machine's clock: Snakemake would remove what is older than its inputs."""
    repository, folder, config = study
    write_images(tmp_path)
    path = write_config(tmp_path / "config.yaml", **config)
    shutil.copy(folder / "network.pth", tmp_path)
    for file in (tmp_path, *tmp_path.rglob("*"), repository, *repository.rglob("*")):
        os.utime(file, (2**32, 2**32))
    run = tmp_path, "results/four/index.parquet", "--configfile", path
    succeed(snakemake(*run, repository=repository))
    assert jobs_that_ran(tmp_path) == {"index_dataset": 1}
    assert planned_jobs(succeed(snakemake(*run, "-n", repository=repository))) == {}


@pytest.mark.parametrize("travels", ["with its record", "alone", "without dates"])
def test_results_that_were_moved_are_used(study, tmp_path, travels):
    repository, folder, _ = study
    for name in ("images", "boxes.csv", "network.pth", "config.yaml"):
        (tmp_path / name).symlink_to(folder / name)
    shutil.copytree(folder / "results", tmp_path / "results")
    if travels == "with its record":
        shutil.copytree(folder / ".snakemake", tmp_path / ".snakemake")
    run = tmp_path, "results/four/zoom/own/scores/gradcam.parquet", "--configfile", tmp_path / "config.yaml"
    if travels == "alone":  # the dates are in the order of the stages, which other tests here disturb
        for path in (tmp_path / "results").rglob("*"):
            os.utime(path, (1, 1))
    if travels == "without dates":
        for time, path in enumerate(sorted((tmp_path / "results").rglob("*"), reverse=True)):
            os.utime(path, (time, time))
        assert planned_jobs(succeed(snakemake(*run, "-n", repository=repository)))["join_label_maps"] == 1
        before = contents_of(tmp_path / "results")
        succeed(snakemake(*run, "--touch", repository=repository))
        assert contents_of(tmp_path / "results") == before
    assert planned_jobs(succeed(snakemake(*run, "-n", repository=repository))) == {}


def test_a_new_key_with_a_default_reruns_nothing(study):
    """A rule is given what it uses of a block, not the whole block."""
    settings = study[0] / "pipeline/settings"
    before = {path: path.read_text() for path in settings.glob("*.py")}
    edited = 0
    try:
        for path, text in before.items():
            with_key, n = re.subn(
                r'(class (?!Closed|Run|Settings)\w+\(Closed\):\n    """[^"]+"""\n)',
                r"\1\n    invented: int = 7\n",
                text,
            )
            path.write_text(with_key)
            edited += n
        assert edited > 15
        assert plan(study) == {}
        assert plan(study, compute={"invented": 8}) == {}
    finally:
        for path, text in before.items():
            path.write_text(text)


def test_a_changed_option_reruns_that_method_only(study):
    jobs = plan(study, methods={"igub": {"method": "igub", "prior": "mean"}})
    assert jobs == ONE_METHOD


def test_another_size_of_figures_draws_them_again_and_computes_nothing(study):
    jobs = plan(study, figures={"sizes": ["page", "column"]})
    assert jobs.keys() == FIGURES.keys() | {"plot_figure_1", "plot_scanpaths"}


def test_another_number_of_threads_or_room_for_images_computes_nothing_again(study):
    for other in ({"threads": 1}, {"images_mib": 64}):
        assert plan(study, compute=study[2].get("compute", {}) | other) == {}


def test_run_selects_and_the_default_does_not_leak_in(study):
    assert plan(study, run=study[2]["run"] | {"methods": ["center", "igub"]}) == AFTER_SCORES | SCANPATHS


@pytest.fixture(scope="module")
def readings(study):
    """Two readings calibrated, and a sweep, on a sample of the study's images."""
    repository, folder, config = study
    config = config | {
        "sample": {"images": 3, "seed": 1},
        "calibration": {"views": ["zoom", "crop_0.6"], "resamples": 100, "images": "sample"},
        "sweeps": {"grid": ["zoom_3x3", "zoom"], "floor": ["zoom", "zoom_floor_0.2"]},
    }
    path = write_config(folder / "readings.yaml", **config)
    targets = ["calibration", "results/four_sample/figures/sweep_grid.svg"]
    succeed(snakemake(folder, *targets, "--configfile", path, repository=repository))
    return config


def test_readings_are_ranked_on_a_sample_and_drawn(study, readings):
    results = study[1] / "results/four_sample"
    images = pd.read_parquet(results / "index.parquet")["image"]
    assert len(images) == 3
    assert set(images) < set(SIZES)
    ranking, terms = (pd.read_csv(results / f"{name}.csv") for name in ("calibration", "calibration_terms"))
    assert {reading.split(",")[0] for reading in ranking["reading"]} == {"zoom", "crop_0.6"}
    assert set(ranking["n_images"]) == {3}
    assert set(ranking["images"]) == {"ImageNet validation"}
    assert set(ranking["verdict"]) == {"does not know ImageNet's labels"}
    assert ranking[["rank", "p", "best_share"]].isna().all(axis=None)
    assert set(ranking["view"]) == {"zoom", "crop_0.6"}
    assert set(ranking["arrival"]) <= {"nearest", "index", "either"}
    assert set(terms["method"]) == set(PAPER)
    assert len(terms) == len(PAPER) * len(ranking)
    outcomes = pd.read_parquet(results / "zoom/own/reading.parquet")
    gain = outcomes[["before", "likelihood"]][outcomes["arrival"] == "nearest"].mean().diff().iloc[-1]
    of_zoom = terms[terms["reading"].str.startswith("zoom") & (terms["method"] == "likelihood")]
    assert of_zoom["ours"].tolist() == pytest.approx([gain] * len(of_zoom))
    for figure in ("calibration_own", "views_zoom", "views_crop_0.6", "sweep_grid"):
        assert (results / f"figures/{figure}.svg").stat().st_size > 1000
    sweep = pd.read_csv(results / "sweep_grid.csv")
    cost = sweep.set_index(["method", "value"])["views"]
    assert cost["igub"].to_dict() == {3: 9, 7: 49}
    assert cost["gradcam"].to_dict() == {3: 2, 7: 2}
    per_view = (sweep["gflop"] / sweep["views"]).tolist()
    assert per_view == pytest.approx([per_view[0]] * len(sweep), rel=1e-4)


def test_two_stages_are_read_from_the_label_maps_that_are_there(study):
    repository, folder, _ = study
    run = folder, "two_stages", "--configfile", folder / "config.yaml"
    succeed(snakemake(*run, repository=repository))
    made = jobs_that_ran(folder)
    rules = "summarise_two_stages", "render_reading", "plot_two_stages", "two_stages"
    assert made == dict.fromkeys(rules, 1)
    results = folder / "results/four"
    stages, summary = (pd.read_csv(results / f"{name}.csv") for name in ("two_stages", "summary"))
    on_maps = ["likelihood", "max_logit", "max_softmax", "min_entropy", "igub", "igub_inner", "consensus"]
    of_all = stages[stages["ring"] == "always"].set_index("method")
    assert of_all.index.tolist() == on_maps
    expected = summary.set_index("method")["accuracy_after"]
    assert (of_all["accuracy"] == expected[on_maps]).all()
    assert set(of_all["passes"]) == {49}
    assert set(stages.loc[stages["ring"] == "never", "passes"]) == {25}
    for suffix in ("pdf", "svg", "png"):
        assert (results / f"figures/two_stages_zoom.{suffix}").stat().st_size > 1000
    assert planned_jobs(succeed(snakemake(folder, "-n", *run[2:], repository=repository))) == {}


def test_two_settings_that_exchange_their_values_are_noticed(study, readings):
    """Snakemake compares the values of params, not their names."""
    repository, folder, _ = study
    path = write_config(folder / "readings.yaml", **readings | {"sample": {"images": 1, "seed": 3}})
    run = folder, "results/four_sample/index.parquet", "-n", "--configfile", path
    assert planned_jobs(succeed(snakemake(*run, repository=repository))) == {"sample_images": 1}


def test_another_reading_costs_its_own_label_maps_and_two_looks_at_x0(study, readings):
    repository, folder, _ = study
    views = [*readings["calibration"]["views"], "shift_crop_roll"]
    config = readings | {"calibration": readings["calibration"] | {"views": views}}
    path = write_config(folder / "readings.yaml", **config)
    text = succeed(snakemake(folder, "-n", "calibration", "--configfile", path, repository=repository))
    assert planned_jobs(text) == {
        "compute_label_maps": 1,
        "join_label_maps": 1,
        "compute_glimpse_saliency": 2,
        "score_reading": 1,
        "calibrate": 1,
        "plot_calibration": 1,
        "plot_views": 1,
        "render_reading": 2,
        "calibration": 1,
    }


def test_on_all_images_a_calibration_takes_the_label_maps_that_are_there(study, readings):
    repository, folder, _ = study
    path = write_config(folder / "all.yaml", **readings | {"calibration": {"views": ["zoom", "crop_0.6"]}})
    target = "results/four/calibration.csv"
    text = succeed(snakemake(folder, "-n", target, "--configfile", path, repository=repository))
    assert planned_jobs(text) == {
        "compute_label_maps": 2,  # two parts of the second reading
        "join_label_maps": 1,
        "compute_glimpse_saliency": 2,
        "score_reading": 2,
        "calibrate": 1,
    }


def test_five_and_ten_crop_cost_nine_views_and_what_follows_from_the_nulls(study):
    planned = plan(study, nulls={"ten_crop": True})
    looks = {"compute_label_maps": 1, "join_label_maps": 1, "score_nulls": 1}
    of_methods_alone = ("play_pointing_game", "find_who_gains", "plot_who_gains")
    after = {rule: n for rule, n in TABLES.items() if rule not in of_methods_alone}
    assert planned == looks | after | {"build_explorer": 1}


@pytest.fixture(scope="module")
def watched(study, readings):
    """A run in bfloat16 whose view shares the trunk, on the sample of the study's images."""
    repository, folder, _ = study
    config = readings | {
        "views": {"shared": {"family": "shift", "engine": "shared"}},
        "compute": {"precision": "bfloat16"},
        "run": readings["run"] | {"views": ["shared"]},
    }
    path = write_config(folder / "watched.yaml", **config)
    succeed(snakemake(folder, "fidelity", "--configfile", path, repository=repository))
    return path


def test_what_another_engine_and_precision_change_is_measured(study, watched):
    results = study[1] / "results"
    table = pd.read_csv(results / "four_sample/fidelity.csv")
    assert table["measure"].tolist() == ["before", "likelihood", "max_logit", "igub", "gradcam", "dff"]
    made_by = table[["engine", "precision", "compiled", "view", "views"]].drop_duplicates().values.tolist()
    assert made_by == [["shared", "bfloat16", False, "shared", 3 * 49]]
    maps = {}
    for dataset, engine, precision in (
        ("four_sample", "shared", "bfloat16"),
        ("four_sample_reference", "exact", "float32"),
    ):
        with h5py.File(results / dataset / "shared/own/label_maps.h5") as file:
            made_by = file.attrs["engine"].decode(), file.attrs["precision"].decode()
            assert made_by == (engine, precision)
            maps[engine] = file["top_label"][:]
    assert set(table["views_flipped"]) == {(maps["shared"] != maps["exact"]).sum()}
    assert (results / "four_sample/report/fidelity.html").exists()


def test_a_run_that_shares_a_trunk_is_compared_with_the_reference_unasked(study, watched):
    repository, folder, _ = study
    usual = planned_jobs(
        succeed(snakemake(folder, "-n", "--configfile", folder / "readings.yaml", repository=repository))
    )
    assert "measure_fidelity" not in usual
    (folder / "results/four_sample/fidelity.csv").unlink()
    shared = planned_jobs(succeed(snakemake(folder, "-n", "--configfile", watched, repository=repository)))
    assert shared["measure_fidelity"] == 1


def test_a_changed_box_reruns_the_index(study):
    boxes = study[1] / "boxes.csv"
    before = boxes.read_text()
    try:
        boxes.write_text(before.replace("10 10 40 40", "10 10 40 41"))
        assert plan(study)["index_dataset"] == 1
    finally:
        boxes.write_text(before)


def refused(study, **changes):
    """What a run on finished results says when it refuses a changed configuration."""
    repository, folder, config = study
    path = write_config(folder / "changed.yaml", **{**config, **changes})
    result = snakemake(folder, "--configfile", path, repository=repository)
    assert result.returncode != 0
    return result.stderr


def test_results_without_snakemakes_records_are_not_shown_with_other_settings(study, tmp_path):
    """Copied to another machine; then the floor is changed, and the explorer built again."""
    repository, folder, config = study
    for name in ("results", "images"):
        shutil.copytree(folder / name, tmp_path / name)
    for name in ("boxes.csv", "network.pth"):
        shutil.copy2(folder / name, tmp_path)
    for path in (tmp_path / "results").rglob("*"):
        os.utime(path, (1, 1))  # the dates are in the order of the stages, which other tests here disturb
    explorer = tmp_path / "results/four/explorer.html"
    explorer.unlink()
    views = {"zoom": {"family": "zoom", "grid": 7, "floor": 0.5}}
    path = write_config(tmp_path / "config.yaml", **config, views=views)
    arguments = [tmp_path, explorer.relative_to(tmp_path), "--configfile", path]
    result = snakemake(*arguments, repository=repository)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "label_maps.h5: made with other settings than the configuration has now" in said
    assert "view.floor was 0.1 and is 0.5" in said
    assert "Delete the folder results/four/zoom/own and run again, or change the settings back" in said
    assert not explorer.exists()
    arguments[-1] = write_config(tmp_path / "config.yaml", **config)
    again = planned_jobs(succeed(snakemake(*arguments, "-n", repository=repository)))
    assert again == {"build_explorer": 1}


def test_a_missing_checkpoint_does_not_leave_another_networks_results_standing(study):
    models = {"own": {"architecture": "small_resnet", "checkpoint": "netwrok.pth"}}
    assert "models.own.checkpoint: no such file or folder: netwrok.pth" in refused(study, models=models)


@pytest.mark.parametrize("name", ["images", "boxes.csv"])
def test_data_that_are_gone_do_not_cost_the_index(study, name):
    folder = study[1]
    (folder / name).rename(folder / "elsewhere")
    try:
        assert f"no such file or folder: {name}" in refused(study)
        assert (folder / "results/four/index.parquet").exists()
    finally:
        (folder / "elsewhere").rename(folder / name)
    assert plan(study) == {}


def test_a_changed_check_leaves_the_label_maps_where_the_index_is_made_first(study):
    repository, folder, config = study
    datasets = {"four": config["datasets"]["four"] | {"max_excluded": 0.5}}
    assert plan(study, datasets=datasets)["compute_label_maps"] == 3  # Snakemake cannot know yet
    index = "results/four/index.parquet"
    arguments = [index, "--configfile", folder / "changed.yaml"]
    try:
        succeed(snakemake(folder, *arguments, repository=repository))
        assert plan(study, datasets=datasets) == {}
    finally:
        arguments = [index, "--configfile", folder / "config.yaml"]
        succeed(snakemake(folder, *arguments, repository=repository))


def test_another_number_of_parts_computes_nothing_again_and_says_so(study):
    repository, folder, config = study
    datasets = {"four": config["datasets"]["four"] | {"parts": 3}}
    path = write_config(folder / "changed.yaml", **config | {"datasets": datasets})
    text = succeed(snakemake(folder, "-n", "--configfile", path, repository=repository))
    assert planned_jobs(text) == {}
    maps = "results/four/zoom/own/label_maps"
    assert text.count(f"{maps} stays divided into 2 parts, as begun, not 3; delete it to begin anew") == 1
    (folder / maps).rename(folder / "elsewhere")
    try:
        arguments = [f"{maps}.h5", "--force", "-n", "--configfile", path]
        text = succeed(snakemake(folder, *arguments, repository=repository))
        assert planned_jobs(text) == {"compute_label_maps": 3, "join_label_maps": 1}
        assert plan(study) == {}  # nobody needs parts for what is there
    finally:
        (folder / "elsewhere").rename(folder / maps)


def test_an_image_that_changes_is_noticed_when_the_index_is_made_again(study):
    repository, folder, _ = study
    path = folder / f"images/{next(iter(SIZES))}.JPEG"
    before = path.read_bytes()
    index = folder / "results/four/index.parquet"
    arguments = [index.relative_to(folder), "--configfile", folder / "config.yaml", "--force"]
    try:
        Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)  # of the same size
        succeed(snakemake(folder, *arguments, repository=repository))
        assert plan(study)["compute_label_maps"] == 3
    finally:
        path.write_bytes(before)
        succeed(snakemake(folder, *arguments, repository=repository))
    assert plan(study) == {}


def test_a_mistake_in_the_configuration_starts_no_job(tmp_path):
    config = write_config(tmp_path / "c.yaml", datasets={"scenes": {"verfy": "full"}})
    result = snakemake(tmp_path, "--configfile", config)
    assert result.returncode != 0
    assert "datasets.scenes: key 'verfy' is unknown; did you mean 'verify'?" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("dataset", "compute", "message"),
    [
        ({"images": "nowhere", "boxes": "boxes.csv"}, {}, "no such file or folder: nowhere"),
        ({"images": "images", "boxes": "boxes.csv", "expect_images": 5}, {}, "4 images instead of 5"),
        pytest.param(
            {"images": "images", "boxes": "boxes.csv"},
            {"device": "cuda"},
            "torch sees no CUDA device",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here"),
        ),
    ],
)
def test_what_cannot_be_computed_stops_with_a_clear_word(tmp_path, dataset, compute, message):
    write_images(tmp_path)
    config = write_config(
        tmp_path / "c.yaml",
        datasets={"d": dataset},
        models={"m": {"architecture": "small_resnet", "random": {}}},
        compute=compute,
        run={"datasets": ["d"], "models": ["m"]},
    )
    result = snakemake(tmp_path, "--configfile", config)
    assert result.returncode != 0
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert not list(tmp_path.rglob("*.h5"))


def test_one_job_draws_all_examples_of_a_network_whatever_a_data_set_calls_them(study):
    repository, folder, config = study
    own = config["datasets"]["four"] | {"examples": {"cat": next(iter(SIZES))}}
    path = write_config(folder / "two.yaml", **{**config, "datasets": config["datasets"] | {"own": own}})
    of = "results/{}/figures/figure_1/zoom/own/{}"
    targets = [of.format("four", "gain.pdf"), of.format("own", "gain.pdf"), of.format("own", "cat.svg")]
    arguments = [*targets, "--forcerun", "plot_figure_1", "-n", "--configfile", path]
    planned = planned_jobs(succeed(snakemake(folder, *arguments, repository=repository)))
    assert planned["plot_figure_1"] == planned["plot_figure_1_of_own"] == 1


def test_the_catalogues_snakefile_plans_what_the_repositorys_does(tmp_path):
    usual = planned_jobs(succeed(snakemake(tmp_path, "-n")))
    catalogue = succeed(run_snakemake(tmp_path, "--snakefile", ROOT / "workflow/Snakefile", "-n"))
    assert sum(usual.values()) > 50
    assert planned_jobs(catalogue) - usual == {"everything": 1}


def test_the_papers_configuration_plans_both_networks(tmp_path):
    text = succeed(snakemake(tmp_path, "-n", "--configfile", ROOT / "config/imagenet.yaml"))
    assert planned_jobs(text) == {
        "index_dataset": 1,
        "download_weights": 2,
        "check_network": 2,
        "compute_label_maps": 2 * (50 + 2 + 10),  # the crop, and ten-crop's other nine views
        "join_label_maps": 6,
        "compute_saliency": 18,
        "compute_glimpse_saliency": 4,
        "select_fixations": 22,
        "score_fixations": 22,
        "score_nulls": 2,
        "plot_views": 1,
        **CONTACT_SHEET,
        **TABLES,
        "choose_examples": 2,
        "plot_figure_1": 2,
        **EXPLORER,
        **(SCANPATHS | {"score_scanpaths": 2}),
    }
    assert text.count("(GPUs: 1)") == 128
