"""The side of NNI's strategies that a search sees: points of any space, asked and told one by one."""

import random
from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

from automl.sampler import Parameter, Point, Scalar, Strategy
from automl_plugins.samplers._strategy_cells import cells_of

if TYPE_CHECKING:  # NNI takes seconds to import
    from automl_plugins.nni.strategy_engine import Model, OneModelEngine

_Key = tuple[tuple[str, Scalar], ...]


class Explorer(Protocol):
    """A strategy of NNI whose loop can be run pass by pass."""

    def initialize(self, model_space: "Model", engine: "OneModelEngine") -> "Model":
        """Take the space and the engine; NNI's own method."""
        ...

    def run_once(self) -> None:
        """Run the loop until the engine is full."""
        ...

    def adopt(self, model: "Model") -> None:
        """Count a model as submitted that came from elsewhere."""
        ...


class SteppedStrategy(Strategy):
    """Turns cells into points and back, for a strategy of NNI, which knows neither ranges nor conditions.

    Every parameter is one choice from a list of cells, whether it applies or not.
    """

    def __init__(self, parameters: tuple[Parameter, ...], constants: Point, *, seed: int) -> None:  # noqa: ARG002 # conditions are the caller's
        from automl_plugins.nni.strategy_engine import Model, OneModelEngine

        self._cells = {parameter.name: cells_of(parameter.domain) for parameter in parameters}
        self._generator = random.Random(seed)  # noqa: S311 # no secret depends on it
        self._asked: dict[_Key, list[Model]] = {}
        self._engine = OneModelEngine()
        self._space = Model({name: len(cells) for name, cells in self._cells.items()})
        self._explorer = self.explorer(seed)
        self._explorer.initialize(self._space, self._engine)

    @abstractmethod
    def explorer(self, seed: int) -> Explorer:
        """Make NNI's strategy."""

    def ask(self) -> Point:
        """Propose what the next pass of NNI's loop submits."""
        model = self._engine.next_of(self._explorer.run_once)
        point = {name: self._cells[name].draw(index, self._generator) for name, index in model.sample.items()}
        self._asked.setdefault(_key(point), []).append(model)
        return point

    def tell(self, point: Point, reward: float) -> None:
        """Pass a reward on; what was not asked here is handed in first, as if it had been."""
        models = self._asked.get(_key(point))
        if models:
            self._engine.finish(models.pop(), reward)
            return
        drawn = {name: self._generator.randrange(len(cells)) for name, cells in self._cells.items()}
        known = {name: self._cells[name].index_of(value) for name, value in point.items()}
        model = self._space.freeze(drawn | known)
        self._explorer.adopt(model)
        self._engine.finish(model, reward)


def _key(point: Point) -> _Key:
    return tuple(sorted(point.items()))
