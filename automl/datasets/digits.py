"""The data set that comes with automl: 1,797 handwritten digits of 8 x 8 pixels."""

import numpy as np
from sklearn.datasets import load_digits

from automl.core.augmentation import Augmentation
from automl.core.dataset_spec import DatasetSpec
from automl.datasets.dataset import Source, Split
from automl.errors import DatasetError


def read(spec: DatasetSpec) -> Source:
    """Read the digits of scikit-learn, their 17 grey levels spread over 0 to 255.

    Raises:
        DatasetError: There is an argument.
    """
    if spec.argument:
        raise DatasetError(f"digits takes no argument, got {spec.argument!r}: write 'digits'")
    digits = load_digits()
    images = np.round(digits.images * 255 / 16).astype(np.uint8)[:, None]
    # the digits fill their 8 pixels: a shift by one cuts strokes off, and costs two to six points of accuracy
    return Source(
        Split(images, digits.target.astype(np.int64)),
        test=None,
        augmentation=Augmentation.NONE,
        class_names=tuple(map(str, digits.target_names)),
    )
