"""Predicts the metrics of points of a space: what is known of a network before it is trained."""

import hashlib
import json
import logging
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from automl.measure.size import size_bytes
from automl.measure.targets import runtime_of
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
"""So many networks of a space are measured before its latencies are predicted."""


@dataclass(frozen=True)
class _Forecast:
    metrics: Mapping[str, float]
    work: Mapping[str, float]


class SpacePredictor:
    """Knows size, operations and parameters of a point exactly, and estimates its latency once it has learnt prices.

    The size is that of the ONNX file. Where a target's runtime opens another, it too is an estimate from prices.

    Nothing is trained. Equal points cost once.

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
        self._families = Families(problem)
        self._forecasts: dict[str, _Forecast | None] = {}
        self.latency_model: LatencyModel | None = None
        self.size_model: SizeModel | None = None

    def predict(self, points: Sequence[Point]) -> list[dict[str, float]]:
        """Predict the metrics of points.

        Returns:
            For each point ``size_bytes`` (what the deployed file has), ``parameters`` and ``macs``, and
            ``latency_ms`` where prices are known for all that the network does; of a converted file, the size too
            is there only then. Empty where a technique does not
            say what shape it leaves, refuses the point, or fails.
        """
        return [self._metrics(self._forecast(point)) for point in points]

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
        estimates = {"latency_ms": None if self.latency_model is None else self.latency_model.predict_ms(forecast.work)}
        if self._is_converted:
            estimates["size_bytes"] = self._deployed_bytes(forecast)
        metrics = {**forecast.metrics, **estimates}
        return {name: value for name, value in metrics.items() if value is not None}

    def _deployed_bytes(self, forecast: _Forecast) -> float | None:
        if self.size_model is None:
            return None
        return self.size_model.predict_bytes(forecast.work, forecast.metrics["size_bytes"])

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
            self._say_once(fault)
            return None
        if found is None:
            return None
        metrics = {
            "size_bytes": float(found.outline.size_bytes),
            "parameters": float(found.parameters),
            "macs": float(sum(operation.macs for operation in found.outline.operations)),
        }
        return _Forecast(metrics, kernel_work(found.outline.operations))

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
            deployed_bytes = float(sum(size_bytes(model.with_name(name)) for name in runtime_of(meter.target).files))
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
            self._say_once(fault)
            return None

    def _say_once(self, fault: TechniqueFaultError) -> None:
        if fault.technique not in self._faulty:
            self._faulty.add(fault.technique)
            self._say(str(fault))
