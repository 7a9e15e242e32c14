"""What makes two studies different, in words that a user can act upon."""

from collections.abc import Iterator, Mapping

from automl.core.parameter import Parameter
from automl.core.study import StudySpec


def differences(stored: StudySpec, now: StudySpec) -> list[str]:
    """Say in which points two specs are not the same study.

    The name and description of the space, the description of the data, library versions and the date do not count:
    they do not change what a trial of the study is.
    """
    return _differing(_facts(stored), _facts(now)) or _differing(_leaves(stored), _leaves(now))


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: stored {before.get(name, 'none')}, now {after.get(name, 'none')}"
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def _leaves(spec: StudySpec) -> Mapping[str, str]:
    """Give all that a spec holds by its place in study.json, so that what ``_facts`` has no words for counts too."""
    same = {"name", "data", "versions", "created_at", "schema_version"}
    content = spec.model_dump(mode="json", exclude={**dict.fromkeys(same, True), "space": {"name", "description"}})
    return dict(_flat(content, ()))


def _flat(content: object, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping):
        for key, each in content.items():
            yield from _flat(each, (*place, str(key)))
    elif isinstance(content, list):
        for index, each in enumerate(content):
            yield from _flat(each, (*place, str(index)))
    else:
        yield ".".join(place), repr(content)


def _facts(spec: StudySpec) -> Mapping[str, str]:
    training = spec.space.training.model_dump()
    return {
        "dataset": spec.dataset,
        "dataset fingerprint": spec.dataset_fingerprint,
        "task": str(spec.task),
        "objectives": ", ".join(map(str, spec.objectives)),
        "constraints": ", ".join(map(str, spec.constraints)) or "none",
        "target": str(spec.target),
        "seed": str(spec.seed),
        **{f"parameter {parameter.name}": _domain(parameter) for parameter in spec.space.parameters},
        **{f"parameter {name}": f"fixed to {value!r}" for name, value in spec.space.constants.items()},
        **{
            f"profile {profile.name}": f"{stage}, {profile.low} to {profile.high}, {profile.offsets} offsets"
            for stage, profile in spec.space.profiles.items()
        },
        "teacher": str(spec.space.teacher or "the largest of the space"),
        **{f"training.{name}": str(value) for name, value in training.items()},
    }


def _domain(parameter: Parameter) -> str:
    condition = parameter.condition
    where = "" if condition is None else f" where {condition.parameter} in {list(condition.values)}"
    return f"{parameter.domain}{where}"
