"""A Gaussian process over encoded points, by scikit-learn, with priors that make it sound on few trials."""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from automl.suggest.encoding import Matrix
from automl.suggest.expected_improvement import Vector

_SQUARED_REACH = 12.0
"""Expected sum of the columns' weights: squared distances grow with the number of columns, and this keeps the expected
correlation of two points as it is (the idea of Hvarfner et al. 2024; the number is chosen by hand)."""
_WEIGHT_SPREAD = 1.2
"""Standard deviation of the logarithm of a weight under its prior (chosen by hand)."""
_NOISE = 0.02
"""Expected share of the variance that is noise (chosen by hand)."""
_BOUNDS = (-10.0, 6.0)
"""Limits of the logarithm of each hyperparameter; the priors keep it far within them."""
_JITTER = 1e-8
"""Added to the diagonal, so that the covariance of two equal rows can be inverted."""
_STEPS = 60
"""Of the optimizer, at most."""
_LEARNT_FROM = 120
"""Hyperparameters are learnt from at most so many rows, and used with all: it bounds the time of a proposal
(benchmarks/search/suggest_time.py)."""


class GroupedMatern(Kernel):  # type: ignore[misc] # scikit-learn has no types
    """A Matérn kernel of order 5/2 with one weight for each group of columns, an amplitude, and noise on the diagonal.

    Args:
        groups: The group of each column.
        weights: Of the squared distances of the groups; a weight of 0 would ignore a group.
        amplitude: Variance of the function.
        noise: Variance of what is observed beyond the function's.
    """

    def __init__(self, groups: Sequence[int], weights: Sequence[float], amplitude: float, noise: float) -> None:
        self.groups = groups
        self.weights = weights
        self.amplitude = amplitude
        self.noise = noise
        self._squares: tuple[Matrix, Matrix] | None = None

    @property
    def hyperparameters(self) -> list[Hyperparameter]:
        """The hyperparameters that scikit-learn is to learn, by their logarithms."""
        return [
            Hyperparameter("weights", "numeric", (0.0, np.inf), len(self.weights)),
            Hyperparameter("amplitude", "numeric", (0.0, np.inf)),
            Hyperparameter("noise", "numeric", (0.0, np.inf)),
        ]

    @property
    def theta(self) -> Vector:
        """Logarithms of weights, amplitude and noise, in this order."""
        return np.log([*self.weights, self.amplitude, self.noise])

    @theta.setter
    def theta(self, theta: Vector) -> None:
        *self.weights, self.amplitude, self.noise = np.exp(theta)

    @property
    def bounds(self) -> Matrix:
        """Without limits: scikit-learn warns of a value at its limit, and the priors keep values from going there."""
        return np.tile([-np.inf, np.inf], (len(self.weights) + 2, 1))

    def __call__(
        self, rows: Matrix, others: Matrix | None = None, eval_gradient: bool = False
    ) -> Matrix | tuple[Matrix, Matrix]:
        """Give covariances, and where asked their gradient by the logarithms of the hyperparameters."""
        if others is not None:
            scale = np.sqrt(np.asarray(self.weights))[list(self.groups)]
            return self.amplitude * _matern(cdist(rows * scale, others * scale))[0]
        squares = self._squares_of(rows)
        distance = np.sqrt(np.tensordot(self.weights, squares, 1))
        covariance, slope = _matern(distance)
        covariance *= self.amplitude
        noise = self.noise * np.eye(len(rows))
        if not eval_gradient:
            return covariance + noise
        gradient = np.empty((len(rows), len(rows), len(self.weights) + 2))
        np.multiply(
            np.moveaxis(squares, 0, 2),
            self.amplitude * slope[:, :, None] * np.asarray(self.weights),
            out=gradient[:, :, :-2],
        )
        gradient[:, :, -2], gradient[:, :, -1] = covariance, noise
        return covariance + noise, gradient

    def diag(self, rows: Matrix) -> Vector:
        """Give the variance of the function, without noise."""
        return np.full(len(rows), float(self.amplitude))

    def is_stationary(self) -> bool:
        """Say that the covariance depends on differences of rows alone."""
        return True

    def _squares_of(self, rows: Matrix) -> Matrix:
        """Give the squared distances within each group; they are the same for all hyperparameters that are tried."""
        if self._squares is None or self._squares[0] is not rows:
            groups = np.asarray(self.groups)
            columns = [rows[:, groups == group] for group in range(len(self.weights))]
            self._squares = (rows, np.stack([cdist(some, some, "sqeuclidean") for some in columns]))
        return self._squares[1]


def _matern(distance: Matrix) -> tuple[Matrix, Matrix]:
    """Give the correlation, and its derivative by the squared distance."""
    scaled = np.sqrt(5.0) * distance
    decay = np.exp(-scaled)
    return (1 + scaled + np.square(scaled) / 3) * decay, -5 / 6 * (1 + scaled) * decay


def prior_kernel(groups: Sequence[int]) -> GroupedMatern:
    """Give the kernel that is expected before anything was observed, for standardized values."""
    count = max(groups) + 1
    return GroupedMatern(groups, [_SQUARED_REACH / count] * count, 1.0, _NOISE)


class GaussianProcess:
    """A metric at points that were not tried, given those that were.

    Hyperparameters maximise the posterior density: each weight has a lognormal prior around an equal share of the
    distances (in the spirit of Hvarfner et al. 2024, "Vanilla Bayesian optimization performs great in high
    dimensions"), amplitude around 1 and noise around 2 % of the variance.

    Args:
        regressor: Fitted to standardized values.
        offset: Mean of the values.
        scale: Standard deviation of the values.
    """

    def __init__(self, regressor: GaussianProcessRegressor, *, offset: float, scale: float) -> None:
        self._regressor = regressor
        self._offset = offset
        self._scale = scale

    @classmethod
    def fit(cls, rows: Matrix, values: Vector, groups: Sequence[int]) -> Self:
        """Find hyperparameters and condition on all rows.

        Args:
            rows: Encoded points, one a row.
            values: What was observed there.
            groups: The group of each column.
        """
        offset, scale = float(np.mean(values)), float(np.std(values)) or 1.0
        standardized = (values - offset) / scale
        kernel = prior_kernel(groups)
        spread = np.array([_WEIGHT_SPREAD] * len(kernel.weights) + [1.0, 1.0])
        learner = GaussianProcessRegressor(kernel, alpha=_JITTER, optimizer=_most_probable(kernel.theta, spread))
        some = slice(max(len(rows) - _LEARNT_FROM, 0), None)
        learner.fit(rows[some], standardized[some])
        process = cls(learner, offset=offset, scale=scale)
        return process if len(rows) <= _LEARNT_FROM else process.conditioned(rows, values)

    def conditioned(self, rows: Matrix, values: Vector) -> Self:
        """Keep the hyperparameters and take other observations."""
        regressor = GaussianProcessRegressor(self._regressor.kernel_, alpha=_JITTER, optimizer=None)
        regressor.fit(rows, (values - self._offset) / self._scale)
        return type(self)(regressor, offset=self._offset, scale=self._scale)

    def predict(self, rows: Matrix) -> tuple[Vector, Vector]:
        """Give mean and standard deviation of the function at each row, noise left out."""
        mean, deviation = self._regressor.predict(rows, return_std=True)
        return self._offset + self._scale * mean, self._scale * deviation


Descend = Callable[..., tuple[float, Vector]]


def _most_probable(prior: Vector, spread: Vector) -> Callable[[Descend, Vector, Matrix], tuple[Vector, float]]:
    """Make an optimizer for scikit-learn that adds a normal prior on the logarithms to the likelihood."""

    def optimize(objective: Descend, start: Vector, bounds: Matrix) -> tuple[Vector, float]:  # noqa: ARG001 # its call
        def penalized(theta: Vector) -> tuple[float, Vector]:
            loss, gradient = objective(theta, eval_gradient=True)
            off = (theta - prior) / spread
            return loss + 0.5 * float(off @ off), gradient + off / spread

        within = [_BOUNDS] * len(start)
        found = minimize(penalized, start, jac=True, method="L-BFGS-B", bounds=within, options={"maxiter": _STEPS})
        return found.x, float(found.fun)

    return optimize
