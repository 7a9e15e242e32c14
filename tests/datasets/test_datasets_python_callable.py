"""A user's function is believed only as far as it is checked."""

import numpy as np
import pytest
from documented_split import documented_split

from automl.core.augmentation import Augmentation
from automl.datasets.load import load_dataset
from automl.errors import DatasetError

MODULE = """
import numpy as np

def arrays():
    rng = np.random.default_rng(3)
    images = rng.integers(256, size=(30, 3, 4, 4), dtype=np.uint8)
    return images, np.arange(30, dtype=np.uint8) % 3, images[:6], np.arange(6) % 3

def floats():
    a, b, c, d = arrays()
    return a / 255, b, c, d

def no_channels():
    a, b, c, d = arrays()
    return a[:, 0], b, c, d

def few_labels():
    a, b, c, d = arrays()
    return a, b, c, d[:5]

def float_labels():
    a, b, c, d = arrays()
    return a, b.astype(float), c, d

def lists():
    a, b, c, d = arrays()
    return a, list(b), c, d

def negative():
    a, b, c, d = arrays()
    return a, b, c, d - 1

def without_pixels():
    a, b, c, d = arrays()
    return a[:, :, :0], b, c[:, :, :0], d

def three_pairs():
    a, b, c, d = arrays()
    return a, b, c, d, a[6:9] ^ 1, np.arange(3)

def named():
    a, b, c, d = arrays()
    return {
        "train": (a, b), "validation": (a[6:9] ^ 1, np.arange(3)), "test": None,
        "augmentation": "shift_and_flip", "class_names": ["ant", "bee", "cat"],
    }

def misnamed():
    a, b, c, d = arrays()
    return {"train": (a, b), "valid": (c, d)}

def without_train():
    return {"test": arrays()[2:]}

def lonely():
    return {"train": arrays()[0]}

def mirrored():
    return {"train": arrays()[:2], "augmentation": "mirror"}

def few_names():
    return {"train": arrays()[:2], "class_names": ["ant", "bee"]}

def names_of_numbers():
    return {"train": arrays()[:2], "class_names": [1, 2, 3]}

def pair():
    return arrays()[:2]

def nothing():
    return None

def broken():
    raise RuntimeError("the disk is full")

def greedy(folder):
    return arrays()

def leaving():
    raise SystemExit(3)

def channels_last():
    a, b, c, d = arrays()
    return np.repeat(a, 2, axis=2).transpose(0, 2, 3, 1)[:, :, :, :3], b, np.zeros((6, 8, 4, 3), np.uint8), d

CONSTANT = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "users_arrays.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return "python:users_arrays"


def test_arrays_come_back_in_the_documented_split(module):
    dataset = load_dataset(f"{module}:arrays")
    published = np.random.default_rng(3).integers(256, size=(30, 3, 4, 4), dtype=np.uint8)
    train, validation = documented_split(np.arange(30) % 3, has_test=True)
    np.testing.assert_array_equal(dataset.validation.images, published[validation])
    np.testing.assert_array_equal(dataset.train.labels, np.array(train) % 3)
    assert dataset.train.labels.dtype == np.int64


def test_colour_images_are_not_mirrored_unless_the_function_says_so(module):
    assert load_dataset(f"{module}:arrays").image_shape.channels == 3
    assert load_dataset(f"{module}:arrays").augmentation is Augmentation.SHIFT
    assert load_dataset(f"{module}:named").augmentation is Augmentation.SHIFT_AND_FLIP


def test_a_third_pair_is_for_validation(module):
    dataset = load_dataset(f"{module}:three_pairs")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (30, 3, 6)
    published = np.random.default_rng(3).integers(256, size=(30, 3, 4, 4), dtype=np.uint8)
    order = np.random.default_rng(0).permutation(3)
    np.testing.assert_array_equal(dataset.validation.images, (published[6:9] ^ 1)[order])
    np.testing.assert_array_equal(dataset.test.images, published[:6])


def test_a_dictionary_names_splits_and_classes(module):
    dataset = load_dataset(f"{module}:named")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (24, 3, 6)
    assert dataset.class_names == ("ant", "bee", "cat")
    assert dataset.notes == ("there is no test set beside the validation set: 6 training images are set aside as test",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("floats", r"train_images is float64 of shape \(30, 3, 4, 4\): give uint8"),
        ("no_channels", r"train_images is uint8 of shape \(30, 4, 4\): give uint8 of shape"),
        ("few_labels", "6 test_images but 5 test_labels"),
        ("float_labels", "train_labels is float64"),
        ("lists", "train_labels is a list: give a NumPy array"),
        ("negative", "the test set has the label -1"),
        ("without_pixels", r"train_images has shape \(30, 3, 0, 4\)"),
        ("pair", "returned a tuple of 2: return"),
        ("nothing", "returned a NoneType: return"),
        ("misnamed", "returned a dictionary with the key 'valid'"),
        ("without_train", "returned a dictionary with no key 'train'"),
        ("lonely", "'train' is a ndarray: give a pair"),
        ("mirrored", "augmentation 'mirror' is none of none, shift, flip, shift_and_flip"),
        ("few_names", "2 class_names, but a label 2: name each class"),
        ("names_of_numbers", r"class_names is \[1, 2, 3\]: give a list of texts"),
        ("greedy", "cannot be called without arguments: missing a required argument: 'folder'"),
        ("leaving", "ended the process with 3"),
        ("CONSTANT", "has no function 'CONSTANT'"),
        ("absent", "module 'users_arrays' has no function 'absent'"),
    ],
)
def test_anything_else_is_refused_with_the_value(module, name, message):
    with pytest.raises(DatasetError, match=message):
        load_dataset(f"{module}:{name}")


@pytest.mark.parametrize("argument", ["", "users_arrays", "users_arrays:", ":arrays"])
def test_spec_without_a_function_is_refused(argument):
    with pytest.raises(DatasetError, match="write 'python:MODULE:CALLABLE'"):
        load_dataset(f"python:{argument}")


def test_missing_module_is_refused():
    with pytest.raises(DatasetError, match=r"'no_such_module' cannot be imported .*PYTHONPATH"):
        load_dataset("python:no_such_module:arrays")


def test_what_the_function_raises_goes_through(module):
    with pytest.raises(RuntimeError, match="the disk is full"):
        load_dataset(f"{module}:broken")


def test_how_channels_that_seem_to_come_last_are_read_is_said(module):
    (note,) = load_dataset(f"{module}:channels_last").notes[:1]
    assert "read as 8 channels of 3x4 pixels" in note
    assert "transpose(0, 3, 1, 2)" in note
    assert not load_dataset(f"{module}:arrays").notes[:1] or "channels" not in load_dataset(f"{module}:arrays").notes[0]
