"""What profiles/slurm says of the rules; test_slurm.py runs it."""

import re

import yaml

from helpers.runs import planned_jobs, snakemake, succeed, written_rules
from pipeline.sources import ROOT

PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
RULES = written_rules()
ALONE = {"check_network", "compute_label_maps", "compute_glimpse_saliency", "train_network"}
ON_THE_LOGIN_NODE = {"download_weights", "download_timm_weights"}


def test_each_rule_is_in_a_group_or_a_job_of_its_own_or_on_the_login_node():
    assert set(PROFILE["groups"]) == RULES.keys() - ALONE - ON_THE_LOGIN_NODE
    assert set(PROFILE["group-components"]) <= set(PROFILE["groups"].values())
    assert {name for name, text in RULES.items() if "localrule: True" in text} == ON_THE_LOGIN_NODE


def test_resources_are_of_rules_that_there_are_and_gpus_of_those_that_run_networks():
    resources = PROFILE["set-resources"]
    assert resources.keys() <= RULES.keys()
    on_gpus = {name for name, asked in resources.items() if "gpu" in asked}
    assert on_gpus == {name for name, text in RULES.items() if re.search(r"^ +gpu=", text, re.M)}


def test_whatever_is_asked_for_can_be_grouped(tmp_path):
    targets = "all", "calibration", "sweeps", "two_stages", "fidelity"
    text = succeed(snakemake(tmp_path, "--profile", ROOT / "profiles/slurm", "-n", *targets))
    assert planned_jobs(text).keys() >= RULES.keys() - {
        *ON_THE_LOGIN_NODE,
        "list_classes",
        *("list_acceptable_labels", "list_factors", "plot_label_noise"),
        "draw_random_weights",
        "train_network",
    }
    assert len(re.findall("Group job prepare ", text)) == 1
    assert len(re.findall("Group job report ", text)) == 1
