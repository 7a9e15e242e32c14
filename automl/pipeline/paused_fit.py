"""A fit that waits after a rung: what a later trial needs to go on with it, and what was known by then."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from automl.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class PausedFit:
    """Where the fit of an architecture stands.

    Attributes:
        checkpoint: Its state.
        scores: Validation score of the float network after the epochs of the rungs so far.
    """

    checkpoint: Checkpoint
    scores: Mapping[int, float] = field(default_factory=dict)
