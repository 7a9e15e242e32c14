"""Sizes are read as people write them."""

import pytest

from automl.core.byte_size import size_in_bytes
from automl.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10GB", 10**10),
        ("10 GB", 10**10),
        ("1.5k", 1500),
        ("2TiB", 2 * 2**40),
        ("512", 512),
        ("7B", 7),
        ("3mb", 3 * 10**6),
        ("1e9", 10**9),
        ("1_000 kB", 10**6),
    ],
)
def test_a_size_is_a_number_and_a_unit(text, size):
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "ten GB", "-1GB", "0", "0.1B", "10GBs", "1e999", "nan", "-1", "5ms"])
def test_another_text_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match=r"is not one.*10GB"):
        size_in_bytes(text)
