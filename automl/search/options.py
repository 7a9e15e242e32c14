"""What can be said of a search, each option once: the command line and ``automl.search`` both read it here."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from automl.core.augmentation import Augmentation
from automl.core.byte_size import size_in_bytes
from automl.core.duration import duration_seconds
from automl.core.objective import Constraint, Objective
from automl.core.target import Target
from automl.core.value import Value
from automl.engines.cluster import LOCAL, Cluster
from automl.errors import UsageError

DEFAULT_STORE = "trials"
NO_RULE = "off"
"""What stands for no stopping rule."""

_Read = TypeVar("_Read")


class KeepArtifacts(StrEnum):
    """Which artifacts stay in the store."""

    FRONT = "front"
    ALL = "all"
    NONE = "none"


class Shown(NamedTuple):
    """How the command line shows an option whose field alone does not say it.

    Attributes:
        metavar: What stands for its value in the help.
        flag: Its name, where that is not the field's.
    """

    metavar: str | None = None
    flag: str | None = None


def _one_of(option: str, choices: type[StrEnum]) -> BeforeValidator:
    def read(value: object) -> object:
        if isinstance(value, str) and value in tuple(choices):
            return choices(value)
        if value is None and choices is Augmentation:
            return None
        raise UsageError(f"--{option} {value!r} is none of {', '.join(choices)}")

    return BeforeValidator(read)


def stopping_rules() -> tuple[str, ...]:
    """List what ``--early-stopping`` takes, importing none of it: the rule that is chosen for you, off, and others."""
    from automl.registry import STOPPING

    first, *others = STOPPING.installed()
    return first, NO_RULE, *others


def _stopping_rule(value: object) -> object:
    if value == NO_RULE or (isinstance(value, str) and value in stopping_rules()):
        return value
    raise UsageError(f"--early-stopping {value!r} is none of {', '.join(stopping_rules())}")


def _target(text: str) -> Target:
    from automl.measure.targets import read_target  # the help of other commands does not wait for all kinds of plugin

    return read_target(text)


def _text(read: Callable[[str], _Read]) -> BeforeValidator:
    """Read a value that is written as text; any other is what it shall be already."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _texts(read: Callable[[str], _Read]) -> BeforeValidator:
    def read_all(values: object) -> object:
        if isinstance(values, str):  # one alone
            values = (values,)
        if not isinstance(values, Iterable):
            return values
        return tuple(read(value) if isinstance(value, str) else value for value in values)

    return BeforeValidator(read_all)


class SearchOptions(Value):
    """The options of a search.

    Values may be given as the command line writes them: ``"accuracy:max"``, ``"size_bytes<=50kB"``, ``"30m"``.

    Attributes:
        time_budget: Seconds; infinite where no time is set.
        cache_size: Bytes.
    """

    budget: int = Field(default=100, description="Trials that the study shall have, earlier runs included.")
    study: str | None = Field(default=None, description="Name of the study; the space's name if absent.")
    task: Annotated[str | None, Shown("NAME")] = Field(
        default=None,
        description="What the networks do with the images, such as classification or regression; as the space or the "
        "labels say if absent.",
    )
    augmentation: Annotated[
        Augmentation | None, _one_of("augmentation", Augmentation), Shown("none|shift|flip|shift_and_flip")
    ] = Field(
        default=None,
        description="How training images are varied; as the space or the data set says if absent. flip mirrors: leave "
        "it out where a mirror image is of another class.",
    )
    objectives: Annotated[tuple[Objective, ...], _texts(Objective.parse), Shown("METRIC[:max|min]", "--objective")] = (
        Field(default=(), description="What is better, by default the way that its metric states; repeat for several.")
    )
    constraints: Annotated[
        tuple[Constraint, ...], _texts(Constraint.parse), Shown("METRIC<=NUMBER", "--constraint")
    ] = Field(default=(), description="What a network must keep to, such as 'size_bytes<=50000'.")
    sampler: str = Field(default="auto", description="What proposes the points.")
    seed: int = Field(default=0, description="Of the search and of every trial.")
    address: Annotated[str, Shown("local|auto|HOST:PORT")] = Field(
        default=LOCAL, description="Ray cluster: local, auto or HOST:PORT."
    )
    workers: int | None = Field(default=None, description="Trials at a time; one a processor if absent.")
    gpus_per_trial: float = Field(default=0.0, description="GPUs, or a part of one, for each trial.")
    target: Annotated[Target, _text(_target), Shown("RUNTIME:THREADS[:BATCH]")] = Field(
        default="cpu:1",
        validate_default=True,
        description="Runtime (cpu is ONNX Runtime on the processor; `automl plugins` lists the others), threads, and "
        "images a run, that every figure is for.",
    )
    time_budget: Annotated[
        float,
        BeforeValidator(lambda value: inf if value is None else value),
        _text(duration_seconds),
        Shown("DURATION"),
    ] = Field(default=None, validate_default=True, description="Begin no trial after so long, such as 30m or 1h30m.")
    enqueue: Annotated[Path | None, _text(Path), Shown("FILE")] = Field(
        default=None, description="JSON list of points to try first, as `automl pareto --format json` prints."
    )
    from_study: Annotated[str | None, Shown("STUDY")] = Field(
        default=None, description="Begin with the front of an earlier study, and learn from all of it."
    )
    early_stopping: Annotated[str, BeforeValidator(_stopping_rule), Shown("NAME|off")] = Field(
        default=NO_RULE,
        description="Which trials end before their last epoch; auto: after a tenth of the epochs all wait, and the "
        "best quarter goes on.",
    )
    keep_artifacts: Annotated[KeepArtifacts, _one_of("keep-artifacts", KeepArtifacts), Shown("front|all|none")] = Field(
        default=KeepArtifacts.FRONT, description="Which deployable files stay in the store."
    )
    cache_size: Annotated[int, _text(size_in_bytes), Shown("SIZE")] = Field(
        default="10GB",
        validate_default=True,
        description="What the results that trials share may take in the store.",
    )
    no_cache: bool = Field(default=False, description="Train every network anew; share no result between trials.")
    store: Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, Path) else value)] = Field(
        default=DEFAULT_STORE, description="Folder or URI of the trial store."
    )

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """Read options; those that are absent have their defaults.

        >>> SearchOptions.read({"budget": 20, "constraints": "size_bytes<=50kB", "time_budget": "2m"}).time_budget
        120.0

        Raises:
            UsageError: Naming the option and its value.
        """
        try:
            return cls.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            option = str(first["loc"][0])
            raise UsageError(
                f"{option} is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}; correct it"
            ) from None

    @property
    def cluster(self) -> Cluster:
        """Where trials run."""
        return Cluster(self.address, self.workers, self.gpus_per_trial)

    @property
    def cache_limit_bytes(self) -> int | None:
        """What the results that trials share may take; None shares nothing."""
        return None if self.no_cache else self.cache_size

    @property
    def is_stopping_early(self) -> bool:
        """Whether a stopping rule may end trials before their last epoch."""
        return self.early_stopping != NO_RULE
