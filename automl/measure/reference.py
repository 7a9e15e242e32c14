"""A small model whose time is known, so that a measurement can tell when the machine itself is slow.

A virtual machine has phases in which even CPU time is half as high again. A model that never changes is slow in
the same phases; what it took at its best is kept a host, shared by all processes.
"""

import itertools
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from automl.measure.processor import processor_name
from automl.onnx_session import open_session

_VERSION = 1  # raise it when the model or the reading changes
_CHANNELS = (3, 16, 32, 32)
_IMAGE_SIDE = 24
_RUNS_A_READING = 3
_READINGS_A_RECORD = 3
_FIRST_SECONDS = 1.0
_TOLERANCE = 1.06
_RELAXATION = 1.01
_LONGEST_NS = 1e9  # thousands of times what it takes


class Reference:
    """Times the reference model and knows its best time on this host.

    Args:
        state_dir: Where the best time is kept, ``reference.json``. Change it only under the host's lock.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._file = state_dir / "reference.json"
        self._key = f"{_VERSION} onnxruntime {onnxruntime.__version__} {processor_name()}"
        self._session = open_session(reference_model())
        self._images = {"x": np.ones((1, _CHANNELS[0], _IMAGE_SIDE, _IMAGE_SIDE), np.float32)}
        self._best_ns: float | None = self._load()
        self._lowest_ns: list[int] = []

    def read_ns(self) -> int:
        """Take the least CPU time of a few runs, the first one not counted."""
        self._session.run(None, self._images)
        return min(self._run_ns() for _ in range(_RUNS_A_READING))

    def prepare(self) -> None:
        """Learn what other processes found out; on a host where none did, run until the best time shows."""
        self._best_ns = self._load()
        self._lowest_ns = []
        if self._best_ns is None:
            end = time.monotonic() + _FIRST_SECONDS
            while time.monotonic() < end:
                self.note(max(self.read_ns(), self.read_ns()))

    def note(self, reading_ns: int) -> None:
        """Learn from a reading; the best time is one that three readings reached, so that a freak sets no record."""
        self._lowest_ns = sorted([*self._lowest_ns, reading_ns])[:_READINGS_A_RECORD]
        if len(self._lowest_ns) == _READINGS_A_RECORD:
            reached_ns = self._lowest_ns[-1]
            self._best_ns = reached_ns if self._best_ns is None else min(self._best_ns, reached_ns)

    def is_fast(self, reading_ns: int) -> bool:
        """Say whether the machine was at its best during a reading."""
        return self._best_ns is not None and reading_ns <= self._best_ns * _TOLERANCE

    def relax(self) -> None:
        """Raise the best time a little: a time that the host never reaches again must not stay for ever."""
        if self._best_ns is not None:
            self._best_ns *= _RELAXATION
            self._lowest_ns = []

    def save(self) -> None:
        """Share the best time with the other processes of this host."""
        known = self._known() | ({} if self._best_ns is None else {self._key: self._best_ns})
        with tempfile.NamedTemporaryFile("w", dir=self._file.parent, suffix=".tmp", delete=False) as file:
            json.dump(known, file)
        Path(file.name).replace(self._file)

    def _load(self) -> float | None:
        return self._known().get(self._key)

    def _known(self) -> dict[str, float]:
        try:
            known = json.loads(self._file.read_bytes())
        except (FileNotFoundError, ValueError, RecursionError):  # a host that starts afresh measures its best again
            return {}
        if not isinstance(known, dict):
            return {}
        return {key: float(best) for key, best in known.items() if _is_time(best)}

    def _run_ns(self) -> int:
        start = time.thread_time_ns()
        self._session.run(None, self._images)
        return time.thread_time_ns() - start


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _LONGEST_NS


def reference_model() -> bytes:
    """Build three convolutions with fixed weights, some 100 microseconds of work."""
    generator = np.random.default_rng(0)
    nodes, weights = [], []
    for index, (inputs, outputs) in enumerate(itertools.pairwise(_CHANNELS)):
        weight = generator.standard_normal((outputs, inputs, 3, 3), np.float32) / inputs
        weights.append(numpy_helper.from_array(weight, f"w{index}"))
        source = f"r{index - 1}" if index else "x"
        nodes.append(helper.make_node("Conv", [source, f"w{index}"], [f"c{index}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"]))
    shape = (1, _CHANNELS[0], _IMAGE_SIDE, _IMAGE_SIDE)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    result = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "reference", [value], [result], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())
