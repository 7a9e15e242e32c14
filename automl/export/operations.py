"""Lists what the runtime will compute for a deployed file: the operators, their shapes, and which run in integers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import onnx
from onnx import helper
from torch import nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import ActivationQuantization, Quantization
from automl.export.onnx_writer import GraphSource, onnx_bytes
from automl.export.tensor_scales import settle_scales
from automl.export.tensor_shapes import tensor_shapes
from automl.export.torch_graph import NORMALISED, MarkedGraph, torch_graph

_LAYERS = {"Conv", "Gemm"}


@dataclass(frozen=True)
class Operation:
    """One operator, for one image.

    Attributes:
        kind: As ONNX calls it, for example ``Conv`` or ``Tanh``.
        reads_codes: Whether its input is quantized.
        writes_codes: Whether its output is quantized.
        is_integer: Whether its weight is, too.
        input_shape: Of its first input, without the batch: (channels, height, width) or (features,).
        output_shape: Of its output, without the batch.
        kernel: Height and width of a convolution's window, (1, 1) otherwise.
        stride: Of a convolution, in pixels.
        groups: Of a convolution, 1 otherwise.
    """

    kind: str
    reads_codes: bool
    writes_codes: bool
    is_integer: bool
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    groups: int = 1

    @property
    def macs(self) -> int:
        """Multiplications with a weight; 0 for what has none."""
        if self.kind not in _LAYERS:
            return 0
        return prod(self.output_shape) * self.input_shape[0] // self.groups * prod(self.kernel)


@dataclass(frozen=True)
class Outline:
    """What is known of a deployed file without its weights.

    Attributes:
        size_bytes: Of the file.
        operations: In the order in which they run.
    """

    size_bytes: int
    operations: tuple[Operation, ...]


def outline(
    model: nn.Module,
    *,
    image_shape: ImageShape,
    normalization: Normalization,
    quantization: Quantization | None,
    graph: GraphSource = torch_graph,
) -> Outline:
    """Count the bytes and the operations of the file that ``export_onnx`` would write.

    The arguments are those of ``onnx_bytes``.

    Raises:
        InfeasibleError: The quantization does not fit the network; the message names the module.
    """
    named = {**quantization.weights, **quantization.outputs} if quantization is not None else {}
    marked = graph(model, image_shape, marked=named)
    image = ActivationQuantization(normalization.scale, normalization.zero_point)
    operations = _operations(marked, image, quantization)
    content = onnx_bytes(
        model,
        image_shape=image_shape,
        normalization=normalization,
        quantization=quantization,
        graph=lambda *_args, **_kwargs: marked,
    )
    return Outline(len(content), tuple(operations))


def _operations(
    marked: MarkedGraph, image: ActivationQuantization, quantization: Quantization | None
) -> list[Operation]:
    inferred = onnx.ModelProto()
    inferred.CopyFrom(marked.model)
    graph = inferred.graph
    scales: Mapping[str, ActivationQuantization] = {}
    layers: set[str] = set()
    if quantization is not None:
        tensors = [(tensor, name) for tensor, names in marked.modules.items() for name in reversed(names)]
        layers = {tensor for tensor, name in tensors if name in quantization.weights}
        outputs = {tensor: quantization.outputs[name] for tensor, name in tensors if name in quantization.outputs}
        scales = settle_scales(graph, {NORMALISED: image, **outputs})
    shapes = tensor_shapes(inferred)
    return [
        _operation(node, shapes, scales, is_integer=node.output[0] in layers)
        for node in graph.node
        if node.op_type != "Constant"
    ]


def _operation(
    node: onnx.NodeProto,
    shapes: Mapping[str, tuple[int, ...]],
    scales: Mapping[str, ActivationQuantization],
    *,
    is_integer: bool,
) -> Operation:
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    kernel: Sequence[int] = attributes.get("kernel_shape", (1, 1)) if node.op_type == "Conv" else (1, 1)
    return Operation(
        kind=node.op_type,
        reads_codes=node.input[0] in scales,
        writes_codes=node.output[0] in scales,
        is_integer=is_integer and node.op_type in _LAYERS,
        input_shape=shapes.get(node.input[0], ()),
        output_shape=shapes.get(node.output[0], ()),
        kernel=(kernel[0], kernel[-1]),
        stride=int(attributes.get("strides", (1,))[0]) if node.op_type == "Conv" else 1,
        groups=int(attributes.get("group", 1)) if node.op_type == "Conv" else 1,
    )
