"""Improvements are weighed as differences, and as factors where an objective spans decades."""

import numpy as np
import pytest
from tiny_study import line_space, trial_of

from automl.core.objective import Objective
from automl.suggest.acquisition_function import AcquisitionFunction, Observations
from automl.suggest.described_points import PointDescriber

OBJECTIVES = (Objective.parse("size_bytes:min"), Objective.parse("latency_ms:min"))


class Known:
    """Size grows by a factor from x0 = 0 to x0 = 1, latency from 1 to 2 ms with x1."""

    def __init__(self, factor):
        self.factor = factor

    def predict(self, points):
        return [
            {"size_bytes": 1000.0 * self.factor ** point["conv_net.x0"], "latency_ms": 1.0 + point["conv_net.x1"]}
            for point in points
        ]


def at(x0, x1):
    return {"conv_net.x0": x0, "conv_net.x1": x1, "conv_net.x2": 0.0}


def improvements(factor, *points):
    known = Known(factor)
    describer = PointDescriber(line_space(), known, ["size_bytes", "latency_ms"], seed=0)
    ends = [at(0.0, 1.0), at(1.0, 0.0)]  # small and slow, large and fast
    trials = [trial_of(number, ends[number], metrics=metrics) for number, metrics in enumerate(known.predict(ends))]
    observed = Observations(trials, describer.describe(ends), describer.describe([]), {})
    return AcquisitionFunction(observed, OBJECTIVES, (), groups=describer.groups).scores(describer.describe(points))


@pytest.mark.parametrize("factor", [10.0, 1000.0])
def test_what_is_known_improves_by_what_it_adds_to_the_front(factor):
    points = [at(0.5, 0.6), at(0.9, 0.1)]
    found = Known(factor).predict(points)
    sizes, latencies = (np.array([one[metric] for one in found]) for metric in ("size_bytes", "latency_ms"))
    largest = 1000 * factor
    saved = np.log(largest / sizes) if factor > 30 else largest - sizes
    assert improvements(factor, *points) == pytest.approx(saved * (2 - latencies))


def test_a_small_network_is_worth_most_where_sizes_span_decades():
    small, fast = improvements(1000.0, at(0.2, 0.8), at(0.8, 0.3))
    assert small > fast
    small, fast = improvements(10.0, at(0.2, 0.8), at(0.8, 0.3))
    assert small < fast
