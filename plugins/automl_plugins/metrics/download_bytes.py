"""What a network takes on its way to a device."""

from automl.metric import Deployed, Measurement, Metric, Unit


class DownloadBytes(Measurement):
    """Bytes of the ONNX file entropy-coded, as ``automl export --packed`` writes it."""

    metric = Metric("download_bytes", Unit.BYTES, ordered_like="size_bytes")
    is_always_measured = True

    def measure(self, deployed: Deployed) -> float:
        """Pack the file and count."""
        return float(deployed.count_packed_bytes())
