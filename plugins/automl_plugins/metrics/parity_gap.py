"""How far a deployed network is from the one that was trained."""

from automl.metric import Deployed, Measurement, Metric, Unit


class ParityGap(Measurement):
    """Difference of the scores of the deployed network and of the one in torch, rounded as the deployed one is."""

    metric = Metric("parity_gap", Unit.POINTS)
    is_always_measured = True

    def measure(self, deployed: Deployed) -> float:
        """Take the one that the trial is warned by."""
        return deployed.parity_gap
