"""What a technique gets in a trial, over small images that a network can learn in a second."""

import copy
import functools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from automl.core.augmentation import Augmentation
from automl.core.image import ImageShape, Normalization
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Split
from automl.datasets.task_of_labels import task_of_labels
from automl.pipeline.seeding import derived_seed, seeded
from automl.task import Task
from automl.technique import Loss, StageContext
from automl.testing.networks import CLASSES, SHAPE, Network
from automl.training.batches import normalize, steps_per_epoch
from automl.training.fit import fit, task_loss

NORMALIZATION = Normalization.from_statistics(127.0, 50.0)
SEED = 3

_BATCH_SIZE = 32


@functools.cache
def split(shape: ImageShape = SHAPE, count: int = 256) -> Split:
    """Draw one of five coloured patterns an image, with noise."""
    random = np.random.default_rng(0)
    patterns = random.uniform(40, 215, (CLASSES, *shape))
    labels = random.integers(0, CLASSES, count)
    noise = random.normal(0, 30, (count, *shape))
    return Split((patterns[labels] + noise).clip(0, 255).astype(np.uint8), labels)


def context(shape: ImageShape = SHAPE, *, seed: int = SEED) -> StageContext:
    """Make what a technique gets in a trial, over the images of ``split``, and seed torch as a trial does.

    torch computes on one thread from now on: the order of sums, and so the result, depends on their number.
    """
    images = split(shape)
    return context_of(images, task_of_labels(images.labels.dtype).of({"training": images.labels}), seed=seed)


def context_of(images: Split, task: Task, *, seed: int = SEED) -> StageContext:
    """Make what a technique gets in a trial over images of a task, as ``context`` does."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)

    def train(
        model: nn.Module,
        *,
        epochs: int,
        learning_rate: float,
        max_steps: int | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | None = None,
    ) -> None:
        settings = TrainingSettings(epochs=epochs, learning_rate=learning_rate, batch_size=_BATCH_SIZE)
        fit(
            model,
            images,
            settings=settings,
            normalization=NORMALIZATION,
            augmentation=Augmentation.NONE,
            device=torch.device("cpu"),
            seed=seed,
            max_steps=max_steps,
            optimizer=optimizer,
            loss=loss or task_loss(task, settings),
        )

    def once(name: str, make: Callable[[], nn.Module]) -> nn.Module:
        with seeded(derived_seed(seed, name), torch.device("cpu")):
            return make().eval()

    return StageContext(
        image_shape=ImageShape(*images.images.shape[1:]),
        task=task,
        seed=seed,
        calibration=normalize(torch.from_numpy(images.images), NORMALIZATION),
        fit=train,
        loss=task_loss(task, TrainingSettings()),
        steps_per_epoch=steps_per_epoch(len(images), _BATCH_SIZE),
        once=once,
    )


def trained(network: Network) -> nn.Module:
    """Give a network that knows the images, the same at every call."""
    return copy.deepcopy(_trained(network))


@functools.cache
def _trained(network: Network) -> nn.Module:
    given = context()
    model = network()
    given.fit(model, epochs=3, learning_rate=0.02)
    return model


def logits(model: nn.Module, shape: ImageShape = SHAPE) -> Tensor:
    """Give what a network says about the images of ``split``."""
    with torch.no_grad():
        answer: Tensor = model.eval()(normalize(torch.from_numpy(split(shape).images), NORMALIZATION))
    return answer
