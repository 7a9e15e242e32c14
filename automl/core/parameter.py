"""Parameters: the dimensions of a search space, and when one applies."""

from automl.core.domain import Domain
from automl.core.value import Point, Scalar, Value


class Condition(Value):
    """A parameter applies only where another one has one of these values."""

    parameter: str
    values: tuple[Scalar, ...]


class Parameter(Value):
    """One dimension of a search space."""

    name: str
    domain: Domain
    condition: Condition | None = None

    def is_active(self, point: Point) -> bool:
        """Say whether the parameter applies, given the parameters before it in ``point``."""
        return self.condition is None or point.get(self.condition.parameter) in self.condition.values


def check_parameters(parameters: tuple[Parameter, ...], constants: Point) -> None:
    """Refuse two parameters of one name, and a condition on a parameter that does not stand before it.

    Raises:
        ValueError: Naming the parameter at fault.
    """
    known = set(constants)
    for parameter in parameters:
        if parameter.name in known:
            raise ValueError(f"parameter {parameter.name!r} is declared twice")
        if parameter.condition is not None and parameter.condition.parameter not in known:
            raise ValueError(
                f"parameter {parameter.name!r} depends on {parameter.condition.parameter!r}, "
                "which is not declared before it"
            )
        known.add(parameter.name)
