"""torchvision's data sets are read from its own files; what cannot be fetched is said."""

import hashlib
import pickle

import numpy as np
import pytest
import torchvision
from documented_split import documented_split
from PIL import Image
from scipy.io import savemat

from automl.core.augmentation import Augmentation
from automl.datasets.load import load_dataset
from automl.datasets.torchvision_named import MIRROR_SAFE, known_names
from automl.errors import DatasetError


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOML_DATA", str(tmp_path))
    for proxy in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")  # nothing listens there: a download fails at once
    return tmp_path


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def test_mnist_is_read_from_its_files(root):
    pixels = np.random.default_rng(0).integers(256, size=(30, 28, 28), dtype=np.uint8)
    labels = np.arange(30) % 10
    for prefix, kept in (("train", slice(None)), ("t10k", slice(0, 7))):
        write_idx(root / "MNIST" / "raw" / f"{prefix}-images-idx3-ubyte", pixels[kept])
        write_idx(root / "MNIST" / "raw" / f"{prefix}-labels-idx1-ubyte", labels[kept])
    dataset = load_dataset("torchvision:MNIST")
    train, _ = documented_split(labels, has_test=True)
    np.testing.assert_array_equal(dataset.train.images[:, 0], pixels[train])
    np.testing.assert_array_equal(dataset.train.labels, labels[train])
    np.testing.assert_array_equal(dataset.test.images[:, 0], pixels[:7])
    assert dataset.augmentation is Augmentation.SHIFT


def write_checked(path, write):
    """Write a file, and give the checksum that torchvision asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path)
    return hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324 # torchvision's choice


def test_house_numbers_are_never_mirrored(root, monkeypatch):
    pixels = np.random.default_rng(0).integers(256, size=(32, 32, 3, 30), dtype=np.uint8)
    files = {}
    for split, count in (("train", 30), ("test", 10)):
        contents = {"X": pixels[..., :count], "y": (np.arange(count) % 10 + 1)[:, None].astype(np.uint8)}
        checksum = write_checked(root / f"{split}_32x32.mat", lambda path, c=contents: savemat(path, c))
        files[split] = ["http://nowhere", f"{split}_32x32.mat", checksum]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", files)
    dataset = load_dataset("torchvision:SVHN")
    assert dataset.augmentation is Augmentation.SHIFT
    np.testing.assert_array_equal(dataset.test.images[3], pixels[..., 3].transpose(2, 0, 1))


@pytest.mark.parametrize(("name", "key"), [("CIFAR10", "labels"), ("CIFAR100", "fine_labels")])
def test_photographs_of_things_are_mirrored(root, monkeypatch, name, key):
    cifar = getattr(torchvision.datasets, name)
    pixels = np.random.default_rng(0).integers(256, size=(30, 3, 32, 32), dtype=np.uint8)
    names = [f"class {index}" for index in range(10)]
    folder = root / cifar.base_folder

    def written(file, contents):
        return [file, write_checked(folder / file, lambda path: path.write_bytes(pickle.dumps(contents)))]

    monkeypatch.setattr(
        cifar, "train_list", [written("one", {"data": pixels.reshape(30, -1), key: [i % 10 for i in range(30)]})]
    )
    monkeypatch.setattr(cifar, "test_list", [written("two", {"data": pixels[:9].reshape(9, -1), key: [*range(9)]})])
    file, checksum = written("meta", {cifar.meta["key"]: names})
    monkeypatch.setattr(cifar, "meta", {"filename": file, "key": cifar.meta["key"], "md5": checksum})
    dataset = load_dataset(f"torchvision:{name}")
    assert dataset.augmentation is Augmentation.SHIFT_AND_FLIP
    assert dataset.class_names == tuple(names)
    np.testing.assert_array_equal(dataset.test.images, pixels[:9])
    assert load_dataset(f"torchvision:{name}?resize=16&convert=grey").image_shape == (1, 16, 16)


def test_pictures_that_torchvision_decodes_are_turned_as_a_viewer_shows_them(root):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels = np.random.default_rng(0).integers(256, size=(20, 6, 8, 3), dtype=np.uint8)
    labels, pictures = root / "dtd" / "dtd" / "labels", root / "dtd" / "dtd" / "images"
    labels.mkdir(parents=True)
    names = [f"{'banded' if index % 2 else 'woven'}/{index}.png" for index in range(20)]
    for name, shown in zip(names, pixels, strict=True):
        (pictures / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(shown).transpose(Image.Transpose.ROTATE_180).save(pictures / name, exif=exif)
    (labels / "train1.txt").write_text("\n".join(names) + "\n")
    (labels / "test1.txt").write_text("\n".join(names[:6]) + "\n")
    dataset = load_dataset("torchvision:DTD")
    np.testing.assert_array_equal(dataset.test.images, pixels[:6].transpose(0, 3, 1, 2))
    assert dataset.class_names == ("banded", "woven")


def test_only_data_sets_that_torchvision_has_are_called_safe_to_mirror():
    assert set(known_names()) >= MIRROR_SAFE
    assert MIRROR_SAFE.isdisjoint({"SVHN", "MNIST", "KMNIST", "USPS", "GTSRB", "RenderedSST2", "FashionMNIST"})


@pytest.mark.parametrize("name", ["CIFAR10", "FashionMNIST", "SVHN"])
def test_failed_download_says_where_to_put_the_files(root, name, capsys):
    with pytest.raises(DatasetError, match=f"torchvision:{name} cannot be fetched .*copy its files to {root}"):
        load_dataset(f"torchvision:{name}")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("name", "nearest"), [("cifar10", "CIFAR10, CIFAR100"), ("FashonMNIST", "FashionMNIST")])
def test_unknown_name_gives_the_nearest(name, nearest):
    with pytest.raises(DatasetError, match=f"no data set '{name}' with a test set: try {nearest}"):
        load_dataset(f"torchvision:{name}")


def test_known_names_include_the_usual_ones():
    assert {"CIFAR10", "CIFAR100", "MNIST", "FashionMNIST", "SVHN"} <= set(known_names())
    assert "ImageFolder" not in known_names()
