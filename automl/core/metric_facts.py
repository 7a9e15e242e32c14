"""What is known of a metric by its name: which values it can have, and which way is better."""

import math
from dataclasses import dataclass

from automl.core.objective import Constraint, Direction, Objective

_FIXED = ("latency_threads", "latency_batch")


@dataclass(frozen=True)
class MetricFacts:
    """What no measurement changes.

    Attributes:
        low: The least value.
        high: The largest value; infinite where there is none.
        is_low_reached: Whether the least value can be measured, or only what is above it.
        better: Which way is better.
    """

    low: float
    high: float
    is_low_reached: bool
    better: Direction

    @classmethod
    def of(cls, metric: str) -> "MetricFacts":
        """Read the facts off the name and the unit in it.

        >>> MetricFacts.of("accuracy").high, MetricFacts.of("size_bytes").high
        (1.0, inf)
        """
        if metric.endswith("accuracy"):
            return cls(0.0, 1.0, is_low_reached=True, better=Direction.MAX)
        if metric.endswith("_is_gated"):
            return cls(0.0, 1.0, is_low_reached=True, better=Direction.MAX)
        if metric.endswith("_gap"):
            return cls(0.0, 1.0, is_low_reached=True, better=Direction.MIN)
        if metric.endswith(("_bytes", "parameters")):
            return cls(1.0, math.inf, is_low_reached=True, better=Direction.MIN)
        return cls(0.0, math.inf, is_low_reached=False, better=Direction.MIN)


def objective_fault(objective: Objective) -> str | None:
    """Say why nobody can mean an objective; None where one can.

    >>> objective_fault(Objective.parse("accuracy:min"))
    'seeks the worst networks; write accuracy:max'
    """
    if objective.metric in _FIXED:
        return "is the same for every network: --target states it; leave it out"
    better = MetricFacts.of(objective.metric).better
    if objective.direction is not better:
        return f"seeks the worst networks; write {objective.metric}:{better}"
    return None


def constraint_fault(constraint: Constraint) -> str | None:
    """Say why a constraint keeps out every network, or none; None where it tells networks apart.

    >>> constraint_fault(Constraint.parse("accuracy>=95"))
    'holds for no network: accuracy lies between 0 and 1; write 0.95 or 95%'
    """
    metric, limit = constraint.metric, constraint.limit
    if metric in _FIXED:
        return "is the same for every network: --target states it; leave it out"
    facts = MetricFacts.of(metric)
    is_floor = constraint.operator == ">="
    above = limit > facts.high
    below = limit < facts.low or (limit == facts.low and not facts.is_low_reached)
    at_end = limit == (facts.low if is_floor else facts.high)
    if not (above or below or at_end):
        return None
    holds_for = "no network" if (above if is_floor else below) else "every network"
    span = f"is never below {facts.low:g}" if facts.is_low_reached else f"is always above {facts.low:g}"
    if math.isfinite(facts.high):
        span = f"lies between {facts.low:g} and {facts.high:g}"
    remedy = "give another limit, or leave it out"
    if above and limit <= 100 * facts.high:
        remedy = f"write {limit / 100:g} or {limit:g}%"
    return f"holds for {holds_for}: {metric} {span}; {remedy}"


def contradiction(constraints: tuple[Constraint, ...]) -> str | None:
    """Say which two constraints cannot both be meant; None where all can."""
    known: dict[tuple[str, str], Constraint] = {}
    for constraint in constraints:
        same = known.setdefault((constraint.metric, constraint.operator), constraint)
        if same is not constraint:
            return f"constraints '{same}' and '{constraint}' limit {constraint.metric} twice; keep one"
    for (metric, operator), floor in known.items():
        ceiling = known.get((metric, "<="))
        if operator == ">=" and ceiling is not None and floor.limit > ceiling.limit:
            return f"constraints '{floor}' and '{ceiling}' hold for no network together; correct one of them"
    return None
