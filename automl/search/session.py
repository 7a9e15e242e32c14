"""What a search knows while it runs: which trial comes next, and what follows from a finished one."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from automl.core.near_miss import nearest_misses
from automl.core.pace import WHOLE
from automl.core.pareto import front_hypervolume, pareto_front
from automl.core.study import StudySpec
from automl.core.trial import Trial, TrialState
from automl.core.value import Scalar
from automl.engines.trial_source import Assignment
from automl.search.options import KeepArtifacts
from automl.search.start import NO_START, Start
from automl.stopping.rules import Pacer
from automl.storage.store import TrialStore
from automl.suggest.suggester import Suggester, point_key

FAILURES_ALLOWED = 10
"""A search in which the first so many trials all fail has a fault of its own, and stops."""


@dataclass(frozen=True)
class Progress:
    """Where a search stands.

    Attributes:
        done: Finished trials of the study, earlier runs included.
        budget: Trials that the study shall have.
        failed: Trials that failed.
        front_size: Members of the Pareto front.
        hypervolume: Share of the box up to the worst network seen, 0 to 1.
        reused: Trials that took a step from the cache.
    """

    done: int
    budget: int
    failed: int
    front_size: int
    hypervolume: float
    reused: int = 0


class SearchListener(Protocol):
    """Is told how a search goes on."""

    def on_preparation(self, what: str) -> None:
        """Take note of what is done before the first trial."""
        ...

    def on_note(self, text: str) -> None:
        """Take note of what the user should know of this search; said once."""
        ...

    def on_progress(self, progress: Progress, trial: Trial | None) -> None:
        """Take note of a finished trial; None at the start."""
        ...


class SearchSession:
    """Hands out points and takes back trials; the same for every engine.

    Args:
        store: The study.
        suggester: Proposes points; it is told all trials that the store already has.
        budget: Trials that the study shall have, those in the store included.
        keep: Which artifacts stay.
        listener: Is told of every finished trial.
        start: Where the search begins.
        deadline: No point is handed out from this moment on, by ``clock``.
        clock: Seconds since some moment.
        early_stopping: Decides which trials go on; every trial does where absent.
    """

    def __init__(
        self,
        store: TrialStore,
        suggester: Suggester,
        *,
        budget: int,
        keep: KeepArtifacts,
        listener: SearchListener,
        start: Start = NO_START,
        deadline: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        early_stopping: Pacer | None = None,
    ) -> None:
        self._store = store
        self._suggester = suggester
        self._budget = budget
        self._keep = keep
        self._listener = listener
        self._deadline = deadline
        self._clock = clock
        self._early_stopping = early_stopping
        self._trials = store.read()
        self._earlier = len(self._trials)
        self._next_number = max((trial.number for trial in self._trials), default=-1) + 1
        self._handed_out = 0
        self._said = {note for trial in self._trials for note in trial.notes}
        self.is_exhausted = False
        for trial in (*start.earlier_trials, *self._trials):
            suggester.tell(trial)
        tried = {point_key(store.spec.space.canonical(trial.point)) for trial in self._trials}
        self._start = deque(point for point in start.points if point_key(point) not in tried)
        if early_stopping is not None:
            for trial in self._trials:
                early_stopping.note(trial)
        self._front = pareto_front(self._trials, store.spec.objectives)
        listener.on_progress(self.progress, None)

    @property
    def store(self) -> TrialStore:
        """The study."""
        return self._store

    @property
    def trials(self) -> Sequence[Trial]:
        """All finished trials of the study."""
        return tuple(self._trials)

    @property
    def remaining(self) -> int:
        """Trials that are still to be handed out."""
        return max(self._budget - self._earlier - self._handed_out, 0)

    @property
    def has_work(self) -> bool:
        """Whether a point may still be handed out, or a trial that was stopped go on."""
        return self.remaining > 0 or (self._early_stopping is not None and self._early_stopping.may_promote)

    @property
    def progress(self) -> Progress:
        """Where the search stands now."""
        return Progress(
            done=len(self._trials),
            budget=self._budget,
            failed=sum(trial.state is TrialState.FAILED for trial in self._trials),
            front_size=len(self._front),
            hypervolume=front_hypervolume(self._trials, self._store.spec.objectives),
            reused=sum(any(trial.cached.values()) for trial in self._trials),
        )

    @property
    def is_hopeless(self) -> bool:
        """Whether the first trials of the study all failed."""
        first = self._trials[:FAILURES_ALLOWED]
        return len(first) == FAILURES_ALLOWED and all(trial.state is TrialState.FAILED for trial in first)

    @property
    def is_out_of_time(self) -> bool:
        """Whether the time of this run is used up."""
        return self._clock() >= self._deadline

    def next(self) -> Assignment | None:
        """Hand out the next point; None where the budget, the time or the space is used up."""
        if self.is_hopeless or self.is_out_of_time:
            return None
        if self._early_stopping is not None and (promoted := self._early_stopping.promote()) is not None:
            trial = next(trial for trial in self._trials if trial.number == promoted.number)
            return Assignment(
                trial.number, dict(trial.point), replace(promoted.pace, epochs_before=trial.epochs_trained)
            )
        if self.remaining == 0 or self.is_exhausted:
            return None
        point = self._next_point()
        if point is None:
            self.is_exhausted = True
            return None
        pace = self._early_stopping.first_pace(point) if self._early_stopping is not None else WHOLE
        assignment = Assignment(self._next_number, point, pace)
        self._next_number += 1
        self._handed_out += 1
        return assignment

    def finish(self, trial: Trial) -> None:
        """Take back a trial whose row is written, for the first time or after it was promoted."""
        self._store.publish()
        if trial.is_untrained and not any(known.is_untrained for known in self._trials):
            self._listener.on_note(
                f"trial {trial.number} trained nothing: the parameters of its network are all frozen, or it has none; "
                "it is measured with the weights that it came with"
            )
        self._say_new_notes(trial)
        self._trials = [known for known in self._trials if known.number != trial.number] + [trial]
        if self._early_stopping is not None:
            self._early_stopping.note(trial)
        self._front = pareto_front(self._trials, self._store.spec.objectives)
        self._suggester.tell(trial)
        if self._keep is not KeepArtifacts.ALL:
            self._delete_dominated()
        self._listener.on_progress(self.progress, trial)

    def _say_new_notes(self, trial: Trial) -> None:
        """Say what a trial warned of, once however many trials warn of it."""
        for note in trial.notes:
            if note not in self._said:
                self._said.add(note)
                subject = f"trial {trial.number}"
                self._listener.on_note(note if note.startswith(subject) else f"{subject}: {note}")

    def catch_up(self) -> None:
        """Take back the trials whose rows workers wrote, but could not report before an interrupt."""
        known = {trial.number: trial.state for trial in self._trials}
        for trial in self._store.read():
            if known.get(trial.number, TrialState.STOPPED) is TrialState.STOPPED and (
                trial.number not in known or trial.state is not TrialState.STOPPED
            ):
                self.finish(trial)

    def _next_point(self) -> dict[str, Scalar] | None:
        if self._start:
            point = self._start.popleft()
            self._suggester.reserve(point)
            return point
        return self._suggester.ask()

    def _delete_dominated(self) -> None:
        """Delete the artifacts that are not, or no longer, on the front, or the nearest to one."""
        kept = worth_keeping(self._trials, self._store.spec)
        for index, trial in enumerate(self._trials):
            if trial.artifact is not None and trial.number not in kept:
                self._trials[index] = drop_artifact(self._store, trial)


def worth_keeping(trials: Sequence[Trial], spec: StudySpec) -> set[int]:
    """Number the members of the front; where no trial keeps to every constraint, those that come nearest."""
    front = pareto_front(trials, spec.objectives) or nearest_misses(trials, spec.constraints)
    return {trial.number for trial in front}


def drop_artifact(store: TrialStore, trial: Trial) -> Trial:
    """Delete a trial's artifact and say so in its row; the row first, so that it never names what is gone."""
    without = replace(trial, artifact=None, artifact_sha256=None)
    store.write(without)
    store.delete_artifact(trial.number)
    return without
