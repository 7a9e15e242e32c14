"""Builds the network of an architecture, and refuses one that does not fit the data."""

from torch import nn

from automl.core.recipe import StageRecipe
from automl.network.plain import own_copy
from automl.pipeline.environment import StageEnvironment
from automl.pipeline.isolation import blamed
from automl.pipeline.logits_check import check_logits, check_trains
from automl.pipeline.techniques import technique_of
from automl.technique import Architecture

BUILD = "build"


def build_network(stage: StageRecipe, environment: StageEnvironment) -> nn.Module:
    """Build the network of an architecture: untrained, unless it comes with its weights.

    Raises:
        InfeasibleError: If it does not fit the data.
    """
    technique, context = technique_of(stage, Architecture), environment.context()
    with environment.log.timed(BUILD), environment.seeded(), blamed(technique):
        model = technique.built(environment.context_of(technique, context)).to(environment.device)
        check_logits(model, technique, context)
        model = own_copy(model, context.calibration)
        check_trains(model, technique, context)
        return model
