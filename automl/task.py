"""The whole contract that the author of a task reads: what a right answer is, and how a network's answers are judged.

A task is one frozen value, read off the labels of a data set: what a network must give, what training lowers, what a
trial is scored by. Ship it with one line in your ``pyproject.toml``::

    [project.entry-points."automl.tasks"]
    my_task = "my_package:MyTask"

A *label* is the right answer to an example, as the data set has it; an *output* is what a network gives. A deployed
file gives outputs in the very units of the labels, or logits where labels are classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from automl.core.training_settings import TrainingSettings
from automl.core.value import Value

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

__all__ = ["Task", "TrainingSettings"]


class Task(Value, ABC):
    """What a network is for; the fields of a subclass are what it needs to know of the labels.

    Attributes:
        name: What users write after ``--task``; lower case, underscores.
        metric: Name of the metric that ``score`` gives; on the test split it is called ``test_`` and this.
        label_kinds: Kinds of NumPy's dtypes, such as ``"f"`` for floats, whose labels are of this task where the user
            names none; empty for a task that is chosen by name alone.
        distance: How far two outputs lie apart where one network learns from another: ``kl``, the Kullback-Leibler
            divergence of the probabilities whose logits they are, or ``mse``, their mean squared difference.
        called: What messages call the outputs.
        outputs: Numbers that a network gives for each example.
    """

    name: ClassVar[str]
    metric: ClassVar[str]
    label_kinds: ClassVar[str] = ""
    distance: ClassVar[Literal["kl", "mse"]] = "mse"
    called: ClassVar[str] = "outputs"

    outputs: int = Field(ge=1)

    @classmethod
    @abstractmethod
    def of(cls, labels: "Mapping[str, NDArray[Any]]") -> Self:
        """Read the task off the labels of a data set, and refuse labels that are of another.

        Args:
            labels: By the name of the set: ``training``, and ``validation`` and ``test`` where they were published.
                None is empty, and the first dimension counts the examples.

        Raises:
            DatasetError: Naming the set, the label, and what to do.
        """

    @classmethod
    def strata(cls, labels: "NDArray[Any]") -> "NDArray[np.int64]":
        """Give each example the number of its group; what is set aside has its share of each. One group by default."""
        import numpy as np

        return np.zeros(len(labels), dtype=np.int64)

    def check_training(self, settings: TrainingSettings) -> None:
        """Refuse settings of the training that mean nothing here; none is refused by default.

        Raises:
            UsageError: With the setting, and what to do.
        """

    def output_shape(self, examples: int) -> tuple[int, ...]:
        """Give the shape of what a network answers to so many examples."""
        return (examples, self.outputs)

    def finished(self, network: "nn.Module") -> "nn.Module":
        """Give a network whose outputs are in the units of the labels, from one that was just built.

        Networks begin with outputs about 0 and 1 apart, and training moves them slowly. A task whose labels lie
        elsewhere puts what moves them there behind the network; by default the network is as it should be.
        """
        return network

    def scaled(self, outputs: "Tensor") -> "Tensor":
        """Give outputs of which a difference of one counts the same whatever the units; by default they are so."""
        return outputs

    @abstractmethod
    def loss(self, outputs: "Tensor", labels: "Tensor", settings: TrainingSettings) -> "Tensor":
        """Give what training lowers, a scalar.

        Args:
            outputs: Of a batch, shape (N, outputs).
            labels: As the data set has them, N of them, on the same device.
            settings: Of the training.
        """

    @abstractmethod
    def score(self, outputs: "NDArray[np.float32]", labels: "NDArray[Any]") -> float:
        """Give the value of ``metric``, NaN where outputs that are NaN leave none.

        Args:
            outputs: Of all examples of a split, shape (N, outputs).
            labels: Of the same examples.
        """

    @abstractmethod
    def parity_gap(
        self, simulated: "NDArray[np.float32]", deployed: "NDArray[np.float32]", labels: "NDArray[Any]"
    ) -> float:
        """Say how far the scores of the trained network and of its file lie apart, 0 to 1.

        Beyond 0.005 a trial is warned of.

        Args:
            simulated: Outputs of the network in torch, shape (N, outputs).
            deployed: Outputs of its file to the same examples.
            labels: Of the same examples.
        """

    @abstractmethod
    def agreement(self, expected: "NDArray[np.float32]", found: "NDArray[np.float32]") -> float:
        """Give the share of examples to which two runtimes give the same answer, 0 to 1.

        Args:
            expected: Outputs, shape (N, outputs).
            found: Outputs to the same examples.
        """
