"""What latency is measured for: which runtime, how many threads, how many images at a time."""

import re
from typing import Literal

from pydantic import Field

from automl.core.value import Value
from automl.errors import UsageError

_TARGET = re.compile(r"(?P<device>[a-z]+)(?::(?P<threads>\d{1,3}))?(?::(?P<batch>\d{1,5}))?")


class Target(Value):
    """Where a network shall run.

    Attributes:
        device: ``cpu``, ONNX Runtime's own kernels.
        threads: Of the runtime.
        batch: Images a run.
    """

    device: Literal["cpu"] = "cpu"
    threads: int = Field(default=1, ge=1, le=256)
    batch: int = Field(default=1, ge=1, le=65_536)

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read ``DEVICE:THREADS:BATCH``, the last two of which may be left out.

        >>> Target.parse("cpu:4")
        Target(device='cpu', threads=4, batch=1)

        Raises:
            UsageError: If the text has another form, or a number is out of range.
        """
        match = _TARGET.fullmatch(text)
        threads, batch = (int(match[part] or 1) if match else 0 for part in ("threads", "batch"))
        if match is None or match["device"] != "cpu" or not (1 <= threads <= 256 and 1 <= batch <= 65_536):
            raise UsageError(
                f"target {text!r} is not of the form cpu:THREADS or cpu:THREADS:BATCH, as in cpu:4 or cpu:1:8 "
                "(1 to 256 threads, 1 to 65536 images)"
            )
        return cls(threads=threads, batch=batch)

    def __str__(self) -> str:
        return f"{self.device}:{self.threads}" + (f":{self.batch}" if self.batch > 1 else "")


ONE_THREAD = Target()
"""One image at a time on one thread of the processor."""
