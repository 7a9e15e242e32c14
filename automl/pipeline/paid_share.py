"""What a recipe would still cost, for samplers that prefer the cheaper of two equal points."""

from automl.core.recipe import Recipe
from automl.pipeline.stage_keys import Ground, planned_epochs, stage_keys

_ANY_GROUND = Ground(data=(), processor="", libraries=(), code=())
"""Keys are compared with each other alone, so that it does not matter where and on what data a trial ran."""


class PaidShare:
    """Knows which share of the epochs of a recipe is trained already.

    It is told of the trials of its study, not of the cache: a sampler proposes the same points with and without a
    cache, and whatever else fills it.

    >>> from automl.core.stage import Stage
    >>> from automl.core.recipe import StageRecipe
    >>> from automl.core.training_settings import TrainingSettings
    >>> network = StageRecipe(stage=Stage.ARCHITECTURE, technique="conv_net", hyperparameters={})
    >>> recipe = Recipe(stages=(network,), training=TrainingSettings(), seed=0)
    >>> share = PaidShare()
    >>> before = share(recipe)
    >>> share.add(recipe)
    >>> before, share(recipe)
    (0.0, 1.0)
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, recipe: Recipe) -> None:
        """Count the steps of a recipe as paid: a trial has run them, or runs them now."""
        self._known.update(stage_keys(recipe, _ANY_GROUND).values())

    def __call__(self, recipe: Recipe) -> float:
        """Give the share, 0 to 1; a third of a millisecond for a usual recipe.

        Raises:
            PluginError: If a technique is not installed.
        """
        keys, epochs = stage_keys(recipe, _ANY_GROUND), planned_epochs(recipe)
        steps = list(keys)
        paid = max((index + 1 for index, step in enumerate(steps) if keys[step] in self._known), default=0)
        return sum(epochs[step] for step in steps[:paid]) / sum(epochs.values())
