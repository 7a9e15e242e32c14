"""Arrays and data sets of torch become the same data set as files would, and what is not raw pixels is refused."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from automl.datasets.given import given_dataset
from automl.datasets.load import load_dataset
from automl.errors import DatasetError


def pixels(count: int, *, seed: int = 0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, channels, 4, 5), dtype=np.uint8)


LABELS = np.arange(30) % 3
ARRAYS = (pixels(30), LABELS, pixels(9, seed=1), LABELS[:9])


class Pairs(Dataset):
    """Gives images as they are, each with its label."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


def pictures(images: np.ndarray) -> list[Image.Image]:
    return [Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)) for image in images]


def floats(images: np.ndarray) -> torch.Tensor:
    return torch.tensor(images).float() / 255


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tuple(map(torch.tensor, ARRAYS)), id="tensors"),
        pytest.param({"train": ARRAYS[:2], "test": ARRAYS[2:]}, id="dictionary"),
        pytest.param((TensorDataset(*map(torch.tensor, ARRAYS[:2])), Pairs(*ARRAYS[2:])), id="tensor data sets"),
        pytest.param((Pairs(pictures(ARRAYS[0]), LABELS.tolist()), Pairs(pictures(ARRAYS[2]), LABELS)), id="pictures"),
        pytest.param((Pairs(floats(ARRAYS[0]), LABELS), Pairs(floats(ARRAYS[2]), LABELS)), id="floats"),
        pytest.param({"train": Pairs(*ARRAYS[:2]), "test": ARRAYS[2:]}, id="some of each"),
    ],
)
def test_every_form_is_the_same_data_set(data):
    expected, found = given_dataset(ARRAYS), given_dataset(data)
    assert found.fingerprint == expected.fingerprint
    assert found.spec == expected.spec == "given"
    assert found.task.outputs == 3
    assert len(found.test) == 9
    assert len(found.train) + len(found.validation) == 30


def test_another_pixel_is_another_data_set():
    changed = ARRAYS[0].copy()
    changed[3, 0, 2, 2] ^= 1
    assert given_dataset((changed, *ARRAYS[1:])).fingerprint != given_dataset(ARRAYS).fingerprint


def test_a_validation_set_and_names_of_classes_are_taken_as_given():
    train = Pairs(pictures(pixels(30, channels=3)), LABELS.tolist())
    train.classes = ["cat", "dog", "owl"]
    found = given_dataset(
        (train, Pairs(pixels(6, seed=2, channels=3), LABELS[:6]), Pairs(pixels(3, channels=3), LABELS[:3]))
    )
    assert found.class_names == ("cat", "dog", "owl")
    assert (len(found.train), len(found.validation), len(found.test)) == (30, 3, 6)


def test_what_is_done_to_floats_is_said():
    assert any(
        "read as levels from 0 to 255: 39" in note
        for note in given_dataset((Pairs(floats(ARRAYS[0]), LABELS), Pairs(floats(ARRAYS[2]), LABELS))).notes
    )
    between = floats(ARRAYS[0]) * 0.99
    notes = given_dataset(Pairs(between, LABELS)).notes
    assert any("rounded to the nearest" in note for note in notes)


class Shaky(Pairs):
    def __getitem__(self, index):
        return self.images[index] + torch.rand(1).numpy().astype(np.uint8) + np.uint8(torch.randint(256, ())), 0


class Stream(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (3, ["data is a int", "train_images"]),
        (ARRAYS[:3], ["tuple of 3", "train_images"]),
        ((floats(ARRAYS[0]), *ARRAYS[1:]), ["float32", "give uint8"]),
        (Stream(), ["Stream", "no length"]),
        (Pairs([], []), ["empty"]),
        (Pairs(2 * floats(ARRAYS[0]) - 1, LABELS), ["float32 from -0.", "leave Normalize out"]),
        (Pairs(torch.tensor(ARRAYS[0]).int(), LABELS), ["int32", "give uint8"]),
        (Shaky(ARRAYS[0], LABELS), ["differs when it is read twice", "augmentation="]),
        (Pairs(ARRAYS[0][:, 0], LABELS), ["shape (4, 5)", "(C, H, W)"]),
        (Pairs(ARRAYS[0], ["a"] * 30), ["label of image 0 of the train set is 'a'"]),
        (TensorDataset(torch.tensor(ARRAYS[0])), ["an item is a tuple", "pairs"]),
        ({"trains": ARRAYS[:2]}, ["data is a dictionary with the key 'trains'"]),
    ],
)
def test_what_is_no_data_set_of_raw_images_is_refused(data, words):
    with pytest.raises(DatasetError) as refused:
        given_dataset(data)
    message = str(refused.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_its_name_alone_brings_it_back_for_nobody():
    with pytest.raises(DatasetError, match="give them again"):
        load_dataset("given")
