"""Gives back the network of a deployed file as a module of torch, to go on with, and proves that it is the one."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from automl.core.fidelity import EXACT
from automl.core.recipe import Recipe
from automl.core.trial import Trial
from automl.datasets.dataset import Dataset
from automl.errors import FidelityError
from automl.measure.answers import predict
from automl.measure.targets import target_for_onnx
from automl.network.answers import answer_gap
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.isolation import isolated
from automl.pipeline.simulation import explained_gap, keep_rounding, simulated_logits
from automl.pipeline.stage_cache import StageCache
from automl.pipeline.stage_keys import Ground, stage_keys
from automl.pipeline.stages import StageRunner
from automl.pipeline.trial_runner import MODEL_FILE, RECIPE_FILE
from automl.storage.store import TrialStore

WORKER_THREADS = 1
"""Of torch, on a processor: workers share the machine, and other threads add up in another order."""

_COMPARED_BATCH = 500


def reload_network(store: TrialStore, trial: Trial, dataset: Dataset, cache: StageCache) -> nn.Module:
    """Take the stages of a trial from the cache, or run them again, and compare the network with the deployed file.

    Args:
        store: Has the file.
        trial: Of the store.
        dataset: Of the study.
        cache: Where the results of its stages may be; what is made again is kept there.

    Returns:
        On the processor, in evaluation mode, from normalised float32 images to logits. Batch normalisation is folded
        into the layers before it; where the file rounds activations, hooks of the modules do.

    Raises:
        StoreError: If the file is not kept, or is not the one that the trial wrote.
        FidelityError: If the stages do not give the network of the file again, as on another processor.
    """
    with tempfile.TemporaryDirectory(prefix="automl-reload-") as scratch:
        folder = Path(scratch)
        store.read_artifact(trial.number, folder, sha256=trial.artifact_sha256)
        recipe = Recipe.model_validate_json((folder / RECIPE_FILE).read_bytes())
        expected = predict(folder / MODEL_FILE, dataset.validation.images, batch_size=_COMPARED_BATCH)
    gap, limit = float("nan"), float("nan")
    with isolated():
        torch.set_num_threads(WORKER_THREADS)
        for device in _devices(recipe, dataset, cache):
            result = StageRunner(recipe, dataset, device, cache, target=target_for_onnx(store.spec.target)).run()
            found = simulated_logits(
                result.model, result.quantization, dataset.validation.images, dataset.normalization
            )
            gap = answer_gap(found, expected)
            limit = _limit(gap, result, dataset)
            if gap <= limit:
                keep_rounding(result.model, result.quantization)
                return result.model
    raise FidelityError(
        f"trial {trial.number} of study {store.spec.name!r}, run again here, answers otherwise than its file "
        f"({dataset.task.called} {gap:.2%} of their spread apart, where rounding explains {limit:.1%}): it was made on "
        "another processor or with other versions of libraries; load it where it was made, or go on with the file alone"
    )


def _devices(recipe: Recipe, dataset: Dataset, cache: StageCache) -> Iterator[torch.device]:
    """Give the devices on which the trial may have been made: first those whose results the cache has."""
    devices = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]

    def is_paid(device: torch.device) -> bool:
        return any(cache.has(key) for key in stage_keys(recipe, Ground.of(dataset, device)).values())

    yield from sorted(devices, key=lambda device: not is_paid(device))


def _limit(gap: float, result: CompressedModel, dataset: Dataset) -> float:
    if result.quantization is None:
        return EXACT
    images, normalization = dataset.validation.images, dataset.normalization
    return explained_gap(gap, result.model, result.quantization, images, normalization)
