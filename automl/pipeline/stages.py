"""From a recipe to a compressed network: build, fit, prune, quantize."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from time import perf_counter

import torch
from torch import nn

from automl.core.fidelity import Transition
from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.core.target import ONE_THREAD, Target
from automl.datasets.dataset import Dataset
from automl.network.answers import COMPARED_IMAGES, answer_gap, answers
from automl.network.folding import fold_batch_norm
from automl.network.plain import own_copy, plain_weights
from automl.network.remembered import forget_graphs
from automl.pipeline.asked_widths import asked_widths
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.distilling import check_student, distiller_of, find_teacher
from automl.pipeline.frozen import keeping_frozen
from automl.pipeline.isolation import blamed
from automl.pipeline.logits_check import check_logits, check_trains
from automl.pipeline.notes import noted
from automl.pipeline.paused_fit import PausedFit
from automl.pipeline.rehearsal import Rehearsal
from automl.pipeline.seeding import derived_seed, seeded
from automl.pipeline.simulation import rounded_outputs
from automl.pipeline.stage_cache import NoCache, StageCache
from automl.pipeline.stage_keys import FIT, PRUNE, QUANTIZE, STEPS, Ground, once_key, paused_key, stage_keys, takes_part
from automl.pipeline.techniques import profile_of, technique_of
from automl.pipeline.trainer import Trainer
from automl.technique import Architecture, Pruner, Quantizer, StageContext, Technique

ONCE = "once"
TEACHER = "teacher"
WAIT = "wait"

_FREE_WITHIN_S = 0.05  # a key that nobody holds is held sooner than that


@dataclass
class StageRunner:
    """Runs the stages of one recipe, or takes their results from the cache, and keeps count of what that took.

    Attributes:
        rungs: Epochs of the architecture's fit after which its validation accuracy is noted.
        cache: Where results of equal stages are.
        is_exported: Whether the result will be: a network that cannot be is refused before it is trained.
        target: The runtime that will run it.
        seconds: Wall time of each step so far; ``wait`` is for a result that another worker was making.
        cached: Whether each step so far came from the cache; ``once``, whether all that is made once did;
            ``teacher``, whether the training of the teacher did.
        accuracies: Validation accuracy of the float network after the rungs so far.
    """

    recipe: Recipe
    dataset: Dataset
    device: torch.device
    cache: StageCache = field(default_factory=NoCache)
    rungs: tuple[int, ...] = ()
    is_exported: bool = True
    target: Target = ONE_THREAD
    seconds: dict[str, float] = field(default_factory=dict)
    cached: dict[str, bool] = field(default_factory=dict)
    accuracies: dict[int, float] = field(default_factory=dict)

    @property
    def epochs_trained(self) -> int:
        """Count the passes over the training split so far, by this runner alone."""
        return self._trainer.epochs_trained

    def run(self) -> CompressedModel:
        """Run all stages in order.

        Raises:
            InfeasibleError: If a technique cannot do what the recipe asks.
        """
        context = self._context()
        stages = {stage.stage: stage for stage in self.recipe.stages}
        keys = stage_keys(self.recipe, self._ground)
        found = self._furthest_cached(keys)
        left = [step for step in keys if step not in self.cached]
        if left:
            built = CompressedModel(self.build())
            self._check(built.model, stages, context)
        contexts = self._contexts(left, context)
        work = {
            FIT: lambda _: self._fit_built(built, contexts[FIT]),
            PRUNE: lambda result: self._prune(result, stages[Stage.PRUNER], contexts[PRUNE]),
            QUANTIZE: lambda result: self._quantize(result, stages[Stage.QUANTIZER], contexts[QUANTIZE]),
        }
        result = found or built
        for step in left:
            with self.timed(step):
                result = self._shared(step, keys[step], partial(work[step], result))
        if result.quantization is None:
            result = self._folded(result, context)
        return replace(result, model=result.model.cpu().eval())

    def build(self) -> nn.Module:
        """Build the network of the recipe: untrained, unless it comes with its weights.

        Raises:
            InfeasibleError: If it does not fit the data.
        """
        return self._build(next(stage for stage in self.recipe.stages if stage.stage is Stage.ARCHITECTURE))

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
        keys = stage_keys(self.recipe, self._ground)
        distiller = distiller_of(self.recipe)
        is_taught = distiller is not None and takes_part(distiller, FIT)
        if is_taught or any(self.cache.has(key) for key in keys.values()):
            return False
        context = self._context()
        stages = {stage.stage: stage for stage in self.recipe.stages}
        model = self._build(stages[Stage.ARCHITECTURE])
        self._check(model, stages, context)
        with self.timed(FIT), self._seeded():
            self._fit_on(model, until_epoch=epoch)
        return True

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Keep the wall time of a step, without the time that it waited for other workers."""
        started, waited = perf_counter(), self.seconds.get(WAIT, 0.0)
        try:
            yield
        finally:
            took = perf_counter() - started - (self.seconds.get(WAIT, 0.0) - waited)
            self.seconds[step] = self.seconds.get(step, 0.0) + took

    def _furthest_cached(self, keys: Mapping[str, str]) -> CompressedModel | None:
        """Load the result of the last step that has one: the steps before it are not needed then."""
        steps = list(keys)
        for index in reversed(range(len(steps))):
            step = steps[index]
            if not self.cache.has(keys[step]):
                continue
            with self.timed(step), self._holding(keys[step]):
                result = self.cache.read(keys[step], CompressedModel, self.device)
            if result is not None:
                self.cached.update(dict.fromkeys(steps[: index + 1], True))
                return result
        return None

    def _shared(self, step: str, key: str, make: Callable[[], CompressedModel]) -> CompressedModel:
        """Make a result and keep it; where another worker is making it, wait and take that one."""
        with self._holding(key):
            result = self.cache.read(key, CompressedModel, self.device)
            self.cached[step] = result is not None and self.cached.get(step, True)
            if result is None:
                with noted() as notes:
                    result = make()
                result = replace(result, notes=(*result.notes, *notes))
                self.cache.write(key, result)
        return result

    @contextmanager
    def _holding(self, key: str) -> Iterator[None]:
        started = perf_counter()
        with self.cache.held(key):
            waited = perf_counter() - started
            if waited > _FREE_WITHIN_S:
                self.seconds[WAIT] = self.seconds.get(WAIT, 0.0) + waited
            yield

    def _build(self, stage: StageRecipe) -> nn.Module:
        technique, context = technique_of(stage, Architecture), self._context()
        with self.timed("build"), self._seeded(), blamed(technique):
            model = technique.build(self._own(technique, context)).to(self.device)
            check_logits(model, technique, context)
            model = own_copy(model, context.calibration)
            check_trains(model, technique, context)
            return model

    def _check(self, model: nn.Module, stages: dict[Stage, StageRecipe], context: StageContext) -> None:
        """Let what comes later refuse the network before it is trained, on copies of it."""
        with self.timed("build"), self._seeded():
            if self.is_exported:
                self._rehearsal.check_network(model, stages[Stage.ARCHITECTURE])
            plain = plain_weights(model, context.calibration)
            if Stage.PRUNER in stages:
                stage = stages[Stage.PRUNER]
                pruner = technique_of(stage, Pruner)
                with blamed(pruner):
                    pruner.check(copy.deepcopy(plain), profile_of(stage), context)
            if Stage.QUANTIZER in stages:
                self._check_quantizer(plain, stages[Stage.QUANTIZER], context)
            distiller = distiller_of(self.recipe)
            if distiller is not None:
                steps = [STEPS[stage] for stage in stages if stage in STEPS]
                with blamed(distiller):
                    check_student(distiller, copy.deepcopy(model), steps, context)

    def _check_quantizer(self, model: nn.Module, stage: StageRecipe, context: StageContext) -> None:
        quantizer = technique_of(stage, Quantizer)
        with blamed(quantizer):
            prepared = quantizer.prepared(model, context.calibration)
            quantizer.check(copy.deepcopy(prepared), profile_of(stage), context)
            if self.is_exported:
                self._rehearsal.check_quantizer(prepared, quantizer, profile_of(stage), context)

    def _contexts(self, steps: Iterable[str], context: StageContext) -> Mapping[str, StageContext]:
        """Give each of these steps its context: where a distiller takes part in it, one whose fit has a teacher."""
        contexts = dict.fromkeys(steps, context)
        distiller, teacher = distiller_of(self.recipe), self.recipe.teacher
        taught = [step for step in steps if distiller is not None and takes_part(distiller, step)]
        if distiller is not None and teacher is not None and taught:
            with self.timed(TEACHER):
                network = find_teacher(teacher, distiller, context, build=self._built_alone, train=self._trained_alone)
            own = self._own(distiller, context)
            for step in taught:  # a fit of its own: what one step made its fit remember, a cached one would not
                with self._seeded(), blamed(distiller):
                    contexts[step] = replace(context, fit=distiller.distill(network, own))
        return contexts

    def _built_alone(self, stage: StageRecipe) -> nn.Module:
        return self._alone(stage).build()

    def _trained_alone(self, stage: StageRecipe) -> nn.Module:
        runner = self._alone(stage)
        network = runner.run().model.to(self.device)
        self._trainer.epochs_trained += runner.epochs_trained
        self.cached[TEACHER] = runner.cached[FIT]
        if WAIT in runner.seconds:
            self.seconds[WAIT] = self.seconds.get(WAIT, 0.0) + runner.seconds[WAIT]
        return network

    def _alone(self, stage: StageRecipe) -> "StageRunner":
        """Give a runner of this architecture alone: what it trains is that of any trial with this network."""
        recipe = self.recipe.model_copy(update={"stages": (stage,), "teacher": None})
        return StageRunner(recipe, self.dataset, self.device, self.cache, is_exported=False)

    def _fit_built(self, built: CompressedModel, context: StageContext) -> CompressedModel:
        training = self.recipe.training
        with self._seeded():
            if self.rungs and context.fit == self._trainer.fit:
                self._fit_on(built.model)
            else:
                context.fit(built.model, epochs=training.epochs, learning_rate=training.learning_rate)
        forget_graphs(built.model, context.calibration[:1])
        plain = plain_weights(built.model, context.calibration)
        if plain is built.model:
            return built
        return CompressedModel(plain, gaps={Transition.PLAIN: self._gap(built.model, plain, context)})

    def _fit_on(self, model: nn.Module, *, until_epoch: int | None = None) -> None:
        """Train an architecture from where its fit paused, if it did, to an epoch or to the end."""
        key = paused_key(self.recipe, self._ground)
        with self._holding(key):
            paused = self.cache.read(key, PausedFit, torch.device("cpu"))
            if paused is not None:
                self.accuracies.update(paused.accuracies)
                until_epoch = until_epoch and max(until_epoch, paused.checkpoint.epoch)
            report = self._trainer.fit_on(
                model,
                until_epoch=until_epoch,
                resume=None if paused is None else paused.checkpoint,
                on_epoch=lambda epoch, _loss: self._note_accuracy(model, epoch),
            )
            if report.checkpoint is not None:
                self.cache.write(key, PausedFit(report.checkpoint, dict(self.accuracies)))

    def _note_accuracy(self, model: nn.Module, epoch: int) -> None:
        if epoch in self.rungs:
            self.accuracies[epoch] = self._trainer.score(model)

    def _prune(self, trained: CompressedModel, stage: StageRecipe, context: StageContext) -> CompressedModel:
        technique = technique_of(stage, Pruner)
        own = replace(self._own(technique, context), fit=keeping_frozen(context.fit, trained.model))
        with self._seeded(), blamed(technique):
            asked = asked_widths(technique, trained.model, profile_of(stage), own)
        with self._seeded(), blamed(technique):
            pruned = technique.prune(copy.deepcopy(trained.model), profile_of(stage), own)
        check_logits(pruned, technique, context)
        forget_graphs(pruned, context.calibration[:1])
        gap = self._gap(trained.model, pruned, context)
        return replace(trained, model=pruned, asked=asked, gaps={**trained.gaps, Transition.PRUNE: gap})

    def _quantize(self, trained: CompressedModel, stage: StageRecipe, context: StageContext) -> CompressedModel:
        technique = technique_of(stage, Quantizer)
        folded = trained if technique.takes_batch_norm else self._folded(trained, context)
        with self._seeded(), blamed(technique):
            prepared = copy.deepcopy(folded.model).eval()
            model, quantization = technique.quantize(prepared, profile_of(stage), self._own(technique, context))
        check_logits(model, technique, context)
        forget_graphs(model, context.calibration[:1])
        with rounded_outputs(model, quantization):
            gap = self._gap(folded.model, model, context)
        return replace(folded, model=model, quantization=quantization, gaps={**folded.gaps, Transition.QUANTIZE: gap})

    def _folded(self, result: CompressedModel, context: StageContext) -> CompressedModel:
        model = fold_batch_norm(result.model, context.calibration)
        gap = self._gap(result.model, model, context)
        return replace(result, model=model, gaps={**result.gaps, Transition.FOLD: gap})

    def _gap(self, before: nn.Module, after: nn.Module, context: StageContext) -> float:
        images = context.calibration[:COMPARED_IMAGES]
        return answer_gap(answers(before, images), answers(after, images))

    @cached_property
    def _trainer(self) -> Trainer:
        return Trainer(self.recipe, self.dataset, self.device)

    @cached_property
    def _rehearsal(self) -> Rehearsal:
        images = self.dataset.train.images[:COMPARED_IMAGES]
        return Rehearsal(images, self.dataset.normalization, self.target)

    @cached_property
    def _ground(self) -> Ground:
        return Ground.of(self.dataset, self.device)

    def _seeded(self) -> AbstractContextManager[None]:
        return seeded(self.recipe.seed, self.device)

    def _own(self, technique: Technique, context: StageContext) -> StageContext:
        """Give a technique a context whose ``once`` shares nothing with other techniques."""
        return replace(context, once=partial(self._once, type(technique)))

    def _context(self) -> StageContext:
        return self._trainer.context(partial(self._once, None))

    def _once(self, owner: type[Technique] | None, name: str, make: Callable[[], nn.Module]) -> nn.Module:
        def make_seeded() -> CompressedModel:
            with seeded(derived_seed(self.recipe.seed, name), self.device):
                return CompressedModel(make().to(self.device).eval())

        key = once_key(self.recipe, self._ground, technique=owner, name=name)
        return self._shared(ONCE, key, make_seeded).model
