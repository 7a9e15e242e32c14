"""From the recipe of a stage to its technique."""

from typing import TypeVar

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
