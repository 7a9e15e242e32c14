"""Infers the shapes of all tensors of a float32 graph."""

import onnx
from onnx import TensorProto, helper, shape_inference


def tensor_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Give the shape of every tensor that has one, without the batch; that of weights is whole, and they are lost."""
    for tensor in model.graph.initializer:  # inference reads their shapes alone, and copies all that it is given
        if tensor.data_type == TensorProto.FLOAT:
            tensor.ClearField("raw_data")
            model.graph.input.append(helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims))
    kept = [tensor for tensor in model.graph.initializer if tensor.data_type != TensorProto.FLOAT]
    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    graph = shape_inference.infer_shapes(model).graph
    known = {
        value.name: tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)[1:]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    return {**known, **weights}
