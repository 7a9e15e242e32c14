"""How many numbers a network has learnt."""

from automl.metric import Deployed, Measurement, Metric, Sketch, Unit


class Parameters(Measurement):
    """Parameters of the network, batch normalisation folded."""

    metric = Metric("parameters", Unit.COUNT)
    is_always_measured = True

    def measure(self, deployed: Deployed) -> float:
        """Count those of the network that was exported."""
        return float(deployed.parameters)

    def foreseen(self, sketch: Sketch) -> float | None:
        """Count those of the untrained network, which are as many."""
        return float(sketch.parameters)
