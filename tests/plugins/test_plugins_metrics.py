"""Every metric that ships keeps the contract of automl.metric, and one that breaks it is told what to mend."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from installed_plugins import also_installed, shipped

from automl.core.installed_metrics import installed_metrics, metric_named
from automl.core.metric import When
from automl.metric import Direction, Measurement, Metric, Unit
from automl.registry import METRIC
from automl.testing import MetricContract
from automl.testing.deployed_files import deployed_file, images
from automl.testing.metric_contract import _deployed, _measured
from automl.testing.networks import CLASSES

SHIPPED = shipped(METRIC)
LABELS = {"mean_absolute_error": np.random.default_rng(0).normal(size=(len(images()), CLASSES)).astype(np.float32)}
"""Of those that are of another task than classification."""

globals().update(
    {
        f"Test_{name}": type(
            f"Test_{name}", (MetricContract,), {"measurement": METRIC.load(name)(), "labels": LABELS.get(name)}
        )
        for name in SHIPPED
    }
)


def test_these_ship():
    assert {"accuracy", "size_bytes", "download_bytes", "latency_ms", "parity_gap", "parameters", "macs"} <= {*SHIPPED}
    assert metric_named("test_accuracy").when is When.END


def test_no_two_metrics_that_ship_have_a_name_together():
    names = [metric.name for name in SHIPPED for metric in METRIC.load(name).metrics()]
    assert len(names) == len(set(names))
    assert set(names) == installed_metrics().keys()


def test_size_is_that_of_the_file():
    with _deployed("float32", None) as (deployed, meter):
        values = _measured(METRIC.load("size_bytes")(), deployed, meter)
    assert values == {"size_bytes": float(len(deployed_file("float32")))}


@pytest.mark.parametrize("name", ["accuracy", "test_accuracy"])
def test_accuracy_is_the_share_of_right_answers_and_nan_is_never_right(name):
    logits = np.array([[3, 1, 0], [0, 2, 1], [0, 1, 2], [5, 0, 0]], np.float32)
    accuracy = METRIC.load("accuracy")()
    with _deployed("float32", None) as (deployed, _):
        right = replace(deployed, outputs=logits, labels=np.array([0, 1, 0, 0]))
        wrong = replace(right, outputs=np.full((4, 3), np.nan, np.float32), labels=np.zeros(4, np.int64))
        found = [
            accuracy.measure(each) if name == accuracy.name else accuracy.measure_last(each, {})[name]
            for each in (right, wrong)
        ]
    assert found == [0.75, 0.0]


class Speed(Measurement):
    """Says what it should not: its unit, and a metric that nobody measures."""

    metric = Metric("speed_ms", Unit.NUMBER, Direction.MAX, gate="is_fast")

    def measure(self, deployed):
        deployed.files[0].write_bytes(b"")
        return float("nan")


class Broken(MetricContract):
    measurement: ClassVar[Measurement] = Speed()


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("test_it_says_what_it_is", "the name 'speed_ms' states ms, and its unit is number"),
        ("test_what_it_refers_to_is_measured", "refers to is_fast, which is not in its class variable beside"),
        ("test_it_can_be_sent_to_the_process_that_measures", None),
    ],
)
def test_the_contract_tells_what_to_mend(test, told):
    if told is None:
        getattr(Broken(), test)()
        return
    with pytest.raises(AssertionError, match=told):
        getattr(Broken(), test)()


def test_the_contract_tells_of_a_value_that_is_no_number():
    with also_installed(METRIC, Speed), pytest.raises(AssertionError, match="'speed_ms' of tests 1 gave nan") as caught:
        Broken().test_every_network_has_finite_values_of_its_metrics("float32")
    assert "which is no finite number" in str(caught.value)


def test_a_metric_with_a_name_is_known_while_it_is_installed():
    assert "speed_ms" not in installed_metrics()
    with also_installed(METRIC, Speed):
        assert metric_named("speed_ms").better is Direction.MAX
    assert "speed_ms" not in installed_metrics()
