"""A recipe: the resolved stages of one point, enough to run the trial again."""

from automl.core.profile import Profile
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.core.value import Scalar, Value


class StageRecipe(Value):
    """One stage: which technique, with which hyperparameters and which per-layer profile.

    Attributes:
        profile: Sparsity a dependency group for a pruner, weight bits a layer for a quantizer.
    """

    stage: Stage
    technique: str
    hyperparameters: dict[str, Scalar]
    profile: Profile | None = None


class Recipe(Value):
    """The stages of a trial in order, and how its network is trained."""

    stages: tuple[StageRecipe, ...]
    training: TrainingSettings
    seed: int
