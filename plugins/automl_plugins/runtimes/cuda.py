"""ONNX Runtime on a GPU of NVIDIA."""

from automl.onnx_runtime import OnnxRuntime


class Cuda(OnnxRuntime):
    """ONNX Runtime on the GPU that it sees first."""

    name = "cuda"
    title = "ONNX Runtime on a GPU"
    install = "pip install onnxruntime-gpu"
    provider = "CUDAExecutionProvider"
    needs = (
        "it needs a GPU, its driver, and CUDA's libraries of the version that it was built for; "
        "pip install 'onnxruntime-gpu[cuda,cudnn]'"
    )
    needs_gpu = True
