"""The points with which a search of compressed networks begins: the corners of its space."""

from automl.core.domain import Domain
from automl.core.space import NO_TECHNIQUE, SearchSpace
from automl.core.stage import Stage
from automl.core.value import Scalar
from automl.registry import TECHNIQUE
from automl.technique import Width

_FULL_WIDTH, _HALF_WIDTH = 1.0, 0.5


def initial_points(space: SearchSpace) -> list[dict[str, Scalar]]:
    """Give the corners of a space, which anybody would try first.

    For each architecture: the largest network in float, the same quantized at the highest bits, and both at half
    the width. Nothing is pruned or distilled where the space lets that be left out. Points that the space makes
    equal are given once.
    """
    architectures = space.choices(Stage.ARCHITECTURE)
    found = [
        _corner(space, architecture, width=width, is_quantized=is_quantized)
        for architecture in architectures
        for width in (_FULL_WIDTH, _HALF_WIDTH)
        for is_quantized in (False, True)
    ]
    return list({tuple(sorted(point.items())): point for point in found}.values())


def _corner(space: SearchSpace, architecture: Scalar, *, width: float, is_quantized: bool) -> dict[str, Scalar]:
    chosen: dict[str, Scalar] = {Stage.ARCHITECTURE.value: architecture}
    for stage in Stage:
        if stage is not Stage.ARCHITECTURE:
            names = space.choices(stage)
            wanted = [name for name in names if (name != NO_TECHNIQUE) == (stage is Stage.QUANTIZER and is_quantized)]
            chosen[stage.value] = [*wanted, *names, NO_TECHNIQUE][0]
    widths = _width_parameters(str(architecture))
    values: dict[str, Scalar] = dict(space.constants)
    for parameter in space.parameters:
        if parameter.is_active(values):
            name, domain = parameter.name, parameter.domain
            if name.startswith(f"{architecture}."):
                values[name] = domain.nearest(width * float(domain.largest())) if name in widths else domain.largest()
            else:
                values[name] = chosen.get(name) or _compression_value(space, name, domain)
    return space.canonical(values)


def _width_parameters(architecture: str) -> frozenset[str]:
    """Name the parameters that say how wide a network is; none of an architecture that is not installed."""
    if architecture not in TECHNIQUE.installed():
        return frozenset()
    return frozenset(f"{architecture}.{field}" for field in TECHNIQUE.load(architecture).fields_with(Width))


def _compression_value(space: SearchSpace, name: str, domain: Domain) -> Scalar:
    """Prune as little and keep as many bits as can be, the same in all layers; other values lie in the middle."""
    for stage, spec in space.profiles.items():
        if name in {spec.slope_name, *spec.offset_names}:
            return domain.nearest(0.0)
        if name in {spec.level_name, *spec.layer_names}:
            return domain.largest() if stage is Stage.QUANTIZER else domain.nearest(0.0)
    return domain.middle()
