"""What is raised when a trial is taken back ends a run on Ray as itself, and not as what Ray makes of it."""

import pytest
from tiny_study import trial_of

from automl.engines.ray_engine import _SessionSearcher
from automl.engines.trial_source import Assignment
from automl.errors import SearchError


class Breaking:
    """Hands out one point, and fails when its trial comes back."""

    has_work = True
    is_hopeless = False

    def next(self):
        return Assignment(0, {"conv_net.width_1": 8})

    def finish(self, _trial):
        raise SearchError("the sampler broke")


def test_what_a_session_raises_is_kept_however_often_ray_reports_the_trial():
    searcher = _SessionSearcher(Breaking(), store=None)
    searcher.suggest("a")
    with pytest.raises(SearchError, match="the sampler broke"):
        searcher.on_trial_complete("a", {"trial": trial_of(0, {"conv_net.width_1": 8})})
    with pytest.raises(SearchError, match="the sampler broke") as again:  # Ray takes the trial for failed
        searcher.on_trial_complete("a", error=True)
    assert searcher.fault is again.value
