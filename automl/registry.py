"""The kinds of plugin, and how each is found: by an entry point of its group, which is all that an author writes.

>>> [kind.group for kind in KINDS][:3]
['automl.plugins', 'automl.samplers', 'automl.metrics']
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from automl.core.installed_metrics import METRICS_GROUP
from automl.core.stage import Stage
from automl.data_source import DataSource
from automl.errors import PluginError
from automl.metric import Measurement
from automl.plugins import Kind
from automl.runtime import ONNX_FILE, Runtime
from automl.sampler import AnySampler, Sampler, Strategy
from automl.stopping_rule import AnyStoppingRule, PausingRule, StoppingRule
from automl.task import Task
from automl.technique import Technique

_TAKEN_FILES = {ONNX_FILE, "recipe.json"}


def _stage_fault(technique: type[Technique]) -> str | None:
    has_stage = hasattr(technique, "stage")
    return None if has_stage else "has no stage; subclass Architecture, Pruner, Quantizer or Distiller"


def _sampler_fault(sampler: type[AnySampler]) -> str | None:
    return None if issubclass(sampler, Sampler | Strategy) else "is of no use as it is; subclass Sampler or Strategy"


def _rule_fault(rule: type[AnyStoppingRule]) -> str | None:
    is_whole = issubclass(rule, StoppingRule | PausingRule)
    return None if is_whole else "is of no use as it is; subclass StoppingRule or PausingRule"


def _files_fault(runtime: type[Runtime]) -> str | None:
    if not hasattr(runtime, "title"):
        return "has no title; say what messages shall call it"
    if not runtime.files or any(Path(name).name != name for name in runtime.files):
        return f"has the files {runtime.files}; give the names of one file or more"
    for name in _TAKEN_FILES.intersection(runtime.files):
        if runtime.files != (ONNX_FILE,):
            return f"would write over {name}; give its own file another name"
    return None


METRIC = Kind("metric", "metric", METRICS_GROUP, Measurement, "choose another metric")


def _metric_fault(task: type[Task]) -> str | None:
    if not hasattr(task, "metric"):
        return "has no metric; set its class variable to the name of its score"
    is_known = task.metric in METRIC.installed()
    return None if is_known else f"is scored by {task.metric!r}; ship that metric, too, under {METRIC.group}"


TECHNIQUE = Kind("technique", "technique", "automl.plugins", Technique, "choose another technique", _stage_fault)
SAMPLER = Kind(
    "sampler",
    "sampler",
    "automl.samplers",
    AnySampler,
    "choose another --sampler",
    _sampler_fault,
    first=("auto", "tpe", "gp", "nsga2", "nsga3", "random"),
)
RUNTIME = Kind("runtime", "runtime", "automl.runtimes", Runtime, "choose another runtime", _files_fault)
TASK = Kind("task", "task", "automl.tasks", Task, "choose another --task", _metric_fault)
DATASET = Kind(
    "dataset",
    "data set",
    "automl.datasets",
    DataSource,
    "choose another --dataset",
    first=("digits", "rotated_digits", "parquet", "imagefolder", "torchvision", "python"),
)
STOPPING = Kind(
    "stopping",
    "stopping rule",
    "automl.stopping",
    AnyStoppingRule,
    "choose another --early-stopping",
    _rule_fault,
    first=("auto",),
)

KINDS: tuple[Kind[Any], ...] = (TECHNIQUE, SAMPLER, METRIC, RUNTIME, TASK, DATASET, STOPPING)
"""Every kind, in the order in which they are listed."""


def technique_class(name: str, stage: Stage | None = None) -> type[Technique]:
    """Load a technique by name.

    Args:
        name: As written in a space file.
        stage: The stage that it must belong to; any where absent.

    Raises:
        PluginError: If the name is unknown, of another stage, claimed twice, or cannot be imported.
    """
    technique = TECHNIQUE.load(name)
    if stage is not None and technique.stage is not stage:
        raise PluginError(
            f"technique {name!r} is of the stage {technique.stage}, not {stage}; "
            f"techniques of the stage {stage}: {', '.join(_of_stage(stage)) or 'none'}"
        )
    return technique


def _of_stage(stage: Stage) -> list[str]:
    """Name the techniques of a stage; one that is broken is of none."""
    names = []
    for name, plugin in TECHNIQUE.installed().items():
        with suppress(PluginError):
            if plugin.load().stage is stage:
                names.append(name)
    return names
