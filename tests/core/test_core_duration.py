import pytest

from automl.core.duration import duration_seconds
from automl.errors import UsageError


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800)])
def test_duration_is_read(text, seconds):
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "0m", "-5m", "1.5h", "30m1h", "soon"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UsageError, match="30m"):
        duration_seconds(text)
