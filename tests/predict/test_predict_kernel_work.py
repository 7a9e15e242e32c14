import pytest

from automl.export.operations import Operation
from automl.predict.kernel_work import kernel_work


def conv(inputs: int, outputs: int, *, groups: int = 1, is_integer: bool = False) -> Operation:
    return Operation(
        "Conv", is_integer, is_integer, is_integer, (inputs, 8, 8), (outputs, 8, 8), kernel=(3, 3), groups=groups
    )


def test_whole_blocks_of_channels_are_computed():
    narrow, odd = kernel_work([conv(16, 16)]), kernel_work([conv(17, 17)])
    assert narrow["float conv 3x3, blocked, macs"] == 16 * 16 * 64 * 9
    assert odd["float conv 3x3, blocked, macs"] == 32 * 32 * 64 * 9


def test_inputs_of_less_than_a_block_are_read_as_they_are():
    assert kernel_work([conv(3, 16)])["float conv 3x3, narrow, macs"] == 3 * 16 * 64 * 9


def test_depthwise_convolutions_of_whole_blocks_are_told_from_others():
    assert "float depthwise" in kernel_work([conv(32, 32, groups=32)])
    assert "float grouped" in kernel_work([conv(36, 36, groups=36)])
    integer = kernel_work([conv(36, 36, groups=36, is_integer=True)])
    assert integer["integer depthwise, odd macs"] == 4 * 64 * 9


@pytest.mark.parametrize("kind", ["Tanh", "Add"])
def test_an_activation_between_codes_is_work_of_its_own(kind):
    shape = (16, 8, 8)
    floats = kernel_work([Operation(kind, False, False, False, shape, shape)])
    codes = kernel_work([Operation(kind, True, True, False, shape, shape)])
    assert floats == {"run": 1.0, f"{kind}, floats": 1.0, f"{kind}, floats, elements": 1024.0}
    assert codes == {"run": 1.0, f"{kind}, codes to codes": 1.0, f"{kind}, codes to codes, elements": 1024.0}


def test_a_clamp_in_float_is_part_of_the_layer_before_it():
    shape = (16, 8, 8)
    assert kernel_work([Operation("Relu", False, False, False, shape, shape)]) == {"run": 1.0}


def test_work_adds_up():
    once, twice = kernel_work([conv(16, 16)]), kernel_work([conv(16, 16)] * 2)
    assert twice == {name: amount * (1 if name == "run" else 2) for name, amount in once.items()}
