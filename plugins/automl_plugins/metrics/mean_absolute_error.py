"""How far off a network's numbers are."""

import math

from automl.metric import Metric, Score


class MeanAbsoluteError(Score):
    """Mean absolute difference of outputs and labels, in the units of the labels: the score of regression."""

    metric = Metric("mean_absolute_error", bounds=(0.0, math.inf))
