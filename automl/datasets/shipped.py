"""The kinds of data sets that ship, by their names; each imports what it needs when it reads."""

from automl.data_source import DatasetError, DatasetSpec, DataSource
from automl.datasets.dataset import Source


class Digits(DataSource):
    """1,797 handwritten digits of 8 x 8 pixels, those of scikit-learn: ``digits``."""

    name = "digits"

    def read(self, spec: DatasetSpec) -> Source:
        """Read the digits."""
        from automl.datasets.digits import read

        return read(spec)


class RotatedDigits(DataSource):
    """1,797 handwritten digits of 12 x 12 pixels, each turned by an angle that is to be told: ``rotated_digits``."""

    name = "rotated_digits"

    def read(self, spec: DatasetSpec) -> Source:
        """Turn the digits."""
        from automl.datasets.rotated_digits import read

        return read(spec)


class Parquet(DataSource):
    """Encoded pictures and labels in parquet files, as the Hugging Face hub stores them: ``parquet:DIR``."""

    name = "parquet"
    takes_pictures = True

    def read(self, spec: DatasetSpec) -> Source:
        """Read the files of a folder."""
        from automl.datasets.parquet import read

        return read(spec)


class ImageFolder(DataSource):
    """Folders of pictures, one folder a class: ``imagefolder:DIR``."""

    name = "imagefolder"
    takes_pictures = True

    def read(self, spec: DatasetSpec) -> Source:
        """Read the pictures of a folder."""
        from automl.datasets.imagefolder import read

        return read(spec)


class Torchvision(DataSource):
    """What torchvision knows by name, fetched when first used: ``torchvision:CIFAR10``."""

    name = "torchvision"
    takes_pictures = True
    is_fetched = True

    def read(self, spec: DatasetSpec) -> Source:
        """Fetch the files where they are not there yet, and read them."""
        from automl.datasets.torchvision_named import read

        return read(spec)

    def check(self, spec: DatasetSpec) -> None:
        """Refuse a name that torchvision does not know."""
        from automl.datasets.torchvision_named import known_names

        if spec.argument not in known_names():
            names = ", ".join(known_names())
            raise DatasetError(f"torchvision has no data set {spec.argument!r} with a test set: try {names}")


class Python(DataSource):
    """Arrays that a function of yours returns: ``python:MODULE:CALLABLE``."""

    name = "python"
    runs_users_code = True

    def read(self, spec: DatasetSpec) -> Source:
        """Call the function."""
        from automl.datasets.python_callable import read

        return read(spec)
