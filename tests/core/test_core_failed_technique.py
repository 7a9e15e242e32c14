"""A technique that failed in every trial is named with its reason, and whether the search was for it."""

from datetime import UTC, datetime

from automl.core.failed_technique import failed_techniques
from automl.core.trial import Trial, TrialState

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONSTANTS = {"architecture": "resnet"}


def trials_of(*points_and_states, error="RecursionError: too deep"):
    return [
        Trial(number, state, point, 0, NOW, NOW, "host", error=None if state is TrialState.COMPLETE else error)
        for number, (point, state) in enumerate(points_and_states)
    ]


def found(trials, constants=CONSTANTS):
    return [(one.stage, one.technique, one.trials, one.is_point) for one in failed_techniques(trials, constants)]


COMPLETE, STOPPED, FAILED, INFEASIBLE = (
    TrialState.COMPLETE,
    TrialState.STOPPED,
    TrialState.FAILED,
    TrialState.INFEASIBLE,
)


def test_a_technique_without_a_trial_that_came_out_is_found():
    trials = trials_of(
        ({"quantizer": "none"}, COMPLETE),
        ({"quantizer": "ptq"}, FAILED),
        ({"quantizer": "ptq"}, INFEASIBLE),
        ({"quantizer": "qat"}, COMPLETE),
        ({"quantizer": "qat"}, FAILED),
    )
    assert found(trials) == [("quantizer", "ptq", 2, False)]
    (failed,) = failed_techniques(trials, CONSTANTS)
    assert str(failed) == "quantizer ptq failed in all 2 of its trials: RecursionError: too deep"


def test_a_stage_of_which_nothing_came_out_was_the_point_of_the_search():
    trials = trials_of(
        ({"quantizer": "none"}, COMPLETE), ({"quantizer": "ptq"}, FAILED), ({"quantizer": "qat"}, FAILED)
    )
    assert found(trials) == [("quantizer", "ptq", 1, True), ("quantizer", "qat", 1, True)]
    assert "failed in its only trial: " in str(failed_techniques(trials, CONSTANTS)[0])


def test_a_trial_that_was_stopped_early_came_out():
    assert not found(trials_of(({"quantizer": "ptq"}, STOPPED), ({"quantizer": "ptq"}, FAILED)))


def test_a_technique_that_nobody_tried_did_not_fail():
    assert not found(trials_of(({"quantizer": "none"}, COMPLETE)))


def test_what_another_technique_explains_is_left_out():
    trials = trials_of(
        ({"pruner": "agp", "quantizer": "ptq"}, FAILED),
        ({"pruner": "none", "quantizer": "ptq"}, FAILED),
        ({"pruner": "none", "quantizer": "none"}, COMPLETE),
    )
    assert found(trials) == [("quantizer", "ptq", 2, True)]


def test_of_two_techniques_that_only_ran_together_one_is_named():
    assert found(trials_of(({"quantizer": "ptq"}, FAILED))) == [("quantizer", "ptq", 1, True)]


def test_an_architecture_that_failed_is_named_and_was_not_the_point_where_another_came_out():
    trials = trials_of(({"architecture": "a"}, FAILED), ({"architecture": "b"}, COMPLETE))
    assert found(trials, {}) == [("architecture", "a", 1, False)]


def test_the_reason_is_the_most_common_one_and_one_line():
    trials = trials_of(({"quantizer": "ptq"}, FAILED), ({"quantizer": "ptq"}, FAILED), error="often\nmore")
    trials += trials_of(({"quantizer": "ptq"}, FAILED), error="seldom")
    assert failed_techniques(trials, CONSTANTS)[0].reason == "often"
