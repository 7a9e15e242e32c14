"""Finds objectives and constraints that make no sense, by what is known of their metrics."""

import math

from automl.core.installed_metrics import metric_named
from automl.core.objective import Constraint, Objective


def objective_fault(objective: Objective) -> str | None:
    """Say why an objective makes no sense; None where it does.

    >>> objective_fault(Objective.parse("accuracy:min"))
    'seeks the worst networks; write accuracy:max'
    """
    metric = metric_named(objective.metric)
    if metric.is_given:
        return "is the same for every network: --target states it; leave it out"
    if objective.direction is not metric.better:
        return f"seeks the worst networks; write {metric.name}:{metric.better}"
    return None


def constraint_fault(constraint: Constraint) -> str | None:
    """Say why a constraint keeps out every network, or none; None where it tells networks apart.

    >>> constraint_fault(Constraint.parse("accuracy>=95"))
    'holds for no network: accuracy lies between 0 and 1; write 0.95 or 95%'
    """
    metric, limit = metric_named(constraint.metric), constraint.limit
    if metric.is_given:
        return "is the same for every network: --target states it; leave it out"
    is_floor = constraint.operator == ">="
    above = limit > metric.high
    below = limit < metric.low or (limit == metric.low and not metric.is_low_reached)
    at_end = limit == (metric.low if is_floor else metric.high)
    if not (above or below or at_end):
        return None
    holds_for = "no network" if (above if is_floor else below) else "every network"
    span = f"is never below {metric.low:g}" if metric.is_low_reached else f"is always above {metric.low:g}"
    if math.isfinite(metric.high):
        span = f"lies between {metric.low:g} and {metric.high:g}"
    remedy = "give another limit, or leave it out"
    if above and limit <= 100 * metric.high:
        remedy = f"write {limit / 100:g} or {limit:g}%"
    return f"holds for {holds_for}: {metric.name} {span}; {remedy}"


def contradiction(constraints: tuple[Constraint, ...]) -> str | None:
    """Say which two constraints contradict each other; None where none do."""
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
