"""torchvision's data sets are read from its own files; what cannot be fetched is said."""

import numpy as np
import pytest
from documented_split import documented_split

from automl.core.augmentation import Augmentation
from automl.datasets.load import load_dataset
from automl.datasets.torchvision_named import known_names
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
