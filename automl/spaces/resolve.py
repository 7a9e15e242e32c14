"""From a space file and the installed plugins to a ``SearchSpace``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
from typing import Literal, get_origin

from pydantic import ValidationError

from automl.core.domain import Categorical, Domain
from automl.core.objective import Objective
from automl.core.parameter import Condition, Parameter
from automl.core.recipe import StageRecipe, Teacher
from automl.core.space import NO_TECHNIQUE, ProfileSpec, SearchSpace
from automl.core.stage import Stage
from automl.core.value import Scalar, Value
from automl.errors import AutomlError
from automl.registry import TASK, technique_class
from automl.spaces.located_yaml import KeyPath, LocatedDocument
from automl.spaces.space_file import ProfileSection, Section, SpaceFile, SpecifiedField, read_field, read_space_file
from automl.technique import ActiveIf, Search, Technique

_LARGEST = "largest"
_OWN_NETWORK = "python"
_PROFILE_LIMITS = {"sparsity": (0.0, 0.95), "weight_bits": (2.0, 8.0)}


def resolve_space(name: str, document: LocatedDocument) -> SearchSpace:
    """Validate a document and complete it with the ranges that the plugins declare.

    Raises:
        SpaceError: Naming file, line and key.
        PluginError: If a technique is unknown or cannot be imported.
    """
    return _Resolver(name, document, read_space_file(document)).resolve()


@dataclass
class _Resolver:
    name: str
    document: LocatedDocument
    file: SpaceFile
    parameters: list[Parameter] = field(default_factory=list)
    constants: dict[str, Scalar] = field(default_factory=dict)

    def resolve(self) -> SearchSpace:
        profiles: dict[Stage, ProfileSpec] = {}
        self._add_stage(Stage.ARCHITECTURE, self.file.architecture)
        for stage, section, name, profile in (
            (Stage.PRUNER, self.file.pruner, "sparsity", self.file.sparsity),
            (Stage.QUANTIZER, self.file.quantizer, "weight_bits", self.file.weight_bits),
        ):
            self._add_stage(stage, section)
            self._check_shape(name, profile)
            techniques = tuple(technique for technique in section if technique != NO_TECHNIQUE)
            if techniques:
                profiles[stage] = self._add_profile(name, profile, self._choice_condition(stage, techniques))
        if self.file.distiller:  # studies from before there were distillers have no such parameter
            self._add_stage(Stage.DISTILLER, self.file.distiller)
        return SearchSpace(
            name=self.name,
            description=self.file.description,
            parameters=tuple(self.parameters),
            constants=self.constants,
            profiles=profiles,
            training=self.file.training,
            dataset=self.file.dataset,
            task=self._task(),
            objectives=self._objectives(),
            teacher=self._teacher(),
        )

    def _add_stage(self, stage: Stage, section: Section) -> None:
        if not section:
            if stage is Stage.ARCHITECTURE:
                raise self.document.error((stage.value,), "name at least one architecture, such as conv_net")
            section = {NO_TECHNIQUE: None}
        names = tuple(section)
        self._add(stage.value, Categorical(choices=names) if len(names) > 1 else names[0], None)
        for name, fields in section.items():
            path = (stage.value, name)
            if name == NO_TECHNIQUE:
                if stage is Stage.ARCHITECTURE:
                    raise self.document.error(path, "a trial needs an architecture; remove none")
                if fields:
                    raise self.document.error(path, "leaving a stage out has no fields; remove them")
                continue
            technique = self._technique_class(name, stage, path)
            self._add_technique(technique, fields or {}, path, self._choice_condition(stage, (name,)))
            self._check_complete(technique, fields or {}, path)

    def _technique_class(self, name: str, stage: Stage, path: KeyPath) -> type[Technique]:
        try:
            return technique_class(name, stage)
        except AutomlError as error:
            raise self.document.error(path, str(error)) from error

    def _choice_condition(self, stage: Stage, techniques: tuple[str, ...]) -> Condition | None:
        """State when these techniques are chosen; None where they always are."""
        return None if stage.value in self.constants else Condition(parameter=stage.value, values=techniques)

    def _add_technique(
        self, technique: type[Technique], fields: dict[str, object], path: KeyPath, condition: Condition | None
    ) -> None:
        for unknown in fields.keys() - technique.model_fields.keys():
            nearest = get_close_matches(unknown, technique.model_fields, n=1) or list(technique.model_fields)
            raise self.document.error(
                (*path, unknown), f"{technique.name} has no such field; it has {', '.join(nearest)}"
            )
        for name, info in technique.model_fields.items():
            search = next((item for item in info.metadata if isinstance(item, Search)), None)
            active_if = next((item for item in info.metadata if isinstance(item, ActiveIf)), None)
            if name in fields:
                value = read_field(self.document, (*path, name), fields[name])
                self._check_legal(technique, name, value, (*path, name))
            elif search is not None:
                value = search.domain
            else:
                continue
            own_condition = condition
            if active_if is not None:
                parent = f"{technique.name}.{active_if.field}"
                if parent not in self.constants:
                    own_condition = active_if.condition(technique.name)
                elif self.constants[parent] not in active_if.values:
                    continue
            self._add(f"{technique.name}.{name}", value, own_condition)

    def _check_complete(self, technique: type[Technique], fields: dict[str, object], path: KeyPath) -> None:
        """Refuse a technique that would lack a field in every trial."""
        for name, info in technique.model_fields.items():
            if (
                info.is_required()
                and name not in fields
                and not any(isinstance(item, Search) for item in info.metadata)
            ):
                raise self.document.error((*path, name), f"{technique.name} needs this field; add it")

    def _check_shape(self, name: str, section: ProfileSection) -> None:
        """Refuse a profile that is neither a curve nor one number a layer."""
        if section.per_layer is None:
            if "level" not in section.model_fields_set:
                raise self.document.error((name, "level"), "this key is missing; add it, or per_layer in its place")
            return
        for key in ("level", "slope", "offsets"):
            if key in section.model_fields_set:
                raise self.document.error((name, key), f"per_layer gives each layer its own number; remove {key}")

    def _add_profile(self, name: str, section: ProfileSection, condition: Condition | None) -> ProfileSpec:
        low, high = _PROFILE_LIMITS[name]
        if section.per_layer is not None:
            spec = ProfileSpec(name=name, low=low, high=high, offsets=0, layers=section.per_layer.layers)
            bounds = section.per_layer.model_dump(exclude={"layers"}, exclude_none=True)
            own = self._within((name, "per_layer"), bounds)
            for layer in spec.layer_names:
                self._add(layer, own, condition)
            return spec
        sections = 0 if section.offsets is None else section.offsets.sections
        spec = ProfileSpec(name=name, low=low, high=high, offsets=sections)
        self._add(spec.level_name, self._within((name, "level"), section.level), condition)
        slope = read_field(self.document, (name, "slope"), section.slope)
        for value in _extremes(slope):
            if isinstance(value, bool | str) or not isfinite(value):
                raise self.document.error((name, "slope"), f"{value!r} is no finite number")
        self._add(spec.slope_name, slope, condition)
        if section.offsets is not None:
            bounds = section.offsets.model_dump(exclude={"sections"}, exclude_none=True)
            for offset in spec.offset_names:
                self._add(offset, read_field(self.document, (name, "offsets"), bounds), condition)
        return spec

    def _within(self, path: KeyPath, field: SpecifiedField) -> Domain | Scalar:
        """Read a field whose values a layer may have."""
        low, high = _PROFILE_LIMITS[str(path[0])]
        found = read_field(self.document, path, field)
        for value in _extremes(found):
            if isinstance(value, bool | str) or not low <= value <= high:
                raise self.document.error(path, f"{value!r} is outside {low:g} to {high:g}")
        return found

    def _add(self, name: str, value: Domain | Scalar, condition: Condition | None) -> None:
        if isinstance(value, Value):
            self.parameters.append(Parameter(name=name, domain=value, condition=condition))
        else:
            self.constants[name] = value

    def _check_legal(self, technique: type[Technique], name: str, value: Domain | Scalar, path: KeyPath) -> None:
        has_gaps = get_origin(technique.model_fields[name].annotation) is Literal
        for candidate in (has_gaps and _all_values(value)) or _extremes(value):
            try:
                technique.model_validate({name: candidate})
            except ValidationError as error:
                own = [found for found in error.errors() if found["loc"][:1] == (name,)]  # others may be required
                if own:
                    raise self.document.error(path, f"{candidate!r} is refused: {own[0]['msg']}") from None

    def _task(self) -> str | None:
        """Give the task that the file names; None for that of the labels."""
        if self.file.task is not None:
            try:
                TASK.load(self.file.task)
            except AutomlError as error:
                raise self.document.error(("task",), str(error)) from error
        return self.file.task

    def _teacher(self) -> Teacher | None:
        """Give the teacher that the file names; None for the largest network of the space."""
        stated = self.file.teacher
        if stated is None:
            return None
        if not any(name != NO_TECHNIQUE for name in self.file.distiller):
            raise self.document.error(("teacher",), "nobody learns from it; name a distiller, or remove the teacher")
        if stated == _LARGEST:
            return None
        if isinstance(stated, str) and ":" in stated:
            network = self._stage_recipe(_OWN_NETWORK, {"target": stated}, ("teacher",))
            return Teacher(candidates=(network,), is_trained=True)
        if not isinstance(stated, dict) or len(stated) != 1:
            raise self.document.error(
                ("teacher",),
                f"{stated!r} is no teacher; write largest, or one architecture with its fields, "
                "or MODULE:CALLABLE for a function that returns a trained network",
            )
        ((name, fields),) = stated.items()
        return Teacher(candidates=(self._named_network(name, fields or {}, ("teacher", name)),))

    def _named_network(self, name: str, fields: object, path: KeyPath) -> StageRecipe:
        """Complete the fields of one network: what it leaves open is as large as the space, or its plugin, allows."""
        technique = self._technique_class(name, Stage.ARCHITECTURE, path)
        if not isinstance(fields, dict):
            raise self.document.error(path, f"{fields!r} holds no fields; write them as `field: value`")
        for field_name, value in fields.items():
            if isinstance(value, list | dict):
                raise self.document.error((*path, field_name), f"a teacher is one network; {value!r} is not one value")
        chosen = _Resolver(self.name, self.document, self.file)
        chosen._add_technique(technique, {**(self.file.architecture.get(name) or {}), **fields}, path, None)
        values = {**chosen.constants}
        for parameter in chosen.parameters:
            if parameter.is_active(values):
                values[parameter.name] = parameter.domain.largest()
        hyperparameters = {key.partition(".")[2]: value for key, value in values.items()}
        return self._stage_recipe(name, hyperparameters, path)

    def _stage_recipe(self, name: str, hyperparameters: dict[str, Scalar], path: KeyPath) -> StageRecipe:
        try:
            self._technique_class(name, Stage.ARCHITECTURE, path).model_validate(hyperparameters)
        except ValidationError as error:
            first = error.errors()[0]
            what = ".".join(map(str, first["loc"]))
            raise self.document.error(path, f"{what}: {first['msg']} (got {first['input']!r})") from None
        return StageRecipe(stage=Stage.ARCHITECTURE, technique=name, hyperparameters=hyperparameters)

    def _objectives(self) -> tuple[Objective, ...]:
        try:
            return tuple(Objective.parse(text) for text in self.file.objectives)
        except AutomlError as error:
            raise self.document.error(("objectives",), str(error)) from error


def _all_values(value: Domain | Scalar) -> Sequence[Scalar] | None:
    return value.values() if isinstance(value, Value) else None


def _extremes(value: Domain | Scalar) -> tuple[Scalar, ...]:
    """Give the values that decide whether all of a domain is legal."""
    return value.extremes() if isinstance(value, Value) else (value,)
