"""Which of several classes an example is of."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from automl.errors import DatasetError
from automl.task import Task, TrainingSettings

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import Tensor


class Classification(Task):
    """Labels are integers from 0, one an example; a network gives a logit for each class.

    Training lowers the cross-entropy, and a trial is scored by the share of examples whose largest logit is that of
    the label.

    Attributes:
        outputs: Number of classes.
    """

    name: ClassVar[str] = "classification"
    metric: ClassVar[str] = "accuracy"
    label_kinds: ClassVar[str] = "iu"
    distance: ClassVar[Literal["kl", "mse"]] = "kl"
    called: ClassVar[str] = "logits"

    @classmethod
    def of(cls, labels: Mapping[str, NDArray[Any]]) -> Self:
        """Count the classes.

        Raises:
            DatasetError: A label is no integer from 0, or of no class of the training set, or all are the same.
        """
        for name, own in labels.items():
            if own.dtype.kind not in cls.label_kinds or own.ndim != 1:
                raise DatasetError(
                    f"the labels of the {name} set are {own.dtype} of shape {own.shape}: number classes from 0, one "
                    "an example, or leave --task out"
                )
            if own.min() < 0:
                raise DatasetError(f"the {name} set has the label {own.min()}: number classes from 0")
        known = np.unique(labels["training"])
        classes = int(known[-1]) + 1
        if len(known) == 1:
            raise DatasetError(f"all training labels are {known[0]}: give at least two classes")
        if classes > len(labels["training"]):
            raise DatasetError(
                f"the label {classes - 1} is out of range for {len(labels['training'])} training images: "
                "number classes from 0 without gaps"
            )
        for name, own in labels.items():
            unknown = np.setdiff1d(own, known)
            if len(unknown):
                raise DatasetError(
                    f"the {name} set has the label {unknown[-1]}, but training labels "
                    f"{f'end at {classes - 1}' if unknown[-1] >= classes else 'have none such'}: "
                    "give training images of every class"
                )
        return cls(outputs=classes)

    @classmethod
    def strata(cls, labels: NDArray[Any]) -> NDArray[np.int64]:
        """Give the classes."""
        return labels.astype(np.int64)

    def loss(self, outputs: "Tensor", labels: "Tensor", settings: TrainingSettings) -> "Tensor":
        """Give the cross-entropy of the logits, averaged over the batch."""
        from torch.nn import functional

        return functional.cross_entropy(outputs, labels, label_smoothing=settings.label_smoothing)

    def score(self, outputs: NDArray[np.float32], labels: NDArray[Any]) -> float:
        """Give the share of examples whose largest logit is that of the label; one with NaN is wrong.

        >>> logits = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)
        >>> Classification(outputs=2).score(logits, np.array([1, 1]))
        0.5
        """
        is_right = (outputs.argmax(axis=1) == labels) & ~np.isnan(outputs).any(axis=1)
        return float(is_right.mean())

    def parity_gap(self, simulated: NDArray[np.float32], deployed: NDArray[np.float32], labels: NDArray[Any]) -> float:
        """Give the difference of the accuracies."""
        return abs(self.score(simulated, labels) - self.score(deployed, labels))

    def agreement(self, expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
        """Give the share of examples whose largest logit is that of the same class."""
        return float((found.argmax(axis=1) == expected.argmax(axis=1)).mean())
