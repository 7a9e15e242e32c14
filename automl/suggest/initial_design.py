"""The initial design: few points, spread evenly over every parameter, of which a model expects to learn most."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from scipy.stats import qmc

from automl.core.space import SearchSpace
from automl.core.value import Scalar
from automl.suggest.described_points import Describe
from automl.suggest.gaussian_process import prior_kernel

_HYPERCUBES = 200
"""Latin hypercubes of which the one of highest entropy is chosen (chosen by hand)."""


def latin_hypercubes(space: SearchSpace, count: int, *, seed: int) -> Iterator[dict[str, Scalar]]:
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
                    values[parameter.name] = point[parameter.name] = parameter.domain.at(float(share))
            yield point


def maximum_entropy_design(
    space: SearchSpace, count: int, *, describe: Describe, groups: Sequence[int], seed: int
) -> list[dict[str, Scalar]]:
    """Choose the Latin hypercube of which a model expects to learn most.

    That is the one of highest entropy (Shewry and Wynn 1987): by the model's prior, its outcomes are least
    foreseeable from one another. Predicted metrics count, so the points differ in size and speed too.

    Args:
        space: Where points come from.
        count: How many points to choose.
        describe: Gives the rows of points.
        groups: Which columns of a row share a length scale.
        seed: Of the draws.
    """
    drawn = list(islice(latin_hypercubes(space, count, seed=seed), _HYPERCUBES * count))
    rows = describe(drawn).rows
    kernel = prior_kernel(groups)
    entropies = [np.linalg.slogdet(kernel(rows[start : start + count]))[1] for start in range(0, len(drawn), count)]
    first = int(np.argmax(entropies)) * count
    return drawn[first : first + count]
