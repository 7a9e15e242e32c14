"""Makes each result of a step once: what is in the cache is taken, and what another worker makes is waited for."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

import torch

from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.notes import noted
from automl.pipeline.stage_cache import StageCache
from automl.pipeline.step_log import StepLog

_FREE_WITHIN_S = 0.05  # a key that nobody holds is held sooner than that


@dataclass(frozen=True)
class SharedResults:
    """The results of one trial's steps, shared with all trials that have the same keys.

    Attributes:
        cache: Where results are kept.
        device: Where their networks go.
        log: Is told what came from the cache, and how long a result was waited for.
    """

    cache: StageCache
    device: torch.device
    log: StepLog

    def furthest(self, keys: Mapping[str, str]) -> CompressedModel | None:
        """Load the result of the last step that has one: the steps before it are not needed then.

        Args:
            keys: Of each step, in the order of the steps.

        Returns:
            None where no step has a result.
        """
        steps = list(keys)
        for index in reversed(range(len(steps))):
            step = steps[index]
            if not self.cache.has(keys[step]):
                continue
            with self.log.timed(step), self.held(keys[step]):
                result = self.cache.read(keys[step], CompressedModel, self.device)
            if result is not None:
                self.log.cached.update(dict.fromkeys(steps[: index + 1], True))
                return result
        return None

    def shared(self, step: str, key: str, make: Callable[[], CompressedModel]) -> CompressedModel:
        """Make a result and keep it; where another worker is making it, wait and take that one."""
        with self.held(key):
            result = self.cache.read(key, CompressedModel, self.device)
            self.log.cached[step] = result is not None and self.log.cached.get(step, True)
            if result is None:
                with noted() as notes:
                    result = make()
                result = replace(result, notes=(*result.notes, *notes))
                self.cache.write(key, result)
        return result

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Hold a key of the cache; the time until it is free counts as waiting."""
        started = perf_counter()
        with self.cache.held(key):
            waited = perf_counter() - started
            if waited > _FREE_WITHIN_S:
                self.log.add_wait(waited)
            yield
