"""ExecuTorch on phones, with XNNPACK's kernels."""

from pathlib import Path
from typing import TYPE_CHECKING

from automl.core.distribution import install_line
from automl.runtime import Network, Runtime

if TYPE_CHECKING:  # listing plugins imports nothing heavy
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


class ExecuTorch(Runtime):
    """ExecuTorch on phones, with XNNPACK; one image a call.

    Codes of weights take a byte each, whatever their width; layers whose output is not quantized, as the last one,
    have float32 weights.
    """

    name = "executorch"
    title = "ExecuTorch"
    files = ("model.pte",)
    install = install_line("executorch")
    distributions = ("executorch",)
    tolerance = 0.05
    is_timed = False  # an experimental call alone sets its threads, and a conversion takes half a minute

    def write(self, model: bytes, folder: Path) -> None:
        """Write ``model.pte``."""
        import onnx
        import torch
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

        from automl_plugins.runtimes._torch_replay import replay

        graph = onnx.load_from_string(model)
        shape = [dimension.dim_value for dimension in graph.graph.input[0].type.tensor_type.shape.dim[1:]]
        program = torch.export.export(replay(graph), (torch.zeros(1, *shape, dtype=torch.uint8),))
        lowered = to_edge_transform_and_lower(
            program,
            partitioner=[XnnpackPartitioner()],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),  # it knows no operators of quantization
        )
        (folder / self.files[0]).write_bytes(lowered.to_executorch().buffer)

    def open(self, path: Path, *, threads: int) -> Network:  # noqa: ARG002 # it takes as many as it likes
        """Load a file for ExecuTorch's own runtime."""
        import numpy as np
        from executorch.runtime import Runtime as Executor

        method = Executor.get().load_program(path).load_method("forward")

        def run(pixels: "Tensor") -> "NDArray[np.float32]":
            # Outputs share one buffer, so each is copied before the next run.
            images = (pixels[index : index + 1] for index in range(len(pixels)))
            return np.stack([method.execute([image])[0][0].clone().numpy() for image in images])

        return run

    def pixels(self, images: "NDArray[np.uint8]") -> "Tensor":
        """Give a tensor of torch."""
        import torch

        return torch.from_numpy(images)

    def usage(self, path: str, *, threads: int | None) -> str:  # noqa: ARG002 # it takes as many as it likes
        """Write three lines that run one image."""
        return f"""
from executorch.runtime import Runtime
method = Runtime.get().load_program("{path}").load_method("forward")
logits, = method.execute([pixels])  # one image a call: a torch tensor, uint8, shape (1, channels, height, width)"""
