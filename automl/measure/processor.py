"""Names the processor of this host: what was timed on one says nothing of another."""

import os
import platform
from pathlib import Path


def processor_name() -> str:
    """Give the model and the number of processors that the system sees."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()} x{os.cpu_count()}"
