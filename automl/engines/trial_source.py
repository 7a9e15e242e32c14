"""What an engine asks of the search that it runs trials for."""

from typing import NamedTuple, Protocol

from automl.core.pace import WHOLE, Pace
from automl.core.trial import Trial
from automl.core.value import Scalar


class Assignment(NamedTuple):
    """A point to evaluate, its number in the study, and how far it trains now."""

    number: int
    point: dict[str, Scalar]
    pace: Pace = WHOLE


class TrialSource(Protocol):
    """Hands out points and takes back trials."""

    @property
    def has_work(self) -> bool:
        """Whether a point may still be handed out, or a trial that was stopped go on."""
        ...

    @property
    def is_hopeless(self) -> bool:
        """Whether going on would be in vain."""
        ...

    def next(self) -> Assignment | None:
        """Hand out the next point; None where there is none."""
        ...

    def finish(self, trial: Trial) -> None:
        """Take back a trial whose row is written."""
        ...
