"""One package of somebody else brings a metric, a runtime, a sampler and a stopping rule, and one search uses them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from installed_package import automl, environment_with

PACKAGE = Path(__file__).parent / "automl-battery"
BROUGHT = {"metric": "energy_uj", "runtime": "ort_xz", "sampler": "front_walk", "stopping": "half_time"}
SPACE = """
architecture:
  conv_net: {depth: 2, width_1: {min: 8, max: 32, step: 8}, width_2: 8, kernel: 3, activation: relu}
training: {epochs: 4, max_train_images: 256, batch_size: 32}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return environment_with(PACKAGE, tmp_path_factory)


@pytest.mark.slow
def test_each_keeps_the_contract_of_its_kind(environment, tmp_path):
    test = PACKAGE / "test_automl_battery.py"
    (tmp_path / test.name).write_bytes(test.read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    command += ["-k", "FrontWalk or HalfTime or says_what_it_is or float32", str(tmp_path)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout


@pytest.mark.slow
def test_one_search_uses_all_four(environment, tmp_path):
    listed = json.loads(automl(environment, "plugins", "--json").stdout)
    assert {each["kind"]: each["name"] for each in listed if each["distribution"] == "automl-battery 0.3.0"} == BROUGHT
    (tmp_path / "tiny.yaml").write_text(SPACE)
    options = ["--objective", "accuracy:max", "--objective", "energy_uj:min", "--constraint", "energy_uj<=1000000"]
    options += ["--target", "ort_xz:1", "--sampler", "front_walk", "--early-stopping", "half_time"]
    searched = automl(
        environment, "search", "tiny.yaml", "--budget", "4", "--workers", "1", *options, "--json", cwd=tmp_path
    )
    document = json.loads(searched.stdout)
    assert document["trials"] == 4
    front = document["front"][0]
    assert front["metric.energy_uj"] > 0
    assert front["metric.accuracy_at_2"] > 0  # the rule was told each epoch
    rows = json.loads(automl(environment, "trials", "tiny", "--json", cwd=tmp_path).stdout)
    assert {row["state"] for row in rows} <= {"COMPLETE", "STOPPED"}
    assert all(row["epochs_trained"] == 2 for row in rows if row["state"] == "STOPPED")
    assert len({row["param.conv_net.width_1"] for row in rows}) == 4  # never a point twice
    assert re.search(r"[0-9.]+ uJ", automl(environment, "pareto", "tiny", cwd=tmp_path).stdout)
    automl(environment, "export", "tiny", str(front["number"]), "-o", "out", cwd=tmp_path)
    assert (tmp_path / "out" / "model.onnx.xz").stat().st_size == front["metric.size_bytes"]


def test_no_line_of_ours_names_what_it_brings():
    root = Path(__file__).parents[2]
    sources = [*(root / "automl").rglob("*.py"), *(root / "plugins").rglob("*.py")]
    assert len(sources) > 200
    named = {name for file in sources for name in (*BROUGHT.values(), "automl_battery") if name in file.read_text()}
    assert not named
