"""The whole contract of a runtime: which files it opens, how they are written and opened, and the lines that show it.

Every trial writes ``model.onnx``, which takes ``image``, raw uint8 pixels of the shape (n, channels, height, width),
and gives ``logits``, float32, (n, classes). A runtime opens that file, or what it makes of it. Ship one with a line in
your ``pyproject.toml``::

    [project.entry-points."automl.runtimes"]
    my_runtime = "my_package:MyRuntime"

Then ``automl export --format my_runtime`` hands its files out, and ``automl search --target my_runtime:1:1`` measures
every figure on them. ``automl.testing.RuntimeContract`` is this contract as tests.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:  # listing plugins imports nothing heavy
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["IMAGE", "LOGITS", "ONNX_FILE", "Network", "Runtime"]

ONNX_FILE = "model.onnx"
"""What every trial writes, and what every other file is made from."""

IMAGE = "image"
"""Name of the network's input in the ONNX file."""

LOGITS = "logits"
"""Name of the network's output in the ONNX file."""

PROBABILITIES = "probabilities"
"""Name of the output where ``automl export --softmax`` puts a softmax behind the logits."""

Network = Callable[[Any], "NDArray[np.float32]"]
"""Gives logits, float32 of the shape (n, classes), for what ``Runtime.pixels`` makes of n images."""


class Runtime(ABC):
    """Opens deployed files.

    It is made without arguments and keeps no state. Import its library inside the methods: where that is missing or
    does not load, the user reads one line that ends in ``install``, and nobody else is hurt.

    Attributes:
        name: What users write after ``--target`` and ``--format``; lower case, underscores.
        title: What messages call it.
        files: Names of the files that are deployed: the one that ``open`` is given first, then those that it reads
            beside it.
        install: The command that installs what it needs.
        distributions: Packages whose versions decide what it does; each row of a study for it has them.
        narrowest_weight_bits: The narrowest integers that it reads weights from. ``write`` is given them as int8 (8),
            also as INT4 with a Cast to int8 behind it (4), or as they are stored (1): as INT2 and as planes of bits
            too, which some runtimes misread without an error.
        tolerance: How far its logits may lie from those of ONNX Runtime on the same file, root mean square, in parts of
            their spread. What lies further away than 0.1 is never handed out.
        is_timed: Whether the time of a call says what its users wait for, so that it can be a target.
        works_on_caller: Whether, with one thread, all work of a call happens on the thread that calls: CPU time of that
            thread is then its latency, which other programs disturb least. Else the time on the wall is.
        needs_gpu: Whether it runs on a GPU.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    files: ClassVar[tuple[str, ...]] = (ONNX_FILE,)
    install: ClassVar[str] = ""
    distributions: ClassVar[tuple[str, ...]] = ()
    narrowest_weight_bits: ClassVar[Literal[1, 4, 8]] = 8
    tolerance: ClassVar[float] = 0.01
    is_timed: ClassVar[bool] = True
    works_on_caller: ClassVar[bool] = False
    needs_gpu: ClassVar[bool] = False

    def write(self, model: bytes, folder: Path) -> None:  # noqa: B027 # what opens the ONNX file has nothing to write
        """Write ``files``; equal networks give equal files. A runtime that opens the ONNX file itself writes nothing.

        Args:
            model: The content of an ONNX file.
            folder: It exists, and may hold other files.

        Raises:
            ConversionError: If the network cannot be converted, saying which operator is to blame. Any other
                exception becomes one.
        """

    @property
    def is_converted(self) -> bool:
        """Whether it opens other files than the ONNX file."""
        return self.files != (ONNX_FILE,)

    @abstractmethod
    def open(self, path: Path, *, threads: int) -> Network:
        """Load what was written, as its user would.

        Args:
            path: The first of ``files``.
            threads: How many shall compute; on a GPU, what stays on the processor.

        Raises:
            UsageError: If this host cannot run it so.
            ConversionError: If the network cannot be run.
        """

    def pixels(self, images: "NDArray[np.uint8]") -> Any:  # noqa: ANN401 # whatever the runtime takes
        """Arrange images as the user of this runtime has them; what that costs is no part of the latency.

        Args:
            images: Raw, shape (n, channels, height, width).
        """
        return images

    @abstractmethod
    def usage(self, path: str, *, threads: int | None) -> str:
        """Write the lines of Python that run the files: from ``pixels``, as ``pixels`` gives them, to ``logits``.

        Args:
            path: The first of ``files``.
            threads: Those that the figures were measured with; None where they were measured in another runtime.
        """

    def versions(self) -> dict[str, str]:
        """Give the versions of ``distributions``.

        Raises:
            PackageNotFoundError: If one is not installed.
        """
        return {name: version(name) for name in self.distributions}
