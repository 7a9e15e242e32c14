"""Every sampler that ships keeps the contract of automl.sampler, and one that breaks it is told what to mend."""

import random

import pytest
from installed_plugins import shipped

from automl.registry import SAMPLER
from automl.sampler import Sampler, Strategy
from automl.testing import SamplerContract
from automl.testing.small_space import small_space

SHIPPED = shipped(SAMPLER)

globals().update(
    {f"Test_{name}": type(f"Test_{name}", (SamplerContract,), {"sampler": SAMPLER.load(name)}) for name in SHIPPED}
)


def test_these_ship():
    assert {"auto", "tpe", "gp", "nsga2", "nsga3", "random", "evolution", "rl"} <= {*SHIPPED}


class Global(Strategy):
    """Draws from the generator of everybody."""

    name = "global"

    def __init__(self, parameters, _constants, *, seed):
        self._parameters, self._seed = parameters, seed

    def ask(self):
        return {parameter.name: parameter.domain.draw(random) for parameter in self._parameters}

    def tell(self, *_):
        pass


class Outside(Sampler):
    name = "Outside"

    def __init__(self, problem):
        pass

    def ask(self):
        return dict.fromkeys((parameter.name for parameter in small_space().parameters), 3)

    def tell(self, trial):
        pass


Outside.__doc__ = None


@pytest.mark.parametrize(
    ("sampler", "test", "message"),
    [
        (Global, "test_the_same_seed_gives_the_same_points_whatever_others_draw", "the same seed gives other points"),
        (Global, "test_it_leaves_the_process_as_it_was", "global generator of random"),
        (Outside, "test_it_says_what_it_is", "lower case letters"),
        (Outside, "test_every_point_is_of_the_space_and_none_is_proposed_twice", "'Outside' left the search space"),
    ],
)
def test_a_sampler_that_breaks_the_contract_is_told_what_to_mend(sampler, test, message):
    contract = type("Broken", (SamplerContract,), {"sampler": sampler})()
    with pytest.raises(AssertionError, match=message):
        getattr(contract, test)()
