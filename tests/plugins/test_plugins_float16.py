import pytest
import torch

from automl.errors import InfeasibleError
from automl.network.folding import fold_batch_norm
from automl.technique import Profile, Quantization
from automl.testing.context import context, logits, trained
from automl.testing.networks import residual
from automl_plugins.quantizers.float16 import Float16

BITS = Profile(level=4, low=2, high=8)


def test_every_weight_is_a_number_of_half_precision_and_next_to_what_it_was():
    before = fold_batch_norm(trained(residual), context().calibration)
    expected = logits(before)
    model, quantization = Float16().quantize(fold_batch_norm(trained(residual), context().calibration), BITS, context())
    assert quantization == Quantization(float_bits=16)
    for (name, rounded), exact in zip(model.named_parameters(), before.parameters(), strict=True):
        assert rounded.dtype == torch.float32, name
        assert torch.equal(rounded.half().float(), rounded), name
        assert torch.allclose(rounded, exact, rtol=2**-11, atol=2**-25), name
    assert (logits(model).argmax(1) == expected.argmax(1)).float().mean() > 0.98


def test_every_layer_has_16_bits_whatever_the_space_says():
    assert Float16().bits(BITS, 3) == [16, 16, 16]


def test_a_weight_beyond_half_precision_is_refused():
    model = fold_batch_norm(trained(residual), context().calibration)
    model.get_submodule("classifier").bias.data[0] = 1e6
    with pytest.raises(InfeasibleError, match=r"'classifier\.bias' has the value 1e\+06, and float16 ends at 65504"):
        Float16().quantize(model, BITS, context())
