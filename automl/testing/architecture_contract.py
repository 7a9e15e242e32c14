"""What the contract adds for architectures: a built network learns, and images of any size work or are refused."""

from collections.abc import Iterator
from pathlib import Path

import torch

from automl.core.image import ImageShape
from automl.pipeline.logits_check import check_logits
from automl.technique import Architecture
from automl.testing.context import context, logits, split
from automl.testing.networks import CLASSES, SHAPE, plain
from automl.testing.stage_contract import Asked, Case, Outcome

_LEARNT = 1.5 / CLASSES


class ArchitectureContract:
    """Architectures: built on images of several shapes, then trained."""

    cases: tuple[Case, ...] = (Case("images", plain, SHAPE),)
    odd_cases: tuple[Case, ...] = tuple(
        Case("x".join(map(str, shape)), plain, shape)
        for shape in (ImageShape(1, 1, 1), ImageShape(1, 8, 8), ImageShape(3, 4, 31))
    )

    def check(self, technique: Architecture, case: Case, _asked: Asked) -> None:
        """Build, and run the network once, as a trial does before it trains."""
        given = context(case.image_shape)
        check_logits(technique.built(given), technique, given)

    def apply(self, technique: Architecture, case: Case, _asked: Asked, *, seed: int) -> Outcome:
        """Build, and train until the network knows more than chance."""
        given = context(case.image_shape, seed=seed)
        model = technique.built(given)
        given.fit(model, epochs=2, learning_rate=0.01)
        return Outcome(model, None, None, case.image_shape)

    def broken_promises(
        self, _technique: Architecture, _case: Case, outcome: Outcome, _path: Path, _asked: Asked
    ) -> Iterator[str]:
        """A network must learn."""
        answers = logits(outcome.model, outcome.image_shape).argmax(1)
        share = float((answers == torch.from_numpy(split(outcome.image_shape).labels)).float().mean())
        if share < _LEARNT:
            yield f"after two epochs the network knows {share:.0%} of its training images; chance is {1 / CLASSES:.0%}"
