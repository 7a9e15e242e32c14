"""LiteRT, formerly TensorFlow Lite."""

from pathlib import Path
from typing import TYPE_CHECKING

from automl.core.distribution import install_line
from automl.runtime import Network, Runtime

if TYPE_CHECKING:  # listing plugins imports nothing heavy
    import numpy as np
    from numpy.typing import NDArray


class LiteRT(Runtime):
    """LiteRT, formerly TensorFlow Lite, with XNNPACK; pixels come channels last, as cameras give them.

    Codes of weights take a byte each, whatever their width: narrower ones would run without int8 kernels.
    """

    name = "litert"
    title = "LiteRT"
    files = ("model.tflite",)
    install = install_line("litert")
    distributions = ("ai-edge-litert",)
    works_on_caller = True

    def write(self, model: bytes, folder: Path) -> None:
        """Write ``model.tflite``."""
        import onnx

        from automl_plugins.runtimes.litert.translation import translate

        (folder / self.files[0]).write_bytes(translate(onnx.load_from_string(model)))

    def open(self, path: Path, *, threads: int) -> Network:
        """Load a file for LiteRT's interpreter."""
        from ai_edge_litert.interpreter import Interpreter

        network = Interpreter(str(path), num_threads=threads).get_signature_runner()
        return lambda pixels: network(image=pixels)["logits"]

    def pixels(self, images: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
        """Put the channels last."""
        import numpy as np

        return np.ascontiguousarray(images.transpose(0, 2, 3, 1))

    def usage(self, path: str, *, threads: int | None) -> str:
        """Write three lines that run the signature of the file."""
        count = "" if threads is None else f", num_threads={threads}"
        return f"""
from ai_edge_litert.interpreter import Interpreter
network = Interpreter("{path}"{count}).get_signature_runner()
logits = network(image=pixels)["logits"]  # raw pixels: uint8, shape (images, height, width, channels)"""
