"""The rule that cuts a data set must be repeatable by a script that knows nothing of automl."""

import numpy as np
import pytest

from automl.datasets.dataset import Augmentation, Split, split_validation
from automl.errors import DatasetError


def numbered(count, *, offset=0):
    labels = np.arange(offset, offset + count)
    return Split(labels.astype(np.uint8).reshape(count, 1, 1, 1), labels)


@pytest.mark.parametrize(("count", "held_out"), [(5, 1), (103, 20), (60_000, 5000)])
def test_validation_is_the_head_of_the_permutation_where_there_is_a_test_set(count, held_out):
    published_test = numbered(7, offset=1000)
    train, validation, test = split_validation(numbered(count), published_test)
    order = np.random.default_rng(0).permutation(count)
    np.testing.assert_array_equal(validation.labels, order[:held_out])
    np.testing.assert_array_equal(train.labels, order[held_out:])
    assert test is published_test


def test_test_comes_first_where_there_is_no_test_set():
    train, validation, test = split_validation(numbered(23), None)
    order = np.random.default_rng(0).permutation(23)
    np.testing.assert_array_equal(test.labels, order[:4])
    np.testing.assert_array_equal(validation.labels, order[4:8])
    np.testing.assert_array_equal(train.labels, order[8:])


def test_images_stay_with_their_labels():
    for split in split_validation(numbered(50), None):
        np.testing.assert_array_equal(split.images.ravel(), split.labels)


def test_too_few_images_are_refused():
    with pytest.raises(DatasetError, match="4 training images are too few"):
        split_validation(numbered(4), numbered(3))


def test_only_colour_images_are_flipped():
    assert Augmentation.usual(np.zeros((2, 1, 4, 4), np.uint8)) is Augmentation.SHIFT
    assert Augmentation.usual(np.zeros((2, 3, 4, 4), np.uint8)) is Augmentation.SHIFT_AND_FLIP
