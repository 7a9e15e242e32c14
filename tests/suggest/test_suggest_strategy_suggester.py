"""A strategy becomes a suggester: never a point twice, canonical points, one reward for several objectives."""

import pytest
from tiny_study import OBJECTIVES, failed_trial, tiny_space, trial_of, wide_space

from automl.errors import SearchError
from automl.sampler import Strategy
from automl.suggest.strategy_suggester import StrategySuggester
from automl.suggest.suggester import point_key

POINTS_OF_THE_TINY_SPACE = 10
NARROW, WIDE, PRUNED = (
    {"conv_net.width_1": 8, "pruner": "none", "sparsity.level": 0.1},
    {"conv_net.width_1": 16, "pruner": "none", "sparsity.level": 0.1},
    {"conv_net.width_1": 8, "pruner": "l1_norm", "sparsity.level": 0.1},
)


class Listed(Strategy):
    """Proposes a list of points, the last one for ever, and keeps what it is told."""

    name = "listed"

    def __init__(self, *points):
        self._points = list(points)
        self.told = []

    def ask(self):
        return self._points.pop(0) if len(self._points) > 1 else self._points[0]

    def tell(self, point, reward):
        self.told.append((point, reward))


class Breaking(Listed):
    """Fails when it is asked."""

    def ask(self):
        raise ZeroDivisionError("a fault of the strategy")


def suggester_of(strategy, space=None):
    return StrategySuggester(strategy, space or tiny_space(), OBJECTIVES, seed=0)


def test_a_point_loses_what_does_not_apply_and_the_strategy_is_told_of_all_of_it():
    strategy = Listed(NARROW)
    suggester = suggester_of(strategy)
    point = suggester.ask()
    assert point == {"conv_net.width_1": 8, "pruner": "none"}
    suggester.tell(trial_of(0, point))
    assert strategy.told == [(NARROW, pytest.approx(0.75))]  # alone, in the middle of the feasible rewards


def test_a_real_value_is_put_on_the_grid():
    suggester = suggester_of(Listed({**PRUNED, "sparsity.level": 0.1 + 0.2}))
    assert suggester.ask()["sparsity.level"] == 0.3


def test_better_trials_earn_more():
    strategy = Listed(NARROW, WIDE, PRUNED)
    suggester = suggester_of(strategy)
    for number, accuracy in enumerate((0.5, 0.9, 0.1)):
        suggester.tell(trial_of(number, suggester.ask(), accuracy=accuracy))
    (_, first), (_, better), (_, worse) = strategy.told
    assert worse < first < better


def test_a_repeat_is_told_what_it_earned_and_another_point_is_asked_for():
    strategy = Listed(NARROW, {**NARROW, "sparsity.level": 0.5}, WIDE)
    suggester = suggester_of(strategy)
    suggester.tell(trial_of(0, suggester.ask()))
    assert suggester.ask()["conv_net.width_1"] == 16
    assert [point["sparsity.level"] for point, _ in strategy.told] == [0.1, 0.5]
    assert strategy.told[0][1] == strategy.told[1][1]


def test_a_repeat_of_a_point_that_runs_is_told_when_that_ends():
    strategy = Listed(NARROW, NARROW, WIDE)
    suggester = suggester_of(strategy)
    running = suggester.ask()
    assert suggester.ask()["conv_net.width_1"] == 16
    assert strategy.told == []
    suggester.tell(trial_of(0, running))
    assert [point for point, _ in strategy.told] == [NARROW, NARROW]


def test_a_strategy_that_insists_gets_random_points_beside_it_until_the_space_is_exhausted():
    strategy = Listed(NARROW)
    suggester = suggester_of(strategy)
    points = []
    for number in range(POINTS_OF_THE_TINY_SPACE):
        points.append(suggester.ask())
        suggester.tell(trial_of(number, points[-1]))
    assert len({point_key(point) for point in points}) == POINTS_OF_THE_TINY_SPACE
    assert [point for point in points if point in [told for told, _ in strategy.told]] == points[1:]
    assert suggester.ask() is None


def test_no_point_is_proposed_twice_while_several_trials_run():
    suggester = suggester_of(Listed(NARROW, NARROW, WIDE))
    points = [suggester.ask() for _ in range(POINTS_OF_THE_TINY_SPACE)]
    assert len({point_key(point) for point in points}) == POINTS_OF_THE_TINY_SPACE
    assert suggester.ask() is None


def test_a_point_of_an_earlier_run_is_told_and_not_proposed():
    strategy = Listed(NARROW, WIDE)
    suggester = suggester_of(strategy)
    earlier = {"conv_net.width_1": 8, "pruner": "none"}
    suggester.tell(trial_of(0, earlier))
    assert suggester.ask()["conv_net.width_1"] == 16
    assert strategy.told[0][0] == earlier


def test_a_reserved_point_is_not_proposed_and_is_told():
    strategy = Listed(NARROW, WIDE)
    suggester = suggester_of(strategy)
    reserved = {"conv_net.width_1": 8, "pruner": "none"}
    suggester.reserve(reserved)
    assert suggester.ask()["conv_net.width_1"] == 16
    suggester.tell(trial_of(0, reserved))
    assert NARROW in [point for point, _ in strategy.told]


def test_a_failed_trial_earns_nothing():
    strategy = Listed(NARROW)
    suggester = suggester_of(strategy)
    suggester.tell(failed_trial(0, suggester.ask()))
    assert strategy.told == [(NARROW, 0.0)]


@pytest.mark.parametrize(
    "change", [{"conv_net.width_1": 9}, {"pruner": "l2_norm"}, {"pruner": "l1_norm", "sparsity.level": 0.9}]
)
def test_a_point_outside_the_space_ends_the_search_with_the_name_of_the_sampler(change):
    with pytest.raises(SearchError, match=r"sampler 'listed' left the search space: .*outside its domain"):
        suggester_of(Listed({**NARROW, **change})).ask()


def test_a_point_that_lacks_a_parameter_ends_the_search():
    with pytest.raises(SearchError, match=r"left the search space: the point lacks 'conv_net.width_2'"):
        suggester_of(Listed({"conv_net.width_1": 8}), wide_space()).ask()


def test_a_fault_of_a_strategy_is_not_hidden():
    with pytest.raises(ZeroDivisionError, match="a fault of the strategy"):
        suggester_of(Breaking(NARROW)).ask()


@pytest.mark.parametrize("proposed", [None, [1, 2], "a point"])
def test_what_is_no_point_ends_the_search_with_the_name_of_the_sampler(proposed):
    with pytest.raises(SearchError, match=r"sampler 'listed' proposed .*, which maps no parameters to values; run"):
        suggester_of(Listed(proposed)).ask()
