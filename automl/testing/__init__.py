"""The contract that every technique keeps, for its author to run on it.

A test file of three lines runs it under pytest (``pip install 'automl-pareto[testing]'``)::

    from automl.testing import TechniqueContract

    class TestMyPruner(TechniqueContract):
        technique = MyPruner()
"""

from automl.testing.technique_contract import TechniqueContract

__all__ = ["TechniqueContract"]
