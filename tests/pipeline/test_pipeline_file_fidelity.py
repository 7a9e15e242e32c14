"""A file is refused for the rewrite that changed its answers, unless rounding alone explains the change."""

import pytest
import torch
from small_trials import small_dataset
from torch import nn

from automl.core.fidelity import Transition
from automl.core.quantization import ActivationQuantization, Quantization
from automl.errors import FidelityError
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.file_fidelity import check_file_fidelity


@pytest.fixture
def hardly_varying() -> CompressedModel:
    """A quantized network whose answers all lie at the border of two codes, so that rounding decides them."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    with torch.no_grad():
        model[1].weight.mul_(1e-3)
        model[1].bias.fill_(0.5)
    quantization = Quantization(outputs={"1": ActivationQuantization(scale=1.0, zero_point=0)})
    return CompressedModel(model.eval(), quantization=quantization)


def test_an_export_that_rounding_explains_passes_with_a_warning(hardly_varying, caplog):
    check_file_fidelity(hardly_varying, {Transition.EXPORT: 0.2, Transition.CONVERT: 0.05}, small_dataset())
    assert "rounding alone moves its logits by 20%" in caplog.text


def test_a_conversion_that_changes_the_answers_is_refused_though_rounding_explains_the_export(hardly_varying):
    with pytest.raises(FidelityError, match=r"the convert changed .* 50\.00% .* at most 10\.0%"):
        check_file_fidelity(hardly_varying, {Transition.EXPORT: 0.2, Transition.CONVERT: 0.5}, small_dataset())


def test_an_export_beyond_what_rounding_explains_is_refused(hardly_varying):
    with pytest.raises(FidelityError, match="the export changed"):
        check_file_fidelity(hardly_varying, {Transition.EXPORT: 50.0}, small_dataset())
