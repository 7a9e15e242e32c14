"""Sparsity that grows fast at first and slowly at last."""

from typing import ClassVar

from automl_plugins.pruners.scheduled_pruner import ScheduledPruner


class AGP(ScheduledPruner):
    """Raises the sparsity along a cubic curve while training, each time with a base pruner's choice."""

    name: ClassVar[str] = "agp"
    paper: ClassVar[str] = "Zhu and Gupta, To prune, or not to prune, 2018"
    nni_class: ClassVar[str] = "AGPPruner"
