"""OpenVINO on the processor, with its own intermediate representation."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from automl.core.distribution import install_line
from automl.errors import ConversionError, UsageError
from automl.runtime import Network, Runtime

_BETWEEN_TAGS = re.compile(rb">\s+<")


class OpenVino(Runtime):
    """OpenVINO on the processor.

    Weights of at most 4 bits are stored in 4, others in 8; int8 kernels run them.
    """

    name = "openvino"
    title = "OpenVINO"
    files = ("model.xml", "model.bin")
    install = install_line("openvino")
    distributions = ("openvino",)
    narrowest_weight_bits = 4  # it refuses INT2, and computes wrong results from planes without an error
    tolerance = 0.02
    works_on_caller = True  # with one thread, the rest of its process took under 0.1 % of the time

    def write(self, model: bytes, folder: Path) -> None:
        """Write ``model.xml`` and ``model.bin``."""
        import openvino

        xml = folder / self.files[0]
        try:
            network = openvino.Core().read_model(model)
        except RuntimeError as error:
            raise ConversionError(f"OpenVINO cannot read the network: {_reason(error)}; deploy model.onnx") from error
        for number, node in enumerate(network.get_ordered_ops()):  # else named by what this process read before
            node.set_friendly_name(str(number))
        openvino.save_model(network, xml, compress_to_fp16=False)
        xml.write_bytes(_BETWEEN_TAGS.sub(b"><", xml.read_bytes()))  # of a small network, most bytes are indentation

    def open(self, path: Path, *, threads: int) -> Network:
        """Load a file for OpenVINO's CPU plugin; a number of threads that it would not take is refused."""
        import openvino

        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",  # its default is bfloat16 where the processor has that
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # all processes of a host would meet on its first processors
        }
        try:
            compiled = _compiled(core, path, settings)
        except RuntimeError as error:
            raise ConversionError(f"OpenVINO cannot run the network: {_reason(error)}; deploy model.onnx") from error
        taken = compiled.get_property("INFERENCE_NUM_THREADS")
        if taken != threads:
            raise UsageError(
                f"OpenVINO takes {taken} threads on this host, not {threads}; give --target {self.name}:{taken}"
            )
        return lambda images: compiled(images)[0]

    def usage(self, path: str, *, threads: int | None) -> str:
        """Write three lines that open the files with the precision, and the threads, of the figures."""
        count = "" if threads is None else f', "INFERENCE_NUM_THREADS": {threads}'
        return f"""
import openvino
network = openvino.Core().compile_model("{path}", "CPU", {{"INFERENCE_PRECISION_HINT": "f32"{count}}})
logits = network(pixels)[0]  # raw pixels: uint8, shape (images, channels, height, width)"""


def _compiled(core: Any, path: Path, settings: dict[str, Any]) -> Any:  # OpenVINO's
    """Compile in a thread that ends at once.

    OpenVINO gives the thread that compiles a signal stack, and frees it with the network. Of two networks that are
    freed in the order in which they were made, the second leaves the stack of the first behind, which is gone: the
    next Ctrl-C would end the process with a segmentation fault.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: core.compile_model(core.read_model(path), "CPU", settings)).result()


def _reason(error: RuntimeError) -> str:
    return " ".join(line for line in str(error).splitlines() if not line.startswith("Exception from")).strip()
