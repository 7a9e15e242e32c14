"""How training images are varied: part of what a study is, so it stands among the values."""

from enum import StrEnum


class Augmentation(StrEnum):
    """How training images are varied; a shift goes up to an eighth of the height, at least one pixel.

    A mirror image is another class where a picture shows letters, digits, arrows or a left hand.
    """

    NONE = "none"
    SHIFT = "shift"
    FLIP = "flip"
    SHIFT_AND_FLIP = "shift_and_flip"

    @property
    def shifts(self) -> bool:
        """Whether images are moved."""
        return self in (Augmentation.SHIFT, Augmentation.SHIFT_AND_FLIP)

    @property
    def flips(self) -> bool:
        """Whether half of the images are mirrored from left to right."""
        return self in (Augmentation.FLIP, Augmentation.SHIFT_AND_FLIP)

    def described(self, height: int) -> str:
        """Say what is done to training images of this height.

        >>> Augmentation.SHIFT_AND_FLIP.described(32)
        'shifted by up to 4 pixels, and half of them mirrored'
        """
        reach = shift_reach(height)
        moved = f"shifted by up to {reach} pixel{'s' if reach > 1 else ''}"
        return {
            Augmentation.NONE: "not varied",
            Augmentation.SHIFT: f"{moved}, never mirrored",
            Augmentation.FLIP: "mirrored, half of them",
            Augmentation.SHIFT_AND_FLIP: f"{moved}, and half of them mirrored",
        }[self]


def shift_reach(height: int) -> int:
    """Give the pixels that an image of this height may be moved, each way."""
    return max(1, height // 8)
