"""What a network takes on disk."""

from automl.metric import Deployed, Measurement, Metric, Sketch, Unit


class SizeBytes(Measurement):
    """Bytes of what the runtime opens."""

    metric = Metric("size_bytes", Unit.BYTES)
    is_always_measured = True

    def measure(self, deployed: Deployed) -> float:
        """Add up the files."""
        return float(sum(file.stat().st_size for file in deployed.files))

    def foreseen(self, sketch: Sketch) -> float | None:
        """Give what the file will have; exactly, where the runtime takes ONNX."""
        return sketch.size_bytes
