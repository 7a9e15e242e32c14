"""The rule that cuts a data set must be repeatable by a script that knows nothing of automl."""

import numpy as np
import pytest
from documented_split import documented_split

from automl.core.augmentation import Augmentation
from automl.datasets.dataset import Source, Split
from automl.datasets.splitting import split_source
from automl.errors import DatasetError


def numbered(labels, *, offset=0):
    """Make images that hold their own number, in base 256."""
    numbers = np.arange(offset, offset + len(labels))
    images = np.stack([numbers // 256**place % 256 for place in range(3)], axis=1)
    return Split(images.astype(np.uint8).reshape(-1, 3, 1, 1), np.asarray(labels))


def numbers(split):
    return split.images.reshape(-1, 3).astype(int) @ [1, 256, 65536]


def split(training, *, test=None, validation=None):
    return split_source(Source(training, test, Augmentation.NONE, validation=validation))


def mixed(*counts):
    return np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))


@pytest.mark.parametrize("counts", [(5, 5), (12, 31, 100), (3, 200), (1, 2, 3, 4, 50), (6000, 300)])
def test_test_and_validation_take_a_fifth_of_each_class_where_nothing_is_published(counts):
    labels = mixed(*counts)
    result = split(numbered(labels))
    for found, expected in zip(result, documented_split(labels), strict=True):
        np.testing.assert_array_equal(numbers(found), expected)
        np.testing.assert_array_equal(found.labels, labels[expected])


@pytest.mark.parametrize("counts", [(5, 5), (12, 31, 100), (1, 2, 50), (40_000, 20_000)])
def test_validation_takes_its_share_of_each_class_beside_a_published_test_set(counts):
    labels, published_test = mixed(*counts), numbered([0, 1], offset=100_000)
    n = len(labels)
    result = split(numbered(labels), test=published_test)
    if n < 1000:
        train, validation = documented_split(labels, has_test=True)
        np.testing.assert_array_equal(numbers(result.validation), validation)
        np.testing.assert_array_equal(numbers(result.train), train)
    assert abs(len(result.validation) - min(5000, n // 5)) <= len(counts)
    assert result.test is published_test


def test_a_rare_class_is_in_every_split():
    for split_ in split(numbered(mixed(98, 3))):
        assert set(split_.labels) == {0, 1}
    for split_ in split(numbered(mixed(98, 2)), test=numbered([0, 1])):
        assert set(split_.labels) == {0, 1}


def test_a_class_with_fewer_images_than_splits_is_trained_on():
    train, validation, test = split(numbered(mixed(98, 2)))
    assert (train.labels == 1).sum() == 2
    assert set(validation.labels) == set(test.labels) == {0}


def test_published_validation_is_used_whole_and_in_a_random_order():
    held_out = numbered(mixed(4, 4), offset=1000)
    train, validation, test = split(numbered(mixed(20, 20)), validation=held_out)
    order = np.random.default_rng(0).permutation(8)
    np.testing.assert_array_equal(numbers(validation), 1000 + order)
    np.testing.assert_array_equal(validation.labels, held_out.labels[order])
    assert (len(train), len(test)) == (32, 8)
    assert set(numbers(train)).isdisjoint(numbers(test))


def test_all_training_images_are_trained_on_where_both_others_are_published():
    published = numbered([0, 1], offset=50)
    train, validation, test = split(numbered([0, 1, 1]), validation=published, test=published)
    np.testing.assert_array_equal(numbers(train), np.random.default_rng(0).permutation(3))
    assert sorted(numbers(validation)) == [50, 51]
    assert test is published


def test_no_image_is_in_two_splits_and_none_is_lost():
    parts = [numbers(part) for part in split(numbered(mixed(7, 20, 33)))]
    assert sorted(np.concatenate(parts)) == list(range(60))


def test_the_first_training_images_are_a_fair_sample():
    train = split(numbered(np.repeat([0, 1], 500))).train
    assert 0.3 < train.labels[:100].mean() < 0.7


def test_too_few_images_are_refused():
    with pytest.raises(DatasetError, match="4 training images are too few"):
        split(numbered([0, 0, 1, 1]), test=numbered([0, 1]))


@pytest.mark.parametrize(("images_per_class", "has_test"), [(1, True), (2, False)])
def test_a_set_whose_classes_all_have_too_few_images_for_each_split_is_refused(images_per_class, has_test):
    labels = np.repeat(np.arange(10), images_per_class)
    split = Split(np.zeros((len(labels), 1, 2, 2), np.uint8), labels)
    with pytest.raises(DatasetError, match=f"no class has more than {images_per_class} training images"):
        split_source(Source(split, split if has_test else None, Augmentation.NONE))
