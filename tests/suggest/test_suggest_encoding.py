"""Encoded points are as far apart as they differ, and parameters that do not apply are nowhere."""

import numpy as np
import pytest
from tiny_study import space_of, wide_space

from automl.core.domain import Categorical, Integer, Real
from automl.core.parameter import Condition, Parameter
from automl.suggest.encoding import Encoding

KINDS = ("relu", "tanh", "gelu")


def squared_distance(encoding, first, second):
    rows = encoding.encode([first, second])
    return float(np.square(rows[0] - rows[1]).sum())


def one(domain):
    return Encoding(space_of(Parameter(name="x", domain=domain)))


def test_two_different_choices_are_at_distance_one_whichever_they_are():
    encoding = one(Categorical(choices=KINDS))
    assert squared_distance(encoding, {"x": "relu"}, {"x": "gelu"}) == pytest.approx(1.0)
    assert squared_distance(encoding, {"x": "relu"}, {"x": "tanh"}) == pytest.approx(1.0)
    assert encoding.groups == (0, 0, 0)


@pytest.mark.parametrize(
    ("domain", "middle"),
    [
        (Integer(low=10, high=30, step=10), 20),
        (Integer(low=1, high=100, log=True), 10),
        (Real(low=-1.0, high=1.0), 0.0),
        (Real(low=1e-4, high=1.0, log=True), 1e-2),
        (Categorical(choices=(32, 8, 16)), 16),
    ],
    ids=str,
)
def test_numbers_lie_on_a_scale_from_zero_to_one(domain, middle):
    low, high = min(domain.extremes()), max(domain.extremes())
    assert one(domain).encode([{"x": low}, {"x": middle}, {"x": high}]).ravel() == pytest.approx([0.0, 0.5, 1.0])


def test_a_parameter_without_a_choice_has_no_column():
    assert Encoding(space_of(Parameter(name="x", domain=Integer(low=3, high=3)))).encode([{"x": 3}]).shape == (1, 0)


def test_parameters_that_do_not_apply_are_imputed_and_their_condition_is_told():
    encoding = Encoding(wide_space())
    base = {"conv_net.width_1": 8, "conv_net.width_2": 4, "conv_net.rate": 1e-4, "conv_net.residual": False}
    plain = {**base, "pruner": "none"}
    pruned = {**base, "pruner": "fpgm", "sparsity.level": 0.4, "sparsity.slope": 0.0}
    rows = encoding.encode([plain, pruned])
    assert rows.shape == (2, len(encoding.groups))
    # the pruner differs, and so does whether its parameters apply; these stand in the middle in both
    assert squared_distance(encoding, plain, pruned) == pytest.approx(2.0)
    assert squared_distance(encoding, pruned, {**pruned, "sparsity.level": 0.7}) == pytest.approx(0.25)


def test_a_choice_that_does_not_apply_is_as_far_from_every_choice():
    applies = Condition(parameter="a", values=(True,))
    encoding = Encoding(
        space_of(
            Parameter(name="a", domain=Categorical(choices=(False, True))),
            Parameter(name="b", domain=Categorical(choices=KINDS), condition=applies),
        )
    )
    distances = [squared_distance(encoding, {"a": False}, {"a": True, "b": kind}) for kind in KINDS]
    assert distances == pytest.approx([2.5] * 3)  # a differs, b applies or not, and half of what two choices differ


def test_parameters_of_one_domain_are_also_counted_together():
    edges = [Parameter(name=f"edge_{i}", domain=Categorical(choices=KINDS)) for i in range(4)]
    encoding = Encoding(space_of(*edges))
    rows = encoding.encode(
        [
            dict(zip((edge.name for edge in edges), kinds, strict=True))
            for kinds in (("relu", "relu", "tanh", "gelu"), ("tanh", "relu", "gelu", "relu"))
        ]
    )
    assert rows[:, -3:] == pytest.approx(np.array([[0.5, 0.25, 0.25]] * 2))
    assert not np.array_equal(rows[0], rows[1])
    assert len(set(encoding.groups)) == 4 + 3
