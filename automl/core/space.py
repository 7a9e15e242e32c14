"""A search space: parameters in order, the constants beside them, and the recipe of a point."""

from typing import Self

from pydantic import model_validator

from automl.core.augmentation import Augmentation
from automl.core.objective import Objective
from automl.core.parameter import Parameter, check_parameters
from automl.core.profile import Profile
from automl.core.recipe import Recipe, StageRecipe, Teacher
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.core.value import Point, Scalar, Value

NO_TECHNIQUE = "none"
"""The choice that leaves a stage out."""


class ProfileSpec(Value):
    """A per-layer profile of a stage: its parameters are ``<name>.level``, ``.slope`` and ``.offset_<i>``.

    Where layers have numbers of their own instead, its parameters are ``<name>.layer_<i>`` alone.

    Attributes:
        low: No layer goes below this.
        high: No layer goes above this.
        offsets: How many sections of the network have an offset of their own.
        layers: How many layers have a number of their own; 0 for a curve.
    """

    name: str
    low: float
    high: float
    offsets: int
    layers: int = 0

    @property
    def level_name(self) -> str:
        """Name the parameter of the curve's level."""
        return f"{self.name}.level"

    @property
    def slope_name(self) -> str:
        """Name the parameter of the curve's slope."""
        return f"{self.name}.slope"

    @property
    def offset_names(self) -> tuple[str, ...]:
        """Name the parameters of the sections' offsets, from first to last."""
        return tuple(f"{self.name}.offset_{index}" for index in range(self.offsets))

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Name the parameters of the layers' own numbers, from first to last; none for a curve."""
        return tuple(f"{self.name}.layer_{index}" for index in range(self.layers))

    def profile(self, values: Point) -> Profile:
        """Make the profile of these values.

        Args:
            values: Of parameters and constants; a slope or an offset that lacks counts as 0.
        """
        if self.layers:
            own = tuple(float(values[name]) for name in self.layer_names)
            return Profile(level=0.0, offsets=own, low=self.low, high=self.high)
        return Profile(
            level=float(values[self.level_name]),
            slope=float(values.get(self.slope_name, 0.0)),
            offsets=tuple(float(values.get(name, 0.0)) for name in self.offset_names),
            low=self.low,
            high=self.high,
        )


class SearchSpace(Value):
    """The joint space of a study.

    Attributes:
        parameters: What a point chooses, parents before the parameters that depend on them. A technique's
            hyperparameter is called ``<technique>.<field>``; the choice of a technique, by its stage.
        constants: What the space fixes, under the same names.
        profiles: The per-layer profile of a stage.
        training: How each network is trained.
        dataset: Data set that the space was written for.
        task: Name of what the networks do with the images; the task of their labels where absent.
        objectives: What a search of this space is for, where the user names nothing else.
        teacher: Whom distillers learn from; the largest network of the space where absent.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    constants: dict[str, Scalar]
    profiles: dict[Stage, ProfileSpec]
    training: TrainingSettings
    dataset: str
    task: str | None = None
    objectives: tuple[Objective, ...]
    teacher: Teacher | None = None

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        check_parameters(self.parameters, self.constants)
        return self

    def canonical(self, point: Point) -> dict[str, Scalar]:
        """Keep the active parameters of ``point``, in order: equal trials have equal canonical points.

        Raises:
            ValueError: If an active parameter is missing or outside its domain.
        """
        active: dict[str, Scalar] = {}
        for parameter in self.parameters:
            if not parameter.is_active({**self.constants, **active}):
                continue
            if parameter.name not in point:
                raise ValueError(f"the point lacks {parameter.name!r}")
            value = point[parameter.name]
            if not parameter.domain.contains(value):
                raise ValueError(f"{parameter.name} = {value!r} is outside its domain, {parameter.domain}")
            active[parameter.name] = value
        return active

    def owners(self, stage: Stage) -> frozenset[str]:
        """Name the choice of a stage and the techniques that it is among: what its parameters begin with."""
        return frozenset({stage.value, *map(str, self.choices(stage))})

    def choices(self, stage: Stage) -> tuple[Scalar, ...]:
        """Name the techniques among which a stage chooses, or the one that it has; nothing where it is absent."""
        if stage.value in self.constants:
            return (self.constants[stage.value],)
        return next((p.domain.extremes() for p in self.parameters if p.name == stage.value), ())

    def with_architecture(self, technique: str, hyperparameters: dict[str, Scalar]) -> "SearchSpace":
        """Put one fixed architecture in the place of those that the space searches."""
        choice, replaced = Stage.ARCHITECTURE.value, self.owners(Stage.ARCHITECTURE)
        constants = {name: value for name, value in self.constants.items() if name.partition(".")[0] not in replaced}
        constants |= {choice: technique} | {f"{technique}.{name}": value for name, value in hyperparameters.items()}
        kept = tuple(p for p in self.parameters if p.name.partition(".")[0] not in replaced)
        return self.model_copy(update={"parameters": kept, "constants": constants})

    def with_augmentation(self, augmentation: Augmentation) -> "SearchSpace":
        """State how training images are varied."""
        training = self.training.model_copy(update={"augmentation": augmentation})
        return self.model_copy(update={"training": training})

    def recipe(self, point: Point, *, seed: int) -> Recipe:
        """Resolve a point into the stages of a trial."""
        values: dict[str, Scalar] = {**self.constants, **self.canonical(point)}
        found = [self._stage_recipe(stage, values) for stage in Stage]
        stages = tuple(stage for stage in found if stage is not None)
        teacher = None
        if any(stage.stage is Stage.DISTILLER for stage in stages):
            teacher = self.teacher or Teacher(candidates=self.largest_architectures())
        return Recipe(stages=stages, training=self.training, seed=seed, teacher=teacher)

    @property
    def has_distillers(self) -> bool:
        """Whether a point may have a distiller."""
        is_searched = any(parameter.name == Stage.DISTILLER for parameter in self.parameters)
        return is_searched or self.constants.get(Stage.DISTILLER, NO_TECHNIQUE) != NO_TECHNIQUE

    def largest_architectures(self) -> tuple[StageRecipe, ...]:
        """Give the largest network of each architecture: numbers at their high end, other choices at their first."""
        choice = Stage.ARCHITECTURE.value
        candidates = []
        for technique in self.choices(Stage.ARCHITECTURE):
            values = {**self.constants, choice: technique}
            for parameter in self.parameters:
                if parameter.name != choice and parameter.is_active(values):
                    values[parameter.name] = parameter.domain.largest()
            candidates.append(self._stage_recipe(Stage.ARCHITECTURE, values))
        return tuple(candidate for candidate in candidates if candidate is not None)

    def _stage_recipe(self, stage: Stage, values: dict[str, Scalar]) -> StageRecipe | None:
        technique = str(values.get(stage.value, NO_TECHNIQUE))
        if technique == NO_TECHNIQUE:
            return None
        owned = ((name.partition("."), value) for name, value in values.items())
        hyperparameters = {field: value for (owner, _, field), value in owned if owner == technique and field}
        profile = self.profiles[stage].profile(values) if stage in self.profiles else None
        return StageRecipe(stage=stage, technique=technique, hyperparameters=hyperparameters, profile=profile)
