"""Rewrites the network of a trial without changing what it answers, and keeps the gap that each rewrite leaves."""

import logging
from dataclasses import replace

from torch import nn

from automl.core.fidelity import Transition
from automl.network.answers import COMPARED_IMAGES, answer_gap, answers
from automl.network.folding import fold_batch_norm
from automl.network.named_operators import name_operators
from automl.network.plain import plain_weights
from automl.pipeline.compressed_model import CompressedModel
from automl.technique import StageContext

_logger = logging.getLogger(__name__)


def rewrite_gap(before: nn.Module, after: nn.Module, context: StageContext) -> float:
    """Measure how far the answers of two networks to the same real images lie apart.

    Returns:
        As ``automl.core.fidelity.Transition`` says.
    """
    images = context.calibration[:COMPARED_IMAGES]
    return answer_gap(answers(before, images), answers(after, images))


def with_plain_weights(fitted: CompressedModel, context: StageContext) -> CompressedModel:
    """Compute weights that are computed at each call, as by ``weight_norm``, once and for all."""
    plain = plain_weights(fitted.model, context.calibration)
    if plain is fitted.model:
        return fitted
    return _rewritten(fitted, plain, Transition.PLAIN, context)


def with_named_operators(trained: CompressedModel, context: StageContext) -> CompressedModel:
    """Turn operators that are written as functions into modules; where that cannot be, say why it makes a file slow."""
    named = name_operators(trained.model, context.calibration)
    if named.refusal:
        _logger.warning(
            "what the network computes with functions of torch stays in float, and slow beside int8: %s", named.refusal
        )
    if named.model is trained.model:
        return trained
    return _rewritten(trained, named.model, Transition.REWRITE, context)


def with_folded_batch_norm(result: CompressedModel, context: StageContext) -> CompressedModel:
    """Move batch normalisation into the layers before it."""
    return _rewritten(result, fold_batch_norm(result.model, context.calibration), Transition.FOLD, context)


def _rewritten(
    result: CompressedModel, model: nn.Module, transition: Transition, context: StageContext
) -> CompressedModel:
    gap = rewrite_gap(result.model, model, context)
    return replace(result, model=model, gaps={**result.gaps, transition: gap})
