"""A data set is checked once, and its statistics are those that NumPy finds."""

import pickle

import numpy as np
import pytest
from installed_plugins import also_installed

from automl.core.augmentation import Augmentation
from automl.datasets.assemble import assemble
from automl.datasets.dataset import Source, Split
from automl.datasets.load import load_dataset
from automl.errors import DatasetError
from automl.registry import TASK
from automl.task import Task


def random_split(count, *, seed=0, classes=3, shape=(3, 4, 5)):
    rng = np.random.default_rng(seed)
    return Split(rng.integers(256, size=(count, *shape), dtype=np.uint8), np.arange(count) % classes)


def source(training, test):
    return Source(training, test, Augmentation.NONE)


def test_normalization_is_that_of_the_training_pixels():
    dataset = assemble("x", source(random_split(3000), random_split(10, seed=1)))
    assert dataset.normalization.zero_point == round(dataset.train.images.mean())
    assert dataset.normalization.scale == pytest.approx(1 / dataset.train.images.astype(float).std())


def test_shape_and_classes_are_those_of_the_images():
    dataset = assemble("x", source(random_split(20), None))
    assert dataset.image_shape == (3, 4, 5)
    assert dataset.task.outputs == 3
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (14, 3, 3)


def test_fingerprint_changes_with_one_pixel_one_label_and_the_shape():
    training, test = random_split(20), random_split(10, seed=1)
    images, labels = test.images.copy(), test.labels.copy()
    images[3, 0, 0, 0] ^= 1
    labels[3] ^= 1
    transposed = [Split(s.images.reshape(len(s), 3, 5, 4), s.labels) for s in (training, test)]
    prints = [
        assemble("x", source(training, test)).fingerprint,
        assemble("x", source(training, Split(images, test.labels))).fingerprint,
        assemble("x", source(training, Split(test.images, labels))).fingerprint,
        assemble("x", source(*transposed)).fingerprint,
    ]
    assert len(set(prints)) == 4
    assert assemble("elsewhere", source(training, test)).fingerprint == prints[0]


def test_fingerprint_covers_each_split_by_itself():
    training, first, second = random_split(20), random_split(10, seed=1), random_split(10, seed=2)
    sources = [
        Source(training, test, Augmentation.NONE, validation=validation)
        for test, validation in ((None, None), (first, None), (None, first), (first, second), (second, first))
    ]
    assert len({assemble("x", source).fingerprint for source in sources}) == 5
    images = second.images.copy()
    images[3, 0, 0, 0] ^= 1
    changed = Source(training, first, Augmentation.NONE, validation=Split(images, second.labels))
    assert assemble("x", changed).fingerprint != assemble("x", sources[3]).fingerprint


def test_normalization_and_fingerprint_do_not_depend_on_what_is_said_or_varied():
    plain = Source(random_split(20), None, Augmentation.NONE)
    told = Source(plain.training, None, Augmentation.FLIP, class_names=("a", "b", "c"), notes=("as it was read",))
    first, second = assemble("x", plain), assemble("x", told)
    assert first.fingerprint == second.fingerprint
    assert first.normalization == second.normalization
    assert second.notes[0] == "as it was read"
    assert (second.class_names, second.augmentation) == (("a", "b", "c"), Augmentation.FLIP)


@pytest.mark.parametrize(
    ("training", "test", "message"),
    [
        (random_split(0), random_split(5), "the training set is empty"),
        (random_split(20), random_split(0), "the test set is empty"),
        (random_split(20), random_split(5, shape=(3, 4, 4)), r"shape \(3, 4, 4\), training images \(3, 4, 5\)"),
        (random_split(20, classes=1), None, "all training labels are 0"),
        (random_split(20), random_split(9, classes=4), "the test set has the label 3, but training labels end at 2"),
        (Split(random_split(6).images, np.arange(6) - 1), None, "has the label -1"),
        (Split(random_split(6).images, np.arange(6) + 900), None, "label 905 is out of range for 6 training images"),
    ],
)
def test_bad_splits_are_refused_with_the_value(training, test, message):
    with pytest.raises(DatasetError, match=message):
        assemble("x", source(training, test))


def test_images_lie_in_memory_as_those_that_another_process_gets():
    dataset = load_dataset("digits")
    sent = pickle.loads(pickle.dumps(dataset, protocol=5))  # noqa: S301 # our own
    for name in ("train", "validation", "test"):
        assert getattr(dataset, name).images.strides == getattr(sent, name).images.strides == (64, 64, 8, 1)


class Unreadable(Task):
    """Fails at the labels."""

    name = "unreadable"
    metric = "accuracy"

    @classmethod
    def of(cls, _labels):
        raise KeyError("grade")

    def loss(self, outputs, labels, settings):
        raise NotImplementedError

    def score(self, outputs, labels):
        raise NotImplementedError

    def parity_gap(self, simulated, deployed, labels):
        raise NotImplementedError

    def agreement(self, expected, found):
        raise NotImplementedError


def test_a_task_that_raises_at_the_labels_is_named():
    with (
        also_installed(TASK, Unreadable),
        pytest.raises(DatasetError, match=r"^x: task 'unreadable' of tests 1 raised KeyError: 'grade' \(test_"),
    ):
        assemble("x", source(random_split(20), None), "unreadable")
