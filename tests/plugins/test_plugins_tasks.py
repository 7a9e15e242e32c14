"""The tasks that ship keep the contract, refuse labels of another, and say of which labels they are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from installed_plugins import shipped

from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Split
from automl.datasets.task_of_labels import task_of_labels
from automl.errors import DatasetError, UsageError
from automl.registry import TASK
from automl.testing import TaskContract
from automl.testing.context import context_of, split
from automl_plugins.architectures.conv_net import ConvNet
from automl_plugins.architectures.python_model import PythonModel
from automl_plugins.architectures.random_one_shot import RandomOneShot
from automl_plugins.distillers.dynamic_layerwise import DynamicLayerwise
from automl_plugins.tasks.classification import Classification
from automl_plugins.tasks.regression import Regression


class TestClassification(TaskContract):
    task = Classification


class TestRegression(TaskContract):
    task = Regression


class TestRegressionOfSeveralNumbers(TaskContract):
    task = Regression

    def labels(self, patterns):
        return np.stack([patterns / 1000, 50.0 - patterns], axis=1).astype(np.float32)


def test_every_task_that_ships_is_tested():
    assert {TestClassification.task, TestRegression.task} == {TASK.load(name) for name in shipped(TASK)}


@pytest.mark.parametrize(
    ("dtype", "name"), [("int64", "classification"), ("uint8", "classification"), ("float64", "regression")]
)
def test_the_type_of_the_labels_says_the_task(dtype, name):
    assert task_of_labels(np.dtype(dtype)).name == name


def test_labels_that_are_of_no_task_are_refused():
    with pytest.raises(DatasetError, match="labels of type bool are of no task"):
        task_of_labels(np.dtype(bool))


@pytest.mark.parametrize(
    ("training", "test", "words"),
    [
        ([1.0, float("nan")], None, "label 1 of the training set is nan"),
        ([1.0, 2.0], [1.0, float("inf")], "label 1 of the test set is inf"),
        ([3.5, 3.5], None, "all training labels are 3.5: there is nothing to learn"),
        ([[1.0, 2.0], [3.0, 2.0]], None, "number 1 of all training labels is 2"),
        ([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0], "test labels have 1 numbers an example, training labels 2"),
        ([[[1.0]], [[2.0]]], None, r"are float64 of shape \(2, 1, 1\)"),
    ],
)
def test_numbers_that_nobody_can_learn_are_refused(training, test, words):
    labels = {"training": np.array(training)} | ({} if test is None else {"test": np.array(test)})
    with pytest.raises(DatasetError, match=words):
        Regression.of(labels)


def test_numbers_are_no_classes():
    with pytest.raises(DatasetError, match=r"labels of the training set are float32 of shape \(4,\): number classes"):
        Classification.of({"training": np.zeros(4, np.float32)})


def test_classes_may_be_taken_for_numbers():
    task = Regression.of({"training": np.array([0, 10])})
    assert (task.outputs, task.centres, task.spreads) == (1, (5.0,), (5.0,))
    outputs = torch.tensor([[0.0], [10.0]])
    assert task.loss(outputs, torch.tensor([0, 10]), TrainingSettings()) == 0


def test_a_regression_network_begins_where_the_labels_are():
    task = Regression.of({"training": np.array([[1000.0, -1.0], [3000.0, 1.0]])})
    finished = task.finished(torch.nn.Identity())
    torch.testing.assert_close(finished(torch.tensor([[0.0, 0.0], [1.0, 2.0]])), torch.tensor([[2000.0, 0], [3000, 2]]))


def test_a_network_of_the_user_answers_as_it_was_trained_to():
    labels = np.linspace(100.0, 200.0, len(split()))
    given = context_of(Split(split().images, labels), Regression.of({"training": labels}))
    own = PythonModel(target="automl.testing.networks:residual").built(given)
    ours = ConvNet(depth=2).built(given)
    with torch.no_grad():
        answers = [network.eval()(given.calibration).mean() for network in (own, ours)]
    assert abs(answers[0]) < 20
    assert 100 < answers[1] < 200


def test_the_loss_is_the_same_whatever_the_unit_of_the_labels():
    metres = np.array([1.0, 2.0, 4.0], np.float32)
    losses = []
    for unit in (1.0, 1000.0):
        labels = metres * np.float32(unit)
        task = Regression.of({"training": labels})
        outputs = torch.tensor([[1.5], [2.0], [3.0]]) * unit
        losses.append(float(task.loss(outputs, torch.tensor(labels), TrainingSettings())))
    assert losses[0] == pytest.approx(losses[1])


def test_label_smoothing_is_for_classes_alone():
    with pytest.raises(UsageError, match=r"training.label_smoothing 0.1 .* leave it out"):
        Regression.of({"training": np.array([0.0, 1.0])}).check_training(TrainingSettings(label_smoothing=0.1))
    Classification(outputs=2).check_training(TrainingSettings(label_smoothing=0.1))


def numbers_to_tell():
    """Give a context whose labels are 100 to 200, one for each of five patterns."""
    labels = (split().labels * 25.0 + 100.0).astype(np.float32)
    return context_of(Split(split().images, labels), Regression.of({"training": labels})), labels


@pytest.mark.parametrize("distiller", [DynamicLayerwise(weight=0.25), DynamicLayerwise(weight=0.25, loss="mse")])
def test_a_student_of_numbers_learns_from_labels_and_teacher_in_standard_deviations(distiller):
    given, labels = numbers_to_tell()
    student, teacher = ConvNet(depth=2).built(given).eval(), ConvNet(depth=2).built(given).eval()
    images, wanted = given.calibration[:16], torch.tensor(labels[:16])
    seen = []

    def fit(learner, *, loss, **_):
        seen.append(loss(learner, images, wanted).item())

    distiller.distill(teacher, replace(given, fit=fit))(student, epochs=1, learning_rate=0.01)
    with torch.no_grad():
        answers, taught = ((network(images)[:, 0] - 150) / labels.std() for network in (student, teacher))
        true = (wanted - 150) / labels.std()
    from_labels = torch.nn.functional.huber_loss(answers, true)
    from_teacher = torch.nn.functional.mse_loss(answers, taught)
    assert seen == [pytest.approx(float(0.75 * from_labels + 0.25 * from_teacher), rel=1e-4)]


def test_a_supernet_of_numbers_is_trained_in_their_units():
    given, labels = numbers_to_tell()
    small = RandomOneShot(depth=2, width_1=16, width_2=16, widest=16, supernet_epochs=6).built(given)
    small.train()  # the statistics of the network's own normalisation are not the supernet's
    with torch.no_grad():
        outputs = small(given.calibration).numpy()
    assert given.task.score(outputs, labels) < 0.8 * given.task.score(np.full_like(outputs, labels.mean()), labels)
