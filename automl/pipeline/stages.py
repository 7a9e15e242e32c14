"""From a recipe to a compressed network: build, fit, prune, quantize."""

import copy
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

from automl.core.quantization import Quantization
from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.datasets.dataset import Dataset
from automl.errors import InfeasibleError
from automl.network.folding import fold_batch_norm
from automl.registry import technique_class
from automl.technique import Architecture, Loss, Profile, Pruner, Quantizer, StageContext
from automl.training.batches import normalize, steps_per_epoch
from automl.training.fit import classification_loss, fit

_CALIBRATION_IMAGES = 1024
_Kind = TypeVar("_Kind", Architecture, Pruner, Quantizer)


@dataclass(frozen=True)
class CompressedModel:
    """A network at the end of its stages.

    Attributes:
        model: In evaluation mode on the CPU, batch normalisation folded, weights on their grid if quantized.
        quantization: None where the network stays in float.
    """

    model: nn.Module
    quantization: Quantization | None


@dataclass
class StageRunner:
    """Runs the stages of one recipe, and keeps the time and the epochs that they took.

    Attributes:
        seconds: Wall time of each step so far.
        epochs_trained: Passes over the training split so far.
    """

    recipe: Recipe
    dataset: Dataset
    device: torch.device
    seconds: dict[str, float] = field(default_factory=dict)
    epochs_trained: int = 0

    def run(self) -> CompressedModel:
        """Run all stages in order.

        Raises:
            InfeasibleError: If a technique cannot do what the recipe asks.
        """
        torch.manual_seed(self.recipe.seed)
        context = self._context()
        stages = {stage.stage: stage for stage in self.recipe.stages}
        model = self._build(stages[Stage.ARCHITECTURE], context)
        self._check(model, stages, context)
        self._fit_built(model)
        if Stage.PRUNER in stages:
            model = self._prune(model, stages[Stage.PRUNER], context)
        model = fold_batch_norm(model)
        quantization = None
        if Stage.QUANTIZER in stages:
            model, quantization = self._quantize(model, stages[Stage.QUANTIZER], context)
        return CompressedModel(model.cpu().eval(), quantization)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Keep the wall time of a step."""
        started = perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + perf_counter() - started

    def _build(self, stage: StageRecipe, context: StageContext) -> nn.Module:
        technique = _technique(stage, Architecture)
        with self.timed("build"):
            model = technique.build(context).to(self.device)
        self._check_logits(model, stage, context)
        return model

    def _check(self, model: nn.Module, stages: dict[Stage, StageRecipe], context: StageContext) -> None:
        """Let the techniques that come later refuse the network before it is trained, on copies of it."""
        with self.timed("build"), torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            if Stage.PRUNER in stages:
                pruner = stages[Stage.PRUNER]
                _technique(pruner, Pruner).check(copy.deepcopy(model), _profile(pruner), context)
            if Stage.QUANTIZER in stages:
                quantizer = stages[Stage.QUANTIZER]
                _technique(quantizer, Quantizer).check(fold_batch_norm(model), _profile(quantizer), context)

    def _fit_built(self, model: nn.Module) -> None:
        training = self.recipe.training
        with self.timed("fit"):
            self._fit(model, epochs=training.epochs, learning_rate=training.learning_rate)

    def _prune(self, model: nn.Module, stage: StageRecipe, context: StageContext) -> nn.Module:
        technique = _technique(stage, Pruner)
        with self.timed("prune"):
            pruned = technique.prune(copy.deepcopy(model), _profile(stage), context)
        self._check_logits(pruned, stage, context)
        return pruned

    def _quantize(self, model: nn.Module, stage: StageRecipe, context: StageContext) -> tuple[nn.Module, Quantization]:
        technique = _technique(stage, Quantizer)
        with self.timed("quantize"):
            quantized, quantization = technique.quantize(copy.deepcopy(model), _profile(stage), context)
        self._check_logits(quantized, stage, context)
        return quantized, quantization

    def _check_logits(self, model: nn.Module, stage: StageRecipe, context: StageContext) -> None:
        with torch.no_grad():
            shape = tuple(model.eval()(context.calibration[:2]).shape)
        expected = (min(2, len(context.calibration)), self.dataset.classes)
        if shape != expected:
            raise InfeasibleError(
                f"after {stage.stage} {stage.technique!r} the logits of two images have the shape {shape}, "
                f"not {expected}; choose another {stage.stage}, or one that fits the data"
            )

    def _context(self) -> StageContext:
        training = self.recipe.training
        images = torch.tensor(self.dataset.train.images[:_CALIBRATION_IMAGES], device=self.device)
        return StageContext(
            image_shape=self.dataset.image_shape,
            classes=self.dataset.classes,
            seed=self.recipe.seed,
            calibration=normalize(images, self.dataset.normalization),
            fit=self._fit,
            loss=classification_loss(training.label_smoothing),
            steps_per_epoch=steps_per_epoch(
                len(self.dataset.train.labels[: training.max_train_images]), training.batch_size
            ),
            once=self._once,
        )

    def _once(self, name: str, make: Callable[[], nn.Module]) -> nn.Module:
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(_derived_seed(self.recipe.seed, name))
            return make().to(self.device).eval()

    def _fit(
        self,
        model: nn.Module,
        *,
        epochs: int,
        learning_rate: float,
        max_steps: int | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | None = None,
    ) -> None:
        settings = self.recipe.training.model_copy(update={"epochs": epochs, "learning_rate": learning_rate})
        report = fit(
            model,
            self.dataset.train,
            settings=settings,
            normalization=self.dataset.normalization,
            augmentation=self.dataset.augmentation,
            device=self.device,
            seed=self.recipe.seed,
            max_steps=max_steps,
            optimizer=optimizer,
            loss=loss,
        )
        self.epochs_trained += report.epochs


def _derived_seed(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4])


def _technique(stage: StageRecipe, kind: type[_Kind]) -> _Kind:
    technique = technique_class(stage.technique, stage.stage).model_validate(stage.hyperparameters)
    if not isinstance(technique, kind):
        raise InfeasibleError(f"technique {stage.technique!r} is no {kind.__name__}; correct its base class")
    return technique


def _profile(stage: StageRecipe) -> Profile:
    if stage.profile is None:
        raise InfeasibleError(f"{stage.stage} {stage.technique!r} has no per-layer profile; the space must give one")
    return stage.profile
