"""The shape of a space file: its sections, and the three ways to state what a field may be."""

from difflib import get_close_matches
from typing import Any

from pydantic import Field, ValidationError

from automl.core.domain import Categorical, Domain, Integer, Real
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.core.value import Scalar, Value
from automl.errors import SpaceError
from automl.spaces.dataset_section import read_dataset
from automl.spaces.located_yaml import KeyPath, LocatedDocument

SpecifiedField = Any
"""A scalar (fixed), a list (choices) or ``{min, max, step, log}`` (a range); ``read_field`` tells which."""

Section = dict[str, dict[str, SpecifiedField] | None]
"""Technique name to its fields."""


class OffsetsSpec(Value):
    """Offsets of a profile: how many sections of the network, and the range of each."""

    sections: int = Field(ge=1, le=64)
    min: int | float
    max: int | float
    step: int | float | None = None


class PerLayerSpec(Value):
    """One number a layer: how many layers have one of their own, and the range of each."""

    layers: int = Field(ge=1, le=256)
    min: int | float
    max: int | float
    step: int | float | None = None


class ProfileSection(Value):
    """A per-layer quantity: a curve of ``level``, ``slope`` and ``offsets``, or ``per_layer`` in place of all three.

    Attributes:
        level: A field; a curve must have it.
        slope: A field.
        offsets: One range for all sections.
        per_layer: One range for all layers.
    """

    level: SpecifiedField = None
    slope: SpecifiedField = 0.0
    offsets: OffsetsSpec | None = None
    per_layer: PerLayerSpec | None = None


class SpaceFile(Value):
    """A whole space file.

    Attributes:
        teacher: ``largest``, one architecture with its fields, or MODULE:CALLABLE; ``resolve_space`` tells which.
    """

    description: str = ""
    dataset: str = "digits"
    objectives: list[str] = Field(default=["accuracy:max", "size_bytes:min", "latency_ms:min"], min_length=1)
    architecture: Section
    training: TrainingSettings = TrainingSettings()
    pruner: Section = Field(default={})
    sparsity: ProfileSection = ProfileSection(
        level={"min": 0.1, "max": 0.8, "step": 0.1}, slope={"min": -0.2, "max": 0.2, "step": 0.1}
    )
    quantizer: Section = Field(default={})
    weight_bits: ProfileSection = ProfileSection(level={"min": 2, "max": 8}, slope={"min": -2, "max": 2})
    distiller: Section = Field(default={})
    teacher: SpecifiedField = None
    task: str | None = None


class _Range(Value):
    min: int | float
    max: int | float
    step: int | float | None = None
    log: bool = False


def read_space_file(document: LocatedDocument) -> SpaceFile:
    """Check the sections of a document.

    Raises:
        SpaceError: Naming file, line and key, with the nearest known key where one is misspelt.
    """
    written = dict(document.data)
    for stage in Stage:
        if stage.value in written:
            written[stage.value] = _section(document, stage, written[stage.value])
    if "dataset" in written:
        written["dataset"] = read_dataset(document, written["dataset"])
    if "objectives" in written:
        written["objectives"] = _objectives(written["objectives"])
    try:
        return SpaceFile.model_validate(written)
    except ValidationError as error:
        raise _located(document, error) from None


def read_field(document: LocatedDocument, path: KeyPath, field: SpecifiedField) -> Domain | Scalar:
    """Tell a fixed value from a domain.

    Raises:
        SpaceError: If the field is neither a scalar, a list of scalars of one type, nor a range.
    """
    try:
        if isinstance(field, list):
            if not field or not all(isinstance(item, bool | int | float | str) for item in field):
                raise document.error(path, f"{field!r} is not a list of at least one value")
            return Categorical(choices=tuple(field)) if len(field) != 1 else field[0]
        if isinstance(field, dict):
            return _domain(_Range.model_validate(field))
    except ValidationError as error:
        raise _located(document, error, path) from None
    if not isinstance(field, bool | int | float | str):
        raise document.error(path, f"{field!r} is neither a value, a list of values, nor {{min: …, max: …}}")
    return field


def _section(document: LocatedDocument, stage: Stage, written: SpecifiedField) -> SpecifiedField:
    """Read one name, or a list of names, as the mapping of technique to fields that it stands for."""
    if isinstance(written, dict):
        return written
    section: dict[str, SpecifiedField] = {}
    for index, item in enumerate(written if isinstance(written, list) else [written]):
        path: KeyPath = (stage.value, index) if isinstance(written, list) else (stage.value,)
        if isinstance(item, str):
            named: dict[str, SpecifiedField] = {item: None}
        elif isinstance(item, dict) and len(item) == 1:
            named = item
        else:
            raise document.error(path, f"{_yaml(item)} names no technique; {_right_form(stage)}")
        (name,) = named
        if name in section:
            raise document.error(path, f"{name} stands twice; keep one")
        section |= named
        document.lines.setdefault((stage.value, name), document.lines[path])
    return section


def _right_form(stage: Stage) -> str:
    if stage is Stage.ARCHITECTURE:
        return "write `architecture: conv_net`, or `architecture: [conv_net, resnet]`"
    return f"write `{stage}: none`, a name, or a list of names"


def _yaml(item: SpecifiedField) -> str:
    return "nothing" if item is None else str(item).lower() if isinstance(item, bool) else str(item)


def _objectives(written: SpecifiedField) -> SpecifiedField:
    """Read one objective without its list, and ``accuracy: max``, which YAML reads as a mapping."""
    if isinstance(written, str):
        return [written]
    if isinstance(written, dict):
        written = [{metric: direction} for metric, direction in written.items()]
    if not isinstance(written, list):
        return written
    return [
        ":".join(map(str, next(iter(item.items())))) if isinstance(item, dict) and len(item) == 1 else item
        for item in written
    ]


def _domain(bounds: _Range) -> Integer | Real:
    numbers = (bounds.min, bounds.max, 1 if bounds.step is None else bounds.step)
    if all(isinstance(number, int) for number in numbers):
        return Integer(low=int(bounds.min), high=int(bounds.max), step=int(numbers[2]), log=bounds.log)
    step = None if bounds.step is None else float(bounds.step)
    return Real(low=float(bounds.min), high=float(bounds.max), step=step, log=bounds.log)


def _located(document: LocatedDocument, error: ValidationError, prefix: KeyPath = ()) -> SpaceError:
    errors = error.errors()
    # a misspelt key is also a missing one, and the misspelling says more
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    path: KeyPath = (*prefix, *first["loc"])
    if first["type"] == "extra_forbidden":
        return document.error(path, f"unknown key{_nearest(str(path[-1]), _known_keys(path))}")
    if first["type"] == "missing":
        return document.error(path, "this key is missing; add it")
    while path not in document.lines:  # pydantic appends the types that it tried
        path = path[:-1]
    if first["type"] == "model_type":
        written = "nothing" if first["input"] is None else repr(first["input"])
        return document.error(path, f"{written} is no mapping; write {', '.join(_known_keys((*path, '')))} below it")
    message = first["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(first["input"], dict) else f" (got {first['input']!r})"
    return document.error(path, f"{message}{shown}")


def _known_keys(path: KeyPath) -> list[str]:
    sections: dict[KeyPath, type[Value]] = {
        (): SpaceFile,
        ("training",): TrainingSettings,
        ("sparsity",): ProfileSection,
        ("weight_bits",): ProfileSection,
        ("sparsity", "offsets"): OffsetsSpec,
        ("weight_bits", "offsets"): OffsetsSpec,
        ("sparsity", "per_layer"): PerLayerSpec,
        ("weight_bits", "per_layer"): PerLayerSpec,
    }
    return list(sections.get(path[:-1], _Range).model_fields)


def _nearest(word: str, known: list[str]) -> str:
    nearest = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {nearest[0]}?" if nearest else f"; known keys: {', '.join(known)}"
