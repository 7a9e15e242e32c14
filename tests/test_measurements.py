"""What trials measure depends on what is installed, and what is left out for that is said."""

from installed_plugins import also_installed

from automl.measurements import unmeasured_claims, wishable_metrics
from automl.metric import Measurement, Metric, Unit
from automl.registry import METRIC


class Rival(Measurement):
    """Claims a name that is taken."""

    metric = Metric("size_bytes", Unit.BYTES)

    def measure(self, deployed):
        raise NotImplementedError


def test_a_metric_that_two_packages_claim_is_said_to_be_left_out_of_every_trial():
    assert unmeasured_claims() == []
    with also_installed(METRIC, Rival):
        (line,) = unmeasured_claims()
        assert "size_bytes" not in wishable_metrics()
    assert line.startswith("no trial measures size_bytes: metric 'size_bytes' is claimed by ")
    assert "tests 1" in line
    assert line.endswith("; uninstall one of them")
