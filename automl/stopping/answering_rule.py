"""Names the rule that raised, in one line, where a rule lets trials wait: it may be anybody's code."""

from automl.core.pace import Pace, Promotion
from automl.core.trial import Trial
from automl.core.value import Point
from automl.registry import STOPPING
from automl.stopping_rule import PausingRule


class AnsweringRule:
    """Passes everything on to a rule, and lets that rule answer for what is raised.

    Every method raises ``SearchError`` where the rule raises.

    Args:
        rule: Decides.
    """

    def __init__(self, rule: PausingRule) -> None:
        self._rule = rule

    def first_pace(self, point: Point) -> Pace:
        """Say how far a new trial trains."""
        with STOPPING.answering(self._rule.name):
            return self._rule.first_pace(point)

    def note(self, trial: Trial) -> None:
        """Learn where a trial stands."""
        with STOPPING.answering(self._rule.name):
            self._rule.note(trial)

    @property
    def may_promote(self) -> bool:
        """Whether a trial that waits may go on now."""
        with STOPPING.answering(self._rule.name):
            return self._rule.may_promote

    def promote(self) -> Promotion | None:
        """Choose a trial that goes on now; None where none may."""
        with STOPPING.answering(self._rule.name):
            return self._rule.promote()
