"""A sampler learns which share of a recipe is paid, from one listing of the cache."""

import pytest
import torch
from small_trials import CHAINS, folder_cache, installed, runner_of, small_dataset, small_space

from automl.pipeline.cached_share import CachedShare
from automl.pipeline.stage_keys import Ground
from automl.storage.cache import CacheFolder


@pytest.fixture(scope="module", autouse=True)
def techniques():
    with installed():
        yield


def test_the_share_is_that_of_the_epochs_up_to_the_last_step_that_is_kept(tmp_path):
    shares = CachedShare(
        CacheFolder.at(str(tmp_path), limit_bytes=10**9), Ground.of(small_dataset(), torch.device("cpu"))
    )
    space = small_space()
    recipes = {chain: space.recipe(point, seed=3) for chain, point in CHAINS.items()}
    before = shares.listed()
    assert {before(recipe) for recipe in recipes.values()} == {0.0}
    runner_of("pruned", folder_cache(tmp_path)).run()
    after = shares.listed()
    assert {chain: round(after(recipe), 3) for chain, recipe in recipes.items()} == {
        "float": 1.0,  # 2 epochs, which the pruned one begins with
        "pruned": 1.0,
        "quantized": 0.667,  # 2 of 3
        "both": 0.5,  # 2 of 4
        "careless": 1.0,  # its pruner and quantizer train nothing
        "made once": 0.0,
    }
    assert before(recipes["pruned"]) == 0.0
    assert after(space.recipe(CHAINS["pruned"], seed=4)) == 0.0
