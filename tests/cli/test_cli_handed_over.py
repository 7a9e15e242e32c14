"""What an export hands over: the file that was measured, and beside it what it is, for people and programs."""

import hashlib
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import numpy as np
import onnxruntime
import pytest
import torch
from command_line import write_space
from PIL import Image

from automl.cli.main import main
from automl.core.study import StudySpec
from automl.core.trial import TrialState
from automl.datasets.load import load_dataset
from automl.export.packing import unpack
from automl.measure.latency import LatencyMeter
from automl.pipeline.trial_runner import TrialRunner
from automl.spaces.load import load_space
from automl.storage.store import TrialStore

COLOURS = {"apple": (200, 40, 40), "leaf": (40, 180, 60), "sky": (60, 90, 220)}
POINT = {
    "conv_net.width_1": 16, "conv_net.width_2": 16, "conv_net.kernel": 3, "conv_net.activation": "relu",
    "quantizer": "ptq", "weight_bits.level": 8,
}  # fmt: skip
STUDIES = {"pictures": ("imagefolder:pictures", 100), "angles": ("rotated_digits", 1)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with pictures of 12 x 12, and a study of them and one of numbers, a trial each."""
    root = tmp_path_factory.mktemp("handed")
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / "pictures" / name).mkdir(parents=True)
        for index in range(24):
            pixels = np.clip(random.normal(colour, 30, (12, 12, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / "pictures" / name / f"{index:02}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for study, (dataset, epochs) in STUDIES.items():
            write_space(root, epochs=str(epochs))
            _run_trial(root, study, dataset)
    return root


def _run_trial(root, study, dataset):
    space, data = load_space(str(root / "tiny.yaml")), load_dataset(dataset)
    metric = data.task.metric
    objectives = tuple(each.model_copy(update={"metric": metric}) if each.metric == "accuracy" else each
                       for each in space.objectives)  # fmt: skip
    spec = StudySpec(
        name=study, space=space, dataset=data.spec, dataset_fingerprint=data.fingerprint, task=data.task.name,
        data=data.description, objectives=objectives, constraints=(), seed=0, versions={"automl": "0.1.0"},
        created_at="2026-03-01T12:00:00Z",
    )  # fmt: skip
    store = TrialStore.create(str(root / "trials"), spec)
    meter = LatencyMeter(state_dir=root)
    trial = TrialRunner(spec=spec, dataset=data, store=store, meter=meter, device=torch.device("cpu")).run(0, POINT)
    assert trial.state is TrialState.COMPLETE, trial.error_traceback


def exported(folder, *arguments):
    """Run ``automl export`` in the folder of the studies, and give its exit code and what it printed."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["automl", "export", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code or 0, out.getvalue() + err.getvalue()


@pytest.fixture(scope="module")
def handed(folder):
    """The exported trial of the study of pictures."""
    assert exported(folder, "pictures", "0", "-o", "deployed")[0] == 0
    return folder / "deployed"


def row_of(folder, study):
    (trial,) = TrialStore.open(str(folder / "trials"), study).read()
    return trial


def predict(script, picture):
    return subprocess.run(
        [sys.executable, str(script), str(picture)], capture_output=True, text=True, check=False, timeout=120
    )


def answers(model, picture):
    pixels = np.asarray(Image.open(picture)).transpose(2, 0, 1)[None]
    return onnxruntime.InferenceSession(model).run(None, {"image": np.ascontiguousarray(pixels)})[0][0]


def test_the_file_is_the_very_one_that_was_measured(handed, folder):
    trial, content = row_of(folder, "pictures"), (handed / "model.onnx").read_bytes()
    assert f"{hashlib.sha256(content).hexdigest()}  model.onnx" in trial.artifact_sha256.splitlines()
    assert len(content) == trial.metrics["size_bytes"]


@pytest.mark.parametrize("name", COLOURS)
def test_the_script_names_the_class_of_a_training_picture_as_the_file_does(name, handed, folder):
    picture = folder / "pictures" / name / "03.png"
    ended = predict(handed / "predict.py", picture)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{name}\n"
    assert [*COLOURS][answers(handed / "model.onnx", picture).argmax()] == name


def test_the_script_refuses_a_picture_of_another_size_in_one_line(handed, tmp_path):
    Image.new("RGB", (13, 12)).save(tmp_path / "wide.png")
    ended = predict(handed / "predict.py", tmp_path / "wide.png")
    assert ended.returncode == 1
    assert not ended.stdout
    assert ended.stderr.count("\n") == 1
    assert "13 x 12 pixels, not 12 x 12" in ended.stderr


def test_the_figures_of_the_card_are_those_of_the_row(handed, folder):
    trial, card = row_of(folder, "pictures"), (handed / "model_card.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("|")]
    figures = {cells[0]: cells[1:] for cells in rows if len(cells) == 4}
    assert float(figures["accuracy"][1]) == trial.metrics["accuracy"]
    assert figures["accuracy"][2].startswith("validation, ")
    assert float(figures["size"][1]) == trial.metrics["size_bytes"]
    assert float(figures["latency"][1]) == trial.metrics["latency_ms"]
    assert figures["latency"][2] == "target `cpu:1`"
    assert ["model.onnx", f"`{hashlib.sha256((handed / 'model.onnx').read_bytes()).hexdigest()}`"] in rows
    assert "Classes: 0 apple, 1 leaf, 2 sky." in card
    assert "was not run on the test images" in card
    assert "`ptq`; weight_bits 8, from" in card


def test_the_recipe_says_what_was_deployed(handed, folder):
    recipe = json.loads((handed / "recipe.json").read_text())
    assert recipe["stages"][0]["technique"] == "conv_net"
    facts = recipe["deployed"]
    assert (facts["study"], facts["trial"], facts["task"]) == ("pictures", 0, "classification")
    assert facts["classes"] == [*COLOURS]
    assert facts["input"]["shape"] == ["images", 3, 12, 12]
    assert facts["metrics"] == dict(row_of(folder, "pictures").metrics)


def test_metadata_follow_the_measured_file_and_say_what_it_is(handed, folder, tmp_path):
    measured = (handed / "model.onnx").read_bytes()
    _, printed = exported(folder, "pictures", "0", "-o", str(tmp_path), "--metadata")
    assert f"those of the file that was measured: {len(measured):,} bytes" in printed
    content = (tmp_path / "model.onnx").read_bytes()
    assert content.startswith(measured)
    words = onnxruntime.InferenceSession(content).get_modelmeta().custom_metadata_map
    assert json.loads(words["automl.classes"]) == [*COLOURS]
    assert (words["automl.task"], words["automl.study"], words["automl.trial"]) == ("classification", "pictures", "0")
    assert json.loads(words["automl.metrics"])["accuracy"] == row_of(folder, "pictures").metrics["accuracy"]
    assert words["automl.measured_sha256"] == hashlib.sha256(content[: len(measured)]).hexdigest()


def test_a_softmax_gives_the_probabilities_of_the_same_answers(handed, folder, tmp_path):
    assert exported(folder, "pictures", "0", "-o", str(tmp_path), "--softmax", "--metadata")[0] == 0
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert session.get_outputs()[0].name == "probabilities"
    assert json.loads(session.get_modelmeta().custom_metadata_map["automl.output"])["name"] == "probabilities"
    picture = folder / "pictures" / "leaf" / "00.png"
    logits = answers(handed / "model.onnx", picture).astype(np.float64)
    expected = np.exp(logits - logits.max())
    assert answers(tmp_path / "model.onnx", picture) == pytest.approx(expected / expected.sum(), rel=1e-4)
    assert predict(tmp_path / "predict.py", picture).stdout == "leaf\n"


def test_a_packed_file_is_unpacked_to_the_one_with_its_metadata(folder, tmp_path):
    assert exported(folder, "pictures", "0", "-o", str(tmp_path / "a"), "--metadata")[0] == 0
    assert exported(folder, "pictures", "0", "-o", str(tmp_path / "b"), "--metadata", "--packed")[0] == 0
    unpacked = unpack((tmp_path / "b" / "model.onnx.packed").read_bytes())
    assert unpacked == (tmp_path / "a" / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["angles", "0", "--softmax"], "task regression has none"),
        (["pictures", "0", "--metadata", "--format", "executorch"], "add --format onnx"),
    ],
)
def test_what_cannot_be_added_is_refused(arguments, words, folder, tmp_path):
    code, printed = exported(folder, *arguments, "-o", str(tmp_path / "out"))
    assert code == 2
    assert words in printed
    assert not (tmp_path / "out").exists()


def test_the_script_prints_the_numbers_of_a_regression(folder, tmp_path):
    assert exported(folder, "angles", "0", "-o", str(tmp_path))[0] == 0
    image = load_dataset("rotated_digits").test.images[0]
    Image.fromarray(image[0]).save(tmp_path / "digit.png")
    printed = predict(tmp_path / "predict.py", tmp_path / "digit.png")
    (expected,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"image": image[None]})
    assert [float(number) for number in printed.stdout.split()] == pytest.approx(expected[0].tolist(), rel=1e-6)


def test_papers_of_another_trial_are_not_overwritten(folder, tmp_path):
    assert exported(folder, "pictures", "0", "-o", str(tmp_path))[0] == 0
    (tmp_path / "model.onnx").unlink()
    code, printed = exported(folder, "angles", "0", "-o", str(tmp_path))
    assert code == 2
    assert "recipe.json exists already" in printed
    assert exported(folder, "pictures", "0", "-o", str(tmp_path))[0] == 0
