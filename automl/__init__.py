"""automl finds small, fast, accurate neural networks and measures each on the file that is deployed.

>>> import automl
>>> study = automl.search("digits", budget=20)  # doctest: +SKIP
>>> study.trials()  # a pandas DataFrame                                           # doctest: +SKIP
>>> network = study.front()[0].load()  # a torch module, to go on training with    # doctest: +SKIP

``docs/python.md`` is the page of this front door. Nothing heavy is imported before it is used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from automl.core.distribution import VERSION

if TYPE_CHECKING:
    from automl.spaces.load import load_space
    from automl.stored_trial import StoredTrial
    from automl.study import Study, open_study, search

__version__ = VERSION

__all__ = ["StoredTrial", "Study", "__version__", "load_space", "open_study", "search"]

_HOMES = {
    "StoredTrial": "automl.stored_trial",
    "Study": "automl.study",
    "load_space": "automl.spaces.load",
    "open_study": "automl.study",
}


class _FrontDoor(ModuleType):
    """This module, in which ``search`` is the function, though a package of that name stands beside it."""

    @property
    def search(self) -> object:
        from automl.study import search

        return search

    @search.setter
    def search(self, package: ModuleType) -> None:
        """Leave the function where it is: Python sets the package here when it is imported."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'automl' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__


sys.modules[__name__].__class__ = _FrontDoor
