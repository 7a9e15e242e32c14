"""Finds the teacher of a trial, and the steps in which it teaches."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from torch import nn

from automl.core.recipe import Recipe, StageRecipe, Teacher
from automl.core.stage import Stage
from automl.errors import InfeasibleError
from automl.pipeline.environment import StageEnvironment
from automl.pipeline.isolation import blamed
from automl.pipeline.stage_keys import takes_part
from automl.pipeline.techniques import technique_of
from automl.technique import Distiller, StageContext

TEACHER = "teacher"
"""The entry of ``StepLog`` for the training of the teacher."""

MakeNetwork = Callable[[StageRecipe], nn.Module]
"""From an architecture to its network, on the device of the trial."""


def distiller_of(recipe: Recipe) -> Distiller | None:
    """Give the distiller of a recipe; None where it has none."""
    for stage in recipe.stages:
        if stage.stage is Stage.DISTILLER:
            return technique_of(stage, Distiller)
    return None


def check_student(distiller: Distiller, model: nn.Module, steps: Iterable[str], context: StageContext) -> None:
    """Refuse a recipe in which the distiller has nothing to do, or a network that cannot learn from a teacher.

    Args:
        distiller: Of the recipe.
        model: As built, untrained; it may be changed.
        steps: All steps of the recipe.
        context: What the distiller may use.

    Raises:
        InfeasibleError: With the reason.
    """
    if not any(takes_part(distiller, step) for step in steps):
        raise InfeasibleError(
            f"distiller {distiller.name!r} is to take part in compression alone, and nothing is compressed; "
            "set its field fits to all or train, or choose a pruner or a quantizer"
        )
    distiller.check(model, context)


def taught_contexts(
    steps: Iterable[str],
    context: StageContext,
    environment: StageEnvironment,
    *,
    build: MakeNetwork,
    train: MakeNetwork,
) -> Mapping[str, StageContext]:
    """Give each step its context: where the distiller takes part in it, one whose fit has a teacher.

    Args:
        steps: Those that will run.
        context: Of a step without a teacher.
        environment: Of the recipe.
        build: Makes a network that may teach, untrained, unless it comes with its weights.
        train: Makes one that is trained as the study trains.

    Raises:
        InfeasibleError: If nobody can teach.
    """
    steps = list(steps)
    contexts = dict.fromkeys(steps, context)
    distiller, teacher = distiller_of(environment.recipe), environment.recipe.teacher
    taught = [step for step in steps if distiller is not None and takes_part(distiller, step)]
    if distiller is not None and teacher is not None and taught:
        with environment.log.timed(TEACHER):
            network = find_teacher(teacher, distiller, context, build=build, train=train)
        own = environment.context_of(distiller, context)
        for step in taught:  # a fit of its own: what one step made its fit remember, a cached one would not
            with environment.seeded(), blamed(distiller):
                contexts[step] = replace(context, fit=distiller.distill(network, own))
    return contexts


def find_teacher(
    teacher: Teacher, distiller: Distiller, context: StageContext, *, build: MakeNetwork, train: MakeNetwork
) -> nn.Module:
    """Give the network that teaches: of several candidates the one with the most parameters.

    Args:
        teacher: Who may teach.
        distiller: May refuse it.
        context: What the distiller may use.
        build: Makes a network that is not trained, unless it comes with its weights.
        train: Makes a network trained as the study trains.

    Raises:
        InfeasibleError: If no candidate fits the data, or the distiller refuses it.
    """
    networks: list[tuple[StageRecipe, nn.Module]] = []
    reasons: list[str] = []
    for candidate in teacher.candidates:
        try:
            networks.append((candidate, build(candidate)))
        except InfeasibleError as reason:
            reasons.append(str(reason))
    if not networks:
        raise InfeasibleError(f"nobody can teach: {'; '.join(reasons)}; name another teacher")
    chosen, network = max(networks, key=lambda each: sum(parameter.numel() for parameter in each[1].parameters()))
    try:
        distiller.check(copy.deepcopy(network), context)
    except InfeasibleError as reason:
        raise InfeasibleError(f"{chosen.technique!r} cannot teach: {reason}") from reason
    trained = network if teacher.is_trained else train(chosen)
    return trained.eval().requires_grad_(requires_grad=False)
