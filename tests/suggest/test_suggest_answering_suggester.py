"""A sampler that raises is named, with its package and the line at fault, by whichever call it raised in."""

import pytest
from installed_plugins import also_installed
from tiny_study import OBJECTIVES, tiny_space, trial_of

from automl.errors import SearchError
from automl.registry import SAMPLER
from automl.sampler import Sampler
from automl.suggest.answering_suggester import AnsweringSuggester
from automl.suggest.samplers import make_suggester

POINT = {"conv_net.width_1": 8, "pruner": "none"}
CALLS = {
    "ask": lambda suggester: suggester.ask(),
    "reserve": lambda suggester: suggester.reserve(POINT),
    "tell": lambda suggester: suggester.tell(trial_of(0, POINT)),
}


class Breaking(Sampler):
    """Fails at whatever it is to do."""

    name = "breaking"

    def __init__(self, problem):
        pass

    def ask(self):
        raise ZeroDivisionError("a fault\nof the sampler")

    def reserve(self, _point):
        self.ask()

    def tell(self, _trial):
        self.ask()


@pytest.mark.parametrize("call", CALLS)
def test_what_a_sampler_raises_is_one_line_with_its_name_its_package_and_where(call):
    with also_installed(SAMPLER, Breaking):
        suggester = make_suggester(tiny_space(), OBJECTIVES, sampler="breaking", seed=0)
        with pytest.raises(SearchError) as told:
            CALLS[call](AnsweringSuggester(suggester, "breaking"))
    start, _, end = str(told.value).partition(" (test_suggest_answering_suggester.py, line ")
    assert start == "sampler 'breaking' of tests 1 raised ZeroDivisionError: a fault"
    assert end.endswith("); choose another --sampler")
    assert isinstance(told.value.__cause__, ZeroDivisionError)
