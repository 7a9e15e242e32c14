"""Trains the networks of one recipe on its data, and gives techniques what they may use of both."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from automl.core.recipe import Recipe
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Dataset
from automl.technique import Loss, Once, StageContext
from automl.training.batches import normalize, steps_per_epoch
from automl.training.checkpoint import Checkpoint
from automl.training.fit import FitReport, fit, task_loss
from automl.training.predict import predict

_CALIBRATION_IMAGES = 1024


@dataclass
class Trainer:
    """Trains on the training split of a data set, with the settings and the seed of a recipe.

    Images are varied as the recipe says, and where it does not, as the data set says.

    Attributes:
        epochs_trained: Passes over the training split so far.
    """

    recipe: Recipe
    dataset: Dataset
    device: torch.device
    epochs_trained: int = 0

    def context(self, once: Once) -> StageContext:
        """Give what a technique may use."""
        training = self.recipe.training
        images = torch.tensor(self.dataset.train.images[:_CALIBRATION_IMAGES], device=self.device)
        return StageContext(
            image_shape=self.dataset.image_shape,
            task=self.dataset.task,
            seed=self.recipe.seed,
            calibration=normalize(images, self.dataset.normalization),
            fit=self.fit,
            loss=task_loss(self.dataset.task, training),
            steps_per_epoch=steps_per_epoch(
                len(self.dataset.train.labels[: training.max_train_images]), training.batch_size
            ),
            once=once,
        )

    def fit(
        self,
        model: nn.Module,
        *,
        epochs: int,
        learning_rate: float,
        max_steps: int | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | None = None,
    ) -> None:
        """Train as ``automl.technique.Fit`` says."""
        settings = self.recipe.training.model_copy(update={"epochs": epochs, "learning_rate": learning_rate})
        self._train(model, settings, max_steps=max_steps, optimizer=optimizer, loss=loss)

    def fit_on(
        self,
        model: nn.Module,
        *,
        until_epoch: int | None,
        resume: Checkpoint | None,
        on_epoch: Callable[[int, float], None],
    ) -> FitReport:
        """Train an architecture with the recipe's own settings, from where it paused to an epoch or to the end."""
        settings = self.recipe.training
        return self._train(model, settings, until_epoch=until_epoch, resume=resume, on_epoch=on_epoch)

    def score(self, model: nn.Module) -> float:
        """Give the task's score of a network as it is, on the validation split."""
        validation = self.dataset.validation
        outputs = predict(model, validation.images, normalization=self.dataset.normalization, device=self.device)
        return self.dataset.task.score(outputs, validation.labels)

    def _train(
        self,
        model: nn.Module,
        settings: TrainingSettings,
        *,
        max_steps: int | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | None = None,
        on_epoch: Callable[[int, float], None] | None = None,
        until_epoch: int | None = None,
        resume: Checkpoint | None = None,
    ) -> FitReport:
        report = fit(
            model,
            self.dataset.train,
            settings=settings,
            normalization=self.dataset.normalization,
            augmentation=settings.augmentation or self.dataset.augmentation,
            device=self.device,
            seed=self.recipe.seed,
            max_steps=max_steps,
            optimizer=optimizer,
            loss=loss or task_loss(self.dataset.task, settings),
            on_epoch=on_epoch,
            until_epoch=until_epoch,
            resume=resume,
        )
        self.epochs_trained += report.epochs
        return report
