"""Every strategy that ships keeps the contract of automl.sampler, and learns."""

import random
import re
import subprocess
import sys
import threading
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import torch

from automl.core.domain import Categorical, Integer, Real
from automl.core.parameter import Condition, Parameter
from automl.registry import SAMPLER
from automl.sampler import Strategy
from automl_plugins.samplers._strategy_cells import cells_of

SHIPPED = [
    name for name, plugin in SAMPLER.installed().items() if plugin.entry_point.value.startswith("automl_plugins.")
]
CHOICES = Categorical(choices=("none", "l1_norm", "fpgm"))
PRUNED = Condition(parameter="pruner", values=("l1_norm", "fpgm"))
EVERY_KIND = (
    Parameter(name="width", domain=Integer(low=8, high=32, step=8)),
    Parameter(name="units", domain=Integer(low=4, high=400, log=True)),
    Parameter(name="rate", domain=Real(low=1e-4, high=0.1, log=True)),
    Parameter(name="residual", domain=Categorical(choices=(False, True))),
    Parameter(name="pruner", domain=CHOICES),
    Parameter(name="level", domain=Real(low=0.1, high=0.7, step=0.1), condition=PRUNED),
    Parameter(name="slope", domain=Real(low=-0.3, high=0.3), condition=PRUNED),
    Parameter(name="fixed", domain=Integer(low=3, high=3)),
)
DIGITS = tuple(Parameter(name=f"digit_{i}", domain=Integer(low=0, high=9)) for i in range(6))

each_strategy = pytest.mark.parametrize("name", SHIPPED)


def make(name, parameters=EVERY_KIND, seed=0):
    return SAMPLER.load(name)(parameters, {"architecture": "conv_net"}, seed=seed)


def points_of(strategy, count, reward=lambda point: point["width"] / 32):
    points = []
    for _ in range(count):
        points.append(strategy.ask())
        strategy.tell(points[-1], reward(points[-1]))
    return points


def is_legal(domain, value):
    on_grid = round(value, 10) if isinstance(domain, Real) else value  # the search does the same
    return domain.contains(on_grid)


def sum_of_digits(point):
    """A reward whose mean is 0.5 at random, and to which every parameter adds."""
    return sum(point.values()) / (9 * len(point))


def random_digits(seed):
    generator = random.Random(seed)  # noqa: S311 # no secret depends on it
    return {parameter.name: generator.randint(0, 9) for parameter in DIGITS}


@each_strategy
def test_every_parameter_gets_a_value_of_its_domain_and_each_choice_is_tried(name):
    points = points_of(make(name), 60)
    for point in points:
        assert list(point) == [parameter.name for parameter in EVERY_KIND]
        assert all(is_legal(parameter.domain, point[parameter.name]) for parameter in EVERY_KIND), point
    assert {point["pruner"] for point in points} == {"none", "l1_norm", "fpgm"}
    assert {point["width"] for point in points} == {8, 16, 24, 32}


@each_strategy
def test_the_same_seed_gives_the_same_points_whatever_others_draw(name):
    first = points_of(make(name, seed=3), 30)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 # the global generator of libraries
    random.seed(99)
    assert points_of(make(name, seed=3), 30) == first
    assert points_of(make(name, seed=4), 30) != first


@each_strategy
def test_the_generators_of_others_stay_as_they_were(name):
    strategy = make(name)
    torch_state, numpy_state, state = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    points_of(strategy, 12)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert random.getstate() == state


@each_strategy
def test_rewards_steer_a_strategy_to_better_points_than_chance(name):
    last = [mean(map(sum_of_digits, points_of(make(name, DIGITS, seed), 70, sum_of_digits)[-20:])) for seed in range(4)]
    drawn = [[sum_of_digits(random_digits(seed * 20 + i)) for i in range(20)] for seed in range(4)]
    assert min(last) > max(map(mean, drawn)) + 0.05


@each_strategy
def test_a_strategy_learns_from_the_points_of_an_earlier_run(name):
    taught, untaught = make(name, DIGITS), make(name, DIGITS)
    for seed in range(80):
        taught.tell(random_digits(seed), sum_of_digits(random_digits(seed)))
    first = [mean(sum_of_digits(strategy.ask()) for _ in range(20)) for strategy in (taught, untaught)]
    assert first[0] > first[1] + 0.05


@each_strategy
def test_active_parameters_alone_may_be_told(name):
    strategy = make(name)
    strategy.tell({"width": 8, "units": 30, "rate": 0.01, "residual": True, "pruner": "none", "fixed": 3}, 0.7)
    assert len(points_of(strategy, 10)) == 10


@each_strategy
def test_many_points_may_be_asked_before_one_is_told_in_any_order(name):
    strategy = make(name, DIGITS)
    points = [strategy.ask() for _ in range(40)]
    for point in reversed(points):
        strategy.tell(point, sum_of_digits(point))
    assert len(points_of(strategy, 10, sum_of_digits)) == 10


@each_strategy
def test_a_search_in_which_every_point_earns_nothing_goes_on(name):
    assert len(points_of(make(name), 40, lambda _: 0.0)) == 40


@each_strategy
def test_no_thread_is_left(name):
    before = set(threading.enumerate())
    points_of(make(name), 12)
    assert set(threading.enumerate()) <= before


@each_strategy
def test_a_fault_inside_nni_surfaces_where_a_point_is_asked_for(name, monkeypatch):
    strategy = make(name)

    def fail(*_):
        raise ZeroDivisionError("a fault of NNI")

    monkeypatch.setattr(type(strategy._space), "freeze", fail)
    with pytest.raises(ZeroDivisionError, match="a fault of NNI"):
        strategy.ask()


@pytest.mark.slow
def test_a_strategy_prints_and_warns_of_nothing():
    script = (
        "from automl.core.domain import Integer\n"
        "from automl.core.parameter import Parameter\n"
        "from automl.registry import SAMPLER\n"
        "import automl_plugins.nni.strategy_engine, torch, sys\n"
        "assert 'gym' not in sys.modules\n"
        "parameters = tuple(Parameter(name=n, domain=Integer(low=0, high=9)) for n in 'ab')\n"
        "for name in ('evolution', 'rl'):\n"
        "    strategy = SAMPLER.load(name)(parameters, {}, seed=0)\n"
        "    for _ in range(20):\n"
        "        strategy.tell(strategy.ask(), 0.5)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False, timeout=240
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_strategy_of_the_readme_works_as_it_is_printed():
    text = (Path(__file__).parents[2] / "plugins" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(# hill_climber\.py.*?)```", text, re.DOTALL)
    written: dict[str, type[Strategy]] = {}
    exec(code, written)  # noqa: S102 # a page of ours
    flags = tuple(Parameter(name=f"flag_{i}", domain=Categorical(choices=(False, True))) for i in range(8))
    climber = written["HillClimber"](flags, {}, seed=0)
    points = points_of(climber, 60, lambda point: sum(point.values()) / 8)
    assert issubclass(written["HillClimber"], Strategy)
    assert mean(sum(point.values()) for point in points[-20:]) > 6.5


@pytest.mark.parametrize("parameter", EVERY_KIND, ids=lambda parameter: parameter.name)
def test_a_value_is_drawn_from_the_cell_that_it_is_in(parameter):
    cells, generator = cells_of(parameter.domain), random.Random(0)  # noqa: S311 # no secret depends on it
    assert 1 <= len(cells) <= 16
    for index in range(len(cells)):
        for _ in range(50):
            value = cells.draw(index, generator)
            assert is_legal(parameter.domain, value)
            is_whole_and_log = isinstance(parameter.domain, Integer) and parameter.domain.log
            assert abs(cells.index_of(value) - index) <= (1 if is_whole_and_log else 0)


@pytest.mark.parametrize(
    "domain",
    [Integer(low=1, high=1000), Integer(low=1, high=40, log=True), Real(low=0, high=5, step=0.1), CHOICES],
)
def test_the_cells_cover_every_value(domain):
    cells, generator = cells_of(domain), random.Random(1)  # noqa: S311 # no secret depends on it
    drawn = {cells.draw(generator.randrange(len(cells)), generator) for _ in range(20_000)}
    match domain:
        case Integer():
            assert drawn == set(range(domain.low, domain.high + 1))
        case Real():
            assert {round(value, 10) for value in drawn} == {round(domain.low + i / 10, 10) for i in range(51)}
        case Categorical():
            assert drawn == set(domain.choices)


def test_a_logarithmic_range_gets_as_many_cells_a_decade():
    cells, generator = cells_of(Real(low=1e-4, high=1.0, log=True)), random.Random(0)  # noqa: S311 # no secret depends on it
    assert [cells.index_of(value) for value in (1e-4, 2e-3, 2e-2, 0.2, 1.0)] == [0, 5, 9, 13, 15]
    assert 1e-4 <= cells.draw(0, generator) < 1.8e-4
