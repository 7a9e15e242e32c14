"""NNI's regularized evolution, a pass at a time."""

from automl_plugins.nni.strategy_engine import Model, RegularizedEvolution


class EvolutionPasses(RegularizedEvolution):  # type: ignore[misc] # NNI has no types
    """Runs one pass at a time; between two, NNI keeps all that it knows in attributes."""

    def run_once(self) -> None:
        self._run()

    def adopt(self, model: Model) -> None:
        self._running_models.append(model)

    def new_individual(self) -> Model:
        """Mutate, or draw at random while no trial has finished: NNI would look for the best of none."""
        model: Model = super().new_individual() if self._population else self.random()
        return model
