"""What latency is measured for: which runtime, how many threads, how many images at a time."""

import re
from contextlib import suppress
from typing import Literal, get_args

from pydantic import Field, ValidationError

from automl.core.value import Value
from automl.errors import UsageError

Device = Literal["cpu", "openvino", "cuda"]

_TARGET = re.compile(r"(?P<device>[a-z]+)(?::(?P<threads>\d{1,9})(?::(?P<batch>\d{1,9}))?)?", re.ASCII)


class Target(Value):
    """Where a network shall run.

    Attributes:
        device: ``cpu``, ONNX Runtime's own kernels; ``openvino``, OpenVINO on the processor; ``cuda``, ONNX Runtime
            on the GPU that it sees first.
        threads: Of the runtime; on a GPU, for what stays on the processor.
        batch: Images a run.
    """

    device: Device = "cpu"
    threads: int = Field(default=1, ge=1, le=256)
    batch: int = Field(default=1, ge=1, le=65_536)

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read ``DEVICE:THREADS:BATCH``, the last two of which may be left out.

        >>> Target.parse("openvino:4")
        Target(device='openvino', threads=4, batch=1)

        Raises:
            UsageError: If the text has another form, or a number is out of range.
        """
        match = _TARGET.fullmatch(text)
        if match is not None:
            given = {
                "device": match["device"],
                "threads": int(match["threads"] or 1),
                "batch": int(match["batch"] or 1),
            }
            with suppress(ValidationError):
                return cls.model_validate(given)
        raise UsageError(
            f"target {text!r} is not of the form DEVICE:THREADS or DEVICE:THREADS:BATCH, as in cpu:4 or openvino:1:8 "
            f"(devices {', '.join(get_args(Device))}; 1 to 256 threads, 1 to 65536 images)"
        )

    @property
    def files(self) -> tuple[str, ...]:
        """What is deployed, by name: the file that the runtime is given, then those that it opens beside it."""
        return ("model.xml", "model.bin") if self.device == "openvino" else ("model.onnx",)

    def __str__(self) -> str:
        return f"{self.device}:{self.threads}" + (f":{self.batch}" if self.batch > 1 else "")


ONE_THREAD = Target()
"""One image at a time on one thread of the processor, in ONNX Runtime."""
