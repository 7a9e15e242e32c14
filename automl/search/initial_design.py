"""The points that a search begins with: few, and spread evenly over every parameter."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import qmc

from automl.core.space import SearchSpace
from automl.core.value import Scalar
from automl.search.domain_scale import value_at


def spread_points(space: SearchSpace, count: int, *, seed: int) -> Iterator[dict[str, Scalar]]:
    """Draw Latin hypercubes, one after the other, without end.

    Of ``count`` points in a row, each parameter takes each of ``count`` equal parts of its domain once (McKay et al.
    1979). A parameter that does not apply is left out.

    Args:
        space: Where points come from.
        count: Points of a hypercube.
        seed: Of the draws.
    """
    generator = np.random.default_rng(seed)
    while True:
        for shares in qmc.LatinHypercube(len(space.parameters), rng=generator).random(count):
            point: dict[str, Scalar] = {}
            values = dict(space.constants)
            for parameter, share in zip(space.parameters, shares, strict=True):
                if parameter.is_active(values):
                    values[parameter.name] = point[parameter.name] = value_at(parameter.domain, float(share))
            yield point
