"""Its author's tests: a contract each, in three lines."""

from automl_battery.energy import Energy
from automl_battery.front_walk import FrontWalk
from automl_battery.half_time import HalfTime
from automl_battery.xz import Xz

from automl.testing import MetricContract, RuntimeContract, SamplerContract, StoppingContract


class TestEnergy(MetricContract):
    measurement = Energy()


class TestXz(RuntimeContract):
    runtime = Xz()


class TestFrontWalk(SamplerContract):
    sampler = FrontWalk


class TestHalfTime(StoppingContract):
    rule = HalfTime
