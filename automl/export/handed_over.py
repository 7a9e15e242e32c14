"""Adds to a finished ONNX file what those who are handed it ask for: words that say what it is, probabilities."""

from collections.abc import Mapping

import onnx
from onnx import ModelProto, StringStringEntryProto, helper

from automl.errors import ConversionError
from automl.runtime import LOGITS, PROBABILITIES

_SOFTMAX_OPSET = 13
"""The first in which Softmax works on one axis alone."""


def with_metadata(model: bytes, words: Mapping[str, str]) -> bytes:
    """Append metadata to a file, as ``onnxruntime.InferenceSession.get_modelmeta`` reads it.

    Fields of a protocol buffer may follow each other in any order, so that the file that was given is the beginning
    of the one that is made, byte for byte: its checksum can still be taken.

    Args:
        model: The content of an ONNX file.
        words: By key.
    """
    entries = [StringStringEntryProto(key=key, value=value) for key, value in words.items()]
    appended: bytes = ModelProto(metadata_props=entries).SerializeToString()
    return model + appended


def with_softmax(model: bytes) -> bytes:
    """Put a softmax behind the logits: the output is ``probabilities``, float32, of the same shape.

    Args:
        model: The content of an ONNX file whose output is ``logits``.

    Raises:
        ConversionError: If the file is of an operator set whose softmax is another.
    """
    network = onnx.load_from_string(model)
    version = next(each.version for each in network.opset_import if each.domain == "")
    if version < _SOFTMAX_OPSET:
        raise ConversionError(f"operator set {version} has no softmax along one axis; export without --softmax")
    network.graph.node.append(helper.make_node("Softmax", [LOGITS], [PROBABILITIES], axis=1))
    network.graph.output[0].name = PROBABILITIES
    onnx.checker.check_model(network, full_check=True)
    content: bytes = network.SerializeToString()
    return content
