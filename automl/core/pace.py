"""How far a trial trains now, where the search may end it early."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

_ACCURACY_AT = "accuracy_at_"

Watch = Callable[[Mapping[int, float]], bool]
"""From the validation scores of a running trial, by epoch, to whether it ends now."""


@dataclass(frozen=True)
class Pace:
    """How far a trial trains now.

    Attributes:
        rungs: Epochs of the architecture's fit after which its validation accuracy is noted.
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
"""A trial that nobody ends early."""


class Promotion(NamedTuple):
    """A paused trial that goes on, by its number, and how far."""

    number: int
    pace: Pace


def rung_metrics(accuracies: Mapping[int, float]) -> dict[str, float]:
    """Name validation accuracies at rungs as a row of the trial store does.

    >>> rung_metrics({3: 0.5})
    {'accuracy_at_3': 0.5}
    """
    return {f"{_ACCURACY_AT}{epoch}": accuracy for epoch, accuracy in accuracies.items()}


def rung_accuracies(metrics: Mapping[str, float]) -> dict[int, float]:
    """Read them back, by epoch.

    >>> rung_accuracies({"accuracy_at_3": 0.5, "size_bytes": 100.0})
    {3: 0.5}
    """
    return {
        int(name.removeprefix(_ACCURACY_AT)): value for name, value in metrics.items() if name.startswith(_ACCURACY_AT)
    }
