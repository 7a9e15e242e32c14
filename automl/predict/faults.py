"""The one place where what a technique raises before training becomes a fault with its name, and no more."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from automl.core.recipe import StageRecipe
from automl.errors import AutomlError, InfeasibleError
from automl.registry import TECHNIQUE


class TechniqueFaultError(AutomlError):
    """A technique failed where it should say what shape it leaves; its trials fail too, or are judged less well.

    Attributes:
        technique: Its name.
    """

    def __init__(self, stage: StageRecipe, error: Exception) -> None:
        plugin = TECHNIQUE.installed().get(stage.technique)
        owner = "" if plugin is None else f" of {plugin.distribution}"
        frame = traceback.extract_tb(error.__traceback__)[-1]
        reason = (str(error).splitlines() or [""])[0]
        super().__init__(
            f"{stage.stage} {stage.technique}{owner} cannot be described before training, so the size and latency of "
            f"its networks are unknown until then: {type(error).__name__}: {reason} "
            f"({Path(frame.filename).name}, line {frame.lineno})"
        )
        self.technique = stage.technique


@contextmanager
def blamed(stage: StageRecipe) -> Iterator[None]:
    """Let a technique answer for what is raised here, whatever it is: it may be anybody's code.

    Raises:
        InfeasibleError: As it is raised here.
        TechniqueFaultError: For anything else.
    """
    try:
        yield
    except (InfeasibleError, TechniqueFaultError):
        raise
    except Exception as error:
        raise TechniqueFaultError(stage, error) from error
