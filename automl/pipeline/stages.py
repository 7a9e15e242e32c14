"""From a recipe to a compressed network: build, fit, prune, quantize."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import torch
from torch import nn

from automl.core.pace import Watch
from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.core.target import ONE_THREAD, Target
from automl.datasets.dataset import Dataset
from automl.pipeline.building import build_network
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.distilling import TEACHER, distiller_of, taught_contexts
from automl.pipeline.environment import StageEnvironment
from automl.pipeline.fitting import ArchitectureFit
from automl.pipeline.pruning import prune
from automl.pipeline.quantizing import quantize
from automl.pipeline.rewrites import with_folded_batch_norm
from automl.pipeline.stage_cache import NoCache, StageCache
from automl.pipeline.stage_keys import FIT, PRUNE, QUANTIZE, stage_keys, takes_part
from automl.pipeline.step_log import WAIT, StepLog
from automl.pipeline.untrained_check import check_untrained
from automl.technique import StageContext


@dataclass
class StageRunner:
    """Runs the stages of one recipe in order, or takes their results from the cache.

    Attributes:
        rungs: Epochs of the architecture's fit after which its validation score is noted.
        watch: Says after each rung whether the trial ends there; nobody does where absent.
        cache: Where results of equal stages are.
        is_exported: Whether the result will be: a network that cannot be is refused before it is trained.
        target: The runtime that will run it.
    """

    recipe: Recipe
    dataset: Dataset
    device: torch.device
    cache: StageCache = field(default_factory=NoCache)
    rungs: tuple[int, ...] = ()
    is_exported: bool = True
    target: Target = ONE_THREAD
    watch: Watch | None = None

    @property
    def log(self) -> StepLog:
        """What the steps took so far, to be added to."""
        return self._environment.log

    @property
    def seconds(self) -> Mapping[str, float]:
        """Wall time of each step so far; ``wait`` is for results that another worker was making."""
        return self.log.seconds

    @property
    def cached(self) -> Mapping[str, bool]:
        """Whether each step so far came from the cache, as ``StepLog`` says."""
        return self.log.cached

    @property
    def scores(self) -> Mapping[int, float]:
        """Validation score of the float network after the rungs so far."""
        return self._fit.scores

    @property
    def epochs_trained(self) -> int:
        """Count the passes over the training split so far, by this runner alone."""
        return self._environment.trainer.epochs_trained

    def run(self) -> CompressedModel:
        """Run all stages in order.

        Raises:
            InfeasibleError: If a technique cannot do what the recipe asks.
            StoppedEarly: If the trial ends at a rung.
        """
        environment, context = self._environment, self.context()
        keys = self._keys()
        found = environment.results.furthest(keys)
        left = [step for step in keys if step not in self.cached]
        if left:
            built = CompressedModel(self.build())
            self._check(built.model, context)
        contexts = taught_contexts(left, context, environment, build=self._built_alone, train=self._trained_alone)
        stages = {stage.stage: stage for stage in self.recipe.stages}
        work = {
            FIT: lambda _: self._fit.run(built, contexts[FIT]),
            PRUNE: lambda result: prune(result, stages[Stage.PRUNER], contexts[PRUNE], environment),
            QUANTIZE: lambda result: quantize(result, stages[Stage.QUANTIZER], contexts[QUANTIZE], environment),
        }
        result = found or built
        for step in left:
            with self.log.timed(step):
                result = environment.results.shared(step, keys[step], partial(work[step], result))
        if result.quantization is None:
            result = with_folded_batch_norm(result, context)
        return replace(result, model=result.model.cpu().eval())

    def build(self) -> nn.Module:
        """Build the network of the recipe: untrained, unless it comes with its weights.

        Raises:
            InfeasibleError: If it does not fit the data.
        """
        architecture = next(stage for stage in self.recipe.stages if stage.stage is Stage.ARCHITECTURE)
        return build_network(architecture, self._environment)

    def pause(self, epoch: int) -> bool:
        """Train up to a rung, and keep where the fit stands in the cache, for ``run`` to go on from.

        Args:
            epoch: One of ``rungs``.

        Returns:
            Whether the fit was paused: it is not where the cache has all of it, nor where it has a teacher, whose
            part cannot be kept.

        Raises:
            InfeasibleError: If a technique cannot do what the recipe asks.
        """
        distiller = distiller_of(self.recipe)
        is_taught = distiller is not None and takes_part(distiller, FIT)
        if is_taught or any(self.cache.has(key) for key in self._keys().values()):
            return False
        model = self.build()
        self._check(model, self.context())
        with self.log.timed(FIT):
            self._fit.pause(model, until_epoch=epoch)
        return True

    def context(self) -> StageContext:
        """Give what the techniques of this recipe may use, where no distiller takes part."""
        return self._environment.context()

    def _keys(self) -> dict[str, str]:
        return stage_keys(self.recipe, self._environment.ground)

    def _check(self, model: nn.Module, context: StageContext) -> None:
        check_untrained(model, context, self._environment, target=self.target if self.is_exported else None)

    def _built_alone(self, stage: StageRecipe) -> nn.Module:
        return self._alone(stage).build()

    def _trained_alone(self, stage: StageRecipe) -> nn.Module:
        runner = self._alone(stage)
        network = runner.run().model.to(self.device)
        self._environment.trainer.epochs_trained += runner.epochs_trained
        self.log.cached[TEACHER] = runner.cached[FIT]
        if WAIT in runner.seconds:
            self.log.add_wait(runner.seconds[WAIT])
        return network

    def _alone(self, stage: StageRecipe) -> "StageRunner":
        """Give a runner of this architecture alone: what it trains is that of any trial with this network."""
        recipe = self.recipe.model_copy(update={"stages": (stage,), "teacher": None})
        return StageRunner(recipe, self.dataset, self.device, self.cache, is_exported=False)

    @cached_property
    def _environment(self) -> StageEnvironment:
        return StageEnvironment(self.recipe, self.dataset, self.device, self.cache)

    @cached_property
    def _fit(self) -> ArchitectureFit:
        return ArchitectureFit(self._environment, self.rungs, self.watch)
