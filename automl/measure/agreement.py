"""Says how far the answers of two runtimes to the same images lie apart."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from automl.task import Task

_LEAST_SAME_ANSWERS = 0.98
_LARGEST_DEVIATION = 0.1


@dataclass(frozen=True)
class Agreement:
    """Two sets of outputs, compared.

    Attributes:
        images: How many were compared.
        same_answers: Share of the images to which both give the same answer, as their task has it.
        largest_difference: Of any two outputs.
        deviation: Root mean square of the differences over the standard deviation of the outputs.
        called: What the outputs are called.
    """

    images: int
    same_answers: float
    largest_difference: float
    deviation: float
    called: str = "logits"

    @classmethod
    def of(cls, expected: NDArray[np.float32], found: NDArray[np.float32], task: Task) -> Self:
        """Compare outputs of the shape (N, K)."""
        difference = (found - expected).astype(np.float64)
        spread = float(expected.std()) or 1.0
        return cls(
            images=len(expected),
            same_answers=task.agreement(expected, found),
            largest_difference=float(np.abs(difference).max()),
            deviation=float(np.sqrt((difference**2).mean())) / spread,
            called=task.called,
        )

    @property
    def is_close(self) -> bool:
        """Whether both run the same network: kernels round differently, a wrong one answers differently.

        Not even a number is close to NaN.
        """
        return self.same_answers >= _LEAST_SAME_ANSWERS and self.is_rounding

    @property
    def is_rounding(self) -> bool:
        """Whether rounding explains the differences; of a network that is hardly sure, it changes many answers."""
        return self.deviation <= _LARGEST_DEVIATION

    def __str__(self) -> str:
        return (
            f"the same answer to {self.same_answers:.1%} of {self.images} images, {self.called} at most "
            f"{self.largest_difference:.2g} apart ({self.deviation:.1%} of their spread)"
        )
