"""Every script refuses what it reads where it is damaged or belongs to something else, by name, and leaves no output."""

import json
import shutil
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.damage import (
    empty,
    flip_an_attribute,
    flip_an_image_id,
    flip_data,
    flip_in_the_middle,
    remove,
    truncate,
)
from helpers.study import (
    MADE_BY,
    both,
    look,
    network_of,
    noise,
    of_glimpse,
    random_label_maps,
    write_data_set,
    write_joined,
)
from labelmaps import views
from labelmaps.data.batches import find_digests
from labelmaps.data.index import read_index, write_excluded
from labelmaps.data.listed import write_factors, write_labels
from labelmaps.errors import InputError
from labelmaps.results import Results
from labelmaps.storage.provenance import check_settings
from labelmaps.storage.saliency_file import write_saliency
from pipeline.sources import ROOT
from workflow.scripts.calibrate import calibrate
from workflow.scripts.choose_examples import choose_examples
from workflow.scripts.compare_methods import compare_methods
from workflow.scripts.compare_with_paper import compare_with_paper
from workflow.scripts.compute_saliency import compute_saliency
from workflow.scripts.find_who_gains import find_who_gains
from workflow.scripts.join_label_maps import join_label_maps
from workflow.scripts.measure_fidelity import measure_fidelity
from workflow.scripts.play_pointing_game import play_pointing_game
from workflow.scripts.plot_best_of_n import plot_best_of_n
from workflow.scripts.plot_calibration import plot_calibration
from workflow.scripts.plot_contact_sheet import plot_contact_sheet
from workflow.scripts.plot_figure_1 import plot_figure_1
from workflow.scripts.plot_figure_2 import plot_figure_2
from workflow.scripts.plot_label_noise import plot_label_noise
from workflow.scripts.plot_nulls import plot_nulls
from workflow.scripts.plot_scanpaths import plot_scanpaths
from workflow.scripts.plot_sweep import plot_sweep
from workflow.scripts.plot_trade_off import plot_trade_off
from workflow.scripts.plot_two_stages import plot_two_stages
from workflow.scripts.plot_views import plot_views
from workflow.scripts.plot_who_gains import plot_who_gains
from workflow.scripts.render_tables import render_tables
from workflow.scripts.sample_images import sample_images
from workflow.scripts.score_fixations import score_fixations
from workflow.scripts.score_nulls import score_nulls
from workflow.scripts.score_reading import score_reading
from workflow.scripts.score_scanpaths import score_scanpaths
from workflow.scripts.select_fixations import select_fixations
from workflow.scripts.summarise_scanpaths import summarise_scanpaths
from workflow.scripts.summarise_scores import summarise_scores
from workflow.scripts.summarise_sweep import summarise_sweep
from workflow.scripts.summarise_two_stages import summarise_two_stages

pytestmark = pytest.mark.slow  # together

mpl.use("agg")
PAPER, ORDERS = ROOT / "resources/paper.csv", ROOT / "resources/paper_orders.csv"
LABELS, SIZES = 4, [(40, 30)] * 6
IDS = [f"image {i}" for i in range(6)]
VIEW = {"family": "zoom", "grid": 3, "floor": 0.2}
CROP = {"family": "crop", "grid": 1, "side": 0.9}
CROPS = {"family": "ten_crop", "share": 0.9}
MODEL = network_of("resnet18", 16)
NETWORK = {"dataset": "d", "view": "zoom", "model": "m", "architecture": "resnet18", "weights": "checkpoint"}
METHODS = {"likelihood": "cued", "igub": "uncued", "gradcam": "cued", "dff": "uncued"}
TABLES = [
    "summary",
    "best_of_n",
    "who_gains",
    "scanpaths",
    "examples",
    "calibration",
    "calibration_terms",
    "sweep",
    "two_stages",
]
LOOK = {"view": VIEW, "network": MADE_BY["network"], "engine": "exact", "precision": "bfloat16"}
REFERENCE = LOOK | {"precision": "float32"}
SETTINGS = {method: {"method": method, "options": {}, "arrival": "nearest"} for method in METHODS}
ON_GLIMPSES = {method: {"method": method, "options": {}} for method in ("gradcam", "dff")}
LOOKED = {"networks": [LOOK], "methods": SETTINGS}
NULLS = {"seed": 0, "folds": 2, "standard_view": CROP, "ten_crop_view": CROPS}
SCORED = LOOKED | {"tolerance": 0.0, "nulls": [NULLS]}
CHOSEN = {}
SHOWN = {"look": LOOK, "methods": SETTINGS, "tolerance": 0.0}
SCANNED = {
    "look": LOOK,
    "methods": {"dff": SETTINGS["dff"]},
    "scanpaths": {"fixations": 4, "among": "all", "draws": 2, "seed": 0, "thresholds": [0.5]},
}
ON_LABEL_MAPS = ("likelihood", "igub")
STAGED = {"networks": [LOOK], "methods": {name: SETTINGS[name] for name in ON_LABEL_MAPS}}
READ = {"networks": [LOOK, REFERENCE], "methods": ON_GLIMPSES}
CALIBRATED = READ | {"bootstrap": {"resamples": 20, "seed": 0}, "standard_views": [CROP]}
SWEPT = READ | {"option": "floor"}
COMPARED = {"networks": [LOOK], "methods": ON_GLIMPSES, "references": [REFERENCE]}
ROWS = [NETWORK | {"method": name, "variant": name, "cue": cue} for name, cue in METHODS.items()]


def write_study(folder, ids=IDS, weights="0123", seed=0, pixels=0, **columns):
    """Write all files of a small study, as the workflow leaves them: name → path."""
    random, label = np.random.default_rng(seed), np.arange(len(ids)) % LABELS
    boxes = [np.array([[3, 2, 30, 20]], np.float32)] * len(ids)
    index = write_data_set(
        folder, noise(*SIZES, seed=pixels), LABELS, image=ids, label=label, boxes=boxes, **columns
    )
    digests = find_digests(index)
    files = {name.split(".")[0]: folder / name for name in ("index.parquet", "classes.txt", "excluded.csv")}
    files["acceptable"] = folder / "acceptable.parquet"
    right = [None, np.array([], np.int16), *(np.array([k, 3], np.int16) for k in (0, 0, 1, 2))]
    write_labels(files["acceptable"], list(ids), right)
    files["factors"] = folder / "factors.parquet"
    dark = pd.array([True, False, None] * 2, "boolean")
    write_factors(files["factors"], pd.DataFrame({"image": list(ids), "dark": dark}))
    write_excluded(files["excluded"], index.assign(reason="").iloc[:0])
    for name, view, precision in (
        ("label maps", VIEW, "bfloat16"),
        ("reference", VIEW, "float32"),
        ("standard", CROP, "bfloat16"),
        ("ten crop", CROPS, "bfloat16"),
    ):
        made_by = {"weights_sha256": weights, "weights_source": "checkpoint"}
        made_by = MADE_BY | made_by | {"view": view, "precision": precision}
        maps = random_label_maps(ids, SIZES, views.create_view(**view), LABELS, random)
        files[name] = folder / f"{name}.h5"
        files[f"{name} part 1"], files[f"{name} part 2"] = write_joined(
            files[name], maps, made_by, [2], digests
        )
        for method, own_label in (("gradcam", None), ("dff", label)):
            path = files[f"{method}, {name}"] = folder / "saliency" / f"{method}, {name}.h5"
            glimpse = of_glimpse(maps, random.random((len(ids), 2, 2)), own_label, digests)
            write_saliency(path, glimpse, made_by | {"method": method, "options": {}})
    for method in ("likelihood", "igub"):
        files[f"{method}, label maps"] = folder / "saliency" / f"{method}.h5"
        saliency_of(files, method, files[f"{method}, label maps"])
    for method in METHODS:
        files[f"fixations, {method}"], files[f"scores, {method}"] = look(
            files[f"{method}, label maps"], files["label maps"], files["index"]
        )
    for name in ("nulls", "curves", "paths", "path curves", "reading", "reference reading"):
        files[name] = folder / f"{name}.parquet"
    files |= {name: folder / f"{name}.parquet" for name in TABLES}
    nulls_of(files, files["nulls"], files["curves"])
    gains_of(files, files["who_gains"])
    reading_of(files, "label maps", files["reading"])
    reading_of(files, "reference", files["reference reading"])
    summary_of(files, files["summary"], files["best_of_n"])
    examples_of(files, files["examples"])
    paths_of(files, files["paths"], files["path curves"])
    scanpaths_of(files, files["scanpaths"])
    ranking_of(files, files["calibration"], files["calibration_terms"])
    sweep_of(files, files["sweep"])
    stages_of(files, files["two_stages"])
    return files


def of(files, kind):
    return [files[f"{kind}, {method}"] for method in METHODS]


def saliency_of(files, method, output):
    compute_saliency(
        label_maps=files["label maps"], index=files["index"], saliency=output, method=method, options={}
    )


def fixations_of(files, method, output):
    select_fixations(
        saliency=files[f"{method}, label maps"],
        label_maps=files["label maps"],
        fixations=output,
        arrival="nearest",
    )


def scores_of(files, method, output):
    score_fixations(
        fixations=files[f"fixations, {method}"],
        label_maps=files["label maps"],
        index=files["index"],
        scores=output,
        tolerance=0.0,
    )


def nulls_of(files, scores, curves):
    score_nulls(
        index=files["index"],
        label_maps=files["label maps"],
        standard=files["standard"],
        acceptable_labels=[files["acceptable"]],
        ten_crop=[files["ten crop"]],
        scores=scores,
        best_of_n=curves,
        tolerance=0.0,
        seed=0,
        folds=2,
    )


def paths_of(files, paths, curves):
    score_scanpaths(
        index=files["index"],
        label_maps=files["label maps"],
        saliency=[files["dff, label maps"]],
        paths=paths,
        curves=curves,
        variants={"dff": "dff"},
        made_by=SCANNED,
    )


def scanpaths_of(files, output):
    summarise_scanpaths(
        curves=[files["path curves"], files["path curves"]],
        scanpaths=both(output),
        networks=[NETWORK, NETWORK | {"model": "again"}],
        made_by={"networks": [SCANNED, SCANNED]},
    )


def reading_of(files, name, output):
    glimpses = {method: files[f"{method}, {name}"] for method in ("gradcam", "dff")}
    score_reading(
        index=files["index"], label_maps=files[name], outcomes=output, methods=ON_GLIMPSES, **glimpses
    )


def summary_of(files, summary, best_of_n):
    summarise_scores(
        scores=of(files, "scores"),
        nulls=[files["nulls"]],
        curves=[files["curves"]],
        acceptable_labels=[files["acceptable"]],
        summary=both(summary),
        best_of_n=both(best_of_n),
        rows=ROWS,
        networks=[NETWORK],
        made_by=SCORED,
    )


def gains_of(files, output):
    find_who_gains(
        index=files["index"],
        scores=of(files, "scores"),
        factors=[files["factors"]],
        who_gains=both(output),
        rows=ROWS,
        made_by=LOOKED,
    )


def examples_of(files, output):
    choose_examples(
        label_maps=files["label maps"],
        index=files["index"],
        classes=files["classes"],
        scores=of(files, "scores"),
        fixations=of(files, "fixations"),
        examples=both(output),
        measures=output.with_name("measures.parquet"),
        chosen=CHOSEN,
        made_by=SHOWN,
    )


def figure_of(files, output):
    shown = list(METHODS)
    plot_figure_1(
        examples=files["examples"],
        scanpaths=files["paths"],
        index=files["index"],
        label_maps=files["label maps"],
        classes=files["classes"],
        saliency=[files[f"{method}, label maps"] for method in shown],
        fixations=[files[f"fixations, {method}"] for method in shown],
        figures=[output],
        names=["gain"],
        methods=[{"variant": method, "cue": METHODS[method]} for method in shown],
        sizes=["page"],
        made_by=SHOWN,
        scanned=SCANNED,
        variants={"dff": "dff"},
        chosen=CHOSEN,
    )


def fidelity_of(files, output):
    measure_fidelity(
        label_maps=[files["label maps"]],
        outcomes=[files["reading"]],
        reference_label_maps=[files["reference"]],
        reference_outcomes=[files["reference reading"]],
        fidelity=both(output),
        rows=[NETWORK],
        settings=COMPARED,
    )


def pointing_of(files, output):
    play_pointing_game(
        index=files["index"],
        label_maps=[files["label maps"]],
        fixations=of(files, "fixations"),
        pointing=both(output),
        networks=[NETWORK],
        methods=[list(METHODS)],
        made_by=LOOKED,
    )


def ranking_of(files, ranking, terms):
    rows = [NETWORK, NETWORK | {"view": "reference"}]
    outcomes = [files["reading"], files["reference reading"]]
    calibrate(
        outcomes=outcomes,
        standard=[files["standard"]],
        index=files["index"],
        paper=PAPER,
        has_imagenet_classes=False,
        ranking=both(ranking),
        terms=both(terms),
        rows=rows,
        resamples=20,
        seed=0,
        made_by=CALIBRATED,
    )


def sweep_of(files, output):
    rows = [NETWORK | {"value": 0.1}, NETWORK | {"view": "reference", "value": 0.2}]
    outcomes = [files["reading"], files["reference reading"]]
    summarise_sweep(
        outcomes=outcomes,
        sweep=both(output),
        option="floor",
        rows=rows,
        grids=[3, 3],
        methods=METHODS,
        made_by=SWEPT,
    )


def stages_of(files, output):
    summarise_two_stages(
        index=files["index"],
        label_maps=[files["label maps"]],
        saliency=[files[f"{method}, label maps"] for method in ON_LABEL_MAPS],
        two_stages=both(output),
        rows=[row for row in ROWS if row["method"] in ON_LABEL_MAPS],
        made_by=STAGED,
    )


def figure_from(plot, table, **options):
    """Make a function that draws a figure of one table from the files."""

    def draw(files, out):
        plot(**{table: files[table]}, figures=[out / "a.png"], sizes=["page"], **options)

    return draw


def papers_numbers_of(files, numbers, orders):
    compare_with_paper(
        summary=files["summary"],
        scores=of(files, "scores"),
        acceptable_labels=[files["acceptable"]],
        paper=PAPER,
        paper_orders=ORDERS,
        numbers=both(numbers),
        orders=both(orders),
        index=files["index"],
        has_imagenet_classes=False,
        rows=ROWS,
        made_by=SCORED,
    )


# Script → what runs it on files and a folder for its outputs, and the names of what it reads.
LABEL_MAPS = ["label maps", "label maps part 1", "label maps part 2"]
READERS = {
    "join_label_maps": (
        lambda files, _: join_label_maps(
            parts=[files["label maps part 1"], files["label maps part 2"]],
            index=files["index"],
            label_maps=files["label maps"].with_name("again.h5"),
        ),
        ["index", *LABEL_MAPS[1:]],
    ),
    "compute_saliency": (
        lambda files, out: saliency_of(files, "igub", out / "a.h5"),
        ["index", *LABEL_MAPS],
    ),
    "select_fixations": (
        lambda files, out: fixations_of(files, "igub", out / "a.parquet"),
        ["igub, label maps", *LABEL_MAPS],
    ),
    "select_fixations of a glimpse": (
        lambda files, out: fixations_of(files, "gradcam", out / "a.parquet"),
        ["gradcam, label maps", *LABEL_MAPS],
    ),
    "score_fixations": (
        lambda files, out: scores_of(files, "igub", out / "a.parquet"),
        ["index", "fixations, igub", *LABEL_MAPS],
    ),
    "score_nulls": (
        lambda files, out: nulls_of(files, out / "a.parquet", out / "b.parquet"),
        ["index", "standard", "standard part 1", "acceptable", "ten crop", "ten crop part 2", *LABEL_MAPS],
    ),
    "score_scanpaths": (
        lambda files, out: paths_of(files, out / "a.parquet", out / "b.parquet"),
        ["index", "dff, label maps", *LABEL_MAPS],
    ),
    "summarise_scanpaths": (lambda files, out: scanpaths_of(files, out / "a.csv"), ["path curves"]),
    "plot_scanpaths": (
        figure_from(plot_scanpaths, "scanpaths", view="zoom", made_by={"networks": [SCANNED, SCANNED]}),
        ["scanpaths"],
    ),
    "score_reading": (
        lambda files, out: reading_of(files, "label maps", out / "a.parquet"),
        ["index", "gradcam, label maps", "dff, label maps", *LABEL_MAPS],
    ),
    "measure_fidelity": (
        lambda files, out: fidelity_of(files, out / "a.csv"),
        ["reading", "reference", "reference reading", "reference part 2", *LABEL_MAPS],
    ),
    "play_pointing_game": (
        lambda files, out: pointing_of(files, out / "a.csv"),
        ["index", "fixations, dff", *LABEL_MAPS],
    ),
    "choose_examples": (
        lambda files, out: examples_of(files, out / "a.csv"),
        ["index", "fixations, dff", "scores, igub", *LABEL_MAPS],
    ),
    "plot_figure_1": (
        lambda files, out: figure_of(files, out / "a.png"),
        [
            "index",
            "examples",
            "igub, label maps",
            "gradcam, label maps",
            "fixations, igub",
            "paths",
            *LABEL_MAPS,
        ],
    ),
    "summarise_scores": (
        lambda files, out: summary_of(files, out / "a.csv", out / "b.csv"),
        ["scores, igub", "nulls", "curves", "acceptable"],
    ),
    "compare_methods": (
        lambda files, out: compare_methods(
            scores=of(files, "scores"),
            nulls=[files["nulls"]],
            acceptable_labels=[files["acceptable"]],
            comparisons=both(out / "a"),
            networks=[NETWORK],
            methods=[list(METHODS)],
            made_by=SCORED,
        ),
        ["scores, igub", "nulls", "acceptable"],
    ),
    "find_who_gains": (
        lambda files, out: gains_of(files, out / "a.csv"),
        ["index", "scores, igub", "factors"],
    ),
    "compare_with_paper": (
        lambda files, out: papers_numbers_of(files, out / "a.csv", out / "b.csv"),
        ["index", "scores, dff", "summary", "acceptable"],
    ),
    "calibrate": (
        lambda files, out: ranking_of(files, out / "a.csv", out / "b.csv"),
        ["index", "reading", "reference reading", "standard", "standard part 1"],
    ),
    "summarise_sweep": (
        lambda files, out: sweep_of(files, out / "a.csv"),
        ["reading", "reference reading"],
    ),
    "plot_figure_2": (
        lambda files, out: plot_figure_2(
            summary=files["summary"],
            paper=PAPER,
            index=files["index"],
            has_imagenet_classes=False,
            figures=[out / "a.png"],
            view="zoom",
            methods=list(METHODS),
            sizes=["page"],
            made_by=SCORED,
        ),
        ["index", "summary"],
    ),
    "plot_trade_off": (figure_from(plot_trade_off, "summary", view="zoom", made_by=SCORED), ["summary"]),
    "plot_nulls": (figure_from(plot_nulls, "summary", view="zoom", made_by=SCORED), ["summary"]),
    "plot_label_noise": (figure_from(plot_label_noise, "summary", view="zoom", made_by=SCORED), ["summary"]),
    "plot_who_gains": (
        figure_from(plot_who_gains, "who_gains", view="zoom", methods=list(METHODS), made_by=LOOKED),
        ["who_gains"],
    ),
    "plot_best_of_n": (figure_from(plot_best_of_n, "best_of_n", view="zoom", made_by=SCORED), ["best_of_n"]),
    "plot_calibration": (
        lambda files, out: plot_calibration(
            ranking=files["calibration"],
            terms=files["calibration_terms"],
            figures=[out / "a.png"],
            model="m",
            made_by=CALIBRATED,
        ),
        ["calibration", "calibration_terms"],
    ),
    "plot_sweep": (figure_from(plot_sweep, "sweep", title="a", made_by=SWEPT), ["sweep"]),
    "summarise_two_stages": (
        lambda files, out: stages_of(files, out / "a.csv"),
        ["index", "igub, label maps", *LABEL_MAPS],
    ),
    "plot_two_stages": (
        lambda files, out: plot_two_stages(
            two_stages=files["two_stages"],
            scanpaths=files["scanpaths"],
            figures=[out / "a.png"],
            view="zoom",
            sizes=["page"],
            made_by=STAGED,
            scanned={"networks": [SCANNED, SCANNED]},
        ),
        ["two_stages", "scanpaths"],
    ),
    "render_tables": (
        lambda files, out: render_tables(
            tables=[files["best_of_n"], files["summary"]],
            pages=[out / "a.html", out / "b.html"],
            titles=["a", "b"],
            notes=["c", "d"],
            made_by=[SCORED, SCORED],
        ),
        ["best_of_n", "summary"],
    ),
    "plot_contact_sheet": (
        lambda files, out: plot_contact_sheet(
            index=files["index"],
            excluded=files["excluded"],
            classes=files["classes"],
            figures=[out / "a.png"],
            dataset="d",
            whole="d",
        ),
        ["index"],
    ),
    "plot_views": (
        lambda files, out: plot_views(
            index=files["index"],
            figures=[out / "a.png"],
            name="zoom",
            view_config=VIEW,
            network_config=MODEL,
            image=None,
        ),
        ["index"],
    ),
    "sample_images": (
        lambda files, out: sample_images(
            whole_index=files["index"], index=out / "a.parquet", n_images=2, seed=0
        ),
        ["index"],
    ),
}
CASES = [(script, name) for script, (_, names) in READERS.items() for name in names]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Whole studies of another network and of other images."""
    changes = {"weights": {"weights": "4567", "seed": 9}, "images": {"ids": [f"other {i}" for i in range(6)]}}
    return {name: write_study(tmp_path_factory.mktemp(name), **change) for name, change in changes.items()}


def refusal(script, files, folder):
    """What a script says when it refuses its inputs; it must leave no output."""
    run, _ = READERS[script]
    before = sorted(files["label maps"].parent.iterdir())
    with pytest.raises(InputError) as error:
        run(files, folder)
    assert list(folder.iterdir()) == []
    assert sorted(files["label maps"].parent.iterdir()) == before
    return str(error.value)


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


@pytest.fixture
def spoilt():
    """Puts back files that a test spoils."""
    kept = {}

    def keep(path):
        kept[path] = path.read_bytes()
        return path

    yield keep
    for path, content in kept.items():
        path.write_bytes(content)


@pytest.mark.parametrize("script", READERS)
def test_whole_files_are_read(study, tmp_path, script):
    READERS[script][0](study, tmp_path)
    assert script == "join_label_maps" or list(tmp_path.iterdir())
    study["label maps"].with_name("again.h5").unlink(missing_ok=True)


@pytest.mark.parametrize(("script", "name"), CASES)
def test_a_damaged_file_is_refused_by_name(study, tmp_path, spoilt, script, name):
    of_hdf5 = (flip_data, flip_an_attribute, flip_an_image_id)
    path = spoilt(study[name])
    content = path.read_bytes()
    for damage in (remove, truncate, *(of_hdf5 if path.suffix == ".h5" else (flip_in_the_middle,))):
        damage(path)
        message = refusal(script, study, tmp_path)
        assert message.startswith(f"{path}: "), damage
        assert message.endswith("un again"), damage
        path.write_bytes(content)


# Nothing says that these are of another network: the index is the same, and label maps are all that there is; pages are of
# one table each.
ALONE = {("compute_saliency", "label maps"), ("plot_figure_2", "summary"), ("plot_figure_2", "index")}
ALONE |= {("render_tables", "summary"), ("render_tables", "best_of_n")}
OF_IMAGES = ("index", "acceptable", "factors")
EXCHANGED = [
    (script, name, other)
    for script, name in CASES
    for other in ("weights", "images")
    if len(READERS[script][1]) > 1
    and (name not in OF_IMAGES or other == "images")
    and (script, name) not in ALONE
]


@pytest.mark.parametrize(("script", "name", "other"), EXCHANGED)
@pytest.mark.slow
def test_a_file_of_something_else_is_refused(study, others, tmp_path, spoilt, script, name, other):
    theirs = others[other][name]
    if "part" in name:  # a joined file names its parts
        spoilt(study[name]).write_bytes(theirs.read_bytes())
        files = study
    else:
        files = study | {name: theirs}
    message = refusal(script, files, tmp_path)
    assert "un again" in message
    assert any(message.startswith(f"{path}: ") for path in files.values())


@pytest.mark.slow
def test_label_maps_made_otherwise_are_refused_with_what_differs(study, others, tmp_path):
    assert "weights_sha256" in refusal(
        "measure_fidelity", study | {"reference": others["weights"]["reference"]}, tmp_path
    )
    assert "weights_sha256" in refusal(
        "score_nulls", study | {"standard": others["weights"]["standard"]}, tmp_path
    )
    assert "precision" in refusal(
        "select_fixations of a glimpse",
        study | {"gradcam, label maps": study["gradcam, reference"]},
        tmp_path,
    )
    assert "label_maps" in refusal("score_fixations", study | {"label maps": study["reference"]}, tmp_path)


@pytest.mark.parametrize("other", ["weights", "images"])
@pytest.mark.slow
def test_a_run_is_not_compared_with_the_reference_of_another(study, others, tmp_path, other):
    theirs = {name: others[other][name] for name in ("label maps", "reading")}
    message = refusal("measure_fidelity", study | theirs, tmp_path)
    assert message.startswith(f"{theirs['label maps']}: ")
    assert other in message


# What the configuration may say otherwise than what made the files: the setting, as Python names it here → the new value.
CHANGES = {
    "view.floor": (VIEW, "floor", 0.5),
    "network.architecture": (LOOK["network"], "architecture", "resnet34"),
    "precision": (LOOK, "precision", "float16"),
    "engine": (LOOK, "engine", "shared"),
    "options.prior": (SETTINGS["igub"]["options"], "prior", "mean"),
    "arrival": (SETTINGS["igub"], "arrival", "index"),
    "tolerance": (SCORED, "tolerance", 15.0),
    "seed": (SCORED["nulls"][0], "seed", 7),
    "standard_view.side": (CROP, "side", 0.5),
}
OF_NETWORK = {"view.floor", "network.architecture", "precision", "engine"}
OF_METHOD = {"options.prior", "arrival"}
# Script → what it must notice.
NOTICED = {
    "summarise_scores": set(CHANGES),
    "compare_methods": OF_NETWORK | OF_METHOD,
    "compare_with_paper": set(CHANGES),
    "play_pointing_game": OF_NETWORK | OF_METHOD,
    "choose_examples": OF_NETWORK | OF_METHOD,
    "plot_figure_1": OF_NETWORK | OF_METHOD,
    "find_who_gains": OF_NETWORK | OF_METHOD,
    "plot_who_gains": OF_NETWORK | OF_METHOD,
    "plot_figure_2": set(CHANGES),
    "plot_trade_off": set(CHANGES),
    "plot_nulls": set(CHANGES),
    "plot_label_noise": set(CHANGES),
    "plot_best_of_n": set(CHANGES),
    "render_tables": set(CHANGES),
    "measure_fidelity": OF_NETWORK,
    "calibrate": OF_NETWORK,
    "plot_calibration": OF_NETWORK,
    "summarise_sweep": OF_NETWORK,
    "plot_sweep": OF_NETWORK,
    "summarise_two_stages": OF_NETWORK | {"options.prior"},
    "plot_two_stages": OF_NETWORK | {"options.prior"},
}


@pytest.mark.parametrize(
    ("script", "setting"), [(script, name) for script in NOTICED for name in sorted(NOTICED[script])]
)
def test_what_was_made_with_other_settings_is_not_shown(study, tmp_path, monkeypatch, script, setting):
    """As where results were copied without Snakemake's records, and the configuration changed then."""
    settings, key, value = CHANGES[setting]
    before = settings.get(key)
    monkeypatch.setitem(settings, key, value)
    message = refusal(script, study, tmp_path)
    assert "made with other settings than the configuration has now: " in message
    assert f"{setting} was {json.dumps(before)} and is {json.dumps(value)}" in message
    assert "un again, or change the settings back" in message


@pytest.mark.parametrize("script", ["summarise_scores", "compare_methods", "compare_with_paper"])
def test_what_was_made_with_other_acceptable_labels_is_not_shown(study, tmp_path, script):
    other, out = tmp_path / "other.parquet", tmp_path / "out"
    out.mkdir()
    write_labels(other, IDS, [np.array([1], np.int16)] * len(IDS))
    message = refusal(script, study | {"acceptable": other}, out)
    assert "made with other settings than the configuration has now: acceptable_sha256 was" in message


@pytest.mark.parametrize(
    ("changed", "file", "deleted"),
    [
        ({"view": {"floor": 0.5}}, "label_maps.h5", "the folder d/zoom/m"),
        ({"precision": "float16"}, "scores/igub.parquet", "the folder d/zoom/m"),
        (
            {"options": {"prior": "mean"}, "arrival": "index"},
            "scores/igub.parquet",
            "d/zoom/m/saliency/igub.h5",
        ),
        ({"arrival": "index"}, "scores/igub.parquet", "d/zoom/m/fixations/igub.parquet"),
        ({"tolerance": 2}, "scores/igub.parquet", "it"),
        ({"standard_view": {"side": 1}}, "nulls.parquet", "the folder d/standard_crop/m"),
        ({"ten_crop_view": {"share": 1}}, "nulls.parquet", "it and the folder d/ten_crop/m"),
        ({"networks": [{"view": {"floor": 0.5}}]}, "summary.parquet", "it"),
    ],
)
def test_what_must_go_so_that_it_is_made_anew_is_said(changed, file, deleted):
    path = Path("d/zoom/m", file)
    with pytest.raises(InputError, match=f"^{path}: .* Delete {deleted} and run again, or change"):
        check_settings(changed, {}, path)


def test_other_examples_than_the_configurations_are_not_drawn(study, tmp_path, monkeypatch):
    monkeypatch.setitem(CHOSEN, "cat", "image 3")
    message = refusal("plot_figure_1", study, tmp_path)
    assert message.startswith(f"{study['examples']}: made with other settings")
    assert 'chosen.cat was null and is "image 3"' in message


def test_two_stages_of_methods_that_all_need_the_outer_views_are_refused(study, tmp_path, monkeypatch):
    """On a grid of 3 x 3 the central prior is one of all views."""
    monkeypatch.setitem(SETTINGS["igub"]["options"], "prior", "inner")
    other = study | {"igub, label maps": tmp_path / "igub.h5"}
    compute_saliency(
        label_maps=study["label maps"],
        index=study["index"],
        saliency=other["igub, label maps"],
        method="igub",
        options=SETTINGS["igub"]["options"],
    )
    given = {
        "index": study["index"],
        "label_maps": [study["label maps"]],
        "rows": [row for row in ROWS if row["method"] == "igub"],
        "made_by": STAGED,
        "two_stages": both(tmp_path / "a"),
    }
    with pytest.raises(InputError, match="without the outer views"):
        summarise_two_stages(saliency=[other["igub, label maps"]], **given)
    assert [path.name for path in tmp_path.iterdir()] == ["igub.h5"]
    stages_of(other, tmp_path / "a")  # the likelihood map is left
    assert set(pd.read_csv(tmp_path / "a.csv")["method"]) == {"likelihood"}


@pytest.fixture(scope="module")
def unverified(tmp_path_factory):
    """A study whose index has no digests (`verify: header`), and the same of other pixels under the same ids."""
    return [
        write_study(tmp_path_factory.mktemp(f"unverified {seed}"), seed=seed, pixels=seed, digest="")
        for seed in (0, 1)
    ]


OTHER_PIXELS = {
    ("join_label_maps", "label maps part 1"),
    ("select_fixations of a glimpse", "gradcam, label maps"),
    ("score_reading", "dff, label maps"),
    ("score_nulls", "standard"),
    ("score_nulls", "ten crop"),
    ("measure_fidelity", "reference"),
    ("plot_figure_1", "label maps"),
    ("plot_figure_1", "gradcam, label maps"),
}


@pytest.mark.parametrize(("script", "name"), sorted(OTHER_PIXELS))
def test_what_was_made_from_other_pixels_is_refused_where_the_index_has_not_read_them(
    unverified, tmp_path, spoilt, script, name
):
    ours, theirs = unverified
    named = theirs[name]
    if "part" in name:
        named = spoilt(ours[name])
        named.write_bytes(theirs[name].read_bytes())
    message = refusal(script, ours | {name: named}, tmp_path)
    if script == "measure_fidelity":
        named = ours["label maps"]
    assert message.startswith(f"{named}: made from other pixels of image ")


def test_an_image_exchanged_after_the_label_maps_is_noticed_where_it_is_read_again(
    unverified, tmp_path, spoilt
):
    files, theirs = unverified
    image, other = (Path(read_index(some["index"])["path"].iloc[2]) for some in (files, theirs))
    base = tmp_path / "results/zoom/network"
    shutil.copytree(files["label maps"].with_suffix(""), base / "label maps")
    shutil.copy(files["label maps"], base / "label_maps.h5")
    shutil.copy(files["index"], tmp_path / "results")
    results = Results(base)
    assert results.views("image 2").shape == (3, 3, 16, 16, 3)
    spoilt(image).write_bytes(other.read_bytes())
    said = "made from other pixels of image 2 than"
    with pytest.raises(InputError, match=said):
        results.views("image 2")
    with pytest.raises(InputError, match=said):
        READERS["join_label_maps"][0](files, tmp_path)


@pytest.mark.parametrize("spoil", [remove, truncate, empty])
def test_what_happens_to_a_table_for_people_changes_nothing(study, tmp_path, spoilt, spoil):
    scripts = (
        "plot_figure_1",
        "plot_nulls",
        "plot_best_of_n",
        "plot_calibration",
        "plot_sweep",
        "render_tables",
    )
    made = {}
    for run in ("before", "after"):
        plt.close("all")
        for script in scripts:
            folder = tmp_path / run / script
            folder.mkdir(parents=True)
            READERS[script][0](study, folder)
            made.setdefault(script, []).append([path.read_bytes() for path in folder.iterdir()])
        for name in TABLES if run == "before" else ():
            spoil(spoilt(study[name].with_suffix(".csv")))
    assert all(before == after for before, after in made.values())
