"""Names the processor and the GPU of this host: what was timed on one says nothing of another."""

import os
import platform
from pathlib import Path


def processor_name() -> str:
    """Give the model and the number of processors that the system sees."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()} x{os.cpu_count()}"


def gpu_name() -> str:
    """Give the models of the GPUs that NVIDIA's driver sees; empty where there is none."""
    found = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = [line for file in found for line in file.read_text().splitlines()]
    return ", ".join(line.partition(":")[2].strip() for line in lines if line.startswith("Model"))
