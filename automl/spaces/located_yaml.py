"""YAML that remembers the line of every key, so that an error can point at it."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import yaml

from automl.errors import SpaceError

_DEEPEST = 16

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of a document to one of its values."""


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
    lines: dict[KeyPath, int]

    def error(self, path: KeyPath, message: str) -> SpaceError:
        """Make an error that names the file, the line and the key of ``path``."""
        known = path
        while known not in self.lines:
            known = known[:-1]
        key = ".".join(str(part) for part in path)
        return SpaceError(f"{self.source}, line {self.lines[known]}: {f'{key}: ' if key else ''}{message}")


def parse_located(text: str, source: str) -> LocatedDocument:
    """Parse a YAML document whose top is a mapping.

    Raises:
        SpaceError: If the text is not YAML, its top is not a mapping, or a key stands twice.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise SpaceError(
            f"{source}, line {line}: this is not YAML: {error.problem}; check indentation and colons"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpaceError(f"{source}, line {line}: this is not YAML: {error.reason}; remove them") from None
    lines: dict[KeyPath, int] = {(): 1}
    if not isinstance(root, yaml.MappingNode):
        raise SpaceError(f"{source}, line 1: a space file is a mapping of sections, such as `architecture:`")
    document = LocatedDocument(source, {}, lines)
    document.data.update(_convert(root, (), document))
    return document


def _convert(node: yaml.Node, path: KeyPath, document: LocatedDocument) -> Any:  # noqa: ANN401 # YAML holds any type
    document.lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > _DEEPEST:
        raise document.error(path[:1], "this is nested too deeply, or holds itself; remove anchors and aliases")
    if isinstance(node, yaml.MappingNode):
        return _convert_mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(item, (*path, index), document) for index, item in enumerate(node.value)]
    try:
        return _scalar(node)
    except yaml.constructor.ConstructorError as error:
        raise document.error(path, f"this cannot be read: {error.problem}; remove the tag") from None
    except ValueError as error:
        raise document.error(path, f"{node.value!r} cannot be read: {error}; correct or quote it") from None


def _convert_mapping(node: yaml.MappingNode, path: KeyPath, document: LocatedDocument) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(_convert(key_node, path, document)) if isinstance(key_node, yaml.ScalarNode) else "?"
        document.lines[(*path, key)] = key_node.start_mark.line + 1
        if key in mapping:
            raise document.error((*path, key), "this key stands twice; keep one")
        mapping[key] = _convert(value_node, (*path, key), document)
    return mapping


def _scalar(node: yaml.Node) -> Hashable:
    loader = yaml.SafeLoader("")
    try:
        value: Hashable = loader.construct_object(node)
    finally:
        loader.dispose()
    return value
