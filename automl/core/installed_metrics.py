"""The metrics that are known here: those that an installed plugin of the group ``automl.metrics`` brings."""

from abc import ABC
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import ClassVar

from automl.core.metric import Metric, Unit
from automl.errors import PluginError
from automl.plugins import Kind, Plugin


class MetricSource(ABC):
    """What brings metrics, as far as one need not know how they are measured: see ``automl.metric``.

    Attributes:
        name: Of the metric.
        metric: What is measured.
        beside: What the same measurement gives besides.
    """

    name: ClassVar[str]
    metric: ClassVar[Metric]
    beside: ClassVar[tuple[Metric, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Take the plugin's name from its metric."""
        super().__init_subclass__()
        if isinstance(getattr(cls, "metric", None), Metric):
            cls.name = cls.metric.name

    @classmethod
    def metrics(cls) -> tuple[Metric, ...]:
        """Give all that it measures, the one of its own name first."""
        return (cls.metric, *cls.beside)


METRICS_GROUP = "automl.metrics"

_SOURCE = Kind("metric", "metric", METRICS_GROUP, MetricSource, "choose another metric")


def installed_metrics() -> Mapping[str, Metric]:
    """List what can be measured here, by name; what a plugin that cannot be used would bring is not among it."""
    return _metrics(tuple(_SOURCE.installed().values()))


def check_usable(name: str) -> None:
    """Refuse a metric whose plugin is installed, and cannot be used.

    Raises:
        PluginError: Saying why.
    """
    if name in _SOURCE.installed():
        _SOURCE.load(name)


def metric_named(name: str) -> Metric:
    """Give a metric; of one that nobody measures here, what its name states: a number of a unit, better if smaller.

    >>> metric_named("accuracy").unit, metric_named("elsewhere_ms").unit, metric_named("elsewhere").unit
    (<Unit.SHARE: 'share'>, <Unit.MILLISECONDS: 'ms'>, <Unit.NUMBER: 'number'>)
    """
    return installed_metrics().get(name) or Metric(name, Unit.stated_by(name))


@cache
def _metrics(plugins: tuple[Plugin[MetricSource], ...]) -> Mapping[str, Metric]:
    found: dict[str, Metric] = {}
    for plugin in plugins:
        with suppress(PluginError):  # it hurts whoever names its metric, who is told why
            for metric in plugin.load().metrics():
                found.setdefault(metric.name, metric)
    return found
