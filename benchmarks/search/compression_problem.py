"""A trained network whose layers are pruned and quantized: a trial takes a split second, and no network runs twice."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from automl.core.profile import Profile
from automl.core.recipe import Recipe, StageRecipe
from automl.core.space import SearchSpace
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.core.value import Point, Scalar
from automl.datasets.load import load_dataset
from automl.pipeline.seeding import seeded
from automl.pipeline.simulation import simulated_logits
from automl.pipeline.techniques import technique_of
from automl.pipeline.trainer import Trainer
from automl.predict.families import Families
from automl.predict.structure import Problem
from automl.technique import Architecture, Pruner, Quantizer, StageContext
from automl_plugins.pruners.channels.layouts import channel_layout
from automl_plugins.pruners.channels.removals import kept_channels

PRUNER, QUANTIZER = "l1_norm", "ptq"
FULL_BITS = 8
_MULTIPLE = 4
_CPU = torch.device("cpu")
_SAMPLES = 200


@dataclass(frozen=True)
class Compression:
    """What becomes of a network.

    Attributes:
        kept: Channels that stay, a group of convolutions.
        bits: Of the weights, a layer.
    """

    kept: tuple[int, ...]
    bits: tuple[int, ...]

    @property
    def key(self) -> str:
        """Name it in a file."""
        return f"{','.join(map(str, self.kept))}/{','.join(map(str, self.bits))}"


@dataclass(frozen=True)
class _Layer:
    """A convolution or linear layer; its channels are those of a group, or as they were where that is None."""

    weight: tuple[int, ...]
    in_group: int | None
    out_group: int | None
    positions: int

    def channels(self, kept: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the outgoing and the incoming channels where groups keep so many: ``kept`` is (compressions, groups)."""
        whole = np.broadcast_to(self.weight[:2], (len(kept), 2))
        out = whole[:, 0] if self.out_group is None else kept[:, self.out_group]
        return out, whole[:, 1] if self.in_group is None else kept[:, self.in_group]


@dataclass
class CompressionProblem:
    """One network, trained once, and what its compressions turn out to be.

    A trial removes channels by L1 norm, trains for ``recovery_epochs``, and quantizes without training. Its accuracy
    is that of the integers simulated, on validation images. Size and multiplications follow from the shapes of the
    layers, which takes microseconds: size by a linear model of what ``automl.predict`` says of random compressions.

    Attributes:
        name: For the heading of a table.
        architecture: Technique.
        fields: Its hyperparameters.
        dataset_spec: Where images come from.
        training: Of the network, before it is compressed.
        recovery_epochs: Of each trial.
        accuracies: Those that are known, by the key of a compression.
    """

    name: str
    architecture: str
    fields: Mapping[str, Scalar]
    dataset_spec: str
    training: TrainingSettings
    recovery_epochs: int
    accuracies: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dataset = load_dataset(self.dataset_spec)
        self._trainer = Trainer(Recipe(stages=(self._built,), training=self.training, seed=0), self.dataset, _CPU)
        self._context: StageContext = self._trainer.context(lambda _name, make: make())
        with seeded(0, _CPU):
            self.model = technique_of(self._built, Architecture).build(self._context)
            self._trainer.fit(self.model, epochs=self.training.epochs, learning_rate=self.training.learning_rate)
        self.model.eval()
        self.float_accuracy = self._trainer.score(self.model)
        self._pruned = lru_cache(maxsize=512)(self._prune)

    def compression(self, space: SearchSpace, point: Point) -> Compression:
        """Say what a point of a space makes of the network."""
        profiles = {stage.stage: stage.profile or Profile(level=0) for stage in space.recipe(point, seed=0).stages}
        shares = profiles[Stage.PRUNER].values(len(self.widths))
        kept = tuple(kept_channels(width, share, _MULTIPLE) for width, share in zip(self.widths, shares, strict=True))
        return Compression(kept, tuple(profiles[Stage.QUANTIZER].whole_values(len(self.layers))))

    def metrics(self, compression: Compression) -> dict[str, float]:
        """Give all that is measured."""
        if compression.key not in self.accuracies:
            self.accuracies[compression.key] = self._accuracy(compression)
        return {"accuracy": self.accuracies[compression.key], **self.known([compression])[0]}

    def known(self, compressions: Sequence[Compression]) -> list[dict[str, float]]:
        """Give what is known before training."""
        weights, _ = self._counts(compressions)
        macs = weights @ np.array([layer.positions for layer in self.layers])
        sizes = self._features(compressions) @ self._prices
        return [{"size_bytes": float(size), "macs": float(count)} for size, count in zip(sizes, macs, strict=True)]

    @property
    def largest(self) -> Compression:
        """Give the compression that takes no channel."""
        return Compression(self.widths, (FULL_BITS,) * len(self.layers))

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Channels of each group of convolutions that must keep the same ones."""
        groups = channel_layout(self.model.eval(), self._context.calibration).groups
        return tuple(len(self.model.get_submodule(group[0]).get_parameter("weight")) for group in groups)

    @cached_property
    def layers(self) -> list[_Layer]:
        """Layers that have bits, in the order in which they run."""
        quantizer = technique_of(self._stage(Stage.QUANTIZER, Profile(level=FULL_BITS)), Quantizer)
        whole = copy.deepcopy(self.model)
        quantized = quantizer.untrained(
            quantizer.prepared(whole, self._context.calibration), Profile(level=FULL_BITS, high=8), self._context
        )
        if quantized is None or quantized.quantization is None:
            raise SystemExit(f"{QUANTIZER} does not say which layers it quantizes")
        names = list(quantized.quantization.weights)
        positions: dict[str, int] = {}
        handles = [
            self.model.get_submodule(name).register_forward_hook(
                lambda _module, _inputs, output, name=name: positions.update({name: int(np.prod(output.shape[2:]))})
            )
            for name in names
        ]
        with torch.no_grad():
            self.model(self._context.calibration[:1])
        for handle in handles:
            handle.remove()
        shapes = [_weights(self._shrunk(group), names) for group in range(len(self.widths))]
        whole_shapes = _weights(self.model, names)
        return [
            _Layer(
                weight=whole_shapes[name],
                in_group=next((g for g, found in enumerate(shapes) if found[name][1] < whole_shapes[name][1]), None),
                out_group=next((g for g, found in enumerate(shapes) if found[name][0] < whole_shapes[name][0]), None),
                positions=positions[name],
            )
            for name in names
        ]

    def size_errors(self) -> list[float]:
        """Give errors of sizes, relative to what ``automl.predict`` says, of compressions that were not fitted."""
        drawn = self._drawn(seed=1)[: _SAMPLES // 4]
        return [
            abs(known["size_bytes"] / self._predicted(one) - 1)
            for one, known in zip(drawn, self.known(drawn), strict=True)
        ]

    @property
    def _built(self) -> StageRecipe:
        return StageRecipe(
            stage=Stage.ARCHITECTURE, technique=self.architecture, hyperparameters=dict(self.fields), profile=None
        )

    def _stage(self, stage: Stage, profile: Profile) -> StageRecipe:
        pruner, fields = (PRUNER, {"recovery_epochs": self.recovery_epochs, "channel_multiple": _MULTIPLE})
        if stage is Stage.PRUNER:
            return StageRecipe(stage=stage, technique=pruner, hyperparameters=fields, profile=profile)
        return StageRecipe(stage=stage, technique=QUANTIZER, hyperparameters={}, profile=profile)

    def _stages(self, compression: Compression) -> tuple[StageRecipe, StageRecipe]:
        shares = [1 - kept / width for kept, width in zip(compression.kept, self.widths, strict=True)]
        return (
            self._stage(Stage.PRUNER, Profile(level=0, offsets=tuple(shares))),
            self._stage(Stage.QUANTIZER, Profile(level=0, offsets=tuple(map(float, compression.bits)), high=8)),
        )

    def _shrunk(self, group: int) -> nn.Module:
        shares = tuple(0.75 if index == group else 0.0 for index in range(len(self.widths)))
        stage = self._stage(Stage.PRUNER, Profile(level=0, offsets=shares))
        shrunk = technique_of(stage, Pruner).shrunk(copy.deepcopy(self.model), stage.profile, self._context)
        if shrunk is None:
            raise SystemExit(f"{PRUNER} does not say what shape it leaves")
        return shrunk

    def _prune(self, kept: tuple[int, ...]) -> nn.Module:
        stage, _ = self._stages(Compression(kept, self.largest.bits))
        with seeded(0, _CPU):
            return technique_of(stage, Pruner).prune(copy.deepcopy(self.model), stage.profile, self._context).eval()

    def _accuracy(self, compression: Compression) -> float:
        _, stage = self._stages(compression)
        quantizer = technique_of(stage, Quantizer)
        with seeded(0, _CPU):
            prepared = quantizer.prepared(self._pruned(compression.kept), self._context.calibration)
            model, quantization = quantizer.quantize(prepared, stage.profile, self._context)
        validation = self.dataset.validation
        logits = simulated_logits(model.eval(), quantization, validation.images, self.dataset.normalization)
        return self.dataset.task.score(logits, validation.labels)

    def _counts(self, compressions: Sequence[Compression]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the weights and the outgoing channels of each layer: (compressions, layers) each."""
        kept = np.array([compression.kept for compression in compressions])
        channels = [layer.channels(kept) for layer in self.layers]
        weights = [
            out * incoming * math.prod(layer.weight[2:])
            for layer, (out, incoming) in zip(self.layers, channels, strict=True)
        ]
        return np.stack(weights, axis=1), np.stack([out for out, _ in channels], axis=1)

    def _features(self, compressions: Sequence[Compression]) -> NDArray[np.float64]:
        weights, channels = self._counts(compressions)
        bits = np.array([compression.bits for compression in compressions])
        layers = np.stack([(bits == width).sum(axis=1) for width in range(2, FULL_BITS + 1)], axis=1)
        packed = -(-weights * bits // 8)
        # what unpacks so many bits is stored once
        return np.column_stack([packed.sum(axis=1), channels.sum(axis=1), layers, layers > 0]).astype(float)

    @cached_property
    def _prices(self) -> NDArray[np.float64]:
        drawn = self._drawn(seed=0)
        sizes = np.array([self._predicted(one) for one in drawn])
        return np.linalg.lstsq(self._features(drawn), sizes, rcond=None)[0]

    def _drawn(self, *, seed: int) -> list[Compression]:
        draw = np.random.default_rng(seed)
        return [
            Compression(
                tuple(int(draw.integers(1, width // _MULTIPLE + 1)) * _MULTIPLE for width in self.widths),
                tuple(int(bits) for bits in draw.integers(2, FULL_BITS + 1, len(self.layers))),
            )
            for _ in range(_SAMPLES)
        ]

    def _predicted(self, compression: Compression) -> float:
        recipe = Recipe(stages=(self._built, *self._stages(compression)), training=self.training, seed=0)
        found = self._families.describe(recipe)
        if found is None:
            raise SystemExit("automl.predict cannot say how large these networks are")
        return float(found.outline.size_bytes)

    @cached_property
    def _families(self) -> Families:
        return Families(Problem.of(self.dataset))


def _weights(model: nn.Module, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(model.get_submodule(name).get_parameter("weight").shape) for name in names}
