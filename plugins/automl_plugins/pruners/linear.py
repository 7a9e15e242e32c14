"""Sparsity that grows by the same amount each time."""

from typing import ClassVar

from automl_plugins.pruners.scheduled_pruner import ScheduledPruner


class Linear(ScheduledPruner):
    """Raises the sparsity in equal steps while training, each time with a base pruner's choice."""

    name: ClassVar[str] = "linear"
    paper: ClassVar[str] = "Zhu and Gupta, To prune, or not to prune, 2018 (with a linear schedule)"
    nni_class: ClassVar[str] = "LinearPruner"
