"""What makes an accuracy mean less than it seems is said in one line, and what means nothing is refused."""

import numpy as np
import pytest

from automl.core.augmentation import Augmentation
from automl.datasets.assemble import assemble
from automl.datasets.dataset import Source, Split
from automl.errors import DatasetError


def images_of(labels, *, seed=0):
    labels = np.asarray(labels)
    return Split(np.random.default_rng(seed).integers(256, size=(len(labels), 1, 4, 4), dtype=np.uint8), labels)


def notes_of(training, test=None, validation=None, names=("ant", "bee", "cat", "dog")):
    return assemble("x", Source(training, test, Augmentation.NONE, validation, names)).notes


def refusal(training, test=None):
    with pytest.raises(DatasetError) as caught:
        notes_of(training, test)
    return str(caught.value)


HEALTHY = [0] * 10 + [1] * 10


def test_a_healthy_data_set_is_passed_over_in_silence():
    assert notes_of(images_of(HEALTHY)) == ()
    assert notes_of(images_of(HEALTHY), images_of([0, 1], seed=1), images_of([0, 1], seed=2)) == ()


@pytest.mark.parametrize(("level", "count"), [(0, 20), (7, 20), (255, 20)])
def test_images_of_one_level_are_refused(level, count):
    flat = Split(np.full((count, 3, 4, 4), level, np.uint8), np.arange(count) % 2)
    assert f"every pixel of the 12 training images is {level}: there is nothing to learn" in refusal(flat)


def test_images_that_are_all_equal_are_refused():
    one = images_of([0]).images
    assert "the 12 training images are all equal" in refusal(Split(np.repeat(one, 20, axis=0), np.arange(20) % 2))


def test_one_other_image_is_enough_to_learn_from():
    images = np.repeat(images_of([0]).images, 20, axis=0)
    images[::3, 0, 0, 0] ^= 1
    assert notes_of(Split(images, np.arange(20) % 2))  # copies are said, and nothing is refused


@pytest.mark.parametrize("label", [0, 3])
def test_labels_that_are_all_the_same_are_refused(label):
    assert f"all training labels are {label}: give at least two classes" in refusal(images_of([label] * 20))


def test_a_class_with_fewer_images_than_splits_is_named_with_its_count():
    (note,) = notes_of(images_of([0] * 98 + [1] * 2))
    assert note == (
        "classes of fewer images than splits, with none left for validation and test: 'bee' with 2; "
        "accuracy says nothing about them"
    )
    (note,) = notes_of(images_of([0] * 98 + [1]), images_of([0, 1], seed=1))
    assert note.startswith("classes of fewer images than splits, with none left for validation: 'bee' with 1")
    assert notes_of(images_of([0] * 98 + [1] * 3)) == ()


def test_a_class_that_a_published_split_lacks_is_named():
    training, rest = images_of([*HEALTHY, 2, 2, 2, 2]), images_of([0, 1], seed=1)
    assert notes_of(training, rest, images_of([0, 1, 2], seed=2)) == ("test has no image of 1 of 3 classes: 'cat'",)
    assert notes_of(training, images_of([0, 1, 2], seed=2), rest) == (
        "validation has no image of 1 of 3 classes: 'cat'",
    )
    both = notes_of(training, images_of([0], seed=2), rest, names=None)
    assert both == ("validation has no image of 1 of 3 classes: 2", "test has no image of 2 of 3 classes: 1, 2")


def test_a_label_that_no_training_image_has_is_named():
    notes = notes_of(images_of([0] * 10 + [3] * 10), images_of([0, 3], seed=1), images_of([0, 3], seed=2))
    assert "train has no image of 2 of 4 classes: 'bee', 'cat'" in notes


def test_a_test_image_of_a_class_that_was_never_trained_is_refused():
    training = images_of([0] * 10 + [3] * 10)
    assert "the test set has the label 1, but training labels have none such" in refusal(training, images_of([0, 1]))


def joined(*splits):
    return Split(np.concatenate([s.images for s in splits]), np.concatenate([s.labels for s in splits]))


def first(split, count):
    return Split(split.images[:count], split.labels[:count])


def test_equal_images_of_two_splits_are_counted():
    training, validation, test = images_of(HEALTHY), images_of([0] * 6, seed=1), images_of([0] * 5, seed=2)
    notes = notes_of(
        training,
        joined(test, first(training, 3), first(training, 1), first(validation, 2)),
        joined(validation, first(training, 1)),
        names=None,
    )
    assert notes[2:] == (  # the first two are of classes that are missing
        "equal images in train and validation: 1 of the 7 of validation; accuracy on validation flatters by as many",
        "equal images in train and test: 4 of the 11 of test; accuracy on test flatters by as many",
        # the image that all three have, three times in test as in train, counts here too
        "equal images in validation and test: 4 of the 11 of test; accuracy on test flatters by as many",
    )


def test_an_image_that_differs_in_one_pixel_is_no_copy():
    training = images_of(HEALTHY)
    other = Split(training.images ^ np.eye(4, dtype=np.uint8)[None, None], training.labels)
    assert notes_of(training, other, images_of(HEALTHY, seed=1)) == ()


def test_copies_within_what_is_cut_are_counted():
    training = images_of(HEALTHY)
    notes = notes_of(joined(training, training))
    assert any(note.startswith("equal images in train and validation: ") for note in notes)


def test_equal_images_with_different_labels_are_counted_with_the_labels():
    training = images_of(HEALTHY)
    swapped = Split(training.images[:4], 1 - training.labels[:4])
    notes = notes_of(training, joined(swapped, first(training, 2), images_of([1], seed=5)), images_of([0, 1], seed=6))
    assert notes[-1] == "equal images with different labels: 4 ('ant' and 'bee')"
