"""Points that a search of compressed networks should know before it proposes any: the corners of the space."""

from automl.core.domain import Domain
from automl.core.space import NO_TECHNIQUE, SearchSpace
from automl.core.stage import Stage
from automl.core.value import Scalar

_FULL_WIDTH, _HALF_WIDTH = 1.0, 0.5


def anchors(space: SearchSpace) -> list[dict[str, Scalar]]:
    """Give the points that anybody would try first.

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
    values: dict[str, Scalar] = dict(space.constants)
    for parameter in space.parameters:
        if parameter.is_active(values):
            name, domain = parameter.name, parameter.domain
            values[name] = chosen.get(name) or _value(
                name, domain, width=width, is_network=name.startswith(f"{architecture}.")
            )
    return space.canonical(values)


def _value(name: str, domain: Domain, *, width: float, is_network: bool) -> Scalar:
    field = name.rpartition(".")[2]
    if is_network:
        largest = domain.largest()
        return domain.nearest(width * largest) if "width" in field and not isinstance(largest, str) else largest
    if field == "slope" or field.startswith("offset_"):
        return domain.nearest(0.0)
    if name.startswith("weight_bits."):
        return domain.largest()
    if name.startswith("sparsity."):
        return domain.nearest(0.0)
    return domain.middle()
