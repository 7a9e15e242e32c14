"""The points that anybody would try first."""

from typing import Annotated

import pytest
from installed_plugins import also_installed
from pydantic import Field

from automl.registry import TECHNIQUE
from automl.spaces.load import load_space, shipped_spaces
from automl.suggest.initial_points import initial_points
from automl.technique import Architecture, Width


@pytest.mark.parametrize("name", shipped_spaces())
def test_initial_points_of_a_shipped_space_are_points_of_it_and_differ(name):
    space = load_space(name)
    found = initial_points(space)
    assert found
    assert all(space.canonical(point) == point for point in found)
    assert len({tuple(sorted(point.items())) for point in found}) == len(found)


def test_initial_points_are_the_float_and_the_int8_network_at_full_and_half_width():
    dense, quantized, half, half_quantized = initial_points(load_space("digits"))
    assert (dense["pruner"], dense["quantizer"]) == ("none", "none")
    assert (dense["conv_net.depth"], dense["conv_net.width_1"], dense["conv_net.width_4"]) == (4, 32, 64)
    assert (quantized["quantizer"], quantized["weight_bits.level"], quantized["weight_bits.slope"]) == ("ptq", 8, 0)
    assert (half["conv_net.width_1"], half["conv_net.width_4"], half["quantizer"]) == (16, 32, "none")
    assert half_quantized["quantizer"] == "ptq"


def test_the_int8_point_has_eight_bits_in_each_layer_where_each_has_a_number_of_its_own(tmp_path):
    file = tmp_path / "raw.yaml"
    file.write_text(
        "architecture: {conv_net: }\n"
        "pruner: {l1_norm: }\nsparsity: {per_layer: {layers: 4, min: 0.1, max: 0.7, step: 0.1}}\n"
        "quantizer: {ptq: }\nweight_bits: {per_layer: {layers: 5, min: 2, max: 8}}\n"
    )
    for point in initial_points(load_space(str(file))):
        assert [point[f"weight_bits.layer_{index}"] for index in range(5)] == [8] * 5
        assert [point[f"sparsity.layer_{index}"] for index in range(4)] == [0.1] * 4


def test_every_architecture_of_a_space_has_initial_points():
    assert {point["architecture"] for point in initial_points(load_space("residual"))} == {"resnet", "mobilenet_v2"}


class Perceptron(Architecture):
    """A network whose width has another name.

    Attributes:
        hidden: Neurons of the hidden layer.
        bandwidth: Of the input, which has nothing to do with the layers.
    """

    name = "perceptron"

    hidden: Annotated[int, Field(ge=1, le=512), Width()] = 16
    bandwidth: Annotated[int, Field(ge=1, le=512)] = 16

    def build(self, context):
        raise NotImplementedError


def test_a_field_is_halved_for_its_annotation_and_not_for_its_name(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("architecture: {perceptron: {hidden: [8, 16, 32], bandwidth: [8, 16, 32]}}\n")
    with also_installed(TECHNIQUE, Perceptron):
        points = initial_points(load_space(str(file)))
    assert [(point["perceptron.hidden"], point["perceptron.bandwidth"]) for point in points] == [(32, 32), (16, 32)]
