"""The contract of automl.metric as a class of tests, which the author of a metric subclasses."""

import math
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol
from unittest import SkipTest

from numpy.typing import NDArray

from automl.core.installed_metrics import installed_metrics
from automl.core.recipe import Recipe
from automl.core.training_settings import TrainingSettings
from automl.datasets.task_of_labels import task_of_labels
from automl.errors import AutomlError
from automl.measure.latency import LatencyMeter
from automl.measure.opened_file import OpenedFile
from automl.measurements import foreseen, measured_values, values_of
from automl.metric import Deployed, Measurement, Metric, Sketch, Unit, When
from automl.registry import METRIC
from automl.runtime import ONNX_FILE
from automl.testing.context import split
from automl.testing.deployed_files import FORMS, deployed_file, images
from automl.testing.networks import CLASSES

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_HEAVY = ("torch", "onnx", "onnxruntime", "nni", "ray", "optuna", "pyarrow")
_SKETCH = Sketch(parameters=5000, macs=90_000, onnx_bytes=21_000, size_bytes=21_000.0, latency_ms=0.1)


class _Tests(Protocol):
    """What pytest hands over, so that importing this module does not need it."""

    fixturenames: list[str]

    def parametrize(self, argnames: str, argvalues: list[Any], *, ids: list[str]) -> None: ...


class MetricContract:
    """Tests that a metric keeps its contract; subclass it in a test file, and pytest finds them.

    Attributes:
        measurement: It is made without arguments.
        labels: The right answers to the 48 images that are measured on, of whose five patterns a network gives as many
            outputs; the number of the pattern where absent.
    """

    measurement: ClassVar[Measurement]
    labels: ClassVar[NDArray[Any] | None] = None

    def pytest_generate_tests(self, metafunc: _Tests) -> None:
        """Make a test of every form in which weights are stored."""
        if "form" in metafunc.fixturenames:
            metafunc.parametrize("form", list(FORMS), ids=[form.replace(" ", "_") for form in FORMS])

    def test_it_says_what_it_is(self) -> None:
        """Names are ones of columns, state their unit, and are told apart."""
        faults = [fault for metric in self.measurement.metrics() for fault in _faults(metric)]
        names = [metric.name for metric in self.measurement.metrics()]
        if len(set(names)) < len(names):
            faults.append(f"it names a metric twice: {', '.join(names)}")
        if not (type(self.measurement).__doc__ or "").strip():
            faults.append("its class has no docstring, which `automl plugins` shows")
        if faults:
            raise AssertionError("; ".join(faults))

    def test_what_it_refers_to_is_measured(self) -> None:
        """A gate, an interval or a metric of the test split stands beside the metric; others may be installed."""
        own = {metric.name: metric for metric in self.measurement.metrics()}
        for metric in own.values():
            beside = [*filter(None, [metric.gate, metric.on_test]), *(metric.interval or ())]
            missing = [name for name in beside if name not in own]
            if missing:
                raise AssertionError(f"{metric.name} refers to {missing[0]}, which is not in its class variable beside")
            if metric.gate is not None and own[metric.gate].unit is not Unit.FLAG:
                raise AssertionError(f"{metric.gate} says whether {metric.name} is sure: give it Unit.FLAG")
            if metric.ordered_like is not None and metric.ordered_like not in installed_metrics():
                raise AssertionError(f"{metric.name} is ordered like {metric.ordered_like}, which is not installed")

    def test_every_network_has_finite_values_of_its_metrics(self, form: str) -> None:
        """Its own among them; and those that are measured last only once the search is over."""
        with _deployed(form, self.labels) as (deployed, meter):
            values = _measured(self.measurement, deployed, meter)
        last = {metric.name for metric in self.measurement.metrics() if metric.when is When.END}
        if last & values.keys():
            raise AssertionError(f"measure gives {', '.join(sorted(last & values.keys()))}: leave it to measure_last")

    def test_what_is_measured_last_is_measured_then(self) -> None:
        """Every metric of ``When.END``, and nothing that it does not name."""
        with _deployed(FORMS[0], self.labels) as (deployed, meter):
            earlier = _measured(self.measurement, deployed, meter)
            values = values_of(self.measurement, partial(self.measurement.measure_last, deployed, earlier))
        last = {metric.name for metric in self.measurement.metrics() if metric.when is When.END}
        if not last <= values.keys():
            raise AssertionError(f"measure_last does not give {', '.join(sorted(last - values.keys()))}")

    def test_it_leaves_the_files_as_they_are(self) -> None:
        """What was measured is what is deployed."""
        with _deployed(FORMS[0], self.labels) as (deployed, meter):
            folder = deployed.files[0].parent
            before = {file.name: file.read_bytes() for file in folder.iterdir()}
            _measured(self.measurement, deployed, meter)
            if {file.name: file.read_bytes() for file in folder.iterdir()} != before:
                raise AssertionError(f"it changes the files in {folder.name}; write to a folder of your own")

    def test_it_foresees_a_number_or_nothing(self) -> None:
        """Whatever is known: a search asks before this host's prices are learnt, too."""
        for sketch in (_SKETCH, replace(_SKETCH, size_bytes=None), replace(_SKETCH, latency_ms=None)):
            value = foreseen(self.measurement, sketch)
            if value is not None and value < 0:
                raise AssertionError(f"it foresees {value} of {sketch}: what is foreseen is compared by factors")

    def test_it_can_be_sent_to_the_process_that_measures(self) -> None:
        """Where it is measured alone, and to the workers of a search."""
        if type(pickle.loads(pickle.dumps(self.measurement))) is not type(self.measurement):  # noqa: S301 # our own
            raise AssertionError("it is another after pickle.loads(pickle.dumps(measurement))")

    def test_listing_it_imports_nothing_heavy(self) -> None:
        """Import heavy libraries inside the method: the process that measures is to hold little."""
        plugin = METRIC.installed().get(self.measurement.name)
        if plugin is None:
            raise SkipTest("it is not installed: no entry point names it")
        script = f"import sys, {plugin.entry_point.module}\nprint(*({set(_HEAVY)} & sys.modules.keys()))"
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 # of this interpreter
        if ended.stdout.strip():
            raise AssertionError(f"importing {plugin.entry_point.module} imports {ended.stdout.strip()}")


def _faults(metric: Metric) -> Iterator[str]:
    if _NAME.fullmatch(metric.name) is None:
        yield f"the name {metric.name!r} is not of lower case letters, digits and underscores"
    if not metric.name.endswith(metric.ending):
        yield f"the name {metric.name!r} does not state its unit; let it end in {metric.ending}"
    stated = Unit.stated_by(metric.name)
    if stated is not Unit.NUMBER and stated is not metric.unit:
        yield f"the name {metric.name!r} states {stated}, and its unit is {metric.unit}"
    if metric.symbol and metric.unit is not Unit.NUMBER:
        yield f"{metric.name} is printed in {metric.unit}: leave its symbol {metric.symbol!r} out"
    if not metric.low < metric.high or math.isnan(metric.low + metric.high):
        yield f"the bounds of {metric.name} are {metric.low} and {metric.high}: give the lower one first"


def _measured(measurement: Measurement, deployed: Deployed, meter: LatencyMeter) -> Mapping[str, float]:
    try:
        if measurement.is_measured_alone:
            return meter.measure_alone(measurement, deployed)
        return measured_values(measurement, deployed)
    except AutomlError as error:
        raise AssertionError(str(error)) from error


@contextmanager
def _deployed(form: str, labels: NDArray[Any] | None) -> Iterator[tuple[Deployed, LatencyMeter]]:
    answers = split().labels[: len(images())] if labels is None else labels
    with tempfile.TemporaryDirectory(prefix="automl-metric-") as scratch:
        files, state = Path(scratch) / "files", Path(scratch) / "host"
        files.mkdir()
        path = files / ONNX_FILE
        path.write_bytes(deployed_file(form))
        meter = LatencyMeter(state_dir=state)
        run = OpenedFile(path, meter.target)
        outputs = run(images())
        yield (
            Deployed(
                files=(path,),
                onnx_file=path,
                target=meter.target,
                recipe=Recipe(stages=(), training=TrainingSettings(), seed=0),
                images=images(),
                labels=answers,
                outputs=outputs,
                task=task_of_labels(answers.dtype).of({"training": answers}),
                run=run,
                timed=partial(meter.measure, path, images=images()[:1]),
                expected=outputs,
                parity_gap=0.0,
                parameters=CLASSES,
                count_macs=partial(int, _SKETCH.macs),
                count_packed_bytes=partial(int, path.stat().st_size),
            ),
            meter,
        )
