"""A rule that lets trials wait and raises is named, with its package and the line at fault, whatever it was asked."""

import pytest
from installed_plugins import also_installed
from tiny_study import OBJECTIVES, tiny_space, trial_of

from automl.errors import SearchError
from automl.registry import STOPPING
from automl.search_problem import SearchProblem
from automl.stopping.rules import make_rule, pacer_of
from automl.stopping_rule import PausingRule

CALLS = {
    "first_pace": lambda pacer: pacer.first_pace({}),
    "note": lambda pacer: pacer.note(trial_of(0, {})),
    "may_promote": lambda pacer: pacer.may_promote,
    "promote": lambda pacer: pacer.promote(),
}


class Breaking(PausingRule):
    """Fails at whatever it is asked."""

    name = "breaking"

    def first_pace(self, _point):
        raise ZeroDivisionError("a fault of the rule")

    def note(self, trial):
        self.first_pace(trial)

    @property
    def may_promote(self):
        return self.first_pace(None)

    def promote(self):
        return self.first_pace(None)


@pytest.mark.parametrize("call", CALLS)
def test_what_a_rule_raises_is_one_line_with_its_name_its_package_and_where(call):
    problem = SearchProblem(tiny_space(), OBJECTIVES, seed=0)
    message = r"^stopping rule 'breaking' of tests 1 raised ZeroDivisionError: a fault of the rule \(test_stopping_answ"
    with also_installed(STOPPING, Breaking), pytest.raises(SearchError, match=message):
        CALLS[call](pacer_of(make_rule("breaking", problem), problem))
