"""The contract of automl.technique as a class of tests, which the author of a technique subclasses."""

import functools
import pickle
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol
from unittest import SkipTest

import numpy as np
import torch
from pydantic import ValidationError
from torch import nn

from automl.core.installed_metrics import metric_named
from automl.core.stage import Stage
from automl.errors import InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.measure.answers import predict
from automl.network.folding import fold_batch_norm
from automl.pipeline.seeding import seeded
from automl.pipeline.simulation import simulated_logits
from automl.technique import Epochs, Profile, Technique, Width
from automl.testing.architecture_contract import ArchitectureContract
from automl.testing.context import NORMALIZATION, SEED, context, logits, split
from automl.testing.distiller_contract import DistillerContract
from automl.testing.leftovers import leftovers
from automl.testing.networks import CLASSES
from automl.testing.pruner_contract import PrunerContract
from automl.testing.quantizer_contract import QuantizerContract
from automl.testing.stage_contract import Asked, Case, Outcome, StageContract

STAGE_CONTRACTS: Mapping[Stage, StageContract[Any]] = {
    Stage.ARCHITECTURE: ArchitectureContract(),
    Stage.PRUNER: PrunerContract(),
    Stage.QUANTIZER: QuantizerContract(),
    Stage.DISTILLER: DistillerContract(),
}

_NAMED_LIKE: Mapping[Stage, tuple[str, type[object]]] = {
    Stage.ARCHITECTURE: ("width", Width),
    Stage.PRUNER: ("epochs", Epochs),
    Stage.QUANTIZER: ("epochs", Epochs),
}
"""The word in a field's name that an annotation makes mean something, so that nobody relies on the name."""

_JUST_OUTSIDE = {"minimum": -1, "maximum": 1, "exclusiveMinimum": 0, "exclusiveMaximum": 0}
_PARITY_TOLERANCE = 0.01
_LOGITS_TOLERANCE = 0.02


class WrongField(NamedTuple):
    """A value just outside what is legal, and what the refusal must name."""

    field: str
    value: object
    limit: object


class _Tests(Protocol):
    """What pytest hands over, so that importing this module does not need it."""

    fixturenames: list[str]

    def parametrize(self, argnames: str, argvalues: list[Any], *, ids: list[str]) -> None: ...


class TechniqueContract:
    """Tests that a technique keeps the contract of its stage; subclass it in a test file, and pytest finds them.

    A case that the technique's ``check`` refuses is skipped, except the first: something must work.

    Attributes:
        technique: With the hyperparameters to test; choose few epochs.
        sparsity: Asked of a pruner, the same for all layers.
        weight_bits: Asked of a quantizer.
        channel_multiple: Channels that stay may be rounded to a multiple of this; by default to what the
            technique's field of that name says, or not at all.
    """

    technique: ClassVar[Technique]
    sparsity: ClassVar[Profile] = Profile(level=0.5)
    weight_bits: ClassVar[Profile] = Profile(level=5, slope=2, low=2, high=8)
    channel_multiple: ClassVar[int | None] = None

    def pytest_generate_tests(self, metafunc: _Tests) -> None:
        """Make a test of every case, and of every limit of a field."""
        stage = STAGE_CONTRACTS[self.technique.stage]
        if "wrong_field" in metafunc.fixturenames:
            wrong = list(_wrong_fields(self.technique))
            metafunc.parametrize("wrong_field", wrong, ids=[f"{each.field}={each.value!r}" for each in wrong])
        if "case" in metafunc.fixturenames:
            metafunc.parametrize("case", list(stage.cases), ids=[case.name for case in stage.cases])
        if "odd_case" in metafunc.fixturenames:
            metafunc.parametrize("odd_case", list(stage.odd_cases), ids=[case.name for case in stage.odd_cases])

    def refusals(self) -> dict[str, str]:
        """Give the reasons of the cases that the technique refuses, by the name of the case."""
        stage = STAGE_CONTRACTS[self.technique.stage]
        found = {case.name: _refused(self.technique, case, self._asked()) for case in (*stage.cases, *stage.odd_cases)}
        return {name: reason for name, reason in found.items() if reason is not None}

    def test_every_field_is_described_and_bounded_and_its_default_is_legal(self) -> None:
        """Fields stand under ``Attributes:`` of the class, and say what is legal."""
        kind = type(self.technique)
        if kind.model_validate(self.technique.model_dump()) != self.technique:
            raise AssertionError(f"{self.technique!r} is not what its own fields make")
        for field, schema in _schemas(self.technique).items():
            if not any(f"{field}: " in (each.__doc__ or "") for each in kind.__mro__):
                raise AssertionError(f"describe the field {field!r} under 'Attributes:' in the docstring of {kind}")
            if schema.get("type") != "boolean" and not schema.keys() & {*_JUST_OUTSIDE, "enum", "const", "pattern"}:
                raise AssertionError(f"state what is legal for the field {field!r}, such as Field(ge=1, le=64)")

    def test_fields_named_like_widths_or_epochs_say_what_they_are(self) -> None:
        """A search goes by the annotations ``Width`` and ``Epochs`` of fields, never by their names."""
        word, annotation = _NAMED_LIKE.get(self.technique.stage, ("", object))
        for field, schema in _schemas(self.technique).items():
            is_meant = word in field.split("_") and schema.get("type") == "integer"
            if is_meant and field not in self.technique.fields_with(annotation):
                raise AssertionError(
                    f"annotate the field {field!r} with {annotation.__name__}(), by which a search knows it, or give "
                    "it another name if it is something else"
                )

    def test_value_outside_its_range_is_refused_with_the_range(self, wrong_field: WrongField) -> None:
        """The message names the field and its limit."""
        fields = {**self.technique.model_dump(), wrong_field.field: wrong_field.value}
        message = _refusal(type(self.technique), fields)
        if wrong_field.field not in message or str(wrong_field.limit) not in message:
            raise AssertionError(f"{wrong_field} was not refused with field and limit, but with {message!r}")

    def test_unknown_field_is_refused(self) -> None:
        """A misspelt field must not be overlooked."""
        message = _refusal(type(self.technique), {**self.technique.model_dump(), "no_such_field": 1})
        if "no_such_field" not in message:
            raise AssertionError(f"a field that does not exist was not refused by its name, but with {message!r}")

    def test_result_gives_finite_logits_of_the_same_shape(self, case: Case) -> None:
        """Whatever was done, the network answers."""
        outcome = self._outcome(case)
        _check_logits(outcome)

    def test_exported_file_holds_what_was_asked(self, case: Case) -> None:
        """Channels, zeros and bits are counted in the file."""
        outcome = self._outcome(case)
        with tempfile.TemporaryDirectory() as folder:
            path = _export(outcome, Path(folder) / "model.onnx")
            stage = STAGE_CONTRACTS[self.technique.stage]
            broken = list(stage.broken_promises(self.technique, case, outcome, path, self._asked()))
        if broken:
            raise AssertionError("; ".join(broken))

    def test_exported_file_answers_like_the_model(self, case: Case) -> None:
        """ONNX Runtime computes what torch does, up to single ties in rounding."""
        outcome = self._outcome(case)
        with tempfile.TemporaryDirectory() as folder:
            deployed = predict(_export(outcome, Path(folder) / "model.onnx"), split(outcome.image_shape).images)
        images, labels = split(outcome.image_shape).images, split(outcome.image_shape).labels
        expected = simulated_logits(_folded(outcome), outcome.quantization, images, NORMALIZATION)
        error = float(np.abs(deployed - expected).mean() / expected.std())
        task = context(outcome.image_shape).task
        gap = task.parity_gap(expected, deployed, labels)
        if error > _LOGITS_TOLERANCE or gap > _PARITY_TOLERANCE:
            raise AssertionError(
                f"the file's logits are off by {error:.2%} of their spread, "
                f"its {metric_named(task.metric).title} by {100 * gap:.2f} points"
            )

    def test_same_seed_gives_the_same_result(self) -> None:
        """A trial can be run again."""
        stage = STAGE_CONTRACTS[self.technique.stage]
        case = stage.cases[0]
        first = self._outcome(case)
        second = _run(self.technique, case, self._asked())
        weights, again = first.model.state_dict(), second.model.state_dict()
        differing = [name for name in weights if name not in again or not torch.equal(weights[name], again[name])]
        if differing or first.quantization != second.quantization:
            raise AssertionError(f"twice with the same seed gives other weights: {differing or 'other grids'}")

    def test_result_pickles(self, case: Case) -> None:
        """A result travels between processes, and is kept in the stage cache."""
        outcome = self._outcome(case)
        restored = pickle.loads(pickle.dumps((outcome.model, outcome.quantization)))  # noqa: S301 # bytes of our own
        expected = logits(outcome.model, outcome.image_shape)
        if restored[1] != outcome.quantization or not torch.equal(logits(restored[0], outcome.image_shape), expected):
            raise AssertionError("the model computes something else after pickle.loads(pickle.dumps(model))")

    def test_no_hooks_and_no_wrappers_are_left(self, case: Case) -> None:
        """A plain network comes back, whatever stood around it on the way."""
        outcome = self._outcome(case)
        left = list(leftovers(outcome.model, outcome.before))
        if left:
            raise AssertionError(f"take off what is left: {'; '.join(left)}")

    def test_what_does_not_fit_is_refused_before_training(self, odd_case: Case) -> None:
        """Where ``check`` (or ``build``) does not raise InfeasibleError, the technique must work."""
        try:
            outcome = self._outcome(odd_case)
        except SkipTest as refusal:
            if not str(refusal):
                raise AssertionError("InfeasibleError must say why") from None
            return
        _check_logits(outcome)
        with tempfile.TemporaryDirectory() as folder:
            _export(outcome, Path(folder) / "model.onnx")

    def _asked(self) -> Asked:
        multiple = self.channel_multiple or int(getattr(self.technique, "channel_multiple", 1))
        return Asked(sparsity=self.sparsity, weight_bits=self.weight_bits, channel_multiple=multiple)

    def _outcome(self, case: Case) -> Outcome:
        """Run the technique on a case, once however many tests ask.

        Raises:
            SkipTest: If the technique refuses the case before training.
        """
        refusal = _refused(self.technique, case, self._asked())
        if refusal is None:
            return _outcome(self.technique, case, self._asked())
        if case is STAGE_CONTRACTS[self.technique.stage].cases[0]:
            raise AssertionError(f"the plainest case must work; it is refused: {refusal}")
        raise SkipTest(refusal)


@functools.cache
def _refused(technique: Technique, case: Case, asked: Asked) -> str | None:
    try:
        STAGE_CONTRACTS[technique.stage].check(technique, case, asked)
    except InfeasibleError as reason:
        return str(reason)
    return None


@functools.lru_cache(maxsize=64)
def _outcome(technique: Technique, case: Case, asked: Asked) -> Outcome:
    return _run(technique, case, asked)


def _run(technique: Technique, case: Case, asked: Asked) -> Outcome:
    with seeded(SEED, torch.device("cpu")):
        return STAGE_CONTRACTS[technique.stage].apply(technique, case, asked, seed=SEED)


def _export(outcome: Outcome, path: Path) -> Path:
    export_onnx(
        _folded(outcome),
        path,
        image_shape=outcome.image_shape,
        normalization=NORMALIZATION,
        quantization=outcome.quantization,
    )
    return path


def _folded(outcome: Outcome) -> nn.Module:
    return fold_batch_norm(outcome.model, context(outcome.image_shape).calibration)


def _check_logits(outcome: Outcome) -> None:
    answer = logits(outcome.model, outcome.image_shape)
    if tuple(answer.shape) != (len(split(outcome.image_shape)), CLASSES):
        raise AssertionError(f"the logits of the images have the shape {tuple(answer.shape)}")
    if not bool(torch.isfinite(answer).all()):
        raise AssertionError("the network gives logits that are NaN or infinite")


def _schemas(technique: Technique) -> dict[str, dict[str, Any]]:
    schemas: dict[str, dict[str, Any]] = type(technique).model_json_schema().get("properties", {})
    return schemas


def _wrong_fields(technique: Technique) -> Iterator[WrongField]:
    for field, schema in _schemas(technique).items():
        for key, step in _JUST_OUTSIDE.items():
            if key in schema:
                yield WrongField(field, schema[key] + step, schema[key])
        if "enum" in schema:
            yield WrongField(field, "no such choice", schema["enum"][-1])


def _refusal(kind: type[Technique], fields: dict[str, object]) -> str:
    try:
        kind.model_validate(fields)
    except ValidationError as error:
        return str(error)
    raise AssertionError(f"{kind.__name__} takes {fields}, which are not legal")
