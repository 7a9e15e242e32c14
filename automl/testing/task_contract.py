"""The contract of automl.task as a class of tests, which the author of a task subclasses."""

import functools
import pickle
import tempfile
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from automl.core.direction import Direction
from automl.core.installed_metrics import metric_named
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Split
from automl.export.onnx_writer import export_onnx
from automl.measure.answers import predict
from automl.network.folding import fold_batch_norm
from automl.task import Task
from automl.testing.context import NORMALIZATION, context_of, split
from automl.testing.networks import SHAPE, Block
from automl.training.batches import normalize
from automl.training.predict import predict as predict_in_torch

_EPOCHS = 4
_EXAMPLES = 8
_ROUNDING = 0.005


class _Learnt(NamedTuple):
    """What a small network answered before and after it was trained."""

    task: Task
    labels: NDArray[Any]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    losses: tuple[float, float]
    model: nn.Module


class TaskContract:
    """Tests of one task, on images of five coloured patterns.

    Attributes:
        task: The class.
    """

    task: ClassVar[type[Task]]

    def labels(self, patterns: NDArray[np.int64]) -> NDArray[Any]:
        """Give the images labels that a network can tell; override it where they are neither integers nor floats.

        Args:
            patterns: Number of the pattern that each of 256 images shows, 0 to 4.
        """
        return patterns if "i" in self.task.label_kinds else (patterns * 10.0 + 100.0).astype(np.float32)

    def test_it_is_read_off_labels_and_can_be_sent_to_another_process(self) -> None:
        """Two processes must judge alike."""
        task = self._learnt().task
        if pickle.loads(pickle.dumps(task)) != task:  # noqa: S301 # our own
            raise AssertionError(f"{task!r} is another after pickle.loads(pickle.dumps(task))")

    def test_each_label_is_of_one_group(self) -> None:
        """A split takes its share of each group."""
        labels = self.labels(split().labels)
        groups = self.task.strata(labels)
        if groups.shape != (len(labels),) or groups.dtype != np.int64:
            raise AssertionError(f"strata gives {groups.dtype} of shape {groups.shape}; give an int64 for each label")

    def test_the_loss_is_a_number_that_reaches_every_output(self) -> None:
        """An output without a gradient would never learn."""
        learnt = self._learnt()
        outputs = torch.tensor(learnt.before[:_EXAMPLES] + 0.1, requires_grad=True)
        loss = learnt.task.loss(outputs, torch.tensor(learnt.labels[:_EXAMPLES]), TrainingSettings())
        if loss.shape != ():
            raise AssertionError(f"the loss has the shape {tuple(loss.shape)}; give a scalar")
        (gradient,) = torch.autograd.grad(loss, outputs)
        if not torch.isfinite(gradient).all() or not gradient.abs().sum(dim=0).gt(0).all():
            raise AssertionError(f"the gradient of the outputs is {gradient}; let it be finite and reach each of them")

    def test_training_lowers_the_loss_and_betters_the_score(self) -> None:
        """What is lowered must lead to what is scored."""
        learnt = self._learnt()
        if not learnt.losses[1] < learnt.losses[0]:
            raise AssertionError(f"training moved the loss from {learnt.losses[0]} to {learnt.losses[1]}")
        before, after = (learnt.task.score(outputs, learnt.labels) for outputs in (learnt.before, learnt.after))
        if not _is_better(learnt.task, after, before):
            raise AssertionError(f"training moved {learnt.task.metric} from {before} to {after}")

    def test_outputs_that_are_no_numbers_are_never_good(self) -> None:
        """A network that diverged must not win."""
        learnt = self._learnt()
        diverged = learnt.task.score(np.full_like(learnt.after, np.nan), learnt.labels)
        if _is_better(learnt.task, diverged, learnt.task.score(learnt.after, learnt.labels)):
            raise AssertionError(f"outputs of NaN have the {learnt.task.metric} {diverged}, better than a network's")

    def test_a_file_has_the_score_of_its_network(self) -> None:
        """What finishes a network must be in the file."""
        learnt = self._learnt()
        images = split().images
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            model = fold_batch_norm(learnt.model, normalize(torch.from_numpy(images[:_EXAMPLES]), NORMALIZATION))
            export_onnx(model, path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=None)
            found = predict(path, images, batch_size=len(images))
        if found.shape != learnt.task.output_shape(len(images)):
            raise AssertionError(f"the file gives outputs of shape {found.shape}, not {learnt.task.output_shape(256)}")
        gap, agreement = (
            learnt.task.parity_gap(learnt.after, found, learnt.labels),
            learnt.task.agreement(learnt.after, found),
        )
        if gap > _ROUNDING or agreement < 1 - _ROUNDING:
            raise AssertionError(f"a file and its network have a parity gap of {gap} and an agreement of {agreement}")

    def test_agreement_and_parity_tell_networks_apart(self) -> None:
        """Whether two outputs are the same answer must depend on the outputs."""
        learnt = self._learnt()
        other = learnt.after[::-1]
        same, apart = (learnt.task.agreement(learnt.after, found) for found in (learnt.after, other))
        if same != 1 or not 0 <= apart < 1:
            raise AssertionError(f"the agreement with itself is {same}, with shuffled outputs {apart}; give 1 and less")
        none, some = (learnt.task.parity_gap(learnt.after, found, learnt.labels) for found in (learnt.after, other))
        if none != 0 or not 0 < some <= 1:
            raise AssertionError(f"the parity gap to itself is {none}, to shuffled outputs {some}; give 0 and up to 1")

    def _learnt(self) -> _Learnt:
        labels = self.labels(split().labels)
        return _learn(self.task, labels.tobytes(), labels.dtype.str, labels.shape)


def _is_better(task: Task, score: float, other: float) -> bool:
    return score > other if metric_named(task.metric).better is Direction.MAX else score < other


@functools.cache
def _learn(kind: type[Task], content: bytes, dtype: str, shape: tuple[int, ...]) -> _Learnt:
    labels = np.frombuffer(content, dtype=dtype).reshape(shape)
    task = kind.of({"training": labels})
    data = Split(split().images, labels)
    context = context_of(data, task)
    model = task.finished(
        nn.Sequential(
            Block(SHAPE.channels, 16), Block(16, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, task.outputs)
        )
    )

    def answers() -> NDArray[np.float32]:
        return predict_in_torch(model, data.images, normalization=NORMALIZATION, device=torch.device("cpu"))

    def loss(outputs: NDArray[np.float32]) -> float:
        return float(task.loss(torch.from_numpy(outputs), torch.tensor(labels), TrainingSettings()))

    before = answers()
    context.fit(model, epochs=_EPOCHS, learning_rate=0.02)
    after = answers()
    return _Learnt(task, labels, before, after, (loss(before), loss(after)), model)
