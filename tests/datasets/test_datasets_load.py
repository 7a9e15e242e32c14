"""Kinds of data sets are found by their names, and cost no more to import than they need."""

import subprocess
import sys

import numpy as np
import pytest
from installed_plugins import also_installed

from automl.data_source import DataSource
from automl.datasets.load import load_dataset
from automl.errors import DatasetError
from automl.registry import DATASET


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("digit", "unknown kind of data set 'digit' in 'digit': try digits$"),
        ("parket:/data", "try parquet$"),
        ("", "try digits, rotated_digits, parquet, imagefolder, torchvision, python$"),
        ("digits:8", "digits takes no argument, got '8'"),
    ],
)
def test_unknown_kind_names_the_nearest(spec, message):
    with pytest.raises(DatasetError, match=message):
        load_dataset(spec)


def test_digits_load_without_torch():
    script = (
        "import sys; from automl.datasets.load import load_dataset; "
        "heavy = {'torch', 'pyarrow', 'sklearn', 'PIL', 'torchvision'}; assert not heavy & set(sys.modules); "
        "load_dataset('digits'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


class Checkers(DataSource):
    """Two patterns, as many images of each as are asked for."""

    name = "checkers"

    def read(self, spec):
        images = np.zeros((2 * int(spec.argument), 1, 8, 8), np.uint8)
        images[::2, :, ::2, ::2] = 255
        images[1::2, :, :4] = 255
        return {"train": (images, np.arange(len(images)) % 2), "class_names": ["board", "flag"]}


class Untidy(Checkers):
    """Forgot its labels."""

    name = "untidy"

    def read(self, _spec):
        return {"images": 3}


def test_a_data_set_of_a_plugin_is_read_by_its_name():
    with also_installed(DATASET, Checkers, Untidy):
        dataset = load_dataset("checkers:50")
        assert dataset.spec == "checkers:50"
        assert dataset.class_names == ("board", "flag")
        assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == 100
        with pytest.raises(DatasetError, match="checkers takes none of resize: they are for imagefolder, parq"):
            load_dataset("checkers:50?resize=4")
        with pytest.raises(DatasetError, match="untidy:x returned a dictionary with the key 'images'"):
            load_dataset("untidy:x")
        with pytest.raises(DatasetError, match="unknown kind of data set 'chekers' in 'chekers:50': try checkers"):
            load_dataset("chekers:50")
        with pytest.raises(DatasetError) as told:
            load_dataset("checkers:many")
    assert str(told.value).startswith("data set 'checkers' of tests 1 raised ValueError: invalid literal for int()")
    assert "(test_datasets_load.py, line " in str(told.value)
