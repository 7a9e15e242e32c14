"""A stopping rule of somebody else, which looks at trials while they train."""

from collections.abc import Mapping, Sequence

from automl.stopping_rule import Curve, StoppingRule


class HalfTime(StoppingRule):
    """Ends a trial that after half of its epochs is behind the best one before it."""

    name = "half_time"

    def stops(self, scores: Mapping[int, float], earlier: Sequence[Curve]) -> bool:
        half = self.epochs // 2
        others = [curve.scores[half] for curve in earlier if half in curve.scores]
        return max(scores) == half and scores[half] < max(others, default=0.0)
