"""Small picture files as people have them."""

import numpy as np
from PIL import Image


def noise(seed, *, width=6, height=5, channels=3):
    """Draw random pixels, (height, width, channels), or (height, width) for one channel."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def save(path, pixels, *, mode=None, **options):
    """Write pixels, an array or an image, in the format of the suffix."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    path.parent.mkdir(parents=True, exist_ok=True)
    (image if mode is None else image.convert(mode)).save(path, **options)


def fill(folder, counts, *, suffix=".png", first_seed=0, **options):
    """Write so many different pictures a class."""
    seed = first_seed
    for name, count in counts.items():
        for index in range(count):
            save(folder / name / f"{index:03}{suffix}", noise(seed), **options)
            seed += 1
