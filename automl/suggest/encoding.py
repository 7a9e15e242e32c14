"""Points as rows of numbers whose distances say how much two points differ."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automl.core.domain import Domain
from automl.core.parameter import Parameter
from automl.core.space import SearchSpace
from automl.core.value import Point

Matrix = npt.NDArray[np.float64]

_MIDDLE = 0.5
"""Stands for an ordered parameter that does not apply: at equal distance from both ends."""
_ALIKE = 3
"""From so many parameters of one domain on, columns describe them together as well, by their mean or their counts
(chosen by hand; benchmarks/search/space_shape.py measures spaces with one number a layer)."""


class Encoding:
    """Encodes the points of a space.

    Ranges and lists of numbers become one column from 0 to 1. Choices without an order become one column a choice,
    scaled so that two different choices are at squared distance 1 (Hamming). A parameter that does not apply is
    imputed, and a column says for each condition whether it holds. Parameters of one domain, as those of layers or
    edges often are, also have their mean, or the share of each choice, in columns of their own: what they add up to
    is learnt from few points.

    Attributes:
        groups: For each column, which columns belong together and share a length scale.

    Args:
        space: Where points come from.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._searched = [parameter for parameter in space.parameters if not parameter.domain.is_constant]
        self._conditional = list({p.condition: p for p in self._searched if p.condition is not None}.values())
        self._codes = [_codes(parameter.domain) for parameter in self._searched]
        self._alike = _alike(self._searched)
        groups = [index for index, parameter in enumerate(self._searched) for _ in range(_width(parameter.domain))]
        alone = len(self._conditional) + sum(_width(self._searched[together[0]].domain) for together in self._alike)
        self.groups = (*groups, *(len(self._searched) + index for index in range(alone)))

    def encode(self, points: Sequence[Point]) -> Matrix:
        """Encode canonical points.

        Returns:
            One row a point, as many columns as there are groups.
        """
        blocks = [self._block(index, points) for index in range(len(self._searched))]
        indicators = [self._indicator(parameter, points) for parameter in self._conditional]
        means = [np.mean([blocks[index] for index in together], axis=0) for together in self._alike]
        # a share of 1 of a choice, and none of another, are at distance 1
        means = [mean * np.sqrt(2) if mean.shape[1] > 1 else mean for mean in means]
        return np.hstack([np.empty((len(points), 0)), *blocks, *indicators, *means])

    def _block(self, index: int, points: Sequence[Point]) -> Matrix:
        parameter = self._searched[index]
        domain, name = parameter.domain, parameter.name
        if domain.is_ordered:
            column = [domain.position(point[name]) if name in point else _MIDDLE for point in points]
            return np.array(column, dtype=float).reshape(-1, 1)
        rows, codes = self._codes[index]
        return rows[[codes[point[name]] if name in point else len(codes) for point in points]]

    def _indicator(self, parameter: Parameter, points: Sequence[Point]) -> Matrix:
        return np.array([float(parameter.name in point) for point in points]).reshape(-1, 1)


def _width(domain: Domain) -> int:
    return 1 if domain.is_ordered else len(domain.extremes())


def _codes(domain: Domain) -> tuple[Matrix, dict[object, int]]:
    """Give the row of each choice without an order, a row of zeros last, and where the row of a choice is."""
    if domain.is_ordered:
        return np.empty((0, 0)), {}
    choices = domain.extremes()
    rows = np.vstack([np.eye(len(choices)) / np.sqrt(2), np.zeros(len(choices))])
    return rows, {choice: index for index, choice in enumerate(choices)}


def _alike(searched: Sequence[Parameter]) -> list[list[int]]:
    """Find the parameters that share one domain."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, parameter in enumerate(searched):
        found[parameter.domain.model_dump_json()].append(index)
    return [together for together in found.values() if len(together) >= _ALIKE]
