"""Its author's test: the contract of automl, in three lines."""

from automl_mlp import MLP

from automl.testing import TechniqueContract


class TestMLP(TechniqueContract):
    technique = MLP()
