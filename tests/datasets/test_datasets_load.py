"""Kinds of data sets are found by their names, and cost no more to import than they need."""

import subprocess
import sys

import pytest

from automl.datasets.load import load_dataset
from automl.errors import DatasetError


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
