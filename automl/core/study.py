"""A study: what is searched, for what, and from which seed."""

import re

from automl.core.data_description import DataDescription
from automl.core.objective import Constraint, Objective
from automl.core.space import SearchSpace
from automl.core.target import ONE_THREAD, Target
from automl.core.value import Value
from automl.errors import UsageError

SCHEMA_VERSION = 1
"""Version of the trial store's files."""

_STUDY_NAME = re.compile(r"[A-Za-z0-9_][\w.+-]*", re.ASCII)
_LONGEST_NAME = 100


def check_study_name(name: str) -> None:
    """Refuse a name that is no folder's on every filesystem.

    Raises:
        UsageError: Naming it.
    """
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"study name {name[:20]!r}… has {len(name)} characters; give --study one of at most 100")
    if not _STUDY_NAME.fullmatch(name):
        raise UsageError(
            f"study name {name!r} is not one: give --study letters of the English alphabet, digits and . _ + -, "
            "as in digits-small"
        )


class StudySpec(Value):
    """Everything that makes two studies the same study; written once as ``study.json``.

    Attributes:
        dataset: Data set as the user named it, for example ``digits``.
        dataset_fingerprint: SHA-256 of the decoded images, labels and splits.
        task: Name of what its networks do with the images; the task of such labels where absent.
        data: What the user of a deployed file must know of the data; None in studies of before it was kept.
        target: What latency is measured for.
        seed: Of the search and of every trial: two trials that share a network train it the same way.
    """

    name: str
    space: SearchSpace
    dataset: str
    dataset_fingerprint: str
    task: str | None = None
    data: DataDescription | None = None
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    target: Target = ONE_THREAD
    seed: int
    versions: dict[str, str]
    created_at: str
    schema_version: int = SCHEMA_VERSION

    @property
    def wished_metrics(self) -> tuple[str, ...]:
        """Name the metrics of the objectives and constraints, in this order, each once."""
        wishes: tuple[Objective | Constraint, ...] = (*self.objectives, *self.constraints)
        return tuple(dict.fromkeys(wish.metric for wish in wishes))
