"""Quantizes the network of a trial."""

import copy
from dataclasses import replace

from automl.core.fidelity import Transition
from automl.core.recipe import StageRecipe
from automl.export.paying import paying
from automl.network.remembered import forget_graphs
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.environment import StageEnvironment
from automl.pipeline.isolation import blamed
from automl.pipeline.logits_check import check_logits
from automl.pipeline.rewrites import rewrite_gap, with_folded_batch_norm, with_named_operators
from automl.pipeline.simulation import rounded_outputs
from automl.pipeline.techniques import profile_of, technique_of
from automl.technique import QuantizedModel, Quantizer, StageContext


def quantize(
    trained: CompressedModel, stage: StageRecipe, context: StageContext, environment: StageEnvironment
) -> CompressedModel:
    """Run the quantizer of a recipe on a trained network, which is left as it is.

    Operators that are written as functions become modules first, and batch normalisation is folded, unless the
    quantizer takes them as they are. Layers that would run slower in int8 stay in float,
    if it lets them.

    Raises:
        InfeasibleError: If the quantizer cannot do what the recipe asks, or leaves no network that fits the data.
    """
    technique = technique_of(stage, Quantizer)
    named = trained if technique.takes_functions else with_named_operators(trained, context)
    folded = named if technique.takes_batch_norm else with_folded_batch_norm(named, context)
    with environment.seeded(), blamed(technique):
        prepared, own = copy.deepcopy(folded.model).eval(), environment.context_of(technique, context)
        model, quantization = technique.quantize(prepared, profile_of(stage), own)
    check_logits(model, technique, context)
    forget_graphs(model, context.calibration[:1])
    model, quantization = as_deployed(technique, QuantizedModel(model, quantization), context)
    with rounded_outputs(model, quantization):
        gap = rewrite_gap(folded.model, model, context)
    return replace(folded, model=model, quantization=quantization, gaps={**folded.gaps, Transition.QUANTIZE: gap})


def as_deployed(quantizer: Quantizer, quantized: QuantizedModel, context: StageContext) -> QuantizedModel:
    """Take the grids of layers that would run slower in int8, where their quantizer lets them stay in float."""
    model, quantization = quantized
    if not quantizer.may_stay_in_float:
        return quantized
    return QuantizedModel(model, paying(model, quantization, context.image_shape))
