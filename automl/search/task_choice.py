"""Fits a search to the task of its data: what it is scored by, and what a user should know of the choice."""

from collections.abc import Iterable

from automl.core.installed_metrics import metric_named
from automl.core.objective import Constraint, Objective
from automl.core.training_settings import TrainingSettings
from automl.datasets.task_of_labels import usable_tasks
from automl.errors import UsageError
from automl.task import Task


def check_task(task: Task, training: TrainingSettings, wishes: Iterable[Objective | Constraint]) -> None:
    """Refuse what the task of the data makes nonsense of.

    Args:
        task: Of the data.
        training: Of the study.
        wishes: That the user stated.

    Raises:
        UsageError: Naming the setting, or the wish on the score of another task.
    """
    task.check_training(training)
    others = _others(task)
    for wish in wishes:
        if wish.metric in others:
            raise UsageError(
                f"{type(wish).__name__.lower()} '{wish}' is on the score of task {others[wish.metric]}, and the data "
                f"are for task {task.name}: write {task.metric} in its place, or choose another --task"
            )


def fitted_objectives(objectives: Iterable[Objective], task: Task) -> tuple[Objective, ...]:
    """Put the score of a task in the place of that of another: the objectives of a space know no data."""
    others = _others(task)
    own = Objective(metric=task.metric, direction=metric_named(task.metric).better)
    fitted = [own if objective.metric in others else objective for objective in objectives]
    return tuple(dict.fromkeys(fitted))


def task_note(task: Task, labels: str, before: Iterable[Objective], after: Iterable[Objective]) -> str:
    """Say which task was chosen by the labels, and what that changed.

    Args:
        task: The one that was chosen.
        labels: Their type.
        before: The objectives of the space.
        after: Those of the search.
    """
    others = "|".join(sorted(each.name for each in usable_tasks() if each.name != task.name))
    changed = [f"; {now} takes the place of {then}" for then, now in zip(before, after, strict=False) if then != now]
    return f"task {task.name}, as the labels are {labels}{''.join(changed)} (--task {others} to change)"


def _others(task: Task) -> dict[str, str]:
    """Name the other tasks by the metric of their score."""
    return {each.metric: each.name for each in usable_tasks() if each.metric != task.metric}
