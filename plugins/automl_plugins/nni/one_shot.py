"""NNI's one-shot strategies, by themselves so that only techniques that train a supernet import them."""

import automl_plugins.nni.strategy_engine  # noqa: F401 # first: the import below brings NNI's other strategies as well

from nni.nas.oneshot.pytorch.strategy import DARTS, GumbelDARTS, RandomOneShot  # isort: skip
from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule  # isort: skip
from nni.nas.oneshot.pytorch.supermodule.differentiable import GumbelSoftmax  # isort: skip

__all__ = ["DARTS", "BaseSuperNetModule", "GumbelDARTS", "GumbelSoftmax", "RandomOneShot"]
