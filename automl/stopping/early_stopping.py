"""Decides which trials go on: successive halving over epochs, for several objectives at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from automl.core.pace import WHOLE, Pace, Promotion
from automl.core.pareto import Losses
from automl.core.ranking import best_first
from automl.core.trial import Trial, TrialState
from automl.core.value import Point
from automl.stopping.rung_losses import RungLosses

_FIRST_SHARE = 0.1
_REDUCTION = 4.0
"""Where the one rung lies in a whole fit, and that one trial in so many is promoted: compared with the rungs of MO-ASHA
by benchmarks/search/early_stopping.py, on learning curves of digits."""
_LEAST_EPOCHS = 2
_LARGEST_SHARE = 1 / 3
"""A rung lies after two epochs at least and a third of the fit at most: earlier scores are noise, and later ones save
little (chosen by hand)."""


@dataclass(frozen=True)
class Rungs:
    """The epochs after which a trial pauses, until it is promoted.

    Attributes:
        epochs: In ascending order, all before the last epoch of a whole fit; none where the fit is too short.
        reduction: One trial in so many of a rung is promoted.
    """

    epochs: tuple[int, ...]
    reduction: float

    @classmethod
    def of(cls, whole: int) -> Self:
        """Set one rung, after a tenth of the epochs, of which a quarter is promoted.

        Further rungs save little more and lose much: ``benchmarks/search/early_stopping.py`` compares them.

        >>> Rungs.of(30)
        Rungs(epochs=(3,), reduction=4.0)

        Args:
            whole: Epochs of a whole fit; where a third of them are fewer than two, there is no rung.
        """
        first = max(round(whole * _FIRST_SHARE), _LEAST_EPOCHS)
        return cls((first,) if first <= whole * _LARGEST_SHARE else (), _REDUCTION)

    def after(self, epoch: int) -> int | None:
        """Give the rung that a trial which paused after ``epoch`` is promoted to; None for the end of the fit."""
        return next((rung for rung in self.epochs if rung > epoch), None)


class SuccessiveHalving:
    """Promotes trials, asynchronously and for several objectives.

    Whenever a worker is free, the highest rung that may promote does: of all trials that ever reached it, the best
    quarter, by non-dominated rank and then spread, may go on. No trial waits for a rung to fill up (Li et al., A
    System for Massively Parallel Hyperparameter Tuning, 2020; Schmucker et al., Multi-objective Asynchronous
    Successive Halving, 2021).

    Args:
        rungs: Where trials pause.
    """

    def __init__(self, rungs: Rungs) -> None:
        self.rungs = rungs
        self._reached: dict[int, dict[int, Losses]] = {rung: {} for rung in rungs.epochs}
        self._left: dict[int, set[int]] = {rung: set() for rung in rungs.epochs}

    def note(self, number: int, reached: Mapping[int, Losses], *, is_paused: bool) -> None:
        """Take note of a trial of this run, or of an earlier one.

        Args:
            number: Of the trial.
            reached: Its losses at each rung that it reached.
            is_paused: Whether it waits at the highest of these rungs; otherwise it went on.
        """
        at = max(reached, default=0)
        for rung, losses in reached.items():
            if rung in self._reached:
                self._reached[rung][number] = losses
                if rung < at or not is_paused:
                    self._left[rung].add(number)

    def promote(self) -> int | None:
        """Choose a paused trial that goes on now, by its number; None where none may."""
        for rung in reversed(self.rungs.epochs):
            number = self._promotable(rung)
            if number is not None:
                self._left[rung].add(number)
                return number
        return None

    def rung_of(self, number: int) -> int:
        """Give the highest rung that a trial has reached."""
        return max(rung for rung, reached in self._reached.items() if number in reached)

    @property
    def may_promote(self) -> bool:
        """Whether a trial may go on now."""
        return any(self._promotable(rung) is not None for rung in self.rungs.epochs)

    def _promotable(self, rung: int) -> int | None:
        reached, left = self._reached[rung], self._left[rung]
        allowed = int(len(reached) / self.rungs.reduction)
        if len(left) >= allowed:
            return None
        numbers: Sequence[int] = list(reached)
        order = best_first([reached[number] for number in numbers])
        return next((numbers[index] for index in order[:allowed] if numbers[index] not in left), None)


class EarlyStopping:
    """Tells a search how far each trial trains.

    Args:
        rungs: Where trials pause.
        losses: Judges trials at rungs.
    """

    def __init__(self, rungs: Rungs, losses: RungLosses) -> None:
        self._halving = SuccessiveHalving(rungs)
        self._rungs = rungs
        self._losses = losses

    def first_pace(self, point: Point) -> Pace:
        """Let a new trial train up to the first rung; to the end where it could not be judged there."""
        if not self._rungs.epochs or not self._losses.can_judge(point):
            return WHOLE
        return Pace(rungs=self._rungs.epochs, until_epoch=self._rungs.epochs[0])

    def note(self, trial: Trial) -> None:
        """Learn where a trial stands, in this run or after an earlier one."""
        reached = self._losses.of(trial)
        if reached:
            self._halving.note(trial.number, reached, is_paused=trial.state is TrialState.STOPPED)

    @property
    def may_promote(self) -> bool:
        """Whether a trial may go on now."""
        return self._halving.may_promote

    def promote(self) -> Promotion | None:
        """Choose a trial that goes on now; None where none may."""
        number = self._halving.promote()
        if number is None:
            return None
        rung = self._halving.rung_of(number)
        return Promotion(number, Pace(rungs=self._rungs.epochs, until_epoch=self._rungs.after(rung)))
