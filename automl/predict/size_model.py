"""Predicts what a network takes on disk once it is converted: only of the ONNX file that is known to the byte."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl.predict.latency_model import TimedNetwork
from automl.predict.prices import Work, fit_prices, total_price

_FILE = "ONNX file, bytes"


@dataclass(frozen=True)
class SizeModel:
    """The size of a converted file: bytes for each sort of work, as each operator is described, and for each ONNX byte.

    Attributes:
        prices_bytes: By the name of the work.
    """

    prices_bytes: Mapping[str, float]

    @classmethod
    def fit(cls, networks: Sequence[TimedNetwork]) -> "SizeModel":
        """Find the prices from networks that were converted, at least one, of one target."""
        works = [_with_file(network.work, network.file_bytes or 0.0) for network in networks]
        return cls(fit_prices(works, np.array([network.deployed_bytes for network in networks], dtype=float)))

    def predict_bytes(self, work: Work, file_bytes: float) -> float | None:
        """Predict a size; None where there is work of a sort that no converted network did."""
        known = _with_file(work, file_bytes)
        return total_price(self.prices_bytes, known) if known.keys() <= self.prices_bytes.keys() else None


def _with_file(work: Work, file_bytes: float) -> Work:
    return {**work, _FILE: file_bytes}
