"""The contracts that plugins keep, a kind each, for their authors to run on them.

A test file of three lines runs one under pytest (``pip install 'automl-pareto[testing]'``)::

    from automl.testing import TechniqueContract

    class TestMyPruner(TechniqueContract):
        technique = MyPruner()
"""

from automl.testing.metric_contract import MetricContract
from automl.testing.runtime_contract import RuntimeContract
from automl.testing.sampler_contract import SamplerContract
from automl.testing.stopping_contract import StoppingContract
from automl.testing.task_contract import TaskContract
from automl.testing.technique_contract import TechniqueContract

__all__ = [
    "MetricContract",
    "RuntimeContract",
    "SamplerContract",
    "StoppingContract",
    "TaskContract",
    "TechniqueContract",
]
