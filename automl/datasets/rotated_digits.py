"""Handwritten digits turned by a known angle, which a network shall tell: the numbers that come with automl."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.datasets import load_digits

from automl.core.augmentation import Augmentation
from automl.core.dataset_spec import DatasetSpec
from automl.datasets.dataset import Source, Split
from automl.errors import DatasetError

_LARGEST_ANGLE = 45.0
"""Degrees, either way: beyond a right angle a 6 would be a 9."""
_BORDER = 2
"""Pixels around a digit of 8 x 8, so that no corner is cut off: its diagonal is 11.3 pixels long."""


def read(spec: DatasetSpec) -> Source:
    """Read the digits of scikit-learn, each turned once: 1,797 images of 12 x 12 pixels, and the angle in degrees.

    Angles are drawn from ``numpy.random.default_rng(0).uniform(-45, 45)``, in the order of the digits, and a positive
    one turns to the left. People do not write upright, so that no network can tell the angle exactly.

    Raises:
        DatasetError: There is an argument.
    """
    if spec.argument:
        raise DatasetError(f"rotated_digits takes no argument, got {spec.argument!r}: write 'rotated_digits'")
    digits = load_digits().images
    angles = np.random.default_rng(0).uniform(-_LARGEST_ANGLE, _LARGEST_ANGLE, len(digits)).astype(np.float32)
    images = np.stack([_turned(digit, float(angle)) for digit, angle in zip(digits, angles, strict=True)])
    return Source(Split(images[:, None], angles), test=None, augmentation=Augmentation.NONE)


def _turned(digit: NDArray[np.float64], degrees: float) -> NDArray[np.uint8]:
    """Turn a digit of 17 grey levels about its middle, between pixels linearly, and spread the levels over 0 to 255."""
    bordered = np.pad(digit * 255 / 16, _BORDER)
    turned: NDArray[np.float64] = ndimage.rotate(bordered, degrees, reshape=False, order=1)
    return np.round(turned).clip(0, 255).astype(np.uint8)
