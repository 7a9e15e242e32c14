"""Finds the price of each sort of work, from networks whose total cost was measured."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

Work = Mapping[str, float]
"""Amount by sort of work."""

_SHRINKAGE = 1e-3
"""Of the ridge, for each network: it settles prices of work that always comes together (chosen by hand)."""


def fit_prices(works: Sequence[Work], totals: NDArray[np.floating]) -> dict[str, float]:
    """Find the prices, none below 0, with the least squared relative error, by non-negative ridge regression.

    Args:
        works: One a network.
        totals: What each costs, above 0, shape (networks,).
    """
    names = sorted({name for work in works for name in work})
    relative = np.array(
        [[work.get(name, 0.0) / total for name in names] for work, total in zip(works, totals, strict=True)]
    )
    scale = np.sqrt((relative**2).mean(axis=0)).clip(min=np.finfo(float).tiny)
    shrinkage = np.sqrt(_SHRINKAGE * len(works)) * np.eye(len(names))
    rows = np.vstack([relative / scale, shrinkage])
    target = np.concatenate([np.ones(len(works)), np.zeros(len(names))])
    found = LinearRegression(fit_intercept=False, positive=True).fit(rows, target)
    return dict(zip(names, (found.coef_ / scale).tolist(), strict=True))


def total_price(prices: Mapping[str, float], work: Work) -> float:
    """Add up what work costs; what has no price is free."""
    return sum(prices.get(name, 0.0) * amount for name, amount in work.items())
