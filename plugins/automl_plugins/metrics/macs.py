"""How much a network computes."""

import math

from automl.metric import Deployed, Measurement, Metric, Sketch, Unit


class Macs(Measurement):
    """Operations: multiplications with a weight, and an addition each, for one image."""

    metric = Metric("macs", Unit.COUNT, bounds=(0.0, math.inf))

    def measure(self, deployed: Deployed) -> float:
        """Count those of convolutions and linear layers."""
        return float(deployed.count_macs())

    def foreseen(self, sketch: Sketch) -> float | None:
        """Count those of the untrained network, which are as many."""
        return float(sketch.macs)
