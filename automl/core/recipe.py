"""A recipe: the resolved stages of one point, enough to run the trial again."""

from pydantic import Field

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


class Teacher(Value):
    """The network that a distiller learns from.

    Attributes:
        candidates: Architectures; the one with the most parameters on the study's data teaches.
        is_trained: It comes with its weights, and is used as it is; others are trained as the study trains.
    """

    candidates: tuple[StageRecipe, ...] = Field(min_length=1)
    is_trained: bool = False

    def __str__(self) -> str:
        """Say who may teach.

        >>> network = StageRecipe(stage=Stage.ARCHITECTURE, technique="conv_net", hyperparameters={"depth": 4})
        >>> print(Teacher(candidates=(network,)))
        conv_net: depth 4
        """
        networks = (
            f"{each.technique}: {', '.join(f'{field} {value}' for field, value in each.hyperparameters.items())}"
            for each in self.candidates
        )
        return f"{' or '.join(networks)}{', already trained' if self.is_trained else ''}"


class Recipe(Value):
    """The stages of a trial in order, and how its network is trained.

    Attributes:
        teacher: Where one of the stages is a distiller.
    """

    stages: tuple[StageRecipe, ...]
    training: TrainingSettings
    seed: int
    teacher: Teacher | None = None
