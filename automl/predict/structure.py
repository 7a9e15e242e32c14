"""From a recipe to the network that it deploys, in all but the values of its weights, without an epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import Quantization
from automl.core.recipe import Recipe
from automl.core.stage import Stage
from automl.datasets.dataset import Dataset
from automl.network.folding import fold_batch_norm
from automl.network.plain import own_copy
from automl.pipeline.no_fit import no_fit
from automl.pipeline.quantizing import as_deployed
from automl.pipeline.techniques import profile_of, technique_of
from automl.predict.faults import blamed
from automl.task import Task
from automl.technique import Architecture, Pruner, Quantizer, StageContext

_IMAGES = 2


@dataclass(frozen=True)
class Problem:
    """What a network is for, as far as its shape depends on it.

    Attributes:
        image_shape: Shape of one image.
        task: How many outputs it gives, and how they are judged.
        normalization: Turns pixels into numbers.
    """

    image_shape: ImageShape
    task: Task
    normalization: Normalization

    @classmethod
    def of(cls, dataset: Dataset) -> "Problem":
        """Read it off a data set."""
        return cls(dataset.image_shape, dataset.task, dataset.normalization)


class UntrainedNetwork(NamedTuple):
    """A network of the right shape and the wrong weights.

    Attributes:
        model: In evaluation mode on the CPU, batch normalisation folded.
        quantization: None where the network stays in float.
    """

    model: nn.Module
    quantization: Quantization | None


def untrained_network(recipe: Recipe, problem: Problem) -> UntrainedNetwork | None:
    """Run the stages of a recipe without training: the file of the result has the size and the speed of the trial's.

    Args:
        recipe: Of the trial.
        problem: What the network is for.

    Returns:
        None where a technique does not say what it does to the shape.

    Raises:
        InfeasibleError: If a technique refuses the point.
        TechniqueFaultError: If one raises anything else.
    """
    model = shaped_network(recipe, problem)
    return finished_network(model, recipe, problem) if model is not None else None


def shaped_network(recipe: Recipe, problem: Problem) -> nn.Module | None:
    """Build and shrink: final widths, batch normalisation in place; else as ``untrained_network``."""
    stages = {stage.stage: stage for stage in recipe.stages}
    with _seeded(recipe):
        context = _context(problem, recipe.seed)
        with blamed(stages[Stage.ARCHITECTURE]):
            built = technique_of(stages[Stage.ARCHITECTURE], Architecture).built(context)
        model = own_copy(built, context.calibration).eval()  # whoever made it may hand out the same one again
        if Stage.PRUNER not in stages:
            return model
        pruner = stages[Stage.PRUNER]
        with blamed(pruner):
            shrunk = technique_of(pruner, Pruner).shrunk(model, profile_of(pruner), context)
            return shrunk.eval() if shrunk is not None else None


def finished_network(model: nn.Module, recipe: Recipe, problem: Problem) -> UntrainedNetwork | None:
    """Fold and quantize what ``shaped_network`` gave, which gets other weights; see ``untrained_network``."""
    quantizers = [stage for stage in recipe.stages if stage.stage is Stage.QUANTIZER]
    with _seeded(recipe):
        _fill_vectors(model)
        context = _context(problem, recipe.seed)
        if not quantizers:
            with blamed(next(stage for stage in recipe.stages if stage.stage is Stage.ARCHITECTURE)):
                return UntrainedNetwork(fold_batch_norm(model, context.calibration), None)
        with blamed(quantizers[0]):
            quantizer = technique_of(quantizers[0], Quantizer)
            prepared = quantizer.prepared(model, context.calibration)
            quantized = quantizer.untrained(prepared, profile_of(quantizers[0]), context)
            return UntrainedNetwork(*as_deployed(quantizer, quantized, context)) if quantized is not None else None


@contextmanager
def _seeded(recipe: Recipe) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        yield


def _fill_vectors(model: nn.Module) -> None:
    """Let no bias be zero and no two normalisations be equal, as in a trained network: a file drops what is."""
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.dim() == 1 and tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)


def _context(problem: Problem, seed: int) -> StageContext:
    return StageContext(
        image_shape=problem.image_shape,
        task=problem.task,
        seed=seed,
        calibration=torch.randn(_IMAGES, *problem.image_shape),
        fit=no_fit,
        loss=_no_loss,
        steps_per_epoch=1,
        once=_make_again,
    )


def _no_loss(_model: nn.Module, images: Tensor, _labels: Tensor) -> Tensor:
    return images.new_zeros(())


def _make_again(name: str, make: Callable[[], nn.Module]) -> nn.Module:  # noqa: ARG001 # as Once has it
    return make().eval()
