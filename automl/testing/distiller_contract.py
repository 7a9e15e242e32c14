"""What the contract adds for distillers: a student learns, its teacher stays as it was."""

from collections.abc import Iterator
from pathlib import Path

import torch

from automl.technique import Distiller
from automl.testing.context import context, logits, split, trained
from automl.testing.networks import NETWORKS, ODD_NETWORKS, SHAPE
from automl.testing.stage_contract import Asked, Case, Outcome, cases_of

_EPOCHS = 3
_LEARNT = 0.8


class DistillerContract:
    """Distillers: train an untrained network towards a trained one of the same shape."""

    cases = cases_of(*NETWORKS, image_shape=SHAPE)
    odd_cases = cases_of(*ODD_NETWORKS, image_shape=SHAPE)

    def check(self, technique: Distiller, case: Case, _asked: Asked) -> None:
        """Check the untrained network."""
        given = context(case.image_shape)
        technique.check(case.network(), given)

    def apply(self, technique: Distiller, case: Case, _asked: Asked, *, seed: int) -> Outcome:
        """Train a student; the outcome's network before is the teacher."""
        teacher = trained(case.network).eval().requires_grad_(requires_grad=False)
        given = context(case.image_shape, seed=seed)
        student = case.network()
        technique.distill(teacher, given)(student, epochs=_EPOCHS, learning_rate=0.02)
        return Outcome(student, None, teacher, case.image_shape)

    def broken_promises(
        self, _technique: Distiller, case: Case, outcome: Outcome, _path: Path, _asked: Asked
    ) -> Iterator[str]:
        """The student knows the images, and the teacher is as it was."""
        teacher, expected = outcome.before, trained(case.network).state_dict()
        if teacher is None or any(
            not torch.equal(value, expected[name]) for name, value in teacher.state_dict().items()
        ):
            yield "the teacher is no longer what it was"
        share = float((logits(outcome.model).argmax(1) == torch.from_numpy(split().labels)).float().mean())
        if share < _LEARNT:
            yield f"after {_EPOCHS} epochs the student knows {share:.0%} of its training images"
