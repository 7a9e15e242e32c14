"""Builds the flatbuffer that LiteRT opens, tensor by tensor and operator by operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3
_LAST_CODE_OF_A_BYTE = 127
_ALIGNMENT_BYTES = 16  # the schema asks for it, the generated code does not do it
_OPTIONS = {
    "ADD": "AddOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GELU": "GeluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MUL": "MulOptions",
    "RESHAPE": "ReshapeOptions",
}

Options = Mapping[str, int | list[int]]
"""Fields of an operator's table in the schema, by name."""


class ElementType(IntEnum):
    """What a tensor holds, as the schema numbers it."""

    FLOAT32 = 0
    FLOAT16 = 1
    INT32 = 2
    UINT8 = 3
    INT8 = 9


class Padding(IntEnum):
    """How a window goes over the border, as the schema numbers it."""

    SAME = 0
    VALID = 1


class Activation(IntEnum):
    """What an operator does to its result, as the schema numbers it."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3


@dataclass(frozen=True)
class Scale:
    """What the codes of a tensor stand for: ``(code - zero_point) * scale``.

    Attributes:
        scale: One for the tensor, or one for each index along ``axis``.
        zero_point: The same for all.
        axis: 0 where there is one scale.
    """

    scale: tuple[float, ...]
    zero_point: int = 0
    axis: int = 0


class FlatbufferWriter:
    """Collects one graph; tensors are known by their index."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]  # the first is that of tensors without content
        self._codes: dict[tuple[str, int], int] = {}

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        element: ElementType,
        *,
        scale: Scale | None = None,
        content: bytes | None = None,
    ) -> int:
        """Add a tensor, and give its index; one with content is constant."""
        tensor = schema.TensorT(shape=np.array(shape, np.int32), type=int(element), name=name, hasRank=True)
        if content is not None:
            tensor.buffer = len(self._buffers)
            self._buffers.append(_AlignedBuffer(content))
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT(
                scale=np.array(scale.scale, np.float32),
                zeroPoint=np.full(len(scale.scale), scale.zero_point, np.int64),
                quantizedDimension=scale.axis,
            )
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def operator(
        self, kind: str, inputs: Sequence[int], output: int, *, version: int, options: Options | None = None
    ) -> None:
        """Add an operator, which must come after those that compute its inputs.

        Args:
            kind: As the schema names it, for example ``CONV_2D``.
            inputs: Indices of tensors.
            output: Index of a tensor.
            version: Of the operator.
            options: Fields that differ from the schema's defaults.
        """
        operator = schema.OperatorT(
            opcodeIndex=self._codes.setdefault((kind, version), len(self._codes)),
            inputs=np.array(inputs, np.int32),
            outputs=np.array([output], np.int32),
        )
        if kind in _OPTIONS:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, _OPTIONS[kind])
            operator.builtinOptions = getattr(schema, f"{_OPTIONS[kind]}T")()
            for field, value in (options or {}).items():
                setattr(operator.builtinOptions, field, value)
        self._operators.append(operator)

    def finish(self, *, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> bytes:
        """Give the file, whose one signature has these inputs and outputs, by name."""
        graph = schema.SubGraphT(
            tensors=self._tensors,
            inputs=np.array(list(inputs.values()), np.int32),
            outputs=np.array(list(outputs.values()), np.int32),
            operators=self._operators,
        )
        signature = schema.SignatureDefT(
            inputs=[schema.TensorMapT(name, index) for name, index in inputs.items()],
            outputs=[schema.TensorMapT(name, index) for name, index in outputs.items()],
            signatureKey="serving_default",
        )
        model = schema.ModelT(
            version=_SCHEMA_VERSION,
            operatorCodes=[_operator_code(kind, version) for kind, version in self._codes],
            subgraphs=[graph],
            buffers=self._buffers,
            signatureDefs=[signature],
        )
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
        return bytes(builder.Output())


def _operator_code(kind: str, version: int) -> Any:
    code = getattr(schema.BuiltinOperator, kind)
    return schema.OperatorCodeT(min(code, _LAST_CODE_OF_A_BYTE), None, version, code)


class _AlignedBuffer:
    """Packs as the schema's ``BufferT`` does, with the content aligned."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 - the schema's word
        builder.Prep(_ALIGNMENT_BYTES, len(self._content))
        content = builder.CreateByteVector(self._content)
        schema.BufferStart(builder)
        schema.BufferAddData(builder, content)
        offset: int = schema.BufferEnd(builder)
        return offset
