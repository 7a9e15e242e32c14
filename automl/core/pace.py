"""The pace of a trial: how far it trains now, where the search may end it early."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

_AT = "_at_"

Watch = Callable[[Mapping[int, float]], bool]
"""From the validation scores of a running trial, by epoch, to whether it ends now."""


@dataclass(frozen=True)
class Pace:
    """How far a trial trains now.

    Attributes:
        rungs: Epochs of the architecture's fit after which its validation score is noted.
        until_epoch: The rung at which it pauses; None where it goes on to the end.
        epochs_before: Epochs that it trained before it paused.
        watch: Is told the scores at the rungs so far after each rung, and says whether the trial ends there; nobody
            looks at it where absent.
    """

    rungs: tuple[int, ...] = ()
    until_epoch: int | None = None
    epochs_before: int = 0
    watch: Watch | None = None


WHOLE = Pace()
"""The pace of a trial that trains to its end."""


class Promotion(NamedTuple):
    """A paused trial that goes on, by its number, and how far."""

    number: int
    pace: Pace


def rung_metrics(scores: Mapping[int, float], metric: str) -> dict[str, float]:
    """Name validation scores at rungs as a row of the trial store does.

    >>> rung_metrics({3: 0.5}, "accuracy")
    {'accuracy_at_3': 0.5}
    """
    return {f"{metric}{_AT}{epoch}": score for epoch, score in scores.items()}


def rung_scores(metrics: Mapping[str, float], metric: str) -> dict[int, float]:
    """Read them back, by epoch.

    >>> rung_scores({"accuracy_at_3": 0.5, "size_bytes": 100.0}, "accuracy")
    {3: 0.5}
    """
    name = f"{metric}{_AT}"
    return {
        int(found.removeprefix(name)): value
        for found, value in metrics.items()
        if found.startswith(name) and found.removeprefix(name).isdecimal()
    }
