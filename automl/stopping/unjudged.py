"""Says beforehand where early stopping will not act, which would otherwise be seen in no trial."""

import random
from collections.abc import Callable, Iterator
from itertools import count

from automl.core.space import NO_TECHNIQUE, SearchSpace
from automl.core.stage import Stage
from automl.core.value import Point
from automl.stopping.early_stopping import Rungs
from automl.suggest.suggester import random_point

_SAMPLE = 64
"""Random points of which it is asked whether they can be judged (chosen by hand)."""


def unjudged_notes(
    space: SearchSpace, can_judge: Callable[[Point], bool], *, seed: int, rule: str = "auto"
) -> Iterator[str]:
    """Say which trials early stopping will let train to their end, a line each; none where it acts on all.

    Args:
        space: Where points come from.
        can_judge: Whether enough is known of a point before it is trained; see ``RungLosses``.
        seed: Of the sample that is asked about.
        rule: As the user wrote it.
    """
    option = f"--early-stopping {rule}"
    nothing = f"{option} does nothing here, and every trial trains to its end: "
    epochs = space.training.epochs
    if not Rungs.of(epochs).epochs:
        least = next(whole for whole in count(1) if Rungs.of(whole).epochs)
        yield f"{nothing}training has {epochs} epochs, and a pause needs {least}"
        return
    generator = random.Random(seed)  # noqa: S311 # no secret depends on it
    points = [random_point(space, generator) for _ in range(_SAMPLE)]
    judged = [({**space.constants, **point}, can_judge(point)) for point in points]
    if not any(is_judged for _, is_judged in judged):
        yield f"{nothing}the size of no network of this space is known before training"
        return
    for stage in Stage:
        names = {str(values.get(stage.value, NO_TECHNIQUE)) for values, _ in judged} - {NO_TECHNIQUE}
        known = {str(values.get(stage.value)) for values, is_judged in judged if is_judged}
        for name in sorted(names - known):
            yield (
                f"{option} lets every trial with {stage} {name} train to its end: "
                "the size of its networks is not known before training"
            )
