"""``automl plugins`` and ``automl doctor`` say which plugins there are, which cannot be used, and why."""

import json
import subprocess

import pytest
from command_line import AUTOML, environment

NAME = "broken_pruner"
OTHERS = ("sampler", "metric", "runtime", "task", "dataset", "stopping")
GROUPS = {"automl.plugins": NAME} | {
    f"automl.{kind if kind == 'stopping' else f'{kind}s'}": f"broken_{kind}" for kind in OTHERS
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install a package whose module raises, as pip would, and give what a process needs to see it."""
    target = tmp_path_factory.mktemp("installed")
    (target / f"{NAME}.py").write_text("raise RuntimeError('needs a newer torch')\n")
    info = target / f"{NAME}-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: broken-pruner\nVersion: 2.0\n")
    groups = (f"[{group}]\n{name} = {NAME}:Thing\n" for group, name in GROUPS.items())
    (info / "entry_points.txt").write_text("".join(groups))
    return environment() | {"PYTHONPATH": str(target)}


def automl(env, folder, *arguments):
    return subprocess.run([*AUTOML, *arguments], env=env, cwd=folder, capture_output=True, text=True, check=False)


def test_broken_technique_is_listed_with_its_reason_and_the_others_are_described(installed, tmp_path):
    done = automl(installed, tmp_path, "plugins")
    assert done.returncode == 0, done.stderr
    _, _, unusable = done.stdout.partition("cannot be used\n")
    assert "RuntimeError: needs a newer torch" in " ".join(unusable.split())
    assert "\n  l1_norm " in done.stdout
    documents = json.loads(automl(installed, tmp_path, "plugins", "--json").stdout)
    (broken,) = [document for document in documents if "error" in document and document["kind"] == "technique"]
    assert (broken["name"], broken["distribution"]) == (NAME, "broken-pruner 2.0")
    assert "RuntimeError: needs a newer torch" in broken["error"]


def test_broken_technique_is_refused_with_the_pip_line_when_it_is_chosen(installed, tmp_path):
    (tmp_path / "mine.yaml").write_text(f"architecture: {{conv_net: }}\npruner: {{{NAME}: }}\n")
    for arguments in (["plugins", NAME], ["search", "mine.yaml", "--budget", "1"]):
        done = automl(installed, tmp_path, *arguments)
        assert done.returncode == 2
        assert "run `pip install --force-reinstall broken-pruner`" in done.stderr
        assert "Traceback" not in done.stderr


def test_doctor_fails_with_the_reason(installed, tmp_path):
    done = automl(installed, tmp_path, "doctor", "--json")
    assert done.returncode == 1
    (found,) = [check for check in json.loads(done.stdout) if check["name"] == "plugins"]
    assert not found["is_ok"]
    assert "RuntimeError: needs a newer torch" in found["finding"]


def test_doctor_warns_of_the_other_distribution_of_the_same_package(tmp_path):
    info = tmp_path / "site" / "automl-2.9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: automl\nVersion: 2.9.9\n")
    done = automl(environment() | {"PYTHONPATH": str(tmp_path / "site")}, tmp_path, "doctor", "--json")
    assert done.returncode == 1
    (found,) = [check for check in json.loads(done.stdout) if check["name"] == "distribution"]
    assert not found["is_ok"]
    assert "automl 2.9.9" in found["finding"]
    assert "pip install --force-reinstall automl-pareto" in found["finding"]


def test_one_technique_as_json_carries_what_the_page_shows(tmp_path):
    document = json.loads(automl(environment(), tmp_path, "plugins", "conv_net", "--json").stdout)
    fields = {field["name"]: field for field in document["fields"]}
    assert fields["width_4"]["active_if"] == "depth is 4"
    assert fields["width_4"]["tried"] == {"kind": "integer", "low": 8, "high": 64, "step": 8, "log": False}
    assert fields["width_4"]["json_schema"]["maximum"] == 1024
    assert document["example"].startswith("architecture:\n  conv_net:\n")
    assert document["paper"]


def test_doctor_prints_the_command_that_installs_a_missing_runtime_whole(tmp_path):
    finding = automl(environment() | {"COLUMNS": "500"}, tmp_path, "doctor").stdout
    documents = json.loads(automl(environment(), tmp_path, "doctor", "--json").stdout)
    (runtimes,) = [document["finding"] for document in documents if document["name"] == "runtimes"]
    assert "onnxruntime" in runtimes
    assert runtimes in finding


@pytest.mark.parametrize("kind", OTHERS)
def test_a_broken_plugin_of_any_kind_is_listed_with_its_reason_and_refused_by_name(installed, tmp_path, kind):
    documents = json.loads(automl(installed, tmp_path, "plugins", "--kind", kind, "--json").stdout)
    assert {document["kind"] for document in documents} == {kind}
    (broken,) = [document for document in documents if "error" in document]
    assert (broken["name"], broken["distribution"]) == (f"broken_{kind}", "broken-pruner 2.0")
    assert "RuntimeError: needs a newer torch" in broken["error"]
    done = automl(installed, tmp_path, "plugins", f"broken_{kind}")
    assert done.returncode == 2
    assert "run `pip install --force-reinstall broken-pruner`" in done.stderr


def test_a_name_of_two_kinds_shows_both_and_as_json_the_first_with_how_to_see_the_other(tmp_path):
    shown = automl(environment(), tmp_path, "plugins", "auto").stdout
    assert "auto  sampler, from" in shown
    assert "auto  stopping rule, from" in shown
    done = automl(environment(), tmp_path, "plugins", "auto", "--json")
    assert json.loads(done.stdout)["kind"] == "sampler"
    assert "auto is also a stopping rule: `automl plugins auto --kind stopping`" in done.stderr
    other = json.loads(automl(environment(), tmp_path, "plugins", "auto", "--kind", "stopping", "--json").stdout)
    assert other["kind"] == "stopping"


def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are(tmp_path):
    done = automl(environment(), tmp_path, "plugins", "--kind", "flavour")
    assert done.returncode == 2
    assert "unknown kind of plugin 'flavour'; choose one of technique, sampler, metric" in done.stderr
