"""Predictions do not depend on how they are batched, and accuracy is a plain share."""

import numpy as np
import pytest
import torch
from torch import nn

from automl.core.image import Normalization
from automl.training.predict import predict

NORMALIZATION = Normalization(scale=1 / 64, zero_point=77)
CPU = torch.device("cpu")


@pytest.fixture
def images():
    pixels = np.random.default_rng(0).integers(256, size=(23, 2, 3, 3), dtype=np.uint8)
    pixels.setflags(write=False)
    return pixels


def test_logits_are_those_of_numpy(images):
    torch.manual_seed(0)
    linear = nn.Linear(18, 4)
    logits = predict(nn.Sequential(nn.Flatten(), linear), images, normalization=NORMALIZATION, device=CPU)
    weight, bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()
    expected = ((images.reshape(23, 18).astype(np.float32) - 77) / 64) @ weight.T + bias
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 10, 23, 100])
def test_batch_size_does_not_change_logits(images, batch_size):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten())
    whole = predict(model, images, normalization=NORMALIZATION, device=CPU)
    parts = predict(model.train(), images, normalization=NORMALIZATION, device=CPU, batch_size=batch_size)
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-6)
