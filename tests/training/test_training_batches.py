"""Batches are made vectorised; slow loops over single images say what they should be."""

import numpy as np
import pytest
import torch

from automl.core.augmentation import Augmentation
from automl.core.image import Normalization
from automl.training.batches import TrainBatches, augment, normalize, shift

NORMALIZATION = Normalization(scale=1 / 64, zero_point=77)


def random_images(count, *shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, *shape), generator=generator, dtype=torch.uint8)


def batches(images, batch_size, *, augmentation=Augmentation.NONE, seed=0):
    return TrainBatches(
        images=images,
        labels=torch.arange(len(images)),
        batch_size=batch_size,
        normalization=NORMALIZATION,
        augmentation=augmentation,
        generator=torch.Generator().manual_seed(seed),
    )


def slowly_shifted(image, down, right, fill):
    moved = np.full_like(image, fill)
    _, height, width = image.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                moved[:, row, column] = image[:, row - down, column - right]
    return moved


def test_normalisation_is_that_of_numpy():
    images = random_images(4, 3, 5, 5)
    expected = (images.numpy().astype(np.float32) - 77) / 64
    normalized = normalize(images, NORMALIZATION)
    assert normalized.dtype == torch.float32
    np.testing.assert_array_equal(normalized.numpy(), expected)
    assert images.dtype == torch.uint8


def test_every_shift_is_that_of_a_slow_loop():
    reach = 2
    offsets = torch.cartesian_prod(torch.arange(2 * reach + 1), torch.arange(2 * reach + 1)).T
    images = random_images(offsets.shape[1], 3, 6, 5)
    moved = shift(images, offsets, reach=reach, fill=77)
    for image, result, (row, column) in zip(images.numpy(), moved.numpy(), offsets.T.tolist(), strict=True):
        np.testing.assert_array_equal(result, slowly_shifted(image, reach - row, reach - column, 77))


@pytest.mark.parametrize(("height", "reach"), [(8, 1), (4, 1), (32, 4)])
def test_augmented_images_are_shifts_within_reach_or_their_mirror_images(height, reach):
    images = random_images(40, 1, height, height)
    for augmentation in (Augmentation.SHIFT, Augmentation.FLIP, Augmentation.SHIFT_AND_FLIP):
        generator = torch.Generator().manual_seed(5)
        result = augment(images, augmentation, fill=0, generator=generator).numpy()
        moves = range(-reach, reach + 1)
        flips = 0
        for image, varied in zip(images.numpy(), result, strict=True):
            shifted = [slowly_shifted(image, down, right, 0) for down in moves for right in moves]
            upright = any(np.array_equal(varied, candidate) for candidate in shifted)
            mirrored = any(np.array_equal(varied, candidate[:, :, ::-1]) for candidate in shifted)
            assert upright or mirrored
            flips += mirrored
            if augmentation is Augmentation.FLIP:
                assert np.array_equal(varied, image) or np.array_equal(varied, image[:, :, ::-1])
        assert flips == 0 if augmentation is Augmentation.SHIFT else 10 < flips < 30


def test_no_augmentation_leaves_pixels_alone():
    images = random_images(3, 1, 8, 8)
    assert augment(images, Augmentation.NONE, fill=0, generator=torch.Generator()) is images


def test_border_of_a_shift_is_zero_after_normalisation():
    images = torch.full((64, 1, 8, 8), 200, dtype=torch.uint8)
    batch = next(iter(batches(images, 64, augmentation=Augmentation.SHIFT)))
    assert set(batch.images.unique().tolist()) == {0.0, (200 - 77) / 64}


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [(10, 4, [4, 4, 2]), (9, 4, [4, 4]), (8, 4, [4, 4]), (3, 64, [3]), (5, 1, [2, 2]), (1, 4, [])],
)
def test_no_batch_has_a_single_image(count, batch_size, sizes):
    made = batches(random_images(count, 1, 4, 4), batch_size)
    assert [len(batch.labels) for batch in made] == sizes
    assert len(made) == len(sizes)


def test_an_epoch_sees_each_image_once_with_its_label_in_a_new_order():
    images = random_images(50, 1, 4, 4)
    made = batches(images, 16)
    orders = []
    for _ in range(2):
        epoch = list(made)
        labels = torch.cat([batch.labels for batch in epoch])
        assert sorted(labels.tolist()) == list(range(50))
        torch.testing.assert_close(
            torch.cat([batch.images for batch in epoch]), normalize(images, NORMALIZATION)[labels]
        )
        orders.append(labels.tolist())
    assert orders[0] != orders[1]


def test_same_seed_gives_the_same_batches():
    def first(seed):
        return next(iter(batches(random_images(50, 3, 8, 8), 16, augmentation=Augmentation.SHIFT_AND_FLIP, seed=seed)))

    assert torch.equal(first(3).images, first(3).images)
    assert not torch.equal(first(3).images, first(4).images)
