"""A metric of somebody else, measured on the file that is deployed."""

from automl.metric import Deployed, Measurement, Metric

_MICROJOULES_A_MS = 4000.0


class Energy(Measurement):
    """Energy that a call takes, of a processor of four watts."""

    metric = Metric("energy_uj", symbol="uJ", ordered_like="macs")

    def measure(self, deployed: Deployed) -> float:
        return _MICROJOULES_A_MS * deployed.timed().latency_ms
