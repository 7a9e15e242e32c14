"""A point of the space in one short line."""

import re
from collections.abc import Iterable, Mapping

from automl.core.space import NO_TECHNIQUE, ProfileSpec
from automl.core.stage import Stage
from automl.core.value import Point, Scalar

_NUMBERED = re.compile(r"(\w+?)_\d+")
_SAMPLES = 24
"""Layers at which a curve is sampled to find its ends; a multiple of any usual number of sections."""


def describe_point(point: Point, constants: Point, *, profiles: Mapping[Stage, ProfileSpec]) -> str:
    """Summarise a point: the network, then each technique with the range of its per-layer profile.

    >>> describe_point(
    ...     {"net.depth": 2, "net.width_1": 8, "net.width_2": 16, "pruner": "l1_norm", "sparsity.level": 0.4},
    ...     {"architecture": "net", "net.activation": "relu"},
    ...     profiles={Stage.PRUNER: ProfileSpec(name="sparsity", low=0.0, high=0.9, offsets=0)},
    ... )
    'net: depth 2, width 8-16, relu · l1_norm, sparsity 40 %'

    Args:
        point: The active parameters.
        constants: What the space fixes.
        profiles: The per-layer profile of each stage that has one.
    """
    values = {**point, **{name: value for name, value in constants.items() if name not in point}}
    names = {stage: str(values.get(stage.value, NO_TECHNIQUE)) for stage in Stage}
    parts = [
        _stage(stage, technique, values, profile=profiles.get(stage))
        for stage, technique in names.items()
        if technique != NO_TECHNIQUE
    ]
    return " · ".join(parts) or "no choices"


def _stage(stage: Stage, technique: str, values: Point, *, profile: ProfileSpec | None) -> str:
    if stage is Stage.ARCHITECTURE:
        prefix = f"{technique}."
        fields = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
        described = ", ".join(_fields(fields))
        return f"{technique}: {described}" if described else technique
    if profile is None or (not profile.layers and profile.level_name not in values):
        return technique
    return f"{technique}, {_curve(stage, profile, values)}"


def _fields(fields: Mapping[str, Scalar]) -> Iterable[str]:
    """Describe hyperparameters; numbered ones (``width_1``, ``width_2``) stand together."""
    groups: dict[str, list[Scalar]] = {}
    for field, value in fields.items():
        numbered = _NUMBERED.fullmatch(field)
        groups.setdefault(numbered[1] if numbered else field, []).append(value)
    for name, members in groups.items():
        title = name.replace("_", " ")
        if isinstance(members[0], bool):
            yield title if all(members) else f"no {title}"
        elif isinstance(members[0], str):
            yield "-".join(map(str, members))
        else:
            yield f"{title} {'-'.join(f'{value:g}' for value in members)}"


def _curve(stage: Stage, spec: ProfileSpec, values: Point) -> str:
    curve = spec.profile(values)
    samples = max(_SAMPLES, len(curve.offsets))
    if stage is Stage.QUANTIZER:
        bits = curve.whole_values(samples)
        return f"{_range(f'{min(bits)}', f'{max(bits)}')} bits"
    shares = curve.values(samples)
    return f"{spec.name.replace('_', ' ')} {_range(f'{100 * min(shares):.0f}', f'{100 * max(shares):.0f}')} %"


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"
