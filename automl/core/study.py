"""A study: what is searched, for what, and from which seed."""

from automl.core.objective import Constraint, Objective
from automl.core.space import SearchSpace
from automl.core.target import ONE_THREAD, Target
from automl.core.value import Value

SCHEMA_VERSION = 1
"""Version of the trial store's files."""


class StudySpec(Value):
    """Everything that makes two studies the same study; written once as ``study.json``.

    Attributes:
        dataset: Data set as the user named it, for example ``digits``.
        dataset_fingerprint: SHA-256 of the decoded images, labels and splits.
        target: What latency is measured for.
        seed: Of the search and of every trial: two trials that share a network train it the same way.
    """

    name: str
    space: SearchSpace
    dataset: str
    dataset_fingerprint: str
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    target: Target = ONE_THREAD
    seed: int
    versions: dict[str, str]
    created_at: str
    schema_version: int = SCHEMA_VERSION
