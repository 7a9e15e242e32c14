"""YAML that remembers the line of every key, so that an error can point at it."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from automl.errors import SpaceError

_DEEPEST = 16
_MOST_VALUES = 10_000
_SHOWN = 40
_TAG = "tag:yaml.org,2002:"
_TWO_READINGS = "!two-readings"

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of a document to one of its values."""

_PLAIN = {  # what an unquoted word is; the first that fits counts, and any other word is text
    f"{_TAG}null": r"~|null|Null|NULL|",
    f"{_TAG}bool": r"true|True|TRUE|false|False|FALSE",
    f"{_TAG}int": r"[-+]?(?:0|[1-9][0-9_]*)",
    f"{_TAG}float": r"[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
}
_WORDS_OF_TWO_READINGS = (
    (r"yes|Yes|YES|on|On|ON", "true in one version of YAML and a word in the next; write true, or quote the word"),
    (r"no|No|NO|off|Off|OFF", "false in one version of YAML and a word in the next; write false, or quote the word"),
    (r"[-+]?0[0-9_]+", "octal in one version of YAML and decimal in the next; write it without the leading zero"),
    (r"[-+]?0[box][0-9a-fA-F_]+", "a number to some readers of YAML and a word to others; write it in decimal digits"),
    (r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", "a number of minutes to some readers of YAML; quote it"),
    (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?", "a date to some readers of YAML; quote it"),
)


class _Loader(yaml.SafeLoader):
    """Reads words as YAML 1.2 does, and marks those that YAML 1.1 reads otherwise."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 # PyYAML's own name for it


for _pattern, _ in _WORDS_OF_TWO_READINGS:
    _Loader.add_implicit_resolver(_TWO_READINGS, re.compile(rf"(?:{_pattern})\Z"), None)
for _tag, _pattern in _PLAIN.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), None)


@dataclass(frozen=True)
class LocatedDocument:
    """A YAML document and where its values stand.

    Attributes:
        source: The file, as errors name it.
        data: The document as plain dictionaries, lists and scalars.
        lines: Line of every value, from 1.
    """

    source: str
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=lambda: {(): 1})

    def error(self, path: KeyPath, message: str) -> SpaceError:
        """Make an error that names the file, the line and the key of ``path``."""
        known = path
        while known not in self.lines:
            known = known[:-1]
        key = ".".join(str(part) for part in path)
        return SpaceError(f"{self.source}, line {self.lines[known]}: {f'{key}: ' if key else ''}{message}")


def parse_located(text: str, source: str) -> LocatedDocument:
    """Parse a YAML document whose top is a mapping.

    Unquoted words are read as YAML 1.2 reads them, so ``1e-2`` is a number; a word that YAML 1.1 reads otherwise,
    such as ``yes`` or ``010``, is refused.

    Raises:
        SpaceError: If the text is not YAML, its top is not a mapping, a key stands twice, it is nested too deeply, or
            it holds too much, its aliases written out.
    """
    try:
        _check_shape(text, source)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise SpaceError(
            f"{source}, line {line}: this is not YAML: {error.problem}; check indentation and colons"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpaceError(f"{source}, line {line}: this is not YAML: {error.reason}; remove them") from None
    if not isinstance(root, yaml.MappingNode):
        raise SpaceError(f"{source}, line 1: a space file is a mapping of sections, such as `architecture:`")
    document = LocatedDocument(source, {})
    document.data.update(_convert(root, (), document))
    return document


def _check_shape(text: str, source: str) -> None:
    """Refuse what would take the composer, which calls itself, too deep or too long."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark is not None else 1
            raise SpaceError(f"{source}, line {line}: this is nested too deeply; a space has few levels")
        if count > 2 * _MOST_VALUES:
            raise SpaceError(f"{source} holds over {_MOST_VALUES:,} values; a space file is a few kilobytes")


def _convert(node: yaml.Node, path: KeyPath, document: LocatedDocument) -> Any:  # noqa: ANN401 # YAML holds any type
    document.lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > _DEEPEST:
        raise document.error(path[:1], "this is nested too deeply, or holds itself; remove anchors and aliases")
    if len(document.lines) > _MOST_VALUES:
        raise document.error(path[:1], f"these are over {_MOST_VALUES:,} values; remove anchors and aliases")
    if isinstance(node, yaml.MappingNode):
        return _convert_mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(item, (*path, index), document) for index, item in enumerate(node.value)]
    return _scalar(node, path, document)


def _convert_mapping(node: yaml.MappingNode, path: KeyPath, document: LocatedDocument) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        document.lines[(*path, "?")] = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise document.error((*path, "?"), "a key is one word; write it as `key: value`")
        key = str(_scalar(key_node, (*path, "?"), document))
        document.lines[(*path, key)] = document.lines.pop((*path, "?"))
        if key in mapping:
            raise document.error((*path, key), "this key stands twice; keep one")
        mapping[key] = _convert(value_node, (*path, key), document)
    return mapping


def _scalar(node: yaml.Node, path: KeyPath, document: LocatedDocument) -> bool | int | float | str | None:
    text: str = node.value
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    try:
        match node.tag.removeprefix(_TAG):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text.replace("_", ""))
            case "float":
                return _finite(text)
            case "!two-readings":
                why = next(why for pattern, why in _WORDS_OF_TWO_READINGS if re.fullmatch(pattern, text))
                raise document.error(path, f"{shown} is {why}")
            case tag:
                raise document.error(path, f"this cannot be read: it has the tag {tag}; remove the tag")
    except ValueError as error:
        raise document.error(path, f"{shown!r} cannot be read: {error}; correct or quote it") from None


def _finite(text: str) -> float:
    value = float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(value):
        raise ValueError("it is no finite number")
    return value
