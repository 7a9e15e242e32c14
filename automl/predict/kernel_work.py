"""Counts what the kernels of ONNX Runtime do for a network, in units whose time a host has in common.

Multiplications alone explain latency badly: kernels compute whole blocks of channels, copy windows into rows, and
each call costs time of its own. What is counted follows the runtime's kernels for x86 (MLAS), in which float
convolutions run in blocks of 16 channels, and integer ones as products of matrices.
"""

from collections import Counter
from collections.abc import Iterable
from math import ceil, prod

from automl.export.operations import Operation

_BLOCK = 16
"""Channels that a kernel of MLAS computes at once, with AVX-512."""
_CODES_A_STEP = 4
"""Codes of int8 that an integer kernel multiplies and adds in one step."""
_MOVES_NOTHING = {"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
_FUSED_IN_FLOAT = {"Clip", "Relu"}


def kernel_work(operations: Iterable[Operation]) -> dict[str, float]:
    """Give the amount of each sort of work for one image.

    >>> conv = Operation("Conv", False, False, False, (3, 8, 8), (20, 8, 8), kernel=(3, 3))
    >>> kernel_work([conv])
    {'run': 1.0, 'float conv, narrow': 1.0, 'float conv 3x3, narrow, macs': 55296.0, 'float conv, narrow, in': 192.0, \
'float conv, narrow, out': 2048.0}

    Args:
        operations: In the order in which they run.

    Returns:
        By the name of the work: calls, multiplications or elements.
    """
    work: Counter[str] = Counter({"run": 1})
    for operation in operations:
        if operation.kind == "Conv":
            work.update(_convolution(operation))
        elif operation.kind == "Gemm":
            number = "integer" if operation.is_integer else "float"
            work.update({f"{number} linear": 1, f"{number} linear, macs": operation.macs})
        elif operation.kind not in _MOVES_NOTHING:
            work.update(_elementwise(operation))
    return {name: float(amount) for name, amount in work.items()}


def _convolution(conv: Operation) -> dict[str, int]:
    if conv.groups > 1:
        return _depthwise(conv)
    inputs, outputs = conv.input_shape[0], conv.output_shape[0]
    pixels, window = prod(conv.output_shape[1:]), prod(conv.kernel)
    if conv.is_integer:
        return {
            "integer conv": 1,
            "integer conv, macs": _whole(outputs, _BLOCK) * pixels * _whole(inputs * window, _CODES_A_STEP),
            "integer conv, window copies": inputs * window * pixels if window > 1 else 0,
            "integer conv, pixels": pixels,
            "integer conv, out": outputs * pixels,
            "integer conv, odd channels": outputs % _BLOCK * pixels,
        }
    layout = "narrow" if inputs < _BLOCK else "blocked"  # inputs of less than a block are read as they lie
    read = inputs if inputs < _BLOCK else _whole(inputs, _BLOCK)
    size = f"{conv.kernel[0]}x{conv.kernel[1]}"
    return {
        f"float conv, {layout}": 1,
        f"float conv {size}, {layout}, macs": _whole(outputs, _BLOCK) * pixels * read * window,
        f"float conv, {layout}, in": prod(conv.input_shape),
        f"float conv, {layout}, out": _whole(outputs, _BLOCK) * pixels,
    }


def _depthwise(conv: Operation) -> dict[str, int]:
    channels = conv.output_shape[0]
    pixels, window = prod(conv.output_shape[1:]), prod(conv.kernel)
    odd = channels % _BLOCK
    if conv.is_integer:
        return {
            "integer depthwise": 1,
            "integer depthwise, macs": (channels - odd) * pixels * window,
            "integer depthwise, odd macs": odd * pixels * window,
            "integer depthwise, odd pixels": pixels if odd else 0,
        }
    if odd:  # in float, an incomplete block sends the whole layer to a loop over groups
        return {
            "float grouped": 1,
            "float grouped, channels": channels,
            "float grouped, macs": conv.macs,
        }
    return {"float depthwise": 1, "float depthwise, macs": channels * pixels * window}


def _elementwise(operation: Operation) -> dict[str, int]:
    if operation.kind in _FUSED_IN_FLOAT and not operation.reads_codes:
        return {}
    codes = {(True, True): "codes to codes", (True, False): "codes to floats", (False, True): "floats to codes"}
    name = f"{operation.kind}, {codes.get((operation.reads_codes, operation.writes_codes), 'floats')}"
    return {name: 1, f"{name}, elements": max(prod(operation.input_shape), prod(operation.output_shape))}


def _whole(count: int, multiple: int) -> int:
    return ceil(count / multiple) * multiple
