"""A point of the space in one short line."""

import re
from collections.abc import Iterable, Mapping

from automl.core.profile import Profile
from automl.core.space import NO_TECHNIQUE, ProfileSpec
from automl.core.stage import Stage
from automl.core.value import Point, Scalar

_NUMBERED = re.compile(r"(\w+?)_\d+")
_SAMPLES = 24
"""Layers at which a curve is sampled to find its ends; a multiple of any usual number of sections."""


def describe_point(point: Point, constants: Point, *, profiles: Mapping[Stage, ProfileSpec] | None = None) -> str:
    """Summarise a point: the network, then each technique with the range of its per-layer profile.

    >>> describe_point(
    ...     {"net.depth": 2, "net.width_1": 8, "net.width_2": 16, "pruner": "l1_norm", "sparsity.level": 0.4},
    ...     {"architecture": "net", "net.activation": "relu"},
    ... )
    'net: depth 2, width 8-16, relu · l1_norm, sparsity 40 %'

    Args:
        point: The active parameters.
        constants: What the space fixes.
        profiles: Which stage each profile belongs to; without it, profiles stand at the end.
    """
    values = {**point, **{name: value for name, value in constants.items() if name not in point}}
    names = {stage: str(values.get(stage.value, NO_TECHNIQUE)) for stage in Stage}
    profiles = profiles or {}
    parts = [
        _stage(stage, technique, values, profile=profiles.get(stage))
        for stage, technique in names.items()
        if technique != NO_TECHNIQUE
    ]
    owned = {spec.name for spec in profiles.values()}
    loose = [name.removesuffix(".level") for name in values if name.endswith(".level")]
    curves = [_curve(owner, values) for owner in loose if owner not in owned and owner not in names.values()]
    without_owner = " · ".join(filter(None, parts))
    return ", ".join(filter(None, [without_owner, *curves])) or "no choices"


def _stage(stage: Stage, technique: str, values: Point, *, profile: ProfileSpec | None) -> str:
    if stage is Stage.ARCHITECTURE:
        prefix = f"{technique}."
        fields = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
        described = ", ".join(_fields(fields))
        return f"{technique}: {described}" if described else technique
    if profile is None or (not profile.layers and f"{profile.name}.level" not in values):
        return technique
    return f"{technique}, {_curve(profile.name, values, low=profile.low, high=profile.high)}"


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


def _curve(owner: str, values: Point, *, low: float = float("-inf"), high: float = float("inf")) -> str:
    offsets = [value for name, value in values.items() if name.startswith((f"{owner}.offset_", f"{owner}.layer_"))]
    curve = Profile(
        level=float(values.get(f"{owner}.level", 0.0)),  # absent where each layer has a number of its own
        slope=float(values.get(f"{owner}.slope", 0.0)),
        offsets=tuple(map(float, offsets)),
        low=low,
        high=high,
    )
    samples = max(_SAMPLES, len(offsets))
    if owner.endswith("bits"):
        bits = curve.whole_values(samples)
        return f"{_range(f'{min(bits)}', f'{max(bits)}')} bits"
    shares = curve.values(samples)
    return f"{owner.replace('_', ' ')} {_range(f'{100 * min(shares):.0f}', f'{100 * max(shares):.0f}')} %"


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"
