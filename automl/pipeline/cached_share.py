"""What a recipe would still cost, for samplers that prefer the cheaper of two equal points."""

from collections.abc import Callable

from automl.core.recipe import Recipe
from automl.errors import AutomlError
from automl.pipeline.stage_keys import Ground, planned_epochs, stage_keys
from automl.storage.cache import CacheFolder


class CachedShare:
    """Knows which share of the epochs of a recipe was trained before.

    Args:
        cache: Where results are.
        ground: Of the workers: data, processor and versions.
    """

    def __init__(self, cache: CacheFolder, ground: Ground) -> None:
        self._cache = cache
        self._ground = ground

    def listed(self) -> Callable[[Recipe], float]:
        """List the cache once, and give a function from a recipe to the share, 0 to 1.

        A recipe that no trial can run has the share 0.

        Raises:
            StoreError: If the cache cannot be listed.
        """
        known = self._cache.keys()

        def share(recipe: Recipe) -> float:
            try:
                keys, epochs = stage_keys(recipe, self._ground), planned_epochs(recipe)
            except AutomlError:
                return 0.0
            steps = list(keys)
            cached = max((index + 1 for index, step in enumerate(steps) if keys[step] in known), default=0)
            return sum(epochs[step] for step in steps[:cached]) / sum(epochs.values())

        return share
