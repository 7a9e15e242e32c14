"""ONNX Runtime with one of its execution providers: what the runtimes that open the ONNX file itself derive from."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from automl.errors import MeasureError
from automl.runtime import Network, Runtime

if TYPE_CHECKING:  # it takes part of a second to import
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

_PROCESSOR = "CPUExecutionProvider"


class OnnxRuntime(Runtime):
    """Runs the ONNX file; a subclass with a name and a provider is a whole runtime.

    Attributes:
        provider: As ONNX Runtime names it.
        needs: What the provider needs to start, and how to come by it.
    """

    title = "ONNX Runtime"
    distributions = ("onnxruntime",)
    narrowest_weight_bits = 1
    provider: ClassVar[str] = _PROCESSOR
    needs: ClassVar[str] = "see the provider's page of ONNX Runtime's documentation"

    def session(self, model: Path | bytes, *, threads: int) -> "InferenceSession":
        """Open a file, or the bytes of one, as its user would.

        Raises:
            UsageError: If this installation of ONNX Runtime cannot run it on the provider.
            MeasureError: If it cannot load the file.
        """
        from automl.onnx_session import open_provider_session, open_session

        if self.provider == _PROCESSOR:
            return open_session(model, threads=threads)
        return open_provider_session(model, self.provider, threads=threads, install=self.install, needs=self.needs)

    def open(self, path: Path, *, threads: int) -> Network:
        """Load the ONNX file; a call raises MeasureError where the runtime cannot run it."""
        from automl.onnx_session import RUNTIME_REFUSALS, refusal

        session = self.session(path, threads=threads)
        name = session.get_inputs()[0].name

        def run(images: "NDArray[np.uint8]") -> "NDArray[np.float32]":
            try:
                logits: NDArray[np.float32] = session.run(None, {name: images})[0]
            except RUNTIME_REFUSALS as error:
                raise MeasureError(f"ONNX Runtime cannot run the network: {refusal(error)}") from error
            return logits

        return run

    def usage(self, path: str, *, threads: int | None) -> str:  # noqa: ARG002 # its default is all there are
        """Write three lines that open the file on the provider."""
        chosen = "" if self.provider == _PROCESSOR else f', providers=["{self.provider}"]'
        return f"""
import onnxruntime
session = onnxruntime.InferenceSession("{path}"{chosen})
logits, = session.run(None, {{"image": pixels}})  # raw pixels: uint8, shape (images, channels, height, width)"""
