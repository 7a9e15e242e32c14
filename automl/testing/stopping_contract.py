"""The contract of automl.stopping_rule as a class of tests, which the author of a stopping rule subclasses."""

import pickle
import re
from collections.abc import Mapping
from typing import ClassVar

from automl.core.pace import Pace, rung_metrics
from automl.core.trial import Trial, TrialState
from automl.core.value import Point
from automl.search_problem import SearchProblem
from automl.stopping.rules import Pacer, pacer_of
from automl.stopping_rule import AnyStoppingRule, Curve, PausingRule, StoppingRule
from automl.suggest.samplers import make_suggester
from automl.testing.small_space import EPOCHS, OBJECTIVES, SCORE, Sizes, curve_of, small_space, trial_of

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TRIALS = 24
_EARLIER = tuple(
    Curve({epoch: 0.1 * number + 0.01 * epoch for epoch in range(1, EPOCHS)}, is_complete=number != 3)
    for number in range(8)
)


class StoppingContract:
    """Tests that a stopping rule keeps its contract; subclass it in a test file, and pytest finds them.

    Attributes:
        rule: Its class, a ``StoppingRule`` or a ``PausingRule``.
    """

    rule: ClassVar[type[AnyStoppingRule]]

    def test_it_says_what_it_is(self) -> None:
        """Users write its name, and `automl plugins` shows its docstring."""
        if _NAME.fullmatch(getattr(self.rule, "name", "")) is None:
            raise AssertionError("its class variable name is to be of lower case letters, digits and underscores")
        if not (self.rule.__doc__ or "").strip():
            raise AssertionError("its class has no docstring, which `automl plugins` shows")
        notes = self._made().notes()
        if isinstance(notes, str) or not all(isinstance(note, str) and "\n" not in note for note in notes):
            raise AssertionError("notes() is to be a sequence of lines")

    def test_the_rule_answers_alike_after_it_was_sent_to_another_process(self) -> None:
        """A running trial is looked at where it trains."""
        rule = self._made()
        if not isinstance(rule, StoppingRule):
            return
        sent = pickle.loads(pickle.dumps(rule))  # noqa: S301 # our own
        for earlier in ((), _EARLIER[:2], _EARLIER):
            for level in (0.0, 0.3, 0.99):
                scores: dict[int, float] = {}
                for epoch in range(1, EPOCHS):
                    scores[epoch] = level * epoch / EPOCHS
                    answers = {_checked(each.stops(dict(scores), earlier)) for each in (rule, rule, sent)}
                    if len(answers) > 1:
                        raise AssertionError(f"it answers both ways to {scores}: keep nothing between two calls")

    def test_some_trials_come_to_their_end_and_the_search_ends(self) -> None:
        """A rule that ends every trial finds nothing."""
        trials = _searched(self._pacer())
        if len(trials) != _TRIALS:
            raise AssertionError(f"of {_TRIALS} trials {len(trials)} were told of")
        if not any(trial.state is TrialState.COMPLETE for trial in trials.values()):
            raise AssertionError(f"of {_TRIALS} trials, none comes to its end")

    def test_a_search_that_is_begun_again_goes_on_as_it_would_have(self) -> None:
        """All that a rule knows comes from the trials that it is told of."""
        first = self._pacer()
        trials = _searched(first)
        again = self._pacer()
        for trial in trials.values():
            again.note(trial)
        if again.may_promote != first.may_promote:
            raise AssertionError("told of the trials of an earlier run, it lets another trial go on than it did then")
        more = [_searched(pacer, _TRIALS, _TRIALS + 8, known=trials) for pacer in (first, again)]
        if _states(more[0]) != _states(more[1]):
            raise AssertionError("told of the trials of an earlier run, it decides otherwise than it did then")

    def _made(self) -> StoppingRule | PausingRule:
        rule = self.rule(_problem())
        if not isinstance(rule, StoppingRule | PausingRule):
            raise AssertionError("derive it from StoppingRule or from PausingRule")  # noqa: TRY004 # a test fails
        return rule

    def _pacer(self) -> Pacer:
        return pacer_of(self._made(), _problem())


def _problem() -> SearchProblem:
    return SearchProblem(small_space(), OBJECTIVES, seed=0, known=Sizes())


def _checked(answer: object) -> bool:
    if not isinstance(answer, bool):
        raise AssertionError(f"stops gives {answer!r}: give True or False")  # noqa: TRY004 # a test fails
    return answer


def _points() -> list[Point]:
    suggester = make_suggester(small_space(), OBJECTIVES, sampler="random", seed=5)
    return [suggester.ask() or {} for _ in range(_TRIALS + 8)]


def _searched(
    pacer: Pacer, first: int = 0, last: int = _TRIALS, *, known: Mapping[int, Trial] | None = None
) -> dict[int, Trial]:
    """Run trials one by one, as a search with one worker does."""
    points, trials = _points(), dict(known or {})
    for number in range(first, last):
        trials[number] = _run(number, points[number], pacer.first_pace(points[number]), pacer)
        while (promoted := pacer.promote()) is not None:
            waiting = trials.get(promoted.number)
            if waiting is None or waiting.state is not TrialState.STOPPED:
                raise AssertionError(f"it lets trial {promoted.number} go on, which does not wait")
            trials[promoted.number] = _run(promoted.number, waiting.point, promoted.pace, pacer)
    if pacer.may_promote:
        raise AssertionError("may_promote is True where promote gives None")
    return trials


def _run(number: int, point: Point, pace: Pace, pacer: Pacer) -> Trial:
    """Train as far as the pace says, and tell of it."""
    curve, scores, state = curve_of(number), {}, TrialState.COMPLETE
    for epoch in pace.rungs:
        scores[epoch] = curve[epoch - 1]
        if epoch == pace.until_epoch or (pace.watch is not None and pace.watch(dict(scores))):
            state = TrialState.STOPPED
            break
    trial = trial_of(number, point, state, **rung_metrics(scores, SCORE))
    pacer.note(trial)
    return trial


def _states(trials: Mapping[int, Trial]) -> dict[int, TrialState]:
    return {number: trial.state for number, trial in trials.items()}
