"""The default data set is scikit-learn's, pixel for pixel."""

import numpy as np
from documented_split import documented_split
from sklearn.datasets import load_digits

from automl.core.augmentation import Augmentation
from automl.datasets.load import load_dataset


def test_digits_are_those_of_scikit_learn_in_the_documented_split():
    dataset = load_dataset("digits")
    published = load_digits()
    splits = (dataset.train, dataset.validation, dataset.test)
    for split, indices in zip(splits, documented_split(published.target), strict=True):
        expected = [[[round(value * 255 / 16) for value in row] for row in published.images[i]] for i in indices]
        np.testing.assert_array_equal(split.images[:, 0], expected)
        np.testing.assert_array_equal(split.labels, published.target[indices])
    assert dataset.train.images.dtype == np.uint8
    assert dataset.train.labels.dtype == np.int64


def test_digits_have_ten_classes_and_are_not_varied():
    dataset = load_dataset("digits")
    assert (dataset.spec, dataset.task.outputs, dataset.image_shape) == ("digits", 10, (1, 8, 8))
    assert dataset.augmentation is Augmentation.NONE
    assert dataset.class_names == tuple("0123456789")
    assert dataset.notes == ()


def test_digits_are_the_same_each_time():
    assert load_dataset("digits").fingerprint == load_dataset("digits").fingerprint
