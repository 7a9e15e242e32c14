"""The contract of automl.sampler as a class of tests, which the author of a sampler subclasses."""

import random
import re
import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from automl.core.domain import Categorical
from automl.core.parameter import Parameter
from automl.core.space import SearchSpace
from automl.core.trial import TrialState
from automl.core.value import Point
from automl.errors import SearchError
from automl.sampler import AnySampler
from automl.search_problem import SearchProblem
from automl.suggest.samplers import suggester_of
from automl.suggest.suggester import Suggester, point_key
from automl.testing.small_space import OBJECTIVES, Sizes, small_space, space_of, trial_of

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TRIALS = 12
_ENDS = (TrialState.COMPLETE, TrialState.FAILED, TrialState.INFEASIBLE, TrialState.STOPPED)


class SamplerContract:
    """Tests that a sampler keeps its contract; subclass it in a test file, and pytest finds them.

    Attributes:
        sampler: Its class, a ``Sampler`` or a ``Strategy``.
    """

    sampler: ClassVar[type[AnySampler]]

    def test_it_says_what_it_is(self) -> None:
        """Users write its name, and `automl plugins` shows its docstring."""
        if _NAME.fullmatch(getattr(self.sampler, "name", "")) is None:
            raise AssertionError("its class variable name is to be of lower case letters, digits and underscores")
        if not (self.sampler.__doc__ or "").strip():
            raise AssertionError("its class has no docstring, which `automl plugins` shows")

    def test_every_point_is_of_the_space_and_none_is_proposed_twice(self) -> None:
        """Whatever became of the points before: some complete, some failed, some were stopped."""
        space = small_space()
        points = self._asked_and_told(self._suggester(space))
        for point in points:
            if space.canonical(point) != point:
                raise AssertionError(f"{point} is not of the space as it stands")
        if len({point_key(point) for point in points}) < len(points):
            raise AssertionError("it proposes a point twice")

    def test_the_same_seed_gives_the_same_points_whatever_others_draw(self) -> None:
        """Draw from generators made of the seed."""
        runs = []
        for others in (1, 99):
            random.seed(others)
            np.random.seed(others)  # noqa: NPY002 # the global generator of libraries
            runs.append(self._asked_and_told(self._suggester(small_space())))
        if runs[0] != runs[1]:
            raise AssertionError("the same seed gives other points: it draws from a global generator, or from the time")

    def test_it_leaves_the_process_as_it_was(self) -> None:
        """A search shares its process with the user's own program: its generators, and its threads."""
        before, threads = _states(), set(threading.enumerate())
        self._asked_and_told(self._suggester(small_space()))
        changed = [name for name, state in _states().items() if not _is_equal(before.get(name, state), state)]
        if changed:
            raise AssertionError(f"it draws from the global generator of {', '.join(changed)}")
        left = set(threading.enumerate()) - threads
        if left:
            raise AssertionError(f"it leaves threads behind: {', '.join(thread.name for thread in left)}")

    def test_many_points_may_be_asked_before_one_is_told_in_any_order(self) -> None:
        """As many trials run at a time as there are workers."""
        suggester = self._suggester(small_space())
        points = [_some(suggester.ask()) for _ in range(8)]
        for number, point in reversed(list(enumerate(points))):
            suggester.tell(trial_of(number, point))
        if point_key(_some(suggester.ask())) in {point_key(point) for point in points}:
            raise AssertionError("it proposes a point that it was told of")

    def test_a_search_goes_on_from_the_trials_of_an_earlier_run(self) -> None:
        """It is told of points that it did not propose, and of points that are about to be evaluated."""
        earlier = self._asked_and_told(self._suggester(small_space(), seed=1))
        suggester = self._suggester(small_space())
        suggester.reserve(earlier[0])
        for number, point in enumerate(earlier[1:], 1):
            suggester.tell(trial_of(number, point))
        if point_key(_some(suggester.ask())) in {point_key(point) for point in earlier}:
            raise AssertionError("it proposes a point of the earlier run")

    def test_a_small_space_is_exhausted_and_then_no_point_is_proposed(self) -> None:
        """Every point of it is proposed once."""
        suggester = self._suggester(space_of(Parameter(name="pruner", domain=Categorical(choices=("none", "fpgm")))))
        found = [suggester.ask() for _ in range(3)]
        if found[2] is not None or {_some(point)["pruner"] for point in found[:2]} != {"none", "fpgm"}:
            raise AssertionError(f"of a space of two points it proposes {found}")

    def _suggester(self, space: SearchSpace, seed: int = 3) -> Suggester:
        return suggester_of(self.sampler, SearchProblem(space, OBJECTIVES, seed, known=_known(space), cost=_cost))

    @staticmethod
    def _asked_and_told(suggester: Suggester) -> list[Point]:
        points: list[Point] = []
        for number in range(_TRIALS):
            try:
                point = _some(suggester.ask())
            except SearchError as error:
                raise AssertionError(str(error)) from error
            points.append(point)
            suggester.tell(trial_of(number, point, _ENDS[0] if number % 3 else _ENDS[number // 3]))
        return points


def _known(space: SearchSpace) -> Sizes | None:
    return Sizes() if len(space.parameters) > 1 else None


def _cost(points: Any) -> list[float]:  # noqa: ANN401 # as many as there are
    return [1.0] * len(points)


def _some(point: dict[str, Any] | None) -> dict[str, Any]:
    if point is None:
        raise AssertionError("it proposes no point, though the space has more")
    return point


def _states() -> dict[str, object]:
    found: dict[str, Callable[[], object]] = {"random": random.getstate, "numpy": np.random.get_state}
    if "torch" in sys.modules:
        found["torch"] = sys.modules["torch"].get_rng_state
    return {name: state() for name, state in found.items()}


def _is_equal(first: object, second: object) -> bool:
    return repr(first) == repr(second)
