"""How much of something an example shows: one number, or several."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from automl.errors import DatasetError, UsageError
from automl.task import Task, TrainingSettings

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import Tensor, nn

_SAME_ANSWER = 0.1
"""Share of a label's standard deviation by which two runtimes may differ and still give the same answer: some four
steps of an output that is rounded to 8 bits, whose range is about six standard deviations."""


class Regression(Task):
    """Labels are floats, shape (N,) or (N, K); a network gives K numbers in the units of the labels.

    Training lowers Huber's loss of the differences, each divided by the standard deviation of its label, and a trial
    is scored by the mean absolute error in the units of the labels. Several numbers count alike in it: give them in
    one unit, or divide each by its spread.

    Huber, Robust Estimation of a Location Parameter, 1964.

    Attributes:
        outputs: K.
        centres: Mean of each number over the training labels.
        spreads: Standard deviation of each.
    """

    name: ClassVar[str] = "regression"
    metric: ClassVar[str] = "mean_absolute_error"
    label_kinds: ClassVar[str] = "f"
    distance: ClassVar[Literal["kl", "mse"]] = "mse"

    centres: tuple[float, ...]
    spreads: tuple[float, ...]

    @classmethod
    def of(cls, labels: Mapping[str, NDArray[Any]]) -> Self:
        """Take mean and standard deviation of the training labels.

        Raises:
            DatasetError: Labels are no finite numbers, have other shapes, or are all the same.
        """
        widths = {}
        for name, own in labels.items():
            if own.dtype.kind not in "fiu" or own.ndim not in {1, 2} or 0 in own.shape:
                raise DatasetError(
                    f"the labels of the {name} set are {own.dtype} of shape {own.shape}: give floats of shape (N,) or "
                    "(N, K)"
                )
            if not np.isfinite(own).all():
                row = int(np.flatnonzero(~np.isfinite(_columns(own)).all(axis=1))[0])
                raise DatasetError(f"label {row} of the {name} set is {own[row]}: give finite numbers")
            widths[name] = _columns(own).shape[1]
            if widths[name] != widths["training"]:
                raise DatasetError(
                    f"{name} labels have {widths[name]} numbers an example, training labels {widths['training']}: "
                    "give as many"
                )
        training = _columns(labels["training"]).astype(np.float64)
        spreads = training.std(axis=0)
        if not (spreads > 0).all():
            column = int(np.flatnonzero(~(spreads > 0))[0])
            what = "all training labels are" if len(spreads) == 1 else f"number {column} of all training labels is"
            raise DatasetError(f"{what} {training[0, column]:g}: there is nothing to learn")
        return cls(
            outputs=len(spreads), centres=tuple(map(float, training.mean(axis=0))), spreads=tuple(map(float, spreads))
        )

    def check_training(self, settings: TrainingSettings) -> None:
        """Refuse label smoothing.

        Raises:
            UsageError: If there is some.
        """
        if settings.label_smoothing:
            raise UsageError(
                f"training.label_smoothing {settings.label_smoothing:g} spreads a label over classes, and the labels "
                "of task regression are numbers: leave it out"
            )

    def finished(self, network: "nn.Module") -> "nn.Module":
        """Multiply the outputs by the spread of their label and add its mean, behind the network."""
        from automl_plugins.tasks._in_units import InUnits

        return InUnits(network, self.centres, self.spreads)

    def scaled(self, outputs: "Tensor") -> "Tensor":
        """Give each number in standard deviations of its label, about their mean."""
        return (outputs - outputs.new_tensor(self.centres)) / outputs.new_tensor(self.spreads)

    def loss(self, outputs: "Tensor", labels: "Tensor", settings: TrainingSettings) -> "Tensor":  # noqa: ARG002 # of the contract
        """Give Huber's loss of the differences in standard deviations, averaged over batch and numbers."""
        from torch.nn import functional

        wanted = labels.float().reshape(len(labels), self.outputs)
        return functional.huber_loss(self.scaled(outputs.float()), self.scaled(wanted))

    def score(self, outputs: NDArray[np.float32], labels: NDArray[Any]) -> float:
        """Give the mean absolute error in the units of the labels.

        >>> task = Regression(outputs=1, centres=(0.0,), spreads=(1.0,))
        >>> task.score(np.array([[1.0], [4.0]], np.float32), np.array([2.0, 2.0]))
        1.5
        """
        return float(np.abs(outputs.astype(np.float64) - _columns(labels)).mean())

    def parity_gap(self, simulated: NDArray[np.float32], deployed: NDArray[np.float32], labels: NDArray[Any]) -> float:
        """Give the difference of the errors, as a share of the error that the best constant answer makes: the median.

        >>> task = Regression(outputs=1, centres=(0.0,), spreads=(1.0,))
        >>> right = np.array([[0.0], [10.0]], np.float32)
        >>> task.parity_gap(right, right + 1, np.array([0.0, 10.0]))
        0.2
        """
        wanted = _columns(labels).astype(np.float64)
        of_constant = float(np.abs(wanted - np.median(wanted, axis=0)).mean()) or 1.0
        return min(1.0, abs(self.score(simulated, labels) - self.score(deployed, labels)) / of_constant)

    def agreement(self, expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
        """Give the share of examples all of whose numbers lie within a tenth of their label's standard deviation."""
        distances = np.abs(found.astype(np.float64) - expected) / np.asarray(self.spreads)
        return float((distances <= _SAME_ANSWER).all(axis=1).mean())


def _columns(labels: NDArray[Any]) -> NDArray[Any]:
    return labels.reshape(len(labels), -1)
