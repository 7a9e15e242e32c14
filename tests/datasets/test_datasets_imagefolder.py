"""Folders of pictures become classes in the order of their names."""

import numpy as np
import pytest
from documented_split import documented_split
from PIL import Image

from automl.core.augmentation import Augmentation
from automl.datasets.load import load_dataset
from automl.errors import DatasetError


def draw(path, *, grey, size=(5, 6), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, grey).convert(mode).save(path)


def load_error(folder):
    with pytest.raises(DatasetError) as caught:
        load_dataset(f"imagefolder:{folder}")
    return str(caught.value)


def test_classes_at_the_top_are_split_three_ways(tmp_path):
    for index in range(10):
        draw(tmp_path / ("cat" if index < 5 else "ant") / f"{index}.png", grey=index)
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("not a picture")
    dataset = load_dataset(f"imagefolder:{tmp_path}")
    in_order_of_names = np.array([5, 6, 7, 8, 9, 0, 1, 2, 3, 4])
    train, _, test = documented_split(np.arange(10) // 5)
    np.testing.assert_array_equal(dataset.test.images[:, 0, 0, 0], in_order_of_names[test])
    np.testing.assert_array_equal(dataset.train.images[:, 2, 5, 4], in_order_of_names[train])
    np.testing.assert_array_equal(dataset.train.labels, np.array(train) // 5)
    assert dataset.image_shape == (3, 6, 5)
    assert dataset.class_names == ("ant", "cat")
    assert dataset.augmentation is Augmentation.SHIFT


def test_train_and_test_folders_are_kept_apart(tmp_path):
    for index in range(10):
        draw(tmp_path / "train" / f"class{index % 2}" / f"{index}.jpg", grey=10 * index, mode="L")
    for index in range(4):
        draw(tmp_path / "test" / f"class{index % 2}" / f"{index}.PNG", grey=200 + index, mode="L")
    dataset = load_dataset(f"imagefolder:{tmp_path}")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (8, 2, 4)
    np.testing.assert_array_equal(dataset.test.images[:, 0, 0, 0], [200, 202, 201, 203])
    assert dataset.image_shape == (1, 6, 5)
    assert dataset.augmentation is Augmentation.SHIFT


def test_images_of_two_sizes_are_named(tmp_path):
    draw(tmp_path / "a" / "first.png", grey=0)
    draw(tmp_path / "b" / "wide.png", grey=0, size=(9, 6))
    message = load_error(tmp_path)
    assert f"{tmp_path / 'a' / 'first.png'} is 5 x 6" in message
    assert f"{tmp_path / 'b' / 'wide.png'} is 9 x 6" in message


def test_torn_picture_is_named(tmp_path):
    draw(tmp_path / "a" / "torn.png", grey=0)
    content = (tmp_path / "a" / "torn.png").read_bytes()
    (tmp_path / "a" / "torn.png").write_bytes(content[: len(content) // 2])
    assert f"{tmp_path / 'a' / 'torn.png'} cannot be decoded as an image" in load_error(tmp_path)


def test_missing_and_empty_folders_are_refused(tmp_path):
    assert "there is no folder" in load_error(tmp_path / "nowhere")
    assert "there is no folder ''" in load_error("")
    assert "has no sub-folders" in load_error(tmp_path)
    (tmp_path / "lonely").mkdir()
    assert f"{tmp_path / 'lonely'} holds no pictures" in load_error(tmp_path)


def test_train_without_test_is_refused(tmp_path):
    draw(tmp_path / "train" / "a" / "1.png", grey=0)
    assert "has no test/ beside" in load_error(tmp_path)


def test_class_that_only_the_test_folder_has_is_refused(tmp_path):
    draw(tmp_path / "train" / "a" / "1.png", grey=0)
    draw(tmp_path / "test" / "b" / "1.png", grey=0)
    assert f"{tmp_path / 'test' / 'b'} is a class without training images" in load_error(tmp_path)
