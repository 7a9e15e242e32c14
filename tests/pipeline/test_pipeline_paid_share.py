"""A sampler learns which share of a recipe's epochs is paid by the trials of its study."""

import pytest
from small_trials import CHAINS, installed, small_space

from automl.pipeline.paid_share import PaidShare

AFTER_THE_PRUNED_ONE = {
    "float": 1.0,  # 2 epochs, which the pruned one begins with
    "pruned": 1.0,
    "quantized": 0.667,  # 2 of 3
    "both": 0.5,  # 2 of 4
    "careless": 1.0,  # its pruner and quantizer train nothing
    "made once": 0.0,
}


@pytest.fixture(scope="module", autouse=True)
def techniques():
    with installed():
        yield


@pytest.fixture
def recipes():
    space = small_space()
    return {chain: space.recipe(point, seed=3) for chain, point in CHAINS.items()}


def shares(share, recipes):
    return {chain: round(share(recipe), 3) for chain, recipe in recipes.items()}


def test_a_trial_pays_for_the_steps_that_others_share_with_it(recipes):
    share = PaidShare()
    assert set(shares(share, recipes).values()) == {0.0}
    share.add(recipes["pruned"])
    assert shares(share, recipes) == AFTER_THE_PRUNED_ONE
    assert share(small_space().recipe(CHAINS["pruned"], seed=4)) == 0.0
