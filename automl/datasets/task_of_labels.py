"""Chooses the task of a data set by its labels, where the user names none."""

from contextlib import suppress
from typing import Any

import numpy as np

from automl.errors import DatasetError, PluginError
from automl.registry import TASK
from automl.task import Task


def task_of_labels(dtype: "np.dtype[Any]") -> type[Task]:
    """Give the one task that takes labels of a type by itself.

    >>> task_of_labels(np.dtype(np.float32)).name
    'regression'

    Raises:
        DatasetError: If no task that is installed does, or several do.
    """
    found = [task for task in usable_tasks() if dtype.kind in task.label_kinds]
    if len(found) == 1:
        return found[0]
    if not found:
        raise DatasetError(f"labels of type {dtype} are of no task that is installed: give integers or floats")
    raise DatasetError(
        f"labels of type {dtype} are of the tasks {' and '.join(task.name for task in found)}: choose one with --task"
    )


def usable_tasks() -> list[type[Task]]:
    """Import every task; one that is broken is of no labels."""
    usable = []
    for plugin in TASK.installed().values():
        with suppress(PluginError):
            usable.append(plugin.load())
    return usable
