"""What the user of a deployed file must know of the data that its network was made with."""

from automl.core.image import ImageShape
from automl.core.value import Value


class DataDescription(Value):
    """Kept with a study, so that a network can be handed over where its data are not.

    Attributes:
        task: Name of what the network does with an image.
        gives_classes: Whether its outputs are logits of classes, of which the largest is the answer.
        outputs: Numbers that it gives an image.
        channels: Of an image: 1 where it is grey, 3 for red, green and blue.
        height: Of an image, in pixels.
        width: Of an image, in pixels.
        class_names: Name of each class; None where they have none.
        images: Number of images by split: ``train``, ``validation``, ``test``.
        notes: What a user should know of how the data was read, a line each.
    """

    task: str
    gives_classes: bool
    outputs: int
    channels: int
    height: int
    width: int
    class_names: tuple[str, ...] | None = None
    images: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def image_shape(self) -> ImageShape:
        """Channels, height and width."""
        return ImageShape(channels=self.channels, height=self.height, width=self.width)
