"""Names the result of a stage by the hash of all that makes it, so that equal stages are run once."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version

import torch

from automl.core.quantization import Quantization
from automl.core.recipe import Recipe, StageRecipe, Teacher
from automl.core.stage import Stage
from automl.datasets.dataset import Dataset
from automl.network.folding import fold_batch_norm
from automl.pipeline.code_version import code_version, plugin_version
from automl.registry import TECHNIQUE, technique_class
from automl.technique import Distiller, Epochs, Technique
from automl.training.fit import fit

FIT, PRUNE, QUANTIZE = "fit", "prune", "quantize"
STEPS = {Stage.ARCHITECTURE: FIT, Stage.PRUNER: PRUNE, Stage.QUANTIZER: QUANTIZE}
"""The steps whose results are kept, and the stage that each belongs to, in the order in which they run."""

_MODULES = (fit.__module__, fold_batch_norm.__module__, Quantization.__module__, Technique.__module__, __name__)
_LIBRARIES = ("torch", "nni", "numpy")
_WITH_FIT, _WITH_COMPRESSION = ("all", "train"), ("all", "compress")


@dataclass(frozen=True)
class Ground:
    """What every result depends on, whatever the recipe.

    Attributes:
        data: The data set's fingerprint, how its pixels become inputs, and what a network shall do with them.
        processor: What computes, as far as it changes the last bits of a result.
        libraries: Versions of what computes.
        code: Hash of automl's own training code, and of the task.
    """

    data: tuple[str, ...]
    processor: str
    libraries: tuple[str, ...]
    code: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset, device: torch.device, *, threads: int | None = None) -> "Ground":
        """Describe a data set and this process.

        Args:
            dataset: The data.
            device: Where networks are trained.
            threads: Of torch on a processor; those of this process where absent.
        """
        return cls(
            data=(dataset.fingerprint, str(dataset.normalization), dataset.augmentation, repr(dataset.task)),
            processor=_processor(device, threads or torch.get_num_threads()),
            libraries=_versions(),
            code=(*map(code_version, _MODULES), plugin_version(type(dataset.task).__module__)),
        )


def stage_keys(recipe: Recipe, ground: Ground) -> dict[str, str]:
    """Give the key of each step of a recipe, in the order of the steps.

    Each key covers the steps before it: equal keys mean equal networks.

    Raises:
        PluginError: If a technique is not installed.
    """
    stages = {stage.stage: stage for stage in recipe.stages}
    keys: dict[str, str] = {}
    upstream = _root(recipe, ground)
    for stage, step in STEPS.items():
        if stage in stages:
            facts = _stage_facts(stages[stage])
            upstream = keys[step] = _digest(
                {"step": step, "upstream": upstream, "stage": facts, "distiller": _distiller_facts(recipe, step)}
            )
    return keys


def once_key(recipe: Recipe, ground: Ground, *, technique: type[Technique] | None, name: str) -> str:
    """Give the key of what a technique makes once a study, which no other choice of the recipe changes.

    Args:
        recipe: Has the training settings and the seed.
        ground: What every result depends on.
        technique: Who makes it; the pipeline itself where absent.
        name: Holds all else that it depends on.
    """
    owner = None if technique is None else _class_facts(technique)
    return _digest({"step": "once", "upstream": _root(recipe, ground), "of": owner, "name": name})


def paused_key(recipe: Recipe, ground: Ground) -> str:
    """Give the key of where the fit of a recipe's architecture stands, if it paused."""
    return _digest({"step": "paused", "of": stage_keys(recipe, ground)[FIT]})


def takes_part(distiller: Distiller, step: str) -> bool:
    """Say whether a distiller takes part in the training of a step."""
    return distiller.fits in (_WITH_FIT if step == FIT else _WITH_COMPRESSION)


def planned_epochs(recipe: Recipe) -> dict[str, int]:
    """Count the epochs that each step means to train: by the fields of its technique that are annotated with them."""
    stages = {stage.stage: stage for stage in recipe.stages}
    epochs = {step: _own_epochs(_technique(stages[stage])) for stage, step in STEPS.items() if stage in stages}
    return {**epochs, FIT: recipe.training.epochs}


def _own_epochs(technique: Technique) -> int:
    return sum(getattr(technique, name) for name in technique.fields_with(Epochs))


def _root(recipe: Recipe, ground: Ground) -> str:
    return _digest({"ground": asdict(ground), "training": recipe.training.model_dump(), "seed": recipe.seed})


def _stage_facts(stage: StageRecipe) -> dict[str, object]:
    technique = _technique(stage)
    return {
        **_class_facts(type(technique)),
        "fields": technique.model_dump(mode="json"),
        "content": technique.fingerprint(),
        "profile": None if stage.profile is None else stage.profile.model_dump(),
    }


def _class_facts(technique: type[Technique]) -> dict[str, object]:
    plugin = TECHNIQUE.installed().get(technique.name)
    return {
        "name": technique.name,
        "version": technique.version,
        "distribution": None if plugin is None else plugin.distribution,
        "code": plugin_version(technique.__module__),
    }


def _distiller_facts(recipe: Recipe, step: str) -> Mapping[str, object] | None:
    """Give the distiller and its teacher where it takes part in the training of a step."""
    for stage in recipe.stages:
        technique = _technique(stage) if stage.stage is Stage.DISTILLER else None
        if isinstance(technique, Distiller) and takes_part(technique, step):
            teacher = None if recipe.teacher is None else _teacher_facts(recipe.teacher)
            return {**_stage_facts(stage), "teacher": teacher}
    return None


def _teacher_facts(teacher: Teacher) -> dict[str, object]:
    return {
        "is_trained": teacher.is_trained,
        "candidates": [_stage_facts(candidate) for candidate in teacher.candidates],
    }


def _technique(stage: StageRecipe) -> Technique:
    return technique_class(stage.technique, stage.stage).model_validate(stage.hyperparameters)


def _processor(device: torch.device, threads: int) -> str:
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()} {threads} threads"


@cache
def _versions() -> tuple[str, ...]:
    return tuple(f"{library} {version(library)}" for library in _LIBRARIES)


def _digest(facts: Mapping[str, object]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
