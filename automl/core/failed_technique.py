"""Techniques that failed in every trial of a study that used them: what a user must not learn from a thin front."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from automl.core.space import NO_TECHNIQUE
from automl.core.stage import Stage
from automl.core.trial import Trial, TrialState
from automl.core.value import Point

_ENDED_WELL = (TrialState.COMPLETE, TrialState.STOPPED)
_BLAMED_FIRST = (Stage.QUANTIZER, Stage.PRUNER, Stage.DISTILLER, Stage.ARCHITECTURE)


@dataclass(frozen=True)
class FailedTechnique:
    """A technique of which no trial came out.

    Attributes:
        stage: What it does.
        technique: Its name.
        trials: How many trials used it; each is FAILED or INFEASIBLE.
        reason: The error that most of them have.
        is_point: Whether its stage was a point of the search that was missed: a space names techniques that compress
            or distil, trials used them, and none with any of them came out.
    """

    stage: Stage
    technique: str
    trials: int
    reason: str
    is_point: bool

    def __str__(self) -> str:
        often = f"all {self.trials} of its trials" if self.trials > 1 else "its only trial"
        return f"{self.stage} {self.technique} failed in {often}: {self.reason}"


def failed_techniques(trials: Sequence[Trial], constants: Point) -> list[FailedTechnique]:
    """Find the techniques that failed in every trial that used them.

    One whose trials all used another that is found too is left out: the other explains it.

    Args:
        trials: All trials of the study.
        constants: What its space fixes.
    """
    users = {stage: _by_technique(stage, trials, constants) for stage in _BLAMED_FIRST}
    failing = [
        (stage, name, found)
        for stage, techniques in users.items()
        for name, found in techniques.items()
        if not any(trial.state in _ENDED_WELL for trial in found)
    ]
    numbers = [frozenset(trial.number for trial in found) for _, _, found in failing]
    return [
        FailedTechnique(stage, name, len(found), _reason(found), is_point=_is_point(stage, users[stage]))
        for index, (stage, name, found) in enumerate(failing)
        if not any(
            numbers[index] < others or (numbers[index] == others and other < index)
            for other, others in enumerate(numbers)
        )
    ]


def _by_technique(stage: Stage, trials: Sequence[Trial], constants: Point) -> dict[str, list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        name = str({**constants, **trial.point}.get(stage.value, NO_TECHNIQUE))
        if name != NO_TECHNIQUE:
            found.setdefault(name, []).append(trial)
    return dict(sorted(found.items()))


def _is_point(stage: Stage, techniques: dict[str, list[Trial]]) -> bool:
    came_out = any(trial.state in _ENDED_WELL for found in techniques.values() for trial in found)
    return stage is not Stage.ARCHITECTURE and not came_out


def _reason(trials: Sequence[Trial]) -> str:
    reasons = Counter((trial.error or "no reason is known").splitlines()[0] for trial in trials)
    return reasons.most_common(1)[0][0]
