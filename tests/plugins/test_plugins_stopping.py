"""Every stopping rule that ships keeps the contract, and one that breaks it is told what to mend."""

import pytest
from installed_plugins import shipped

from automl.registry import STOPPING
from automl.stopping_rule import StoppingRule
from automl.testing import StoppingContract

SHIPPED = shipped(STOPPING)

globals().update(
    {f"Test_{name}": type(f"Test_{name}", (StoppingContract,), {"rule": STOPPING.load(name)}) for name in SHIPPED}
)


def test_these_ship():
    assert {"auto", "asha", "median"} <= {*SHIPPED}


class Never(StoppingRule):
    """Lets no trial come to its end."""

    name = "never"

    def stops(self, *_):
        return True


class Counting(StoppingRule):
    """Counts its calls."""

    name = "counting"

    def __init__(self, problem):
        super().__init__(problem)
        self.calls = 0

    def stops(self, *_):
        self.calls += 1
        return self.calls % 50 == 0


class Vague(StoppingRule):
    """Gives a number."""

    name = "vague"

    def stops(self, scores, _earlier):
        return max(scores.values())


@pytest.mark.parametrize(
    ("rule", "test", "message"),
    [
        (Never, "test_some_trials_come_to_their_end_and_the_search_ends", "none comes to its end"),
        (Counting, "test_the_rule_answers_alike_after_it_was_sent_to_another_process", "it answers both ways"),
        (Counting, "test_a_search_that_is_begun_again_goes_on_as_it_would_have", "it decides otherwise"),
        (Vague, "test_the_rule_answers_alike_after_it_was_sent_to_another_process", "give True or False"),
    ],
)
def test_a_rule_that_breaks_the_contract_is_told_what_to_mend(rule, test, message):
    contract = type("Broken", (StoppingContract,), {"rule": rule})()
    with pytest.raises(AssertionError, match=message):
        getattr(contract, test)()
