"""Labels may be numbers: every source reads them, splits them and says what is wrong with them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from documented_split import documented_split
from PIL import Image
from sklearn.datasets import load_digits
from test_datasets_parquet import encoded, random_pixels
from torch.utils.data import TensorDataset

from automl.core.augmentation import Augmentation
from automl.core.dataset_spec import DatasetSpec
from automl.datasets import rotated_digits
from automl.datasets.given import given_dataset
from automl.datasets.load import load_dataset
from automl.errors import DatasetError, PluginError

IMAGES = np.random.default_rng(0).integers(256, size=(40, 1, 4, 4), dtype=np.uint8)
NUMBERS = np.linspace(-1, 1, 40)
PAIRS = np.stack([NUMBERS, 10 * NUMBERS], axis=1)


def write(path, labels):
    pictures = [{"bytes": encoded(each)} for each in random_pixels(len(labels), seed=0)]
    pq.write_table(pa.table({"img": pa.array(pictures, pa.struct([("bytes", pa.binary())])), "label": labels}), path)


def test_numbers_are_kept_in_single_precision_and_not_shifted():
    dataset = given_dataset({"train": (IMAGES, NUMBERS)})
    assert dataset.task.name == "regression"
    assert (dataset.train.labels.dtype, dataset.task.outputs) == (np.float32, 1)
    assert dataset.augmentation is Augmentation.NONE
    assert dataset.notes == ()


def test_a_fifth_of_the_images_is_set_aside_whatever_their_numbers():
    train, validation, test = documented_split(np.zeros(40, np.int64), has_test=False)
    dataset = given_dataset({"train": (IMAGES, NUMBERS)})
    for name, chosen in (("train", train), ("validation", validation), ("test", test)):
        np.testing.assert_array_equal(getattr(dataset, name).labels, NUMBERS[chosen].astype(np.float32))
        np.testing.assert_array_equal(getattr(dataset, name).images, IMAGES[chosen])


@pytest.mark.parametrize(("labels", "outputs"), [(NUMBERS, 1), (NUMBERS[:, None], 1), (PAIRS, 2)])
def test_arrays_and_data_sets_of_torch_give_the_same(labels, outputs):
    arrays = given_dataset({"train": (IMAGES, labels)})
    tensors = given_dataset(TensorDataset(torch.tensor(IMAGES), torch.tensor(labels)))
    assert arrays.fingerprint == tensors.fingerprint
    assert arrays.task == tensors.task
    assert arrays.task.outputs == outputs


def test_other_numbers_are_another_data_set():
    fingerprints = {
        given_dataset({"train": (IMAGES, labels)}).fingerprint for labels in (NUMBERS, NUMBERS + 1e-3, PAIRS)
    }
    assert len(fingerprints) == 3


def test_integers_are_numbers_where_the_user_says_so():
    ages = np.arange(40) % 7
    assert given_dataset({"train": (IMAGES, ages)}).task.name == "classification"
    assert given_dataset({"train": (IMAGES, ages)}, "regression").task.name == "regression"
    with pytest.raises(DatasetError, match="labels of the training set are float32"):
        given_dataset({"train": (IMAGES, NUMBERS)}, "classification")
    with pytest.raises(PluginError, match="unknown task 'regresion'; did you mean regression"):
        given_dataset({"train": (IMAGES, NUMBERS)}, "regresion")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((IMAGES, NUMBERS, IMAGES, np.arange(40)), "train_labels is float64, test_labels int64"),
        ({"train": (IMAGES, NUMBERS), "class_names": ["a", "b"]}, "class_names, but the labels are numbers"),
        ({"train": (IMAGES, PAIRS[:, :, None])}, r"train_labels is float64 of shape \(40, 2, 1\)"),
        ({"train": (IMAGES, np.full(40, np.nan))}, "label 0 of the training set is nan: give finite numbers"),
        (list(zip(IMAGES, [1.0, 2], strict=False)), "label of image 1 of the train set is 2, that of image 0 1.0"),
    ],
)
def test_labels_of_two_kinds_or_of_none_are_refused(data, words):
    if isinstance(data, list):
        data = [(torch.tensor(image), label) for image, label in data]
        data = {"train": Pairs(data)}
    with pytest.raises(DatasetError, match=words):
        given_dataset(data)


class Pairs:
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def test_equal_images_of_several_numbers_are_told():
    images = IMAGES.copy()
    images[1] = images[0]
    (note,) = [note for note in given_dataset({"train": (images, NUMBERS)}).notes if "different labels" in note]
    assert note == "equal images with different labels: 1 (-1 and -0.9487)"


@pytest.mark.parametrize("labels", [NUMBERS[:10], NUMBERS[:10].astype(np.float32), list(PAIRS[:10])])
def test_parquet_files_hold_numbers_or_lists_of_them(tmp_path, labels):
    for name in ("train", "test"):
        write(tmp_path / f"{name}.parquet", pa.array(labels))
    dataset = load_dataset(f"parquet:{tmp_path}")
    np.testing.assert_array_equal(dataset.test.labels, np.array(labels, dtype=np.float32))
    assert dataset.augmentation is Augmentation.NONE


@pytest.mark.parametrize(
    ("training", "test", "words"),
    [
        (pa.array(NUMBERS[:10]), pa.array(range(10)), "'label' is double, not an integer as in test.parquet"),
        (pa.array([[1.0], [1.0, 2.0]]), pa.array([[1.0], [2.0]]), r"label of row 1 is \[1.0, 2.0\], that of row 0"),
        (pa.array([[1], [2]]), pa.array([[1], [2]]), "'label' is list<.*>, not an integer: .* numbers, give floats"),
    ],
)
def test_parquet_files_of_other_labels_are_refused(tmp_path, training, test, words):
    write(tmp_path / "train.parquet", training)
    write(tmp_path / "test.parquet", test)
    with pytest.raises(DatasetError, match=words):
        load_dataset(f"parquet:{tmp_path}")


def test_rotated_digits_are_turned_by_the_angle_that_their_label_says():
    dataset = load_dataset("rotated_digits")
    assert dataset.image_shape == (1, 12, 12)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (1079, 359, 359)
    labels = np.concatenate([dataset.train.labels, dataset.validation.labels, dataset.test.labels])
    assert -45 <= labels.min() < -44
    assert 44 < labels.max() <= 45


def test_a_positive_angle_turns_a_digit_to_the_left():
    published = rotated_digits.read(DatasetSpec(kind="rotated_digits")).training
    upright = np.pad(load_digits().images.astype(np.float32), ((0, 0), (2, 2), (2, 2)))

    def alikeness(turn):
        turned = [
            np.asarray(Image.fromarray(digit).rotate(turn * angle, Image.Resampling.BILINEAR))  # to the left
            for digit, angle in zip(upright[:50], published.labels[:50].tolist(), strict=True)
        ]
        return np.corrcoef(np.ravel(turned), published.images[:50].ravel())[0, 1]

    assert alikeness(1) > 0.98
    assert alikeness(-1) < 0.9
