"""How a network is trained, stated once a study."""

from pydantic import Field

from automl.core.augmentation import Augmentation
from automl.core.value import Value


class TrainingSettings(Value):
    """Settings of the fit after the build.

    Attributes:
        epochs: Passes over the training split.
        batch_size: Images a step.
        learning_rate: Peak of the one-cycle schedule (Smith and Topin, 2018).
        weight_decay: Decoupled weight decay (Loshchilov and Hutter, 2019).
        label_smoothing: Share of the target spread over all classes (Szegedy et al., 2016).
        max_train_images: Train on the first so many images of the shuffled split; all where absent.
        augmentation: How training images are varied; as the data set says where absent.
    """

    epochs: int = Field(default=10, ge=1, le=10_000)
    batch_size: int = Field(default=64, ge=1, le=65_536)
    learning_rate: float = Field(default=0.01, gt=0, le=10)
    weight_decay: float = Field(default=1e-4, ge=0, le=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    max_train_images: int | None = Field(default=None, ge=1)
    augmentation: Augmentation | None = Field(default=None, strict=False)  # a file spells it
