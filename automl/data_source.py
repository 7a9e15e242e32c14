"""The whole contract of a kind of data set: what a plugin is asked for by the text that names the data.

``--dataset my_images:WHERE`` asks the plugin ``my_images``. Ship one with a line in your ``pyproject.toml``::

    [project.entry-points."automl.datasets"]
    my_images = "my_package:MyImages"
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from automl.core.dataset_spec import DatasetSpec
from automl.errors import DatasetError

__all__ = ["DataSource", "DatasetError", "DatasetSpec"]


class DataSource(ABC):
    """Reads a data set.

    It is made without arguments and keeps no state. Import its library inside the methods.

    Attributes:
        name: What users write before the colon; lower case, underscores.
        takes_pictures: Whether it heeds ``resize``, ``convert`` and ``background`` of its spec; they are refused where
            it does not.
        is_fetched: Whether reading may fetch files. ``automl spaces`` then calls ``check`` alone.
        runs_users_code: Whether ``read`` runs code of the user's own. What that raises goes through, with its
            traceback; of any other data set it becomes one line with the plugin's name.
    """

    name: ClassVar[str]
    takes_pictures: ClassVar[bool] = False
    is_fetched: ClassVar[bool] = False
    runs_users_code: ClassVar[bool] = False

    @abstractmethod
    def read(self, spec: DatasetSpec) -> object:
        """Read all images.

        Args:
            spec: ``spec.argument`` is what stands behind the colon.

        Returns:
            A dictionary: ``train``, and where they were published ``test`` and ``validation``, each a pair of images,
            uint8 (N, C, H, W), and N labels: integers from 0 where they are classes, floats where they are numbers;
            ``augmentation``, one of ``none``, ``shift``, ``flip`` and ``shift_and_flip``, what leaves the label of a
            training image as it is; ``class_names``, a list of texts. All but ``train`` may be absent: images for
            validation and test are then set aside from ``train``.

        Raises:
            DatasetError: What is missing or torn, where, and what to do.
        """

    def check(self, spec: DatasetSpec) -> None:  # noqa: B027 # most sources fetch nothing
        """Refuse a spec that names nothing, without fetching anything.

        Raises:
            DatasetError: As ``read`` would.
        """
