"""From the recipe of a stage to its technique, and to what it is asked."""

from typing import TypeVar

from automl.core.profile import Profile
from automl.core.recipe import StageRecipe
from automl.errors import InfeasibleError
from automl.registry import technique_class
from automl.technique import Architecture, Distiller, Pruner, Quantizer

_Kind = TypeVar("_Kind", Architecture, Pruner, Quantizer, Distiller)


def technique_of(stage: StageRecipe, kind: type[_Kind]) -> _Kind:
    """Give the technique that a recipe names, with its fields.

    Raises:
        InfeasibleError: If its base class is not that of its stage.
        PluginError: If it is not installed.
    """
    technique = technique_class(stage.technique, stage.stage).model_validate(stage.hyperparameters)
    if not isinstance(technique, kind):
        raise InfeasibleError(f"technique {stage.technique!r} is no {kind.__name__}; correct its base class")
    return technique


def profile_of(stage: StageRecipe) -> Profile:
    """Give the per-layer profile of a pruner or quantizer.

    Raises:
        InfeasibleError: If the space gave none.
    """
    if stage.profile is None:
        raise InfeasibleError(f"{stage.stage} {stage.technique!r} has no per-layer profile; the space must give one")
    return stage.profile
