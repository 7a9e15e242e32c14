"""Regularized evolution, with NNI."""

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
        from automl_plugins.samplers._evolution_passes import EvolutionPasses

        return EvolutionPasses(
            population_size=_POPULATION,
            sample_size=_TOURNAMENT,
            mutation_prob=min(_MUTATIONS / len(self._cells), 0.5),
            crossover=True,
            dedup=False,  # the search answers repeats
            seed=seed,
        )
