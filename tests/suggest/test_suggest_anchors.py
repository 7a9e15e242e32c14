"""The points that anybody would try first."""

import pytest

from automl.spaces.load import load_space, shipped_spaces
from automl.suggest.anchors import anchors


@pytest.mark.parametrize("name", shipped_spaces())
def test_anchors_of_a_shipped_space_are_points_of_it_and_differ(name):
    space = load_space(name)
    found = anchors(space)
    assert found
    assert all(space.canonical(point) == point for point in found)
    assert len({tuple(sorted(point.items())) for point in found}) == len(found)


def test_anchors_are_the_float_and_the_int8_network_at_full_and_half_width():
    dense, quantized, half, half_quantized = anchors(load_space("digits"))
    assert (dense["pruner"], dense["quantizer"]) == ("none", "none")
    assert (dense["conv_net.depth"], dense["conv_net.width_1"], dense["conv_net.width_4"]) == (4, 32, 64)
    assert (quantized["quantizer"], quantized["weight_bits.level"], quantized["weight_bits.slope"]) == ("ptq", 8, 0)
    assert (half["conv_net.width_1"], half["conv_net.width_4"], half["quantizer"]) == (16, 32, "none")
    assert half_quantized["quantizer"] == "ptq"


def test_the_int8_anchor_has_eight_bits_in_each_layer_where_each_has_a_number_of_its_own(tmp_path):
    file = tmp_path / "raw.yaml"
    file.write_text(
        "architecture: {conv_net: }\n"
        "pruner: {l1_norm: }\nsparsity: {per_layer: {layers: 4, min: 0.1, max: 0.7, step: 0.1}}\n"
        "quantizer: {ptq: }\nweight_bits: {per_layer: {layers: 5, min: 2, max: 8}}\n"
    )
    for point in anchors(load_space(str(file))):
        assert [point[f"weight_bits.layer_{index}"] for index in range(5)] == [8] * 5
        assert [point[f"sparsity.layer_{index}"] for index in range(4)] == [0.1] * 4


def test_every_architecture_of_a_space_has_anchors():
    assert {point["architecture"] for point in anchors(load_space("residual"))} == {"resnet", "mobilenet_v2"}
