"""The commands that read a study say what it has, and refuse what it has not."""

import csv
import io
import json
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from command_line import write_space

from automl.cli.main import main
from automl.core.pareto import pareto_front
from automl.core.study import StudySpec
from automl.core.target import Target
from automl.core.trial import TrialState
from automl.datasets.load import load_dataset
from automl.measure.latency import LatencyMeter
from automl.pipeline.conversion import deploy
from automl.pipeline.trial_runner import TrialRunner
from automl.spaces.load import load_space
from automl.storage.store import TrialStore

SMALL = {"conv_net.width_1": 8, "conv_net.width_2": 8, "conv_net.kernel": 3, "conv_net.activation": "relu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a space file and a study: a network that was trained, one that lost it, and a failed one."""
    root = tmp_path_factory.mktemp("stored")
    write_space(root)
    space, dataset = load_space(str(root / "tiny.yaml")), load_dataset("digits")
    spec = StudySpec(
        name="tiny",
        space=space,
        dataset="digits",
        dataset_fingerprint=dataset.fingerprint,
        objectives=space.objectives,
        constraints=(),
        seed=0,
        versions={"torch": "2.13.0"},
        created_at="2026-03-01T12:00:00Z",
    )
    store = TrialStore.create(str(root / "trials"), spec)
    runner = TrialRunner(
        spec=spec, dataset=dataset, store=store, meter=LatencyMeter(state_dir=root), device=torch.device("cpu")
    )
    trial = runner.run(0, {**SMALL, "quantizer": "none"})
    assert trial.state is TrialState.COMPLETE, trial.error_traceback
    worse = {**trial.metrics, "accuracy": 0.05, "size_bytes": trial.metrics["size_bytes"] + 1}
    store.write(replace(trial, number=1, metrics=worse, artifact=None))
    store.write(
        replace(
            trial,
            number=2,
            state=TrialState.FAILED,
            metrics={},
            artifact=None,
            error="ValueError: a layer of width 0",
            error_traceback="Traceback (most recent call last):\nValueError: a layer of width 0",
        )
    )
    return root


@pytest.fixture
def automl(folder, monkeypatch, capsys):
    """Run a command in the study's folder, and give what it wrote to standard output, or to standard error."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("AUTOML_STORE", raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["automl", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        assert (ended.value.code or 0) == code, written.err
        if code == 0:
            assert not written.err
            return written.out
        assert not written.out
        assert written.err.count("\n") == 1
        return written.err

    return run


def test_trials_lists_every_trial_and_stars_the_front(automl):
    lines = automl("trials", "tiny").splitlines()
    assert sum("★" in line and "COMPLETE" in line for line in lines) == 1
    assert any("FAILED" in line and "a layer" in line for line in lines)


def test_trials_as_json_has_the_columns_of_the_store(automl):
    rows = json.loads(automl("trials", "tiny", "--json"))
    assert [row["number"] for row in rows] == [0, 1, 2]
    assert rows[0]["param.conv_net.width_1"] == 8
    assert rows[2]["metric.accuracy"] is None
    assert rows[2]["error"] == "ValueError: a layer of width 0"


def test_the_front_is_the_same_in_every_format(automl, folder):
    store = TrialStore.open(str(folder / "trials"), "tiny")
    numbers = [trial.number for trial in pareto_front(store.read(), store.spec.objectives)]
    assert numbers == [0]
    assert "1 of 3 trials" in automl("pareto", "tiny")
    assert [row["number"] for row in json.loads(automl("pareto", "tiny", "--format", "json"))] == numbers
    assert json.loads(automl("pareto", "tiny", "--json")) == json.loads(automl("pareto", "tiny", "--format", "json"))
    rows = list(csv.DictReader(io.StringIO(automl("pareto", "tiny", "--format", "csv"))))
    assert [int(row["number"]) for row in rows] == numbers
    assert float(rows[0]["metric.size_bytes"]) > 0


def test_show_gives_the_point_the_metrics_and_the_error(automl):
    assert "conv_net.width_1" in automl("show", "tiny", "0")
    assert "Traceback" in automl("show", "tiny", "2")
    assert json.loads(automl("show", "tiny", "0", "--json"))["number"] == 0


def test_an_unknown_trial_is_refused_with_those_there_are(automl):
    message = automl("show", "tiny", "9", code=2)
    assert "no trial 9" in message
    assert "0 to 2" in message


def test_a_study_of_another_name_is_refused_with_the_nearest(automl):
    assert "did you mean 'tiny'" in automl("trials", "tinyy", code=2)


def test_the_exported_network_runs_in_plain_onnx_runtime(automl, tmp_path):
    output = tmp_path / "deploy"
    document = json.loads(automl("export", "tiny", "0", "-o", str(output), "--json"))
    session = onnxruntime.InferenceSession(document["model"])
    (logits,) = session.run(None, {"image": np.zeros((2, 1, 8, 8), dtype=np.uint8)})
    assert logits.shape == (2, 10)
    assert document["size_bytes"] == (output / "model.onnx").stat().st_size
    assert json.loads((output / "recipe.json").read_text())["stages"][0]["technique"] == "conv_net"


def test_an_export_says_how_to_use_the_network_and_the_words_run(automl, tmp_path):
    text = automl("export", "tiny", "0", "-o", str(tmp_path / "out"))
    usage = text[text.index("import onnxruntime") :]
    found = {"pixels": np.zeros((1, 1, 8, 8), dtype=np.uint8)}
    exec(usage, found)  # noqa: S102 # the printed words are what is tested
    assert found["logits"].shape == (1, 10)


def test_a_packed_export_is_smaller_and_unpacks_to_the_same_file(automl, folder, tmp_path):
    document = json.loads(automl("export", "tiny", "0", "-o", str(tmp_path), "--packed", "--json"))
    packed = tmp_path / "model.onnx.packed"
    assert document["model"] == str(packed)
    assert packed.stat().st_size == document["download_bytes"] < document["size_bytes"]
    assert {file.name for file in tmp_path.iterdir()} == {"model.onnx.packed", "recipe.json"}
    row = json.loads(automl("show", "tiny", "0", "--json"))
    assert row["metric.download_bytes"] == document["download_bytes"]
    assert f"from {document['download_bytes']:,}" in automl("unpack", str(packed))
    stored = folder / "trials" / "tiny" / "artifacts" / "000000" / "model.onnx"
    assert (tmp_path / "model.onnx").read_bytes() == stored.read_bytes()
    written = json.loads(automl("unpack", str(packed), "-o", str(tmp_path / "again"), "--json"))
    assert written["size_bytes"] == (tmp_path / "again").stat().st_size == document["size_bytes"]


def test_unpacking_refuses_what_it_cannot_read_and_overwrites_nothing(automl, tmp_path):
    automl("export", "tiny", "0", "-o", str(tmp_path), "--packed")
    packed, other = tmp_path / "model.onnx.packed", tmp_path / "other.packed"
    assert "No such file" in automl("unpack", str(other), code=2)
    for content, words in ((b"", "not a packed"), (b"PK", "not a packed"), (packed.read_bytes()[:-9], "is torn")):
        other.write_bytes(content)
        message = automl("unpack", str(other), code=2)
        assert str(other) in message
        assert words in message
    assert "-o" in automl("unpack", str(tmp_path / "recipe.json"), code=2)
    assert "exists already" in automl("unpack", str(packed), "-o", str(other), code=2)
    assert "cannot write" in automl("unpack", str(packed), "-o", str(tmp_path / "no" / "folder"), code=2)
    assert {file.name for file in tmp_path.iterdir()} == {"model.onnx.packed", "recipe.json", "other.packed"}


def test_an_export_for_openvino_states_how_far_it_agrees_and_its_words_run(automl, tmp_path):
    text = automl("export", "tiny", "0", "-o", str(tmp_path), "--format", "openvino")
    assert {file.name for file in tmp_path.iterdir()} == {"model.xml", "model.bin", "recipe.json"}
    assert "same answer to 100.0% of 359 images" in text
    found = {"pixels": np.zeros((2, 1, 8, 8), dtype=np.uint8)}
    exec(text[text.index("import openvino") :], found)  # noqa: S102 # the printed words are what is tested
    assert found["logits"].shape == (2, 10)
    document = json.loads(automl("export", "tiny", "0", "-o", str(tmp_path / "b"), "--format", "openvino", "--json"))
    assert document["agreement"]["same_answers"] == 1.0
    assert "exists already" in automl("export", "tiny", "0", "-o", str(tmp_path), "--format", "openvino", code=2)


@pytest.fixture(scope="module")
def deployed(folder, tmp_path_factory):
    """A study for OpenVINO beside the other one: the same network, as it is deployed there."""
    store = TrialStore.open(str(folder / "trials"), "tiny")
    target = Target(device="openvino")
    own = TrialStore.create(str(folder / "trials"), store.spec.model_copy(update={"name": "vino", "target": target}))
    artifact = tmp_path_factory.mktemp("artifact")
    store.read_artifact(0, artifact)
    deploy(artifact / "model.onnx", target)
    own.write(replace(store.read()[0], artifact=own.write_artifact(0, artifact)))
    return artifact


def test_a_study_for_openvino_hands_out_the_files_that_were_measured(automl, deployed, tmp_path):
    text = automl("export", "vino", "0", "-o", str(tmp_path))
    assert {file.name for file in tmp_path.iterdir()} == {"model.xml", "model.bin", "recipe.json"}
    assert all((tmp_path / name).read_bytes() == (deployed / name).read_bytes() for name in ("model.xml", "model.bin"))
    assert '"INFERENCE_NUM_THREADS": 1' in text
    found = {"pixels": np.zeros((2, 1, 8, 8), dtype=np.uint8)}
    exec(text[text.index("import openvino") :], found)  # noqa: S102 # the printed words are what is tested
    assert found["logits"].shape == (2, 10)
    assert "openvino:1" in automl("show", "vino", "0")


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("option", "file"), [("--format=onnx", "model.onnx"), ("--packed", "model.onnx.packed")])
def test_its_onnx_file_is_handed_out_with_a_word_on_the_figures(option, file, automl, tmp_path):
    text = automl("export", "vino", "0", "-o", str(tmp_path), option)
    assert "figures of the trial are those of model.xml and model.bin in OpenVINO" in text
    assert {file.name for file in tmp_path.iterdir()} == {file, "recipe.json"}


def test_an_export_for_litert_states_how_far_it_agrees_and_its_words_run(automl, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")
    text = automl("export", "tiny", "0", "-o", str(tmp_path), "--format", "litert")
    assert {file.name for file in tmp_path.iterdir()} == {"model.tflite", "recipe.json"}
    assert "same answer to 100.0% of 359 images" in text
    found = {"pixels": np.zeros((2, 8, 8, 1), dtype=np.uint8)}
    exec(text[text.index("from ai_edge_litert") :], found)  # noqa: S102 # the printed words are what is tested
    assert found["logits"].shape == (2, 10)


def test_an_export_that_cannot_be_is_refused(automl, tmp_path, monkeypatch):
    arguments = ["export", "tiny", "0", "-o", str(tmp_path / "out"), "--format", "openvino"]
    assert "--packed packs ONNX files" in automl(*arguments, "--packed", code=2)
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert "pip install 'automl-pareto[openvino]'" in automl(*arguments, code=2)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def replaced(folder):
    """Give a way to write another file in the place of one of the stored artifact; all is as before afterwards."""
    artifact = folder / "trials" / "tiny" / "artifacts" / "000000"
    before = {file: file.read_bytes() for file in artifact.iterdir() if file.is_file()}

    def replace(name, content):
        (artifact / name).unlink()
        if content is not None:
            (artifact / name).write_bytes(content)

    yield replace
    for file, content in before.items():
        file.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "words"), [(b"another", "is not the file that the trial wrote"), (None, "missing")]
)
def test_an_export_of_a_file_that_the_trial_did_not_write_is_refused(automl, tmp_path, replaced, content, words):
    replaced("model.onnx", content)
    message = automl("export", "tiny", "0", "-o", str(tmp_path / "out"), code=2)
    assert words in message
    assert "artifacts/000000/model.onnx" in message
    assert not (tmp_path / "out").exists()


def test_an_export_from_an_older_study_names_the_file_that_is_missing(automl, folder, tmp_path, replaced):
    store = TrialStore.open(str(folder / "trials"), "tiny")
    trial = store.read()[0]
    assert "  model.onnx" in trial.artifact_sha256
    replaced("model.onnx", None)
    store.write(replace(trial, artifact_sha256=None))
    message = automl("export", "tiny", "0", "-o", str(tmp_path / "out"), code=2)
    store.write(trial)
    assert "artifacts/000000/model.onnx is missing" in message


def test_an_export_overwrites_nothing(automl, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"mine")
    assert "exists already" in automl("export", "tiny", "0", "-o", str(tmp_path), code=2)
    assert (tmp_path / "model.onnx").read_bytes() == b"mine"


def test_an_export_onto_a_file_is_refused(automl, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "cannot write to" in automl("export", "tiny", "0", "-o", str(tmp_path / "file"), code=2)


@pytest.mark.parametrize("number", ["1", "2"])
def test_an_export_of_a_trial_without_an_artifact_is_refused(automl, tmp_path, number):
    message = automl("export", "tiny", number, "-o", str(tmp_path / "out"), code=2)
    assert f"trial {number}" in message
    assert "--keep-artifacts all" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "3"], ["seed", "stored 0", "now 3"]),
        (["--objective", "accuracy:max"], ["objectives", "size_bytes:min"]),
        (["--constraint", "size_bytes<=9000"], ["constraints", "size_bytes<=9000"]),
    ],
)
def test_a_search_with_other_settings_than_the_stored_ones_is_refused(automl, arguments, words):
    message = automl("search", "tiny.yaml", *arguments, code=2)
    assert all(word in message for word in [*words, "--study"]), message


def test_a_search_of_another_space_under_the_same_name_is_refused(automl, folder):
    write_space(folder, "other.yaml", kernel="3", epochs="2")
    message = automl("search", "other.yaml", "--study", "tiny", code=2)
    assert "conv_net.kernel" in message
    assert "training.epochs" in message


def test_compacting_keeps_every_row(automl, folder):
    before = automl("trials", "tiny", "--json")
    assert "3 rows" in automl("compact", "tiny")
    assert automl("trials", "tiny", "--json") == before
    assert json.loads(automl("compact", "tiny", "--json")) == {"study": "tiny", "rows": 3}
    assert [file.name for file in (folder / "trials" / "tiny").rglob("*.parquet")] == ["trials.parquet"]


def test_plugins_and_spaces_are_listed_and_described(automl):
    assert "l1_norm" in automl("plugins")
    assert "fields" in automl("plugins", "qat")
    assert "digits" in automl("spaces")
    assert "quantizer is ptq" in automl("spaces", "tiny.yaml")
    assert "teacher" in automl("spaces", "nas_distil")
    assert "teacher" not in automl("spaces", "digits")
    assert "distiller" in automl("plugins", "dynamic_layerwise")
    assert {"conv_net", "ptq"} <= {document["name"] for document in json.loads(automl("plugins", "--json"))}
    assert json.loads(automl("spaces", "tiny.yaml", "--json"))["name"] == "tiny"


def test_doctor_finds_the_machine_fit(automl):
    checks = json.loads(automl("doctor", "--json"))
    assert all(check["is_ok"] for check in checks), checks
    assert {"libraries", "plugins", "store"} <= {check["name"] for check in checks}


def test_doctor_finds_a_bad_store_unfit(folder, monkeypatch, capsys):
    (folder / "plain").write_text("no folder")
    monkeypatch.setattr(sys, "argv", ["automl", "doctor", "--store", str(folder / "plain")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "FAIL  store" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["trials", "tiny"], ["pareto", "tiny"], ["show", "tiny", "0"], ["show", "tiny", "2"], ["plugins"]]
)
def test_tables_fit_80_columns(automl, arguments):
    assert all(len(line) <= 80 for line in automl(*arguments).splitlines())
