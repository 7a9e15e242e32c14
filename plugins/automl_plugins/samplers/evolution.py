"""Regularized evolution, with NNI."""

from automl_plugins.nni.strategy_engine import Model, RegularizedEvolution
from automl_plugins.samplers._strategy_stepped import Explorer, SteppedStrategy

_POPULATION = 15
_TOURNAMENT = 8
_MUTATIONS = 1.0


class Evolution(SteppedStrategy):
    """Crosses and mutates the winners of tournaments, and forgets the oldest."""

    name = "evolution"
    paper = "Real, Aggarwal, Huang and Le, Regularized Evolution for Image Classifier Architecture Search, 2019"

    def explorer(self, seed: int) -> Explorer:
        """Make an evolution that crosses two winners, and then changes one parameter in the mean.

        NNI's defaults, a population of 100 and tournaments of 25, are for thousands of trials.
        """
        return _Passes(
            population_size=_POPULATION,
            sample_size=_TOURNAMENT,
            mutation_prob=min(_MUTATIONS / len(self._cells), 0.5),
            crossover=True,
            dedup=False,  # the search answers repeats
            seed=seed,
        )


class _Passes(RegularizedEvolution):  # type: ignore[misc] # NNI has no types
    """Runs one pass at a time; between two, NNI keeps all that it knows in attributes."""

    def run_once(self) -> None:
        self._run()

    def adopt(self, model: Model) -> None:
        self._running_models.append(model)

    def new_individual(self) -> Model:
        """Mutate, or draw at random while no trial has finished: NNI would look for the best of none."""
        model: Model = super().new_individual() if self._population else self.random()
        return model
