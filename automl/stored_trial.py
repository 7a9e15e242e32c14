"""One trial of a study, as Python sees it: its figures, its network to go on with, and its file to run."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from automl.core.trial import Trial
from automl.core.value import Point
from automl.runtime import ONNX_FILE
from automl.storage.store import TrialStore

if TYPE_CHECKING:  # torch and the runtime take seconds to import
    from onnxruntime import InferenceSession
    from torch import nn

    from automl.datasets.dataset import Dataset


class StoredTrial:
    """A trial of a study; ``Study.front`` and ``Study.trial`` give it.

    Args:
        store: The study.
        trial: Its row.
        root: Folder or URI of the store, where results of stages are cached.
        dataset: Gives the data of the study, which ``load`` compares answers on.
    """

    def __init__(self, store: TrialStore, trial: Trial, *, root: str, dataset: "Callable[[], Dataset]") -> None:
        self._store = store
        self._trial = trial
        self._root = root
        self._dataset = dataset

    @property
    def number(self) -> int:
        """Its number in the study, from 0."""
        return self._trial.number

    @property
    def state(self) -> str:
        """How it ended: COMPLETE, STOPPED, FAILED or INFEASIBLE."""
        return self._trial.state.value

    @property
    def point(self) -> Point:
        """What was chosen: the parameters that apply, and their values."""
        return dict(self._trial.point)

    @property
    def metrics(self) -> Mapping[str, float]:
        """What was measured, each with its unit in its name."""
        return dict(self._trial.metrics)

    @property
    def error(self) -> str | None:
        """One line that says what went wrong, if anything did."""
        return self._trial.error

    def load(self) -> "nn.Module":
        """Give its network as a module of torch, to go on training with; each call gives a new one.

        It takes what ``Study.inputs`` makes of images: normalised float32. Its answers were compared with those of
        the file on all validation images. Batch normalisation is folded. Where the file rounds activations, hooks do;
        weights of a quantized network lie on their grids, and leave them when they are trained further.

        It costs a second or two where the store's cache still has the results of the trial's stages; otherwise the
        stages are run again, which takes as long as the trial took.

        Raises:
            StoreError: If the file is not kept, or is not the one that the trial wrote.
            FidelityError: If the stages, run again, gave another network than that of the file.
        """
        from automl.pipeline.reloading import reload_network
        from automl.pipeline.stage_cache import FolderCache
        from automl.search.options import SearchOptions
        from automl.storage.cache import CacheFolder

        folder = CacheFolder.at(self._root, limit_bytes=SearchOptions().cache_size)
        return reload_network(self._store, self._trial, self._dataset(), FolderCache(folder))

    def session(self) -> "InferenceSession":
        """Open its ONNX file in ONNX Runtime, where the study was measured if that was ONNX Runtime, with its threads.

        It takes ``{"image": pixels}``: raw uint8, shape (images, channels, height, width).

        Raises:
            StoreError: If the file is not kept, or is not the one that the trial wrote.
            MeasureError: If the runtime cannot load it.
        """
        from automl.measure.targets import runtime_of, target_for_onnx
        from automl.onnx_runtime import OnnxRuntime
        from automl.onnx_session import open_session

        target = target_for_onnx(self._store.spec.target)
        runtime, model = runtime_of(target), self.files()[ONNX_FILE]
        if isinstance(runtime, OnnxRuntime):
            return runtime.session(model, threads=target.threads)
        return open_session(model, threads=target.threads)

    def files(self) -> dict[str, bytes]:
        """Read what the store keeps of it: ``model.onnx``, ``recipe.json``, and the files of another target.

        Raises:
            StoreError: If they are not kept, or are not those that the trial wrote.
        """
        with tempfile.TemporaryDirectory(prefix="automl-files-") as scratch:
            self._store.read_artifact(self.number, Path(scratch), sha256=self._trial.artifact_sha256)
            return {file.name: file.read_bytes() for file in sorted(Path(scratch).iterdir())}

    def __repr__(self) -> str:
        from automl.report.point_summary import describe_point

        spec = self._store.spec
        wished = [each.metric for each in spec.objectives if each.metric in self._trial.metrics]
        figures = ", ".join(f"{metric} {self._trial.metrics[metric]:g}" for metric in wished)
        described = describe_point(self._trial.point, spec.space.constants, profiles=spec.space.profiles)
        return f"<trial {self.number} of {spec.name}: {figures or self.error or self.state}; {described}>"
