"""Takes untrained networks all the way into the runtime, so that what cannot be deployed is refused before an epoch."""

import copy
import tempfile
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from automl.core.fidelity import EXACT
from automl.core.image import ImageShape, Normalization
from automl.core.profile import Profile
from automl.core.quantization import Quantization
from automl.core.recipe import StageRecipe
from automl.core.target import Target
from automl.errors import ConversionError, InfeasibleError, MeasureError, UntraceableError
from automl.export.onnx_writer import export_onnx
from automl.network.answers import COMPARED_IMAGES, answer_gap, answers
from automl.network.folding import fold_batch_norm
from automl.network.grids import put_on_grids
from automl.network.plain import plain_weights
from automl.network.skeleton import skeleton
from automl.network.stirring import stirred
from automl.network.tracing import trace_operations
from automl.pipeline.conversion import deploy, deployed_logits
from automl.pipeline.departure import first_departure
from automl.pipeline.no_fit import no_fit
from automl.pipeline.quantizing import as_deployed
from automl.pipeline.simulation import explained_gap, simulated_logits
from automl.task import Task
from automl.technique import Quantizer, StageContext
from automl.training.batches import normalize

_RAISED_BY_THE_EXPORTER = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What comes out of torch's exporter, where it meets what it does not know: few of these it means."""

_TORCH = Path(torch.__file__).parent

_ALONE = 4
"""Images that are also run one by one."""

_KEPT_REASONS = 256

_reasons: dict[Hashable, str | None] = {}


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What a rehearsal needs of a study. Networks that differ in widths and weights alone are rehearsed once a process.

    Attributes:
        images: A few dozen real ones, uint8, shape (N, C, H, W).
        normalization: Turns their pixels into numbers.
        target: The runtime.
        task: What the networks are for.
    """

    images: NDArray[np.uint8]
    normalization: Normalization
    target: Target
    task: Task

    def check_network(self, model: nn.Module, architecture: StageRecipe) -> None:
        """Fold, export and run an untrained network, and compare its answers after each step.

        Args:
            model: As built; it is left as it is.
            architecture: What built it, named in the error.

        Raises:
            InfeasibleError: If an answer depends on the other images of its run or on the runs before it, or the
                network cannot be exported, or the file answers otherwise.
        """
        key = self._key(skeleton(model) or architecture.model_dump_json())
        reason = _once(key, lambda: self._network_refusal(model))
        if reason is not None:
            raise InfeasibleError(f"architecture {architecture.technique!r} builds a network {reason}")

    def check_quantizer(
        self, prepared: nn.Module, quantizer: Quantizer, weight_bits: Profile, context: StageContext
    ) -> None:
        """Quantize an untrained network anyhow, export and run it, and compare the file with the simulation.

        Args:
            prepared: The untrained network as the quantizer takes it; it is left as it is.
            quantizer: One that does not tell how its result looks untrained is not rehearsed.
            weight_bits: What the quantizer will be given.
            context: What it may use; it trains nothing here.

        Raises:
            InfeasibleError: If the file cannot be written or run, or does not compute what was simulated, with the
                layer.
        """
        own = skeleton(prepared)
        key = None if own is None else self._key(own, quantizer.name, quantizer.model_dump_json())
        reason = _once(key, lambda: self._quantizer_refusal(prepared, quantizer, weight_bits, context))
        if reason is not None:
            raise InfeasibleError(
                f"quantizer {quantizer.name!r} {reason}; leave the quantizer out for this architecture"
            )

    def _key(self, *facts: Hashable) -> Hashable:
        return (*facts, self.images.shape[1:], self.normalization, str(self.target))

    def _network_refusal(self, model: nn.Module) -> str | None:
        images = self._normalised()
        lively = stirred(plain_weights(copy.deepcopy(model).cpu(), images), images)
        expected = answers(lively, images)
        gap = answer_gap(expected, answers(lively, images))
        if gap > EXACT:
            return (
                f"that answers the same images otherwise at its next run: its logits lie {gap:.1%} of their spread "
                "apart; draw no random number and count no runs where self.training is False, or choose another "
                "architecture"
            )
        alone = [answers(lively, images[index : index + 1]) for index in range(min(_ALONE, len(images)))]
        gap = answer_gap(expected, np.concatenate([*alone, expected[len(alone) :]]))
        if gap > EXACT:
            return (
                f"whose answer to an image depends on the other images of its run: alone, its logits lie {gap:.1%} of "
                "their spread away; compute nothing over the batch, such as x.mean(0), or choose another architecture"
            )
        folded = fold_batch_norm(lively, images)
        found = self._deployed(folded, None)
        if isinstance(found, str):
            return f"that {found}; build it of operators that ONNX has, or choose another architecture"
        gap = answer_gap(expected, found)
        if gap > EXACT:
            return (
                f"that the exported file does not compute: on {len(images)} images its logits lie {gap:.1%} of their "
                f"spread apart; {_cause(lively)}"
            )
        return None

    def _quantizer_refusal(
        self, prepared: nn.Module, quantizer: Quantizer, weight_bits: Profile, context: StageContext
    ) -> str | None:
        images = context.calibration[:COMPARED_IMAGES]
        given = replace(context, fit=no_fit, calibration=images)
        quantized = quantizer.untrained(stirred(prepared, images), weight_bits, given)
        if quantized is None:
            return None
        model, quantization = as_deployed(quantizer, quantized, context)
        model = model.cpu().eval()
        put_on_grids(model, quantization)
        found = self._deployed(model, quantization)
        if isinstance(found, str):
            return f"gives a network that {found}"
        expected = simulated_logits(model, quantization, self.images, self.normalization)
        gap = answer_gap(expected, found)
        if gap > explained_gap(gap, model, quantization, self.images, self.normalization):
            layer = first_departure(model, quantization, self.images, self.normalization)
            return (
                f"gives a file that does not compute what was simulated, first at {layer or 'its last layers'}: on "
                f"{len(found)} images its logits lie {gap:.1%} of their spread apart"
            )
        return None

    def _deployed(self, model: nn.Module, quantization: Quantization | None) -> NDArray[np.float32] | str:
        """Give the answers of the file of a network, or the reason why there are none."""
        with tempfile.TemporaryDirectory(prefix="automl-rehearsal-") as scratch:
            path = Path(scratch) / "model.onnx"
            try:
                export_onnx(
                    model,
                    path,
                    image_shape=ImageShape(*self.images.shape[1:]),
                    normalization=self.normalization,
                    quantization=quantization,
                )
            except InfeasibleError as reason:
                return f"cannot be exported: {reason}"
            except _RAISED_BY_THE_EXPORTER as error:
                if not _is_raised_in_torch(error):
                    raise
                return f"torch cannot export to ONNX: {_first_line(error)}"
            try:
                deploy(path, self.target)
                return deployed_logits(path, self.target, self.images, self.task).of_target
            except (ConversionError, MeasureError) as error:
                return f"cannot be run: {error}"

    def _normalised(self) -> Tensor:
        return normalize(torch.from_numpy(self.images.copy()), self.normalization)


def _once(key: Hashable | None, find: Callable[[], str | None]) -> str | None:
    if key is None:
        return find()
    if key not in _reasons:
        if len(_reasons) >= _KEPT_REASONS:
            _reasons.clear()
        _reasons[key] = find()
    return _reasons[key]


def _cause(model: nn.Module) -> str:
    """Say where a network decides by what it computes: there the exporter keeps one way for all images."""
    try:
        trace_operations(model)
    except UntraceableError as error:
        return (
            f"the exporter keeps one way through {error.where}, whatever the image; compute both, as torch.where does"
        )
    return "an operator is exported with another meaning; build the network of other operators"


def _is_raised_in_torch(error: Exception) -> bool:
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).is_relative_to(_TORCH)


def _first_line(error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {reason}"
