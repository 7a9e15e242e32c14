"""Predicts the metrics of points of a space: what is known of a network before it is trained."""

import hashlib
import json
import logging
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from automl.core.recipe import Recipe
from automl.core.space import SearchSpace
from automl.core.stage import Stage
from automl.core.target import ONE_THREAD, Target
from automl.core.value import Point
from automl.errors import ConversionError, InfeasibleError, MeasureError
from automl.export.onnx_writer import onnx_bytes
from automl.measure.latency import LatencyMeter
from automl.measure.targets import runtime_of
from automl.measurements import foreseen, usable_measurements
from automl.metric import Measurement, Sketch
from automl.pipeline.conversion import deploy
from automl.predict.families import Families
from automl.predict.faults import TechniqueFaultError, blamed
from automl.predict.kernel_work import kernel_work
from automl.predict.latency_model import LatencyModel, TimedNetwork
from automl.predict.latency_samples import LatencySamples
from automl.predict.size_model import SizeModel
from automl.predict.structure import Problem, untrained_network

_logger = logging.getLogger(__name__)

NETWORKS = 64
"""Networks of a space that are measured before its latencies are predicted (chosen by hand; benchmarks/predictors.py
measures the errors that are left)."""


@dataclass(frozen=True)
class _Forecast:
    sketch: Sketch
    """The network without its latency, which is learnt from this host."""
    work: Mapping[str, float]


class SpacePredictor:
    """Sketches the network of a point, exactly but for its latency, and asks the metrics what they foresee of it.

    The size is that of the ONNX file. Where a target's runtime opens another, it too is an estimate from prices.

    The latency is estimated once prices were learnt. Nothing is trained. Equal points cost once.

    Args:
        space: Where the points come from.
        problem: What its networks are for.
        seed: Of the trials.
        target: What trials are measured for.
        say: Is told, once a technique, of one that fails here: its networks are then modelled, not known.
    """

    def __init__(
        self,
        space: SearchSpace,
        problem: Problem,
        *,
        seed: int = 0,
        target: Target = ONE_THREAD,
        say: Callable[[str], None] = _logger.warning,
    ) -> None:
        self._space = space
        self._problem = problem
        self._seed = seed
        self._is_converted = runtime_of(target).is_converted
        self._say = say
        self._faulty: set[str] = set()
        self._measurements = usable_measurements()
        self._families = Families(problem)
        self._forecasts: dict[str, _Forecast | None] = {}
        self.latency_model: LatencyModel | None = None
        self.size_model: SizeModel | None = None

    def predict(self, points: Sequence[Point]) -> list[dict[str, float]]:
        """Predict the metrics of points.

        Returns:
            What each metric foresees of each point: the latency where prices are known for all that the network
            does; of a converted file, the size too only then. Empty where a technique does not say what shape it
            leaves, refuses the point, or fails.
        """
        return [self._metrics(self._forecast(point)) for point in points]

    def must_learn(self, metrics: Iterable[str]) -> bool:
        """Say whether one of these metrics is foreseen only with prices that are learnt on this host."""
        known = Sketch(parameters=1, macs=1, onnx_bytes=1, size_bytes=1.0, latency_ms=1.0)
        bare = replace(known, latency_ms=None, size_bytes=None if self._is_converted else 1.0)
        named = [each for each in self._measurements if each.name in set(metrics)]
        return any(self._foreseen(each, bare) is None and self._foreseen(each, known) is not None for each in named)

    def knows_latency(self, meter: LatencyMeter, *, networks: int = NETWORKS) -> bool:
        """Say whether enough networks of this space were measured on this host that ``learn_latency`` takes no time."""
        return len(LatencySamples(meter.state_dir, meter.target).read(self._origin)) >= networks

    def learn_latency(
        self,
        points: Iterable[Point],
        meter: LatencyMeter,
        *,
        networks: int = NETWORKS,
        seconds: float = math.inf,
    ) -> LatencyModel:
        """Measure untrained networks until enough of this space are known on this host, and fit the prices.

        What earlier searches of this host measured counts, and what they measured of other spaces helps.

        Args:
            points: Of the space, at random, the same at every call; as many are measured as are missing.
            meter: Measures them, some 0.3 s each; on a busy host, seconds.
            networks: How many are enough.
            seconds: No network is measured after so long; a later search goes on where this one ended.

        Raises:
            SearchError: If the points do not suffice.
        """
        samples = LatencySamples(meter.state_dir, meter.target)
        known, deadline = len(samples.read(self._origin)), time.monotonic() + seconds
        for point in islice(points, known, None):
            if known >= networks or time.monotonic() > deadline:
                break
            timed = self._time(point, meter)
            if timed is not None:
                samples.add(self._origin, timed)
                known += 1
        timed_networks = samples.read()
        self.latency_model = LatencyModel.fit(timed_networks)
        if self._is_converted:
            self.size_model = SizeModel.fit(timed_networks)
        return self.latency_model

    @property
    def _origin(self) -> str:
        """Tell spaces apart by what they choose from, not by their name."""
        space = self._space.model_dump_json(include={"parameters", "constants", "profiles"})
        return hashlib.sha256(f"{space} {self._problem}".encode()).hexdigest()

    def _metrics(self, forecast: _Forecast | None) -> dict[str, float]:
        if forecast is None:
            return {}
        sketch = replace(
            forecast.sketch,
            size_bytes=self._deployed_bytes(forecast),
            latency_ms=None if self.latency_model is None else self.latency_model.predict_ms(forecast.work),
        )
        values = [(each.name, self._foreseen(each, sketch)) for each in self._measurements]
        return {name: value for name, value in values if value is not None}

    def _foreseen(self, measurement: Measurement, sketch: Sketch) -> float | None:
        try:
            return foreseen(measurement, sketch)
        except MeasureError as error:
            self._say_once(measurement.name, f"{error}; it is learnt from the trials alone")
            return None

    def _deployed_bytes(self, forecast: _Forecast) -> float | None:
        if not self._is_converted:
            return forecast.sketch.size_bytes
        if self.size_model is None:
            return None
        return self.size_model.predict_bytes(forecast.work, float(forecast.sketch.onnx_bytes))

    def _forecast(self, point: Point) -> _Forecast | None:
        recipe = self._space.recipe(point, seed=self._seed)
        key = json.dumps([stage.model_dump(mode="json") for stage in recipe.stages])
        if key not in self._forecasts:
            self._forecasts[key] = self._make_forecast(recipe)
        return self._forecasts[key]

    def _make_forecast(self, recipe: Recipe) -> _Forecast | None:
        try:
            found = self._families.describe(recipe)
        except InfeasibleError:  # its trial says so in its row
            return None
        except TechniqueFaultError as fault:
            self._say_once(fault.technique, str(fault))
            return None
        if found is None:
            return None
        sketch = Sketch(
            parameters=found.parameters,
            macs=sum(operation.macs for operation in found.outline.operations),
            onnx_bytes=found.outline.size_bytes,
            size_bytes=float(found.outline.size_bytes),
            latency_ms=None,
        )
        return _Forecast(sketch, kernel_work(found.outline.operations))

    def _time(self, point: Point, meter: LatencyMeter) -> TimedNetwork | None:
        """Measure the untrained network of a point; None where there is none, or the machine was never at its best."""
        forecast = self._forecast(point)
        content = self._untrained_file(self._space.recipe(point, seed=self._seed)) if forecast else None
        if forecast is None or content is None:
            return None
        shape = self._problem.image_shape
        image = np.random.default_rng(0).integers(0, 256, (1, *shape), dtype=np.uint8)
        with tempfile.TemporaryDirectory(prefix="automl-predict-") as scratch:
            source = Path(scratch) / "model.onnx"
            source.write_bytes(content)
            try:
                model = deploy(source, meter.target)
                latency = meter.measure(model, images=image)
            except (ConversionError, MeasureError):  # fails in its trial too, whose row tells the story
                return None
            deployed_bytes = float(sum(model.with_name(name).stat().st_size for name in runtime_of(meter.target).files))
        if not latency.is_gated:
            return None
        return TimedNetwork(forecast.work, latency.latency_ms, float(len(content)), deployed_bytes)

    def _untrained_file(self, recipe: Recipe) -> bytes | None:
        """Export the untrained network of a recipe; None where there is none."""
        try:
            network = untrained_network(recipe, self._problem)
            if network is None:
                return None
            with blamed(next(stage for stage in recipe.stages if stage.stage is Stage.ARCHITECTURE)):
                return onnx_bytes(
                    network.model,
                    image_shape=self._problem.image_shape,
                    normalization=self._problem.normalization,
                    quantization=network.quantization,
                )
        except InfeasibleError:  # its trial says so in its row
            return None
        except TechniqueFaultError as fault:
            self._say_once(fault.technique, str(fault))
            return None

    def _say_once(self, name: str, fault: str) -> None:
        if name not in self._faulty:
            self._faulty.add(name)
            self._say(fault)
