"""Lets what comes later refuse a network before it is trained, so that no epoch is lost."""

import copy

from torch import nn

from automl.core.recipe import StageRecipe
from automl.core.stage import Stage
from automl.core.target import Target
from automl.network.answers import COMPARED_IMAGES
from automl.network.plain import plain_weights
from automl.pipeline.building import BUILD
from automl.pipeline.distilling import check_student, distiller_of
from automl.pipeline.environment import StageEnvironment
from automl.pipeline.isolation import blamed
from automl.pipeline.rehearsal import Rehearsal
from automl.pipeline.stage_keys import STEPS
from automl.pipeline.techniques import profile_of, technique_of
from automl.technique import Pruner, Quantizer, StageContext


def check_untrained(
    model: nn.Module, context: StageContext, environment: StageEnvironment, *, target: Target | None
) -> None:
    """Show an untrained network to the techniques of the later stages, and take it into the runtime.

    Args:
        model: As built; it is left as it is.
        context: What techniques may use.
        environment: Of the recipe.
        target: The runtime that will run the network; None where it will not be exported.

    Raises:
        InfeasibleError: If a technique cannot do what the recipe asks, or the network cannot be exported.
    """
    stages = {stage.stage: stage for stage in environment.recipe.stages}
    rehearsal = None if target is None else _rehearsal(environment, target)
    with environment.log.timed(BUILD), environment.seeded():
        if rehearsal is not None:
            rehearsal.check_network(model, stages[Stage.ARCHITECTURE])
        plain = plain_weights(model, context.calibration)
        if Stage.PRUNER in stages:
            _check_pruner(plain, stages[Stage.PRUNER], context)
        if Stage.QUANTIZER in stages:
            _check_quantizer(plain, stages[Stage.QUANTIZER], context, rehearsal)
        distiller = distiller_of(environment.recipe)
        if distiller is not None:
            steps = [STEPS[stage] for stage in stages if stage in STEPS]
            with blamed(distiller):
                check_student(distiller, copy.deepcopy(model), steps, context)


def _check_pruner(model: nn.Module, stage: StageRecipe, context: StageContext) -> None:
    pruner = technique_of(stage, Pruner)
    with blamed(pruner):
        pruner.check(copy.deepcopy(model), profile_of(stage), context)


def _check_quantizer(model: nn.Module, stage: StageRecipe, context: StageContext, rehearsal: Rehearsal | None) -> None:
    quantizer = technique_of(stage, Quantizer)
    with blamed(quantizer):
        prepared = quantizer.prepared(model, context.calibration)
        quantizer.check(copy.deepcopy(prepared), profile_of(stage), context)
        if rehearsal is not None:
            rehearsal.check_quantizer(prepared, quantizer, profile_of(stage), context)


def _rehearsal(environment: StageEnvironment, target: Target) -> Rehearsal:
    dataset = environment.dataset
    return Rehearsal(dataset.train.images[:COMPARED_IMAGES], dataset.normalization, target, dataset.task)
