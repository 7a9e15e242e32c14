"""NNI's one-shot strategies, apart from ``_nni`` so that only the techniques that train a supernet import them."""

import automl_plugins._strategy_engine  # noqa: F401 # first: the import below brings NNI's other strategies as well

from nni.nas.oneshot.pytorch.strategy import DARTS, GumbelDARTS, RandomOneShot  # isort: skip
from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule  # isort: skip
from nni.nas.oneshot.pytorch.supermodule.differentiable import GumbelSoftmax  # isort: skip

__all__ = ["DARTS", "BaseSuperNetModule", "GumbelDARTS", "GumbelSoftmax", "RandomOneShot"]
