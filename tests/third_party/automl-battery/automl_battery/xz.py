"""A runtime of somebody else, with a file of its own."""

import lzma
from pathlib import Path

from automl.runtime import IMAGE, Network, Runtime


class Xz(Runtime):
    """ONNX Runtime, from a file that is compressed."""

    name = "ort_xz"
    title = "ONNX Runtime from xz"
    files = ("model.onnx.xz",)
    distributions = ("onnxruntime",)
    works_on_caller = True

    def write(self, model: bytes, folder: Path) -> None:
        (folder / self.files[0]).write_bytes(lzma.compress(model))

    def open(self, path: Path, *, threads: int) -> Network:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(lzma.decompress(path.read_bytes()), options)
        return lambda images: session.run(None, {IMAGE: images})[0]

    def usage(self, path: str, *, threads: int | None) -> str:
        options = "" if threads is None else f"\noptions.intra_op_num_threads = {threads}"
        return f"""
import lzma, onnxruntime
options = onnxruntime.SessionOptions(){options}
session = onnxruntime.InferenceSession(lzma.open("{path}").read(), options)
logits = session.run(None, {{"{IMAGE}": pixels}})[0]  # raw pixels: uint8, shape (images, channels, height, width)"""
