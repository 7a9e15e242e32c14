"""What the contract adds for quantizers: every weight of the exported file has the bits that were asked."""

import copy
from collections.abc import Iterator
from pathlib import Path

from automl.measure.contents import file_contents
from automl.technique import Quantizer
from automl.testing.context import context, trained
from automl.testing.layers import layers_in_order
from automl.testing.networks import NETWORKS, ODD_NETWORKS, SHAPE
from automl.testing.stage_contract import Asked, Case, Outcome, cases_of

_STORED_WIDTHS = (2, 4, 8, 16)
_OVERHEAD_BYTES = 150
"""What it takes to unpack a narrow weight; a small one is stored in bytes, since that is less."""


class QuantizerContract:
    """Quantizers: run on trained networks in the form that they take."""

    cases = cases_of(*NETWORKS, image_shape=SHAPE)
    odd_cases = cases_of(*ODD_NETWORKS, image_shape=SHAPE)

    def check(self, technique: Quantizer, case: Case, asked: Asked) -> None:
        """Check the untrained network."""
        given = context(case.image_shape)
        technique.check(
            technique.prepared(case.network(), context(case.image_shape).calibration), asked.weight_bits, given
        )

    def apply(self, technique: Quantizer, case: Case, asked: Asked, *, seed: int) -> Outcome:
        """Quantize the trained network."""
        before = technique.prepared(trained(case.network), context(case.image_shape).calibration)
        given = context(case.image_shape, seed=seed)
        model, quantization = technique.quantize(copy.deepcopy(before), asked.weight_bits, given)
        return Outcome(model, quantization, before, case.image_shape)

    def broken_promises(
        self, technique: Quantizer, case: Case, _outcome: Outcome, path: Path, asked: Asked
    ) -> Iterator[str]:
        """Each layer has no more codes than its bits allow, uses them, and takes no more bytes than they need."""
        layers = layers_in_order(trained(case.network), context().calibration[:2])
        widths = technique.bits(asked.weight_bits, len(layers))
        for name, bits, found in zip(layers, widths, file_contents(path), strict=True):
            stored_width = next(width for width in _STORED_WIDTHS if width >= bits)
            if found.bits is None:
                yield f"layer {name!r} was to have {bits} bits; in the file it is float32"
            elif found.bits > bits:
                yield f"layer {name!r} was to have {bits} bits; its codes in the file need {found.bits}"
            elif found.bits < bits - 1 and found.size >= 2 ** (bits + 2):
                yield f"layer {name!r} was to have {bits} bits; its codes in the file use {found.bits} alone"
            elif found.stored_bytes > found.size * stored_width / 8 + _OVERHEAD_BYTES:
                yield f"layer {name!r} has {found.size} weights of {bits} bits, which take {found.stored_bytes} bytes"
