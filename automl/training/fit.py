"""The one fit loop, for CPU and GPU, after the build and between the stages."""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from automl.core.augmentation import Augmentation
from automl.core.image import Normalization
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Split
from automl.errors import DatasetError, InfeasibleError
from automl.task import Task
from automl.training.batches import Batch, TrainBatches
from automl.training.checkpoint import Checkpoint

_MAX_GRADIENT_NORM = 1.0

_logger = logging.getLogger(__name__)

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""From a model, images and labels to the number that training lowers."""


@dataclass(frozen=True)
class FitReport:
    """What a fit did.

    Attributes:
        epochs: Passes over the split in this call; 0 where the network has nothing to train.
        final_loss: Mean training loss of the last pass; NaN where there was none.
        seconds: Wall time.
        checkpoint: Where it paused; None where it came to its end.
    """

    epochs: int
    final_loss: float
    seconds: float
    checkpoint: Checkpoint | None = None


class _Run(NamedTuple):
    model: nn.Module
    optimizer: Optimizer
    loss: Loss


def task_loss(task: Task, settings: TrainingSettings) -> Loss:
    """Give the loss that a task has of a model's outputs."""

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        return task.loss(model(images), labels, settings)

    return loss


def fit(
    model: nn.Module,
    split: Split,
    *,
    settings: TrainingSettings,
    normalization: Normalization,
    augmentation: Augmentation,
    device: torch.device,
    seed: int,
    loss: Loss,
    max_steps: int | None = None,
    optimizer: Optimizer | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
    until_epoch: int | None = None,
    resume: Checkpoint | None = None,
) -> FitReport:
    """Train a network in place; it moves to the device and is left in evaluation mode.

    AdamW on a one-cycle schedule, in bfloat16 where the device is a GPU. The same seed gives the same
    weights on a CPU with the same number of threads, and the caller's random state is left as it was.

    Frozen parameters (``requires_grad`` is False) keep their values, and so do the running statistics of a norm whose
    parameters are all frozen. A network in which every parameter is frozen, or that has none, is left as it is: no
    pass is made, ``on_epoch`` is called as if each had been, and a warning says so.

    Args:
        model: From (N, C, H, W), float32, to outputs, N of them.
        split: Images to train on; ``settings.max_train_images`` takes the first so many.
        settings: Epochs, batch size, learning rate and the like.
        normalization: Turns pixels into numbers.
        augmentation: How images are varied.
        device: Where to train.
        seed: Decides order, augmentation and dropout.
        loss: Is minimised.
        max_steps: Ends the fit after so many batches, in the middle of an epoch if need be; the schedule ends there.
        optimizer: Steps in place of AdamW, over the parameters that it holds.
        on_epoch: Called after each epoch with its number, from 1, and its mean loss; may raise to stop.
        until_epoch: Pauses after this epoch of the whole; the schedule is that of the whole.
        resume: Goes on from here, to the very weights of a fit that never paused.

    Raises:
        DatasetError: There are fewer than two images.
        InfeasibleError: A parameter that is to be trained is not float32.
        FloatingPointError: The loss or a gradient became NaN or infinite.
    """
    started = time.perf_counter()
    kept = slice(settings.max_train_images)
    batches = TrainBatches(
        images=torch.tensor(split.images[kept], device=device),  # a copy: arrays from a shared store are read-only
        labels=torch.tensor(split.labels[kept], device=device),
        batch_size=settings.batch_size,
        normalization=normalization,
        augmentation=augmentation,
        generator=torch.Generator(device).manual_seed(seed),
    )
    if len(batches) == 0:
        raise DatasetError(f"{len(batches.labels)} training images are too few: give at least 2")
    model.to(device)
    _check_precision(model)
    steps = min(settings.epochs * len(batches), max_steps or sys.maxsize)
    epochs = math.ceil(steps / len(batches))
    first = 1 if resume is None else resume.epoch + 1
    last = min(epochs, until_epoch or epochs)
    if not any(parameter.requires_grad for parameter in _stepped(model, optimizer)):
        return _left_as_it_is(model, range(first, last + 1), on_epoch, started)
    run = _Run(
        model=model,
        optimizer=optimizer
        or AdamW(_parameter_groups(model, settings.weight_decay), lr=settings.learning_rate, fused=True),
        loss=loss,
    )
    schedule = OneCycleLR(run.optimizer, max_lr=settings.learning_rate, total_steps=steps)
    checkpoint = None
    mean_loss = math.nan
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)  # dropout has no generator of its own
        if resume is not None:
            resume.restore(model, run.optimizer, schedule, batches.generator)
        for epoch in range(first, last + 1):
            mean_loss = _train_epoch(run, islice(batches, steps - (epoch - 1) * len(batches)), schedule)
            if not math.isfinite(mean_loss):
                raise FloatingPointError(
                    f"training diverged in epoch {epoch} of {epochs} "
                    f"at learning rate {settings.learning_rate:g}: lower the learning rate"
                )
            if on_epoch is not None:
                on_epoch(epoch, mean_loss)
        if last < epochs:
            checkpoint = Checkpoint.take(last, model, run.optimizer, schedule, batches.generator)
    model.eval()
    return FitReport(last - first + 1, mean_loss, time.perf_counter() - started, checkpoint)


def _check_precision(model: nn.Module) -> None:
    """Refuse other numbers than float32 before torch fails on them in the middle of a network."""
    for name, parameter in model.named_parameters():
        if parameter.is_floating_point() and parameter.dtype != torch.float32:
            precision = str(parameter.dtype).removeprefix("torch.")
            raise InfeasibleError(
                f"{name!r} is {precision}, and training takes float32: call .float() on the network where it is made"
            )


def _stepped(model: nn.Module, optimizer: Optimizer | None) -> list[nn.Parameter]:
    """List the parameters that a step may change."""
    if optimizer is None:
        return list(model.parameters())
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _left_as_it_is(
    model: nn.Module, epochs: range, on_epoch: Callable[[int, float], None] | None, started: float
) -> FitReport:
    """End a fit that has nothing to train; who listens hears of each epoch, and may measure the network there."""
    count = sum(1 for _ in model.parameters())
    _logger.warning(
        "nothing is trained: %s; the network stays as it is",
        f"all {count} parameters are frozen" if count else "the network has no parameters",
    )
    model.eval()
    if on_epoch is not None:
        for epoch in epochs:
            on_epoch(epoch, math.nan)
    return FitReport(0, math.nan, time.perf_counter() - started)


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Decay kernels and matrices; biases and the scales of norms are few, and shrinking them costs accuracy."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trainable if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trainable if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def _frozen_norms(model: nn.Module) -> list[nn.Module]:
    """List the layers with running statistics whose parameters, of which they have some, are all frozen."""
    norms = [module for module in model.modules() if getattr(module, "running_mean", None) is not None]
    trained = [[each.requires_grad for each in norm.parameters(recurse=False)] for norm in norms]
    return [norm for norm, own in zip(norms, trained, strict=True) if own and not any(own)]


def _train_epoch(run: _Run, batches: Iterable[Batch], schedule: LRScheduler) -> float:
    """Make one pass, and give the mean loss an image; NaN where a loss or a gradient was not finite."""
    run.model.train()  # at each epoch: the caller may have evaluated the model after the last one
    for norm in _frozen_norms(run.model):
        norm.eval()
    parameters = _stepped(run.model, run.optimizer)
    device = parameters[0].device
    loss_sum = torch.zeros((), device=device)
    norm_sum = torch.zeros((), device=device)
    seen = 0
    for images, labels in batches:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            loss = run.loss(run.model, images, labels)
        if not loss.requires_grad:
            raise InfeasibleError("the answer uses no parameter that is to be trained: unfreeze one that it does use")
        run.optimizer.zero_grad()
        torch.autograd.backward(loss)
        norm_sum += nn.utils.clip_grad_norm_(parameters, _MAX_GRADIENT_NORM)
        run.optimizer.step()
        schedule.step()
        loss_sum += loss.detach() * len(labels)
        seen += len(labels)
    is_finite = bool(torch.isfinite(loss_sum + norm_sum))  # read once an epoch: a GPU would wait at every step
    return float(loss_sum) / seen if is_finite else math.nan
