"""ONNX Runtime on the processor, with its own kernels: what every figure is for unless a search says otherwise."""

from automl.onnx_runtime import OnnxRuntime


class Cpu(OnnxRuntime):
    """ONNX Runtime on the processor."""

    name = "cpu"
    tolerance = 0.0
    works_on_caller = True
