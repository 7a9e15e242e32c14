"""A point's summary says how far a per-layer quantity reaches, however the space offers it."""

from automl.core.space import ProfileSpec
from automl.core.stage import Stage
from automl.report.point_summary import describe_point


def test_one_number_a_layer_is_summed_up_by_its_range():
    bits = ProfileSpec(name="weight_bits", low=2, high=8, offsets=0, layers=30)
    point = {"quantizer": "ptq", **{f"weight_bits.layer_{index}": 3 if index == 28 else 5 for index in range(30)}}
    summary = describe_point(point, {"architecture": "net"}, profiles={Stage.QUANTIZER: bits})
    assert summary == "net · ptq, 3 to 5 bits"
