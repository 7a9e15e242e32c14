"""Trains the architecture of a recipe, in one go or from rung to rung."""

from dataclasses import dataclass, field

import torch
from torch import nn

from automl.core.pace import Watch
from automl.network.remembered import forget_graphs
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.environment import StageEnvironment
from automl.pipeline.paused_fit import PausedFit
from automl.pipeline.rewrites import with_plain_weights
from automl.pipeline.stage_keys import paused_key
from automl.technique import StageContext


class StoppedEarly(Exception):  # noqa: N818 # no error, as StopIteration is none
    """A trial was ended while it trained; what was known by then is with its fit."""


@dataclass(frozen=True, eq=False)
class ArchitectureFit:
    """The fit of one architecture, which may pause at a rung and be taken up by a later trial.

    Attributes:
        environment: Of the recipe.
        rungs: Epochs after which the validation score is noted.
        watch: Says after each rung whether the trial ends there; nobody does where absent.
        scores: Validation score of the float network after the rungs so far.
    """

    environment: StageEnvironment
    rungs: tuple[int, ...] = ()
    watch: Watch | None = None
    scores: dict[int, float] = field(default_factory=dict)

    def run(self, built: CompressedModel, context: StageContext) -> CompressedModel:
        """Train a network to the end, by the fit of the context, and make its weights plain.

        Args:
            built: As the architecture built it; its network is trained in place.
            context: Its fit is the trainer's own, or has a teacher: only the former can be taken up where it paused.

        Raises:
            StoppedEarly: If the trial ends at a rung.
        """
        training = self.environment.recipe.training
        with self.environment.seeded():
            if self.rungs and context.fit == self.environment.trainer.fit:
                self._train(built.model)
            else:
                context.fit(built.model, epochs=training.epochs, learning_rate=training.learning_rate)
        forget_graphs(built.model, context.calibration[:1])
        return with_plain_weights(built, context)

    def pause(self, model: nn.Module, *, until_epoch: int) -> None:
        """Train a network up to a rung, and keep where its fit stands in the cache, for ``run`` to go on from.

        Args:
            model: As built; it is trained in place.
            until_epoch: One of the rungs.
        """
        with self.environment.seeded():
            self._train(model, until_epoch=until_epoch)

    def _train(self, model: nn.Module, *, until_epoch: int | None = None) -> None:
        """Train from where the fit paused, if it did, to an epoch or to the end."""
        results, trainer = self.environment.results, self.environment.trainer
        key = paused_key(self.environment.recipe, self.environment.ground)
        with results.held(key):
            paused = results.cache.read(key, PausedFit, torch.device("cpu"))
            if paused is not None:
                self.scores.update(paused.scores)
                until_epoch = until_epoch and max(until_epoch, paused.checkpoint.epoch)
            report = trainer.fit_on(
                model,
                until_epoch=until_epoch,
                resume=None if paused is None else paused.checkpoint,
                on_epoch=lambda epoch, _loss: self._look(
                    model, epoch, trained=epoch - (0 if paused is None else paused.checkpoint.epoch)
                ),
            )
            if report.checkpoint is not None:
                results.cache.write(key, PausedFit(report.checkpoint, dict(self.scores)))

    def _look(self, model: nn.Module, epoch: int, *, trained: int) -> None:
        """Note the score at a rung, and end the trial there if so it is decided."""
        if epoch not in self.rungs:
            return
        trainer = self.environment.trainer
        self.scores[epoch] = trainer.score(model)
        if self.watch is not None and self.watch(dict(self.scores)):
            trainer.epochs_trained += trained
            raise StoppedEarly
