"""A metric of somebody else, pip-installed: a search minimises it, and who lacks its package still reads the study."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from installed_package import automl, environment_with

PACKAGE = Path(__file__).parent / "automl-energy"
SPACE = """
architecture:
  conv_net: {depth: 2, width_1: [8, 16], width_2: [8, 16], kernel: 3, activation: relu}
training: {epochs: 1, max_train_images: 100}
"""
WISHES = ("--objective", "energy_mj", "--objective", "size_bytes", "--constraint", "energy_mj<=50mJ")
TABLE = """
import automl
study = automl.open_study("small")
energy = study.trials()["metric.energy_mj"]
print(energy.notna().sum(), (energy > 0).all(), *(str(objective) for objective in study.spec.objectives))
print(type(study.front()[0].metrics["energy_mj"]).__name__)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return environment_with(PACKAGE, tmp_path_factory)


@pytest.fixture(scope="module")
def searched(environment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("searched")
    (folder / "small.yaml").write_text(SPACE)
    options = ("--budget", "4", "--workers", "1", "--sampler", "tpe", "--json")
    document = json.loads(automl(environment, "search", "small.yaml", *WISHES, *options, cwd=folder).stdout)
    return folder, document


@pytest.mark.slow
def test_a_search_minimises_the_metric_in_the_direction_that_it_states(searched):
    _, document = searched
    assert document["trials"] == 4
    for row in document["front"]:
        assert row["metric.energy_mj"] > 0
        assert row["constraint.energy_mj<=50"] <= 0


@pytest.mark.slow
def test_tables_print_the_metric_with_its_symbol(environment, searched):
    folder, document = searched
    front = automl(environment, "pareto", "small", cwd=folder).stdout
    assert "energy ↓" in front
    assert " mJ" in front
    assert "energy ↓" in automl(environment, "trials", "small", cwd=folder).stdout
    shown = automl(environment, "show", "small", str(document["front"][0]["number"]), cwd=folder).stdout
    assert "energy  " in shown
    assert "energy_mj<=50  kept" in shown


@pytest.mark.slow
def test_the_column_is_in_the_table_of_the_python_api(environment, searched):
    folder, _ = searched
    command = [sys.executable, "-c", TABLE]
    found = subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, text=True)
    assert found.stdout.split("\n")[:2] == ["4 True energy_mj:min size_bytes:min", "float"]


@pytest.mark.slow
def test_the_metric_is_listed_with_its_distribution(environment):
    assert "energy_mj" in automl(environment, "plugins").stdout
    described = json.loads(automl(environment, "plugins", "energy_mj", "--json").stdout)
    assert described["distribution"] == "automl-energy 0.3.0"


@pytest.mark.slow
def test_a_study_reads_and_folds_where_the_metric_is_not_installed(searched):
    folder, _ = searched
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    before = pq.read_table(folder / "trials/small/trials.parquet")
    assert "energy mj ↓" in automl(bare, "pareto", "small", cwd=folder).stdout
    automl(bare, "compact", "small", cwd=folder)
    assert pq.read_table(folder / "trials/small/trials.parquet").equals(before)
    refused = automl(bare, "search", "small.yaml", *WISHES[:4], "--study", "other", cwd=folder, check=False)
    assert refused.returncode == 2
    assert "'energy_mj'" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
