"""A parameter applies where its condition holds; parameters that contradict each other are refused."""

import pytest

from automl.core.domain import Integer
from automl.core.parameter import Condition, Parameter, check_parameters


def test_a_parameter_applies_where_its_condition_holds():
    parameter = Parameter(
        name="width", domain=Integer(low=1, high=2), condition=Condition(parameter="depth", values=(2, 3))
    )
    assert parameter.is_active({"depth": 2})
    assert not parameter.is_active({"depth": 1})
    assert not parameter.is_active({})


def test_a_parameter_declared_twice_is_refused():
    parameter = Parameter(name="depth", domain=Integer(low=1, high=2))
    with pytest.raises(ValueError, match="'depth' is declared twice"):
        check_parameters((parameter, parameter), {})
    with pytest.raises(ValueError, match="'depth' is declared twice"):
        check_parameters((parameter,), {"depth": 1})


def test_a_condition_on_a_later_parameter_is_refused():
    child = Parameter(name="width", domain=Integer(low=1, high=2), condition=Condition(parameter="depth", values=(1,)))
    parent = Parameter(name="depth", domain=Integer(low=1, high=2))
    with pytest.raises(ValueError, match="'width' depends on 'depth', which is not declared before it"):
        check_parameters((child, parent), {})
    check_parameters((parent, child), {})
    check_parameters((child,), {"depth": 1})
