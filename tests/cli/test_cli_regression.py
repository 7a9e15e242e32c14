"""Regression on images is searched, measured and exported by the commands that classification is, and by Python."""

import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from command_line import run

import automl
from automl.datasets.load import load_dataset

pytestmark = pytest.mark.slow

SPACE = """
dataset: digits
objectives: [accuracy:max, size_bytes:min]
architecture: {conv_net: {depth: 2, width_1: [8, 16], width_2: 16, kernel: 3, activation: relu}}
training: {epochs: 6, learning_rate: 0.02}
pruner: {none: , l1_norm: {recovery_epochs: 1}}
sparsity: {level: 0.3}
quantizer: {none: , ptq: }
weight_bits: {level: [5, 8]}
distiller: {none: , dynamic_layerwise: }
"""
MEASURE = """
import sys
import numpy as np
import onnxruntime

images, labels = (np.load(path) for path in sys.argv[2:])
session = onnxruntime.InferenceSession(sys.argv[1])
outputs = np.concatenate([session.run(None, {"image": image[None]})[0] for image in images])
print(np.abs(outputs[:, 0].astype(np.float64) - labels).mean())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("regression")
    (made / "angles.yaml").write_text(SPACE, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def searched(folder):
    """A search of a space that was written for classes, on data that turn out to be numbers."""
    ended = run(
        folder, "search", "angles.yaml", "--dataset", "rotated_digits", "--budget", "6", "--workers", "1",
        "--sampler", "random", "--early-stopping", "auto", "--keep-artifacts", "all", "--json",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended


def test_the_task_is_said_once_with_what_takes_the_place_of_accuracy(searched):
    (line,) = [line for line in searched.stderr.splitlines() if line.startswith("task ")]
    assert line == (
        "task regression, as the labels are float32; mean_absolute_error:min takes the place of accuracy:max "
        "(--task classification to change)"
    )


def test_every_member_of_the_front_is_measured_on_both_splits(searched):
    front = json.loads(searched.stdout)["front"]
    assert front
    for row in front:
        assert 0 < row["metric.mean_absolute_error"] < 22
        assert 0 < row["metric.test_mean_absolute_error"] < 22
        assert "metric.accuracy" not in row or row["metric.accuracy"] is None
    errors = [row["metric.mean_absolute_error"] for row in front]
    assert errors == sorted(errors)


def test_the_error_of_an_exported_file_is_that_of_its_row(searched, folder):
    row = json.loads(searched.stdout)["front"][0]
    ended = run(folder, "export", "angles", str(row["number"]), "-o", "deployed")
    assert ended.returncode == 0, ended.stderr
    data = load_dataset("rotated_digits")
    (folder / "measure.py").write_text(MEASURE, encoding="utf-8")
    for split, metric in (("validation", "mean_absolute_error"), ("test", "test_mean_absolute_error")):
        files = [str(folder / f"{split}-{part}.npy") for part in ("images", "labels")]
        np.save(files[0], getattr(data, split).images)
        np.save(files[1], getattr(data, split).labels)
        model = str(folder / "deployed" / "model.onnx")
        told = subprocess.run(
            [sys.executable, str(folder / "measure.py"), model, *files], capture_output=True, text=True, check=True
        )
        assert float(told.stdout) == pytest.approx(row[f"metric.{metric}"], rel=1e-6)


def test_the_other_commands_take_it(searched, folder):
    number = str(json.loads(searched.stdout)["front"][0]["number"])
    for arguments in (("show", "angles", number), ("trials", "angles"), ("pareto", "angles"), ("compact", "angles")):
        ended = run(folder, *arguments)
        assert ended.returncode == 0, ended.stderr
        if arguments[0] != "compact":
            assert "mean absolute error" in ended.stdout
    again = run(
        folder, "search", "angles.yaml", "--dataset", "rotated_digits", "--budget", "6", "--workers", "1",
        "--sampler", "random", "--early-stopping", "auto", "--keep-artifacts", "all", "--task", "regression",
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert "nothing left to run" in again.stderr


@pytest.mark.usefixtures("searched")
def test_a_member_of_the_front_is_a_module_that_answers_in_degrees(folder):
    study = automl.open_study("angles", store=folder / "trials")
    trial = study.front()[0]
    split = study.dataset.validation
    outputs = trial.load()(study.inputs(split.images)).detach().numpy()[:, 0]
    session = trial.session()
    assert isinstance(session, onnxruntime.InferenceSession)
    found = session.run(None, {"image": split.images})[0][:, 0]
    for answers in (outputs, found):
        assert np.abs(answers - split.labels).mean() == pytest.approx(trial.metrics["mean_absolute_error"], rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--objective", "accuracy:max"], "on the score of task classification"),
        (["--constraint", "accuracy>=90%"], "write mean_absolute_error in its place"),
        (["--task", "classification"], "labels of the training set are float32"),
        (["--task", "clasification"], "did you mean classification"),
    ],
)
def test_what_the_task_makes_nonsense_of_is_refused(folder, arguments, words):
    ended = run(folder, "search", "angles.yaml", "--dataset", "rotated_digits", "--study", "other", *arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert not (folder / "trials" / "other").exists()
