"""What a search refuses of a space file beyond its form, so that it can be known without a search."""

from automl.core.dataset_spec import DatasetSpec
from automl.core.space import SearchSpace
from automl.datasets.load import load_dataset
from automl.errors import DatasetError
from automl.search.measured_metrics import check_wishes

_FETCHED = "torchvision"


def check_space(space: SearchSpace) -> None:
    """Refuse a space whose own objectives or data set no search takes; nothing is fetched.

    Raises:
        UsageError: As a search of the space would.
    """
    check_wishes(space.objectives, ())
    spec = DatasetSpec.parse(space.dataset)
    if spec.kind == _FETCHED:
        _check_name(spec.argument)
    else:
        load_dataset(space.dataset)


def _check_name(name: str) -> None:
    from automl.datasets.torchvision_named import known_names

    if name not in known_names():
        raise DatasetError(f"torchvision has no data set {name!r} with a test set: try {', '.join(known_names())}")
