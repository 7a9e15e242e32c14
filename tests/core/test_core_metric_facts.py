"""What a metric's name says of its values decides which wishes nobody can mean."""

import pytest

from automl.core.metric_facts import constraint_fault, contradiction, objective_fault
from automl.core.objective import Constraint, Objective


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("accuracy>=95", "holds for no network: accuracy lies between 0 and 1; write 0.95 or 95%"),
        ("accuracy<=95", "holds for every network: accuracy lies between 0 and 1; write 0.95 or 95%"),
        ("accuracy>=101", "holds for no network: accuracy lies between 0 and 1; give another limit"),
        ("accuracy>=-0.5", "holds for every network"),
        ("accuracy>=0", "holds for every network"),
        ("accuracy<=1", "holds for every network"),
        ("accuracy<=-0.1", "holds for no network"),
        ("size_bytes<=0", "holds for no network: size_bytes is never below 1"),
        ("size_bytes<=-5", "holds for no network"),
        ("size_bytes>=0", "holds for every network"),
        ("latency_ms<=0", "holds for no network: latency_ms is always above 0"),
        ("latency_ms>=0", "holds for every network"),
        ("parity_gap<=5", "holds for every network: parity_gap lies between 0 and 1; write 0.05 or 5%"),
        ("parameters<=0", "holds for no network"),
        ("latency_threads<=4", "is the same for every network: --target states it"),
    ],
)
def test_a_limit_that_tells_no_networks_apart_has_a_fault(text, fault):
    assert constraint_fault(Constraint.parse(text)).startswith(fault)


@pytest.mark.parametrize(
    "text",
    [
        "accuracy>=0.95",
        "accuracy>=1",
        "accuracy<=0",
        "size_bytes<=1",
        "latency_ms<=1e-9",
        "parity_gap<=0",
        "latency_is_gated>=1",
        "size_bytes>=1e9",
    ],
)
def test_a_limit_that_some_network_keeps_and_another_breaks_has_none(text):
    assert constraint_fault(Constraint.parse(text)) is None


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["accuracy>=0.9", "accuracy<=0.5"], "hold for no network together"),
        (["size_bytes<=50kB", "size_bytes<=50kB"], "limit size_bytes twice; keep one"),
        (["size_bytes<=50kB", "size_bytes<=60kB"], "limit size_bytes twice; keep one"),
        (["size_bytes<=50kB", "size_bytes>=10kB"], None),
        (["size_bytes<=50kB", "accuracy>=0.9"], None),
    ],
)
def test_constraints_that_contradict_or_repeat_each_other_are_told(texts, words):
    found = contradiction(tuple(map(Constraint.parse, texts)))
    assert found is None if words is None else words in found


@pytest.mark.parametrize(
    ("text", "right"), [("accuracy:min", "accuracy:max"), ("size_bytes:max", "size_bytes:min"), ("latency_ms:max", "")]
)
def test_an_objective_that_seeks_the_worst_has_a_fault(text, right):
    assert right in objective_fault(Objective.parse(text))


@pytest.mark.parametrize("text", ["accuracy:max", "size_bytes:min", "latency_ms:min", "parameters:min"])
def test_an_objective_that_seeks_the_best_has_none(text):
    assert objective_fault(Objective.parse(text)) is None
