"""A rule that looks at running trials ends them after the epoch that it was told of, and knows the trials before."""

import numpy as np
import pytest
import torch
from early_study import EPOCHS, EarlyStudy
from installed_plugins import also_installed
from tiny_study import OBJECTIVES, tiny_space, trial_of

from automl.core.objective import Objective
from automl.core.trial import TrialState
from automl.engines.inline_engine import run_inline
from automl.errors import SearchError
from automl.registry import STOPPING
from automl.search_problem import SearchProblem
from automl.stopping.each_epoch import EachEpoch
from automl.stopping_rule import Curve, StoppingRule

TOLD = []


class AfterTwo(StoppingRule):
    """Ends every trial after two epochs, once two trials are complete."""

    name = "after_two"

    def stops(self, scores, earlier):
        TOLD.append((dict(scores), list(earlier)))
        return len(scores) == 2 and sum(curve.is_complete for curve in earlier) == 2


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    torch.set_num_threads(1)
    TOLD.clear()
    with also_installed(STOPPING, AfterTwo):
        study = EarlyStudy(tmp_path_factory.mktemp("watched"), "after_two")
        run_inline(study.session(budget=4), study.runner())
        yield study


def test_a_trial_that_the_rule_ends_says_stopped_with_the_scores_so_far(study):
    rows = study.store.read()
    assert [row.state for row in rows] == [TrialState.COMPLETE] * 2 + [TrialState.STOPPED] * 2
    for row in rows[2:]:
        assert row.metrics.keys() == {"accuracy_at_1", "accuracy_at_2"}
        assert row.epochs_trained == 2
        assert row.error is None
        assert row.artifact is None
    for row in rows[:2]:
        assert row.epochs_trained == EPOCHS
        assert {f"accuracy_at_{epoch}" for epoch in range(1, EPOCHS)} <= row.metrics.keys()


def test_the_rule_is_told_each_epoch_but_the_last_and_of_the_trials_before(study):
    asked = [sorted(scores) for scores, _ in TOLD]
    whole = [list(range(1, epoch + 1)) for epoch in range(1, EPOCHS)]
    assert asked == [*whole, *whole, [1], [1, 2], [1], [1, 2]]
    assert [len(earlier) for _, earlier in TOLD] == [0] * 5 + [1] * 5 + [2] * 2 + [3] * 2
    rows = study.store.read()
    scores, earlier = TOLD[-1]
    assert scores == {epoch: rows[3].metrics[f"accuracy_at_{epoch}"] for epoch in (1, 2)}
    assert [curve.is_complete for curve in earlier] == [True, True, False]
    assert earlier[0].scores[EPOCHS - 1] == rows[0].metrics[f"accuracy_at_{EPOCHS - 1}"]


def test_a_search_that_goes_on_knows_the_trials_of_the_earlier_run(study):
    run_inline(study.session(budget=5), study.runner())
    _, earlier = TOLD[-1]
    assert len(earlier) == 4
    assert len(study.store.read()) == 5


def test_an_error_is_told_so_that_higher_is_better():
    told = []

    class Listening(StoppingRule):
        name = "listening"

        def stops(self, scores, earlier):
            told.append((scores, earlier))
            return False

    score = Objective.parse("mean_absolute_error:min")
    pacer = EachEpoch(Listening(SearchProblem(tiny_space(), OBJECTIVES, seed=0)), score=score, epochs=3)
    metrics = {"mean_absolute_error_at_1": 4.0, "mean_absolute_error_at_2": 3.0, "recall_at_5": 0.5}
    pacer.note(trial_of(0, {}, metrics=metrics))
    assert not pacer.first_pace({}).watch({1: 2.5})
    assert told == [({1: -2.5}, (Curve({1: -4.0, 2: -3.0}, is_complete=True),))]


class Answering(StoppingRule):
    """Answers what it is told to, or raises it."""

    name = "answering"
    answer = None

    def stops(self, _scores, _earlier):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def watch_of(answer):
    rule = Answering(SearchProblem(tiny_space(), OBJECTIVES, seed=0))
    rule.answer = answer
    return EachEpoch(rule, score=OBJECTIVES[0], epochs=3).first_pace({}).watch


def test_a_rule_that_raises_is_named_and_one_that_answers_neither_yes_nor_no_is_refused():
    with also_installed(STOPPING, Answering):
        with pytest.raises(SearchError, match=r"stopping rule 'answering' of tests 1 raised ValueError: bad \(test_"):
            watch_of(ValueError("bad"))({1: 0.5})
        with pytest.raises(SearchError, match=r"stopping rule 'answering' answered 'no', which is neither True nor"):
            watch_of("no")({1: 0.5})
    assert watch_of(np.bool_(True))({1: 0.5}) is True
