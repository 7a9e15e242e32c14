"""One random state a stage, so that a stage gives the same whether those before it ran or came from the cache."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed every global source of chance that a technique may draw from, and leave them all as they were."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 # what techniques may use
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 # what techniques may use
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002 # what techniques may use


def derived_seed(seed: int, name: str) -> int:
    """Give what is named a seed of its own, 0 to 2**32 - 1."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4])
