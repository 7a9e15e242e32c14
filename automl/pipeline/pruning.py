"""Prunes the network of a trial."""

import copy
from dataclasses import replace

from automl.core.fidelity import Transition
from automl.core.recipe import StageRecipe
from automl.network.remembered import forget_graphs
from automl.pipeline.asked_widths import asked_widths
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.environment import StageEnvironment
from automl.pipeline.frozen import keeping_frozen
from automl.pipeline.isolation import blamed
from automl.pipeline.logits_check import check_logits
from automl.pipeline.rewrites import rewrite_gap
from automl.pipeline.techniques import profile_of, technique_of
from automl.technique import Pruner, StageContext


def prune(
    trained: CompressedModel, stage: StageRecipe, context: StageContext, environment: StageEnvironment
) -> CompressedModel:
    """Run the pruner of a recipe on a trained network, which is left as it is.

    Raises:
        InfeasibleError: If the pruner cannot do what the recipe asks, or leaves no network that fits the data.
    """
    technique = technique_of(stage, Pruner)
    own = replace(environment.context_of(technique, context), fit=keeping_frozen(context.fit, trained.model))
    with environment.seeded(), blamed(technique):
        asked = asked_widths(technique, trained.model, profile_of(stage), own)
    with environment.seeded(), blamed(technique):
        pruned = technique.prune(copy.deepcopy(trained.model), profile_of(stage), own)
    check_logits(pruned, technique, context)
    forget_graphs(pruned, context.calibration[:1])
    gap = rewrite_gap(trained.model, pruned, context)
    return replace(trained, model=pruned, asked=asked, gaps={**trained.gaps, Transition.PRUNE: gap})
