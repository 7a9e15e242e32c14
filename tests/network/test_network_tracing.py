"""What cannot be traced is refused with the line of the user's own source that is at fault."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from automl.errors import InfeasibleError, UntraceableError
from automl.network.tracing import trace, trace_operations
from automl.testing.networks import Branching, Functional, Residual


class Inner(nn.Module):
    """Has a child, so that no tracer takes it for a leaf."""

    def __init__(self) -> None:
        super().__init__()
        self.child = nn.Identity()


class DependsOnValue(Inner):
    def forward(self, values: Tensor) -> Tensor:
        return -values if values.mean() > 0 else self.child(values)  # guilty


class CountsInPython(Inner):
    def forward(self, values: Tensor) -> Tensor:
        return self.child(values) * len(values)  # guilty


class MakesATensor(Inner):
    def forward(self, values: Tensor) -> Tensor:
        return self.child(values) + torch.zeros(values.shape[0], 1)  # guilty


class Asserts(Inner):
    def forward(self, values: Tensor) -> Tensor:
        assert values.shape[1] == 3  # guilty
        return self.child(values)


class CallsAFunction(Inner):
    def forward(self, values: Tensor) -> Tensor:
        return double_if_positive(self.child(values))  # guilty


def double_if_positive(values: Tensor) -> Tensor:
    return 2 * values if values.sum() > 0 else values


GUILTY = (DependsOnValue, CountsInPython, MakesATensor, Asserts, CallsAFunction)


@pytest.mark.parametrize("tracer", [trace, trace_operations])
@pytest.mark.parametrize("kind", GUILTY)
def test_untraceable_module_is_named_with_file_line_and_source(kind, tracer):
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    start = lines.index(f"class {kind.__name__}(Inner):")
    number = next(index for index in range(start, len(lines)) if lines[index].endswith("# guilty")) + 1
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(nn.ReLU(), kind()))
    with pytest.raises(UntraceableError) as caught:
        tracer(network)
    message = str(caught.value)
    assert f"module '1.1', a {kind.__name__}, at {__file__}, line {number}: `{lines[number - 1].strip()}`" in message
    assert "'level' or 'movement'" in message
    assert "\n" not in message
    assert isinstance(caught.value, InfeasibleError)


def test_network_that_is_at_fault_itself_has_no_path():
    with pytest.raises(UntraceableError, match=r"network: Branching itself, at .*networks\.py, line"):
        trace(Branching())


@pytest.mark.parametrize("network", [Residual(), Functional()])
def test_traced_network_computes_the_same(network):
    images = torch.randn(2, 3, 12, 12)
    expected = network.eval()(images)
    assert torch.equal(trace(network)(images), expected)
    assert torch.equal(trace_operations(network)(images), expected)


def test_sums_keep_their_name_for_a_quantizer_and_are_operations_for_a_pruner():
    network = Residual()
    assert "add" in {node.target for node in trace(network).graph.nodes if node.op == "call_module"}
    assert "add" not in {node.target for node in trace_operations(network).graph.nodes if node.op == "call_module"}
