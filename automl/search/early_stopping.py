"""Decides which trials go on: successive halving over epochs, for several objectives at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from automl.core.pareto import Losses
from automl.core.ranking import best_first

_REDUCTION = 3
_LEAST_EPOCHS = 2


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
    def of(cls, whole: int, *, reduction: float = _REDUCTION, least: int = _LEAST_EPOCHS) -> Self:
        """Divide the epochs of a whole fit again and again.

        >>> Rungs.of(30).epochs
        (3, 10)

        Args:
            whole: Epochs of a whole fit.
            reduction: Ratio of a rung's epochs to those of the rung below.
            least: No rung has fewer epochs than this.
        """
        found: list[int] = []
        epochs = whole / reduction
        while round(epochs) >= least:
            found.append(round(epochs))
            epochs /= reduction
        return cls(tuple(reversed(found)), reduction)

    def after(self, epoch: int) -> int | None:
        """Give the rung that a trial which paused after ``epoch`` is promoted to; None for the end of the fit."""
        return next((rung for rung in self.epochs if rung > epoch), None)


class SuccessiveHalving:
    """Promotes trials, asynchronously and for several objectives.

    Whenever a worker is free, the highest rung that may promote does: of all trials that ever reached it, the best
    third, by non-dominated rank and then spread, may go on. No trial waits for a rung to fill up (Li et al., A
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

    def _promotable(self, rung: int) -> int | None:
        reached, left = self._reached[rung], self._left[rung]
        allowed = int(len(reached) / self.rungs.reduction)
        if len(left) >= allowed:
            return None
        numbers: Sequence[int] = list(reached)
        order = best_first([reached[number] for number in numbers])
        return next((numbers[index] for index in order[:allowed] if numbers[index] not in left), None)
