"""What latency is measured for: which runtime, how many threads, how many images at a time."""

import re
from collections.abc import Collection
from contextlib import suppress

from pydantic import Field, ValidationError

from automl.core.value import Value
from automl.errors import UsageError

_DEVICE = "[a-z][a-z0-9_]*"
_TARGET = re.compile(rf"(?P<device>{_DEVICE})(?::(?P<threads>\d{{1,9}})(?::(?P<batch>\d{{1,9}}))?)?", re.ASCII)


class Target(Value):
    """Where a network shall run.

    Attributes:
        device: Name of a runtime; ``cpu`` is ONNX Runtime on the processor.
        threads: Of the runtime; on a GPU, for what stays on the processor.
        batch: Images a run.
    """

    device: str = Field(default="cpu", pattern=f"^{_DEVICE}$")
    threads: int = Field(default=1, ge=1, le=256)
    batch: int = Field(default=1, ge=1, le=65_536)

    @classmethod
    def parse(cls, text: str, devices: Collection[str] = ()) -> "Target":
        """Read ``DEVICE:THREADS:BATCH``, the last two of which may be left out.

        >>> Target.parse("cpu:4")
        Target(device='cpu', threads=4, batch=1)

        Args:
            text: What the user wrote.
            devices: Those that there are; any where absent.

        Raises:
            UsageError: If the text has another form, or names no such device, or a number is out of range.
        """
        match = _TARGET.fullmatch(text)
        is_absent = match is not None and bool(devices) and match["device"] not in devices
        if match is not None and not is_absent:
            given = {
                "device": match["device"],
                "threads": int(match["threads"] or 1),
                "batch": int(match["batch"] or 1),
            }
            with suppress(ValidationError):
                return cls.model_validate(given)
        known = f"devices {', '.join(devices)}; " if devices else ""
        fault = "is for a runtime that is not installed; the form is" if is_absent else "is not of the form"
        raise UsageError(
            f"target {text!r} {fault} DEVICE:THREADS or DEVICE:THREADS:BATCH, as in cpu:4 or cpu:1:8 "
            f"({known}1 to 256 threads, 1 to 65536 images)"
        )

    @property
    def is_reference(self) -> bool:
        """Whether it runs the ONNX file where all other answers are compared with: ONNX Runtime on the processor."""
        return self.device == ONE_THREAD.device

    def __str__(self) -> str:
        return f"{self.device}:{self.threads}" + (f":{self.batch}" if self.batch > 1 else "")


ONE_THREAD = Target()
"""One image at a time on one thread of the processor, in ONNX Runtime."""
