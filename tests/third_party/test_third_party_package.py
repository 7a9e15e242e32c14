"""A package of somebody else, pip-installed, is listed, described and searched with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from installed_package import automl, environment_with

PACKAGE = Path(__file__).parent / "automl-mlp"
SPACE = """
architecture:
  mlp:
training: {epochs: 3, learning_rate: 0.01}
quantizer:
  ptq:
weight_bits: {level: [4, 8], slope: 0}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return environment_with(PACKAGE, tmp_path_factory)


@pytest.mark.slow
def test_an_installed_technique_is_listed_with_its_distribution(environment):
    listed = json.loads(automl(environment, "plugins", "--json").stdout)
    (found,) = [technique for technique in listed if technique["name"] == "mlp"]
    assert found["distribution"] == "automl-mlp 1.2.0"
    assert found["summary"] == "One hidden layer over all pixels."


@pytest.mark.slow
def test_an_installed_technique_is_described_with_the_range_of_its_field(environment):
    described = automl(environment, "plugins", "mlp").stdout
    assert "hidden  Units of the hidden layer." in described
    assert "1 to 4096; default 32; a search tries 16 to 64 in steps of 16" in " ".join(described.split())


@pytest.mark.slow
def test_an_installed_technique_keeps_the_contract(environment, tmp_path):
    test = PACKAGE / "test_automl_mlp.py"
    (tmp_path / test.name).write_bytes(test.read_bytes())
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout


@pytest.mark.slow
def test_a_search_finds_networks_of_an_installed_technique(environment, tmp_path):
    (tmp_path / "mine.yaml").write_text(SPACE)
    searched = automl(environment, "search", "mine.yaml", "--budget", "3", "--json", cwd=tmp_path)
    document = json.loads(searched.stdout)
    assert document["trials"] == 3
    assert {row["state"] for row in document["front"]} == {"COMPLETE"}
    table = automl(environment, "pareto", "mine", cwd=tmp_path).stdout
    assert "mlp: hidden" in table
