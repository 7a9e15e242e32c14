"""Says how far the answers of two runtimes to the same images lie apart."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_LEAST_SAME_ANSWERS = 0.98
_LARGEST_DEVIATION = 0.1


@dataclass(frozen=True)
class Agreement:
    """Two sets of logits, compared.

    Attributes:
        images: How many were compared.
        same_answers: Share of the images whose largest logit is that of the same class.
        largest_difference: Of any two logits.
        deviation: Root mean square of the differences over the standard deviation of the logits.
    """

    images: int
    same_answers: float
    largest_difference: float
    deviation: float

    @classmethod
    def of(cls, expected: NDArray[np.float32], found: NDArray[np.float32]) -> Self:
        """Compare logits of the shape (N, classes)."""
        difference = (found - expected).astype(np.float64)
        spread = float(expected.std()) or 1.0
        return cls(
            images=len(expected),
            same_answers=float((found.argmax(axis=1) == expected.argmax(axis=1)).mean()),
            largest_difference=float(np.abs(difference).max()),
            deviation=float(np.sqrt((difference**2).mean())) / spread,
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
            f"the same answer to {self.same_answers:.1%} of {self.images} images, logits at most "
            f"{self.largest_difference:.2g} apart ({self.deviation:.1%} of their spread)"
        )
