"""Where a fit stands between two epochs: enough to go on as if it had never paused."""

import copy
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a fit after an epoch.

    Attributes:
        epoch: Epochs that are done.
        model: Parameters and buffers, by name.
        optimizer: Its moments, as its ``state_dict`` gives them.
        schedule: Where the learning rate stands, likewise.
        batches: State of the generator that orders and varies the images.
        randomness: States of torch's own generators, of the CPU first.
    """

    epoch: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    batches: Tensor
    randomness: tuple[Tensor, ...]

    @classmethod
    def take(
        cls, epoch: int, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler, batches: torch.Generator
    ) -> Self:
        """Copy the state of a fit."""
        cuda = [torch.cuda.get_rng_state(batches.device)] if batches.device.type == "cuda" else []
        return cls(
            epoch=epoch,
            model={name: value.detach().cpu().clone() for name, value in model.state_dict().items()},
            optimizer=copy.deepcopy(optimizer.state_dict()),
            schedule=schedule.state_dict(),
            batches=batches.get_state(),
            randomness=(torch.get_rng_state(), *cuda),
        )

    def restore(self, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler, batches: torch.Generator) -> None:
        """Put a fit, made in the same way, where this one stood."""
        model.load_state_dict(self.model)
        optimizer.load_state_dict(self.optimizer)
        schedule.load_state_dict(self.schedule)
        batches.set_state(self.batches)
        torch.set_rng_state(self.randomness[0])
        for state in self.randomness[1:]:
            torch.cuda.set_rng_state(state, batches.device)
