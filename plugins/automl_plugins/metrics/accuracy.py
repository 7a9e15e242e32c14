"""How often a network is right."""

from automl.metric import Direction, Metric, Score, Unit


class Accuracy(Score):
    """Share of the images whose largest logit is that of their class: the score of classification."""

    metric = Metric("accuracy", Unit.SHARE, Direction.MAX)
