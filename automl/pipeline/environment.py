"""What the stages of one recipe work with: its data, its seed, its training and what is cached."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import torch
from torch import nn

from automl.core.recipe import Recipe
from automl.datasets.dataset import Dataset
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.seeding import derived_seed, seeded
from automl.pipeline.shared_results import SharedResults
from automl.pipeline.stage_cache import NoCache, StageCache
from automl.pipeline.stage_keys import Ground, once_key
from automl.pipeline.step_log import StepLog
from automl.pipeline.trainer import Trainer
from automl.technique import StageContext, Technique

ONCE = "once"
"""The entry of ``StepLog.cached`` for what techniques make once a study."""


@dataclass(frozen=True, eq=False)
class StageEnvironment:
    """What every stage of one recipe shares.

    Attributes:
        recipe: Has the training settings and the seed.
        dataset: What networks are trained on.
        device: Where they are trained.
        cache: Where results of equal stages are.
        log: What the steps took so far.
    """

    recipe: Recipe
    dataset: Dataset
    device: torch.device
    cache: StageCache = field(default_factory=NoCache)
    log: StepLog = field(default_factory=StepLog)

    @cached_property
    def trainer(self) -> Trainer:
        """Train as the recipe says, and count its epochs."""
        return Trainer(self.recipe, self.dataset, self.device)

    @cached_property
    def results(self) -> SharedResults:
        """Share results with other trials."""
        return SharedResults(self.cache, self.device, self.log)

    @cached_property
    def ground(self) -> Ground:
        """Describe what every result depends on, whatever the recipe."""
        return Ground.of(self.dataset, self.device)

    def seeded(self) -> AbstractContextManager[None]:
        """Seed all chance with the recipe's seed while the context lasts."""
        return seeded(self.recipe.seed, self.device)

    def context(self) -> StageContext:
        """Give what a technique may use; ``context_of`` gives one of its own to each technique."""
        return self.trainer.context(partial(self._once, None))

    def context_of(self, technique: Technique, context: StageContext) -> StageContext:
        """Give a technique a context whose ``once`` shares nothing with other techniques."""
        return replace(context, once=partial(self._once, type(technique)))

    def _once(self, owner: type[Technique] | None, name: str, make: Callable[[], nn.Module]) -> nn.Module:
        def make_seeded() -> CompressedModel:
            with seeded(derived_seed(self.recipe.seed, name), self.device):
                return CompressedModel(make().to(self.device).eval())

        key = once_key(self.recipe, self.ground, technique=owner, name=name)
        return self.results.shared(ONCE, key, make_seeded).model
