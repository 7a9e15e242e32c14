"""Says which version of an operator knows what it is given, so that an older runtime refuses a file that it cannot run.

The numbers are those of ``GetBuiltinOperatorVersion`` in LiteRT (tflite/converter/tools/versioning/op_version.cc).
"""

from collections.abc import Sequence

from automl_plugins.runtimes.litert.flatbuffer import ElementType

_FOR_INT8 = {
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "DEQUANTIZE": 2,
    "FULLY_CONNECTED": 4,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
    "MUL": 3,
    "PAD": 2,
    "PADV2": 2,
    "TRANSPOSE": 2,
}
_FOR_CHANNELS = {"DEQUANTIZE": 5}
_FOR_HALVES = {"DEQUANTIZE": 3}
_FOR_GROUPS = {"CONV_2D": 6}
_FOR_DILATION = {"DEPTHWISE_CONV_2D": 2}


def operator_version(
    kind: str,
    elements: Sequence[ElementType],
    *,
    has_channel_scales: bool = False,
    is_grouped: bool = False,
    is_dilated: bool = False,
) -> int:
    """Give the least version that is enough.

    Args:
        kind: As the schema names it.
        elements: Of all inputs.
        has_channel_scales: Whether the first input has one scale a channel.
        is_grouped: Whether a convolution has groups.
        is_dilated: Whether a convolution's window has gaps.
    """
    needed = [1]
    if elements[0] is ElementType.INT8:
        needed.append(_FOR_INT8.get(kind, 1))
    if ElementType.FLOAT16 in elements:
        needed.append(_FOR_HALVES.get(kind, 1))
    if has_channel_scales:
        needed.append(_FOR_CHANNELS.get(kind, 1))
    if is_grouped:
        needed.append(_FOR_GROUPS.get(kind, 1))
    if is_dilated:
        needed.append(_FOR_DILATION.get(kind, 1))
    return max(needed)
