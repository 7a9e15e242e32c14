"""One affine map makes numbers of pixels, and it is the arithmetic of a uint8 tensor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from automl.core.image import ImageShape, InputConvention, Normalization


@given(mean=st.floats(0, 255), std=st.floats(1, 128))
def test_statistics_give_zero_mean_and_unit_variance_to_within_a_pixel(mean, std):
    normalization = Normalization.from_statistics(mean, std)
    standardised = (np.array([mean - std, mean, mean + std]) - normalization.zero_point) * normalization.scale
    np.testing.assert_allclose(standardised, [-1, 0, 1], atol=0.51 / std)


def test_images_of_one_colour_do_not_divide_by_zero():
    normalization = Normalization.from_statistics(0.0, 0.0)
    assert normalization.zero_point == 0
    assert np.isfinite(normalization.scale)


def test_statistics_beyond_a_pixel_are_clipped():
    assert Normalization.from_statistics(300.0, 10.0).zero_point == 255
    assert Normalization.from_statistics(-3.0, 10.0).zero_point == 0


@pytest.mark.parametrize("fields", [{"scale": 0.0, "zero_point": 0}, {"scale": 1.0, "zero_point": 256}])
def test_values_that_no_uint8_tensor_has_are_refused(fields):
    with pytest.raises(ValidationError):
        Normalization(**fields)


@pytest.mark.parametrize(
    ("convention", "numbers"), [("unit", [0, 0.2, 1]), ("pixels", [0, 51, 255]), ("standardized", [-1, -0.49, 1.55])]
)
def test_each_convention_gives_its_numbers(convention, numbers):
    normalization = InputConvention(convention).normalization(mean=100, std=100)
    found = (np.array([0, 51, 255]) - normalization.zero_point) * normalization.scale
    np.testing.assert_allclose(found, numbers, atol=1e-6)


def test_a_shape_names_its_parts():
    assert ImageShape(3, 32, 24) == ImageShape(channels=3, height=32, width=24)
