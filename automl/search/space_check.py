"""What a search refuses of a space file beyond its form, so that it can be known without a search."""

from automl.core.dataset_spec import DatasetSpec
from automl.core.space import SearchSpace
from automl.datasets.load import data_source, load_dataset
from automl.search.measured_metrics import check_wishes


def check_space(space: SearchSpace) -> None:
    """Refuse a space whose own objectives or data set no search takes; nothing is fetched.

    Raises:
        UsageError: As a search of the space would.
    """
    check_wishes(space.objectives, ())
    spec = DatasetSpec.parse(space.dataset)
    source = data_source(spec, space.dataset)
    if source.is_fetched:
        source.check(spec)
    else:
        load_dataset(space.dataset, space.task)
