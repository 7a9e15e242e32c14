"""What a technique says of itself: its fields with what is legal and what a search tries, and how a space names it."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import yaml
from pydantic.fields import FieldInfo

from automl.core.domain import Domain
from automl.core.stage import Stage
from automl.core.value import Scalar, Value
from automl.technique import ActiveIf, Search, Technique

_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
_PROFILES: Mapping[Stage, tuple[str, ...]] = {
    Stage.PRUNER: ("sparsity:", "  level: {min: 0.2, max: 0.8, step: 0.1}"),
    Stage.QUANTIZER: ("weight_bits:", "  level: {min: 2, max: 8}"),
}
_Kind = TypeVar("_Kind", Search, ActiveIf)
_DESCRIBED = re.compile(r"^(\w+): (.*)$")


class FieldDescription(Value):
    """One hyperparameter.

    Attributes:
        name: As a space file writes it.
        type: ``integer``, ``number``, ``string`` or ``boolean``.
        legal: What is legal, in words.
        json_schema: The same for a program.
        default: None where the field must be given.
        is_required: Whether it must be given.
        tried: What a search tries where a space does not name the field; None where it keeps the default.
        active_if: When the field matters; None where it always does.
        meaning: What it does.
    """

    name: str
    type: str
    legal: str
    json_schema: dict[str, Any]
    default: Scalar | None
    is_required: bool
    tried: Domain | None
    active_if: str | None
    meaning: str


class TechniqueDescription(Value):
    """One technique.

    Attributes:
        name: As a space file writes it.
        stage: What it does to the network.
        summary: One sentence.
        description: All that its author says, the fields apart.
        paper: Authors, title, year; empty where there is none.
        version: Of its results.
        distribution: The package that ships it, with its version.
        fields: Its hyperparameters.
        example: A space file that uses it.
    """

    name: str
    stage: Stage
    summary: str
    description: str
    paper: str
    version: int
    distribution: str
    fields: tuple[FieldDescription, ...]
    example: str


def describe_technique(technique: type[Technique], distribution: str) -> TechniqueDescription:
    """Read a description off a class.

    Args:
        technique: The class.
        distribution: The package that ships it.
    """
    text = inspect.cleandoc(technique.__doc__ or "").partition("Attributes:")[0].strip()
    return TechniqueDescription(
        name=technique.name,
        stage=technique.stage,
        summary=text.partition("\n\n")[0].replace("\n", " "),
        description=text,
        paper=technique.paper,
        version=technique.version,
        distribution=distribution,
        fields=tuple(_fields(technique)),
        example=_example(technique),
    )


def legal_words(schema: Mapping[str, Any]) -> str:
    """Say in words what the JSON schema of a field allows.

    >>> legal_words({"type": "integer", "minimum": 2, "maximum": 4})
    '2 to 4'
    >>> legal_words({"type": "number", "exclusiveMinimum": 0, "maximum": 1})
    'above 0, at most 1'
    """
    if "enum" in schema:
        return ", ".join(str(choice) for choice in schema["enum"])
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']:g} to {schema['maximum']:g}"
    words = [f"{words} {schema[key]:g}" for key, words in _BOUNDS.items() if key in schema]
    if "pattern" in schema:
        words.append(f"like {' or '.join(map(str, schema['examples']))}" if "examples" in schema else schema["pattern"])
    return ", ".join(words) or ("true or false" if schema.get("type") == "boolean" else "any")


def _fields(technique: type[Technique]) -> Iterator[FieldDescription]:
    meanings = _meanings(technique)
    schemas = technique.model_json_schema().get("properties", {})
    for name, info in technique.model_fields.items():
        schema = schemas[name]
        search, condition = _annotation(info, Search), _annotation(info, ActiveIf)
        yield FieldDescription(
            name=name,
            type=schema.get("type", "string"),
            legal=legal_words(schema),
            json_schema={key: value for key, value in schema.items() if key != "title"},
            default=None if info.is_required() else info.default,
            is_required=info.is_required(),
            tried=None if search is None else search.domain,
            active_if=None
            if condition is None
            else f"{condition.field} is {' or '.join(str(value) for value in condition.values)}",
            meaning=meanings.get(name, ""),
        )


def _meanings(technique: type[Technique]) -> dict[str, str]:
    """Read what stands under ``Attributes:`` in the docstrings of a class and of those that it extends."""
    meanings: dict[str, str] = {}
    for kind in reversed(technique.__mro__):
        name = None
        for line in inspect.cleandoc(kind.__doc__ or "").partition("Attributes:")[2].splitlines():
            found = _DESCRIBED.match(line.strip()) if len(line) - len(line.lstrip()) <= 4 else None
            if found:
                name = found[1]
                meanings[name] = found[2]
            elif name is not None and line.strip():
                meanings[name] += f" {line.strip()}"
    return meanings


def _example(technique: type[Technique]) -> str:
    """Write a space that names the technique and two of its fields; those that must be given come first."""
    fields = {name: _example_value(technique, name) for name in _example_fields(technique)}
    sections: dict[str, dict[str, dict[str, object]]] = {Stage.ARCHITECTURE.value: {"conv_net": {}}}
    sections[technique.stage.value] = {technique.name: fields}
    lines = []
    for section, techniques in sections.items():
        lines.append(f"{section}:")
        for name, values in techniques.items():
            lines.append(f"  {name}:")
            lines += [f"    {field}: {_inline(value)}" for field, value in values.items()]
    return "\n".join([*lines, *_PROFILES.get(technique.stage, ())]) + "\n"


def _example_fields(technique: type[Technique]) -> list[str]:
    required = [name for name, info in technique.model_fields.items() if info.is_required()]
    searched = [name for name, info in technique.model_fields.items() if _annotation(info, Search) is not None]
    others = [name for name in technique.model_fields if name not in {*required, *searched}]
    return [*required, *searched[:1], *others[:1]]


def _example_value(technique: type[Technique], name: str) -> object:
    info, schema = technique.model_fields[name], technique.model_json_schema()["properties"][name]
    search = _annotation(info, Search)
    if search is None:
        known = schema.get("examples") or schema.get("enum") or [schema.get("minimum", "VALUE")]
        return known[0] if info.is_required() else info.default
    return search.domain.written()


def _inline(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return text.removesuffix("...\n").strip()


def _annotation(info: FieldInfo, kind: type[_Kind]) -> _Kind | None:
    return next((item for item in info.metadata if isinstance(item, kind)), None)
